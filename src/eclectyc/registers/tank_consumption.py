"""Calculate the fuel used from a tank out of its deliveries and dips. Pure.

Between two dips the use is the earlier dip, plus deliveries since then, less the later dip: a delivery is not use. A
dip at the moment of a delivery was taken before it. If a tank is never dipped, each delivery is taken to be used up by
the next one. Both are spread evenly over the time between, and flagged derived. A use below zero is reported, and
nothing is stored for that time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from eclectyc.kernel.days import WHOLE_DAY
from eclectyc.kernel.plurals import counted
from eclectyc.registers.advances import DIGITS, Advances
from eclectyc.registers.calendar import LocalDays
from eclectyc.registers.consumption import Consumption, RegisterShare
from eclectyc.registers.reads import Reads, effective_reads
from eclectyc.registers.register_config import PointFacts
from eclectyc.registers.spread import no_days, no_slots, spread

DELIVERY, DIP = "delivery", "dip"
QUANTITY, UNIT = "import", "litre"


@dataclass(frozen=True, slots=True)
class Entries:
    """Deliveries and dips; arrays of shape (entries,). ``reads.register`` is the tank (an index into points),
    ``reads.value`` litres. kind : ``delivery`` or ``dip``. reference : distinguishes two deliveries at one moment."""

    reads: Reads
    kind: np.ndarray
    reference: np.ndarray

    def __len__(self) -> int:
        return len(self.reads)

    def effective(self) -> np.ndarray:
        """Return the effective entries as indices, sorted by tank, kind and moment."""
        keys = list(zip(self.reads.register.tolist(), self.kind.tolist(), self.reference.tolist(), strict=True))
        number = {key: n for n, key in enumerate(sorted(set(keys)))}
        return effective_reads(self.reads, np.array([number[key] for key in keys], dtype=np.int64))

    @classmethod
    def none(cls) -> Entries:
        return cls(Reads.none(), np.zeros(0, dtype=object), np.zeros(0, dtype=object))

    @classmethod
    def joined(cls, one: Entries, other: Entries) -> Entries:
        reads = Reads.joined([one.reads, other.reads])
        return cls(reads, np.r_[one.kind, other.kind], np.r_[one.reference, other.reference])


def tank_consumption(points: list[PointFacts], entries: Entries, touched: Entries, counts: np.ndarray) -> Consumption:
    """Calculate the consumption of tanks on all their days.

    counts : for each point, bool: False if a register measures its use; then nothing is calculated.
    """
    targets = [(n, QUANTITY, UNIT) for n in range(len(points))]
    empty = np.zeros(len(points), np.int64)
    step = np.full(len(points), WHOLE_DAY, np.int64)
    consumption = Consumption(targets, step, empty, empty.copy(), no_days(), no_slots())
    kept = entries.effective()
    for n, point in enumerate(points):
        own = kept[entries.reads.register[kept] == n]
        moments = np.r_[entries.reads.at_s[own], touched.reads.at_s[touched.reads.register == n]]
        if not len(moments):
            continue
        if not counts[n]:
            consumption.notes.append(
                f"Meter {point.identifier} has a register that measures its use: deliveries and dips of its tank are "
                "stored but not counted."
            )
            continue
        days = LocalDays.covering(point.zone, moments)
        consumption.first[n], consumption.end[n] = (
            int(at) + days.first for at in days.index_of(np.array([min(moments), max(moments)]))
        )
        consumption.end[n] += 1
        advances = _advances(n, point, entries, own, consumption.notes)
        if len(advances):
            whole, _ = spread(advances, days, step)
            consumption.days = consumption.days.joined(whole)
            consumption.shares[n] = [RegisterShare(len(whole), float(np.nansum(advances.use)), WHOLE_DAY)]
    return consumption


def _advances(tank: int, point: PointFacts, entries: Entries, own: np.ndarray, notes: list[str]) -> Advances:
    """Return the use of one tank between its dips; without dips, between its deliveries."""
    at_s, litres = entries.reads.at_s[own], entries.reads.value[own]
    is_dip = entries.kind[own] == DIP
    dips, dip_at = litres[is_dip], at_s[is_dip]
    came, came_at = litres[~is_dip], at_s[~is_dip]
    if len(dips):
        order = np.argsort(dip_at, kind="stable")
        dips, dip_at = dips[order], dip_at[order]
        between = np.searchsorted(dip_at, came_at, side="right") - 1
        inside = (between >= 0) & (between < len(dips) - 1)
        delivered = np.bincount(between[inside], came[inside], minlength=max(len(dips) - 1, 0))[: max(len(dips) - 1, 0)]
        edges, use = dip_at, np.round(dips[:-1] + delivered - dips[1:], DIGITS)
    else:
        edges = np.unique(came_at)
        use = np.array([came[came_at == edge].sum() for edge in edges[:-1]])
        if len(edges) > 1:
            several = counted(len(edges) - 1, "delivery", "deliveries")
            notes.append(
                f"The tank of meter {point.identifier} is never dipped: {several} are taken to be used up by the next."
            )
    known = use >= 0
    zone = ZoneInfo(point.zone)
    for n in np.flatnonzero(~known).tolist():
        since, until = (datetime.fromtimestamp(int(s), UTC).astimezone(zone) for s in (edges[n], edges[n + 1]))
        notes.append(
            f"The tank of meter {point.identifier} gained {-use[n]:g} litres without a delivery between "
            f"{since:%Y-%m-%d %H:%M} and {until:%Y-%m-%d %H:%M}: no use is stored for that time. Enter the missing "
            "delivery, or correct a dip."
        )
    no = np.zeros(len(use), bool)
    return Advances(np.full(len(use), tank), edges[:-1], edges[1:], np.where(known, use, np.nan), no, known, no)
