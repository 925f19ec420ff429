"""Deliveries and dips of tanks in the registry."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eclectyc.batches.models import Batch
from eclectyc.estate.models import Utility
from eclectyc.registers.models import Register, TankEntry
from eclectyc.registers.reads import Reads
from eclectyc.registers.register_config import USE
from eclectyc.registers.repository import LIVE, insert, pieces
from eclectyc.registers.tank_consumption import Entries

FUELS = (Utility.OIL, Utility.LPG, Utility.DIESEL, Utility.HVO, Utility.OTHER)
ENTRY_COLUMNS = ("meter_id", "at_s", "litres", "quality", "batch_id", "kind", "reference")


def measured_by_tank(meters: Sequence[int | None]) -> np.ndarray:
    """Return for each meter whether only its tank measures its use: no register of it has an effective read."""
    named = [meter for meter in meters if meter is not None]
    metered: set[int] = set()
    for piece in pieces(named):
        registers = Register.objects.filter(meter__in=piece, kind=USE, reads__batch__state__in=LIVE)
        metered |= set(registers.values_list("meter_id", flat=True).distinct())
    return np.array([meter not in metered for meter in meters], dtype=bool)


def stored_entries(meters: Sequence[int | None], *, without: int | None = None) -> Entries:
    """Return the entries of some meters; ``reads.register`` is the meter's index. without : a batch to leave out."""
    place = {meter: n for n, meter in enumerate(meters) if meter is not None}
    live = TankEntry.objects.filter(batch__state__in=LIVE)
    if without is not None:
        live = live.exclude(batch=without)
    rows = [row for piece in pieces(list(place)) for row in live.filter(meter__in=piece).values_list(*ENTRY_COLUMNS)]
    return as_entries(rows, place)


def as_entries(rows: Sequence[tuple], place: dict[int, int]) -> Entries:
    """Return rows of meter, moment, litres, quality, batch, kind and reference as columns."""
    if not rows:
        return Entries.none()
    meter, at_s, litres, quality, batch, kind, reference = zip(*rows, strict=True)
    reads = Reads(
        np.array([place[pk] for pk in meter], dtype=np.int64),
        np.array(at_s, dtype=np.int64),
        np.array([np.nan if one is None else one for one in litres]),
        np.array(quality, dtype=np.int8),
        np.zeros(len(rows), dtype=bool),
        np.array(batch, dtype=np.int64),
    )
    return Entries(reads, np.array(kind, dtype=object), np.array(reference, dtype=object))


def store_entries(batch: Batch, meters: Sequence[int], entries: Entries) -> None:
    """Store a batch's entries. meters : the number of each tank's meter."""
    reads = entries.reads
    insert(
        TankEntry,
        {
            "meter": [meters[n] for n in reads.register.tolist()],
            "batch": [batch.pk] * len(reads),
            "at_s": reads.at_s.tolist(),
            "kind": entries.kind.tolist(),
            "litres": [None if np.isnan(value) else value for value in reads.value.tolist()],
            "quality": reads.quality.tolist(),
            "reference": entries.reference.tolist(),
        },
    )
