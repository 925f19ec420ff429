"""Store which derived days are stale: with each batch, and whenever a rule changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

import polars as pl
from django.db.models import Count, Min, Q

from eclectyc.batches.subscribers import BatchSubscriber
from eclectyc.derived.models import Stale
from eclectyc.derived.protocol import DerivationWithRemarks
from eclectyc.derived.registry import all_derivations
from eclectyc.derived.schedule import request_recalculation
from eclectyc.derived.spans import merged

if TYPE_CHECKING:
    from eclectyc.batches.models import Batch

_PIECE: Final = 1000


class Invalidation(BatchSubscriber):
    """Stores which derived days depend on the days that a batch changes, for the engine to recalculate."""

    def on_touched(self, batch: Batch, touched: pl.DataFrame) -> None:
        batch.stale.all().delete()
        if touched.is_empty():
            return
        for derivation in all_derivations():
            _write(derivation.name, derivation.dependents(touched), batch)

    def on_done(self, batch: Batch) -> None:
        batch.works_out.all().delete()  # the engine's batch: these days are up to date now
        if batch.stale.exists():
            request_recalculation()

    def on_failed(self, batch: Batch) -> None:
        batch.stale.all().delete()
        batch.works_out.update(worked_by=None)  # they wait for the next round


SUBSCRIBER: Final = Invalidation()


def remarks_on(touched: pl.DataFrame) -> list[str]:
    """Return sentences about derived readings for the report of an import.

    touched : series and day, of the import or its dry run; a series below zero does not exist yet.
    """
    touched = touched.filter(pl.col("series") >= 0)
    if touched.is_empty():
        return []
    with_remarks = [one for one in all_derivations() if isinstance(one, DerivationWithRemarks)]
    return [text for derivation in with_remarks for text in derivation.remarks(touched)]


def mark_stale(kind: str, spans: Iterable[tuple[int, date, date]]) -> None:
    """Have days recalculated because a rule has changed: meter, start and end. Call it within the transaction of that
    change. kind : the name of the derivation."""
    rows = pl.DataFrame(list(spans), schema={"meter": pl.Int64, "start": pl.Date, "end": pl.Date}, orient="row")
    if rows.is_empty():
        return
    _write(kind, rows, None)
    request_recalculation()


def mark_all_stale(held: pl.DataFrame) -> None:
    """Have every derived day recalculated: the lake is another than before. held : series, first, last – its days."""
    days = pl.date_ranges("first", "last").alias("day")
    touched = held.select("series", days).explode("day").sort("series", "day")
    if touched.is_empty():
        return
    for derivation in all_derivations():
        _write(derivation.name, derivation.dependents(touched), None)
    request_recalculation()


def _write(kind: str, spans: pl.DataFrame, batch: Batch | None) -> None:
    rows = merged(spans).iter_rows() if len(spans) else ()
    Stale.objects.bulk_create(
        [Stale(kind=kind, meter_id=meter, start=start, end=end, batch=batch) for meter, start, end in rows],
        batch_size=_PIECE,
    )


@dataclass(frozen=True, slots=True)
class StaleSummary:
    """How much waits to be recalculated. oldest_s : how long the oldest has waited [s]. ``faulty`` rows were refused by
    the lake and are tried again by schedule."""

    meters: int = 0
    oldest_s: float = 0.0
    faulty: int = 0


def summary(now: datetime) -> StaleSummary:
    """Return how much waits: one query."""
    is_well = Q(fault="")
    found = Stale.objects.waiting().aggregate(
        meters=Count("meter", filter=is_well, distinct=True),
        oldest=Min("created_at", filter=is_well),
        faulty=Count("pk", filter=~is_well),
    )
    oldest_s = (now - found["oldest"]).total_seconds() if found["oldest"] else 0.0
    return StaleSummary(found["meters"], max(0.0, oldest_s), found["faulty"])
