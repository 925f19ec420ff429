"""Plan the recalculation of virtual meters: which series, on which days, with which readings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
import polars as pl

from eclectyc.batches.lifecycle import CreatedRecords
from eclectyc.derived.spans import bounded, days_of, merged, months_of
from eclectyc.derived.virtual.definitions import PIECE, SOURCE, MeterDefinition, definitions_of
from eclectyc.derived.virtual.evaluate import FormulaDays, PointReadings, evaluate
from eclectyc.derived.virtual.invalidation import mark_dependents
from eclectyc.derived.virtual.part_readings import read_parts
from eclectyc.estate.models import Series
from eclectyc.estate.series import SeriesKey, ensure_series
from eclectyc.lake.schema import BATCH_COLUMNS
from eclectyc.lake.slot_arrays import Slots

LONG_DAYS: Final = 400  # longer spans are cut to the days with readings, which are looked up in the lake
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class VirtualMeterPlan:
    """Some virtual meters' readings on some days. numbers : series by meter and step. days : meter, start, end."""

    definitions: list[MeterDefinition]
    numbers: Mapping[tuple[int, int], int]
    days: pl.DataFrame
    spans: pl.DataFrame
    created: CreatedRecords

    def __iter__(self) -> Iterator[pl.DataFrame]:
        for first, end, spans in months_of(self.days):
            days = {meter: part for (meter,), part in days_of(spans).partition_by("meter", as_dict=True).items()}
            definitions = [definition for definition in self.definitions if definition.meter in days]
            readings = read_parts(definitions, first - _DAY, end + _DAY)
            results = [(one, evaluate_meter(one, _sorted(days[one.meter]), readings)) for one in definitions]
            yield self._day_rows([(one, found) for one, found in results if len(found.days)])

    def _day_rows(self, results: list[tuple[MeterDefinition, FormulaDays]]) -> pl.DataFrame:
        """Return the results as day rows: one frame, however many meters there are."""
        if not results:
            return pl.DataFrame(schema=BATCH_COLUMNS)
        series = [self.numbers[definition.meter, step] for definition, found in results for step in found.step.tolist()]
        every = [found for _, found in results]
        slots = Slots(
            np.concatenate([found.slots.values for found in every]),
            np.concatenate([found.slots.quality for found in every]),
            np.concatenate([found.slots.lengths for found in every]),
        )
        whole = FormulaDays(np.concatenate([f.days for f in every]), np.concatenate([f.step for f in every]), slots)
        return whole.frame().with_columns(series=pl.Series(series, dtype=pl.Int32)).select(BATCH_COLUMNS.keys())


def evaluate_meter(definition: MeterDefinition, days: np.ndarray, readings: Mapping[int, PointReadings]) -> FormulaDays:
    """Return the days of one virtual meter. readings : of its parts, by point."""
    return evaluate(days, definition.zone, [part.term(readings[part.point]) for part in definition.parts])


def _sorted(days: pl.DataFrame) -> np.ndarray:
    found: np.ndarray = np.sort(days["day"].to_numpy().astype("datetime64[D]"))
    return found


def bounding_series(requested: pl.DataFrame) -> list[int]:
    """Return the series whose days bound long spans; none if all spans are short. requested : meter, start, end."""
    if not _is_long(requested).any():
        return []
    meters = requested["meter"].unique().to_list()
    return _source_series(definitions_of(meters), _own_series(meters))["series"].unique().to_list()


def plan_days(requested: pl.DataFrame, stored: pl.DataFrame) -> VirtualMeterPlan:
    """Return the readings of some meters on some days, and create the series that are missing.

    requested : meter, start, end. stored : series, first, last of those in ``bounding_series``.
    """
    definitions = definitions_of(requested["meter"].unique().to_list())
    steps = {definition.meter: definition.steps for definition in definitions}
    keys = {
        (definition.meter, step): SeriesKey(definition.meter, definition.quantity, definition.unit, step, SOURCE)
        for definition in definitions
        for step in steps[definition.meter]
    }
    found, new = ensure_series(keys.values())
    numbers = {at: found[key].pk for at, key in keys.items()}
    own = _own_series(requested["meter"].unique().to_list())
    _make_primary(own, set(numbers.values()))
    days = _within_readings(requested, stored, _source_series(definitions, own))
    spans = own.join(days, on="meter").select("series", "start", "end").sort("series", "start")
    return VirtualMeterPlan(definitions, numbers, days, spans, CreatedRecords(series=[series.pk for series in new]))


def _own_series(meters: list[int]) -> pl.DataFrame:
    """Return every series that some meters ever had for their formulas: meter, series, is_primary."""
    found: list[tuple[int, int, bool]] = []
    for at in range(0, len(meters), PIECE):
        held = Series.objects.filter(meter__in=meters[at : at + PIECE], source=SOURCE)
        found += held.values_list("meter", "pk", "is_primary")
    return pl.DataFrame(
        found, schema={"meter": pl.Int64, "series": pl.Int32, "is_primary": pl.Boolean}, orient="row"
    ).sort("series")


def _make_primary(own: pl.DataFrame, current: set[int]) -> None:
    """Make the series of the meters' current unit and quantity the primary ones."""
    for is_primary, condition in ((True, pl.col("series").is_in(current)), (False, ~pl.col("series").is_in(current))):
        wrong = own.filter(condition & (pl.col("is_primary") != is_primary))
        if len(wrong):
            Series.objects.filter(pk__in=wrong["series"].to_list()).update(is_primary=is_primary)
            mark_dependents(wrong["meter"].to_list())  # their formulas used the series that were primary before


def _source_series(definitions: list[MeterDefinition], own: pl.DataFrame) -> pl.DataFrame:
    """Return the series that virtual meters depend on, and their own: meter, series."""
    of_parts = [(one.meter, series.id) for one in definitions for part in one.parts for series in part.series]
    pairs = pl.DataFrame(of_parts, schema={"meter": pl.Int64, "series": pl.Int32}, orient="row")
    return pl.concat([pairs, own.select("meter", "series")])


def _is_long(requested: pl.DataFrame) -> pl.Series:
    return requested["end"] - requested["start"] > timedelta(days=LONG_DAYS)


def _within_readings(requested: pl.DataFrame, stored: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Return spans without the days on which neither a part nor the meter itself has readings."""
    requested = requested.select("meter", "start", "end")
    if not _is_long(requested).any():
        return requested
    of_meters = (
        pairs.join(stored, on="series")
        .group_by("meter")
        .agg(
            pl.col("first").min() - _DAY,
            pl.col("last").max() + _DAY,  # a neighbouring day, if time zones differ
        )
    )
    return merged(bounded(requested, of_meters))
