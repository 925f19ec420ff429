"""The list of what is to be worked out anew: written with each batch, and wherever a rule changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

import polars as pl
from django.db import transaction
from django.db.models import Count, Min, Q

from eclectyc.derived.models import Stale
from eclectyc.derived.protocol import Remarking
from eclectyc.derived.registry import all_kinds
from eclectyc.derived.schedule import wake
from eclectyc.derived.spans import merged

if TYPE_CHECKING:
    from eclectyc.batches.models import Batch

_PIECE: Final = 1000


def note_stale(batch: Batch, touched: pl.DataFrame) -> None:
    """Write down what rests on the days that a pending batch touches; said anew, it takes the place of what was said.

    touched : series and day, as :class:`WriteResult` has them. It counts once the batch is done.
    """
    with transaction.atomic():
        batch.stale.all().delete()
        if touched.is_empty():
            return
        for kind in all_kinds():
            _write(kind.name, kind.resting_on(touched), batch)


def remarks_on(touched: pl.DataFrame) -> list[str]:
    """Return what every kind has to say to whoever imports these days, or would: series (those below zero are still to
    be made) and day."""
    touched = touched.filter(pl.col("series") >= 0)
    kinds = [kind for kind in all_kinds() if isinstance(kind, Remarking)] if len(touched) else []
    return [text for kind in kinds for text in kind.remarks(touched)]


def mark(kind: str, spans: Iterable[tuple[int, date, date]]) -> None:
    """Say that a rule has changed: meter, start and end of what is to be worked out anew. Call it within the
    transaction of that change."""
    rows = pl.DataFrame(list(spans), schema={"meter": pl.Int64, "start": pl.Date, "end": pl.Date}, orient="row")
    if rows.is_empty():
        return
    _write(kind, rows, None)
    wake()


def _write(kind: str, spans: pl.DataFrame, batch: Batch | None) -> None:
    rows = merged(spans).iter_rows() if len(spans) else ()
    Stale.objects.bulk_create(
        [Stale(kind=kind, meter_id=meter, start=start, end=end, batch=batch) for meter, start, end in rows],
        batch_size=_PIECE,
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much is to be worked out anew. ``oldest_s`` is how long the first has waited [s]; ``faulty`` rows were
    refused by the lake and are tried again by the clock."""

    meters: int = 0
    oldest_s: float = 0.0
    faulty: int = 0


def summary(now: datetime) -> Waiting:
    """Return how much waits: one query."""
    is_well = Q(fault="")
    found = Stale.objects.waiting().aggregate(
        meters=Count("meter", filter=is_well, distinct=True),
        oldest=Min("created_at", filter=is_well),
        faulty=Count("pk", filter=~is_well),
    )
    oldest_s = (now - found["oldest"]).total_seconds() if found["oldest"] else 0.0
    return Waiting(found["meters"], max(0.0, oldest_s), found["faulty"])
