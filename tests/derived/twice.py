"""A derivation for tests: a meter under another one has twice that meter's readings, a day later.

Its value of a day is that of the day before, doubled, so that a touched day bears on another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import polars as pl

from eclectyc.batches.lifecycle import CreatedRecords
from eclectyc.derived import spans
from eclectyc.derived.protocol import Derivation
from eclectyc.estate.models import Meter, Series
from eclectyc.estate.series import SeriesKey, ensure_series
from eclectyc.kernel.hooks import Hook
from eclectyc.lake.store import connect

SOURCE = "twice"


@dataclass(frozen=True)
class TwicePlan:
    spans: pl.DataFrame
    created: CreatedRecords
    source: dict[int, int] = field(default_factory=dict)  # of each derived series

    def __iter__(self) -> Iterator[pl.DataFrame]:
        for first, end, wanted in spans.months_of(self.spans):
            days = spans.days_of(wanted, "series")
            of = pl.DataFrame(list(self.source.items()), schema={"series": pl.Int32, "of": pl.Int32}, orient="row")
            held = connect().days(list(self.source.values()), first - timedelta(days=1), end, values=True)
            held = held.rename({"series": "of"}).join(of, on="of")
            held = held.with_columns(
                pl.col("day") + timedelta(days=1), values=pl.col("values").list.eval(pl.element() * 2)
            )
            rows = held.join(days, on=["series", "day"], how="semi")
            yield rows.select("series", "day", "step", "values", "quality")


class Twice:
    name, title = "twice", "Doubles"

    def dependents(self, touched: pl.DataFrame) -> pl.DataFrame:
        series = Series.objects.filter(pk__in=touched["series"].unique().to_list(), quantity="import")
        above = dict(series.values_list("meter", "pk"))
        below = Meter.objects.filter(parent__in=above, name="twice").values_list("pk", "parent")
        rows = [(meter, above[parent]) for meter, parent in below]
        of = pl.DataFrame(rows, schema={"meter": pl.Int64, "series": pl.Int32}, orient="row")
        days = touched.join(of, on="series").with_columns(pl.col("day") + timedelta(days=1))
        return spans.runs(days.select("meter", "day"))

    def series_needed(self, requested: pl.DataFrame) -> list[int]:
        meters = Meter.objects.filter(pk__in=requested["meter"].to_list(), name="twice")
        above = Series.objects.filter(meter__in=meters.values("parent")).values_list("pk", flat=True)
        return [*above, *Series.objects.filter(meter__in=meters, source=SOURCE).values_list("pk", flat=True)]

    def plan(self, requested: pl.DataFrame, stored: pl.DataFrame) -> TwicePlan:
        meters = list(Meter.objects.filter(pk__in=requested["meter"].to_list(), name="twice"))
        found, made = ensure_series([SeriesKey(m.pk, "import", "kWh", 30, SOURCE) for m in meters])
        own = {key.meter: one.pk for key, one in found.items() if key.source == SOURCE}
        above = dict(Series.objects.filter(meter__in=[m.parent_id for m in meters]).values_list("meter", "pk"))
        of = pl.DataFrame(list(own.items()), schema={"meter": pl.Int64, "series": pl.Int32}, orient="row")
        if stored.is_empty():
            return TwicePlan(spans.empty("series"), CreatedRecords())
        last = stored["last"].max() + timedelta(days=1)
        of = of.with_columns(first=pl.lit(stored["first"].min()), last=pl.lit(last))
        cut = (
            spans.bounded(requested, of).join(of.select("meter", "series"), on="meter").select("series", "start", "end")
        )
        return TwicePlan(
            cut, CreatedRecords(series=[one.pk for one in made]), {own[m.pk]: above[m.parent_id] for m in meters}
        )


TWICE = Twice()


def only_twice() -> Hook[Derivation]:
    """Return a registry of derivations with this one alone."""
    only: Hook[Derivation] = Hook("derivation")
    only.register(TWICE.name, TWICE)
    return only
