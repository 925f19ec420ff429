"""What virtual meters hold on some days, as the engine of derived series takes it."""

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

LONG_DAYS: Final = 400  # a longer span is cut to what there is: that takes a look at the lake
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class VirtualMeterPlan:
    """The days of some virtual meters worked out anew. numbers : series by meter and step. days : meter, start, end."""

    definitions: list[MeterDefinition]
    numbers: Mapping[tuple[int, int], int]
    days: pl.DataFrame
    spans: pl.DataFrame
    created: CreatedRecords

    def __iter__(self) -> Iterator[pl.DataFrame]:
        for first, end, spans in months_of(self.days):
            days = {meter: part for (meter,), part in days_of(spans).partition_by("meter", as_dict=True).items()}
            rules = [rule for rule in self.definitions if rule.meter in days]
            rows = read_parts(rules, first - _DAY, end + _DAY)
            worked = [(rule, evaluate_meter(rule, _sorted(days[rule.meter]), rows)) for rule in rules]
            yield self._day_rows([(rule, found) for rule, found in worked if len(found.days)])

    def _day_rows(self, worked: list[tuple[MeterDefinition, FormulaDays]]) -> pl.DataFrame:
        """Return what was worked out as day rows of the series: one frame, however many meters there are."""
        if not worked:
            return pl.DataFrame(schema=BATCH_COLUMNS)
        series = [self.numbers[rule.meter, step] for rule, found in worked for step in found.step.tolist()]
        every = [found for _, found in worked]
        slots = Slots(
            np.concatenate([found.slots.values for found in every]),
            np.concatenate([found.slots.quality for found in every]),
            np.concatenate([found.slots.lengths for found in every]),
        )
        whole = FormulaDays(np.concatenate([f.days for f in every]), np.concatenate([f.step for f in every]), slots)
        return whole.frame().with_columns(series=pl.Series(series, dtype=pl.Int32)).select(BATCH_COLUMNS.keys())


def evaluate_meter(rule: MeterDefinition, days: np.ndarray, rows: Mapping[int, PointReadings]) -> FormulaDays:
    """Return the days of one virtual meter. rows : readings that count, by point."""
    return evaluate(days, rule.zone, [part.term(rows[part.point]) for part in rule.parts])


def _sorted(days: pl.DataFrame) -> np.ndarray:
    found: np.ndarray = np.sort(days["day"].to_numpy().astype("datetime64[D]"))
    return found


def bounding_series(wanted: pl.DataFrame) -> list[int]:
    """Return the series whose own days bound long spans; none where all are short. wanted : meter, start, end."""
    if not _is_long(wanted).any():
        return []
    meters = wanted["meter"].unique().to_list()
    return _source_series(definitions_of(meters), _own_series(meters))["series"].unique().to_list()


def plan_days(wanted: pl.DataFrame, held: pl.DataFrame) -> VirtualMeterPlan:
    """Return what some meters are to hold on some days; makes the series that they lack.

    wanted : meter, start, end. held : series, first, last of those that ``cuts_to`` names.
    """
    rules = definitions_of(wanted["meter"].unique().to_list())
    steps = {rule.meter: rule.steps for rule in rules}
    keys = {
        (rule.meter, step): SeriesKey(rule.meter, rule.quantity, rule.unit, step, SOURCE)
        for rule in rules
        for step in steps[rule.meter]
    }
    found, made = ensure_series(keys.values())
    numbers = {at: found[key].pk for at, key in keys.items()}
    own = _own_series(wanted["meter"].unique().to_list())
    _count_only(own, set(numbers.values()))
    days = _within_readings(wanted, held, _source_series(rules, own))
    spans = own.join(days, on="meter").select("series", "start", "end").sort("series", "start")
    return VirtualMeterPlan(rules, numbers, days, spans, CreatedRecords(series=[series.pk for series in made]))


def _own_series(meters: list[int]) -> pl.DataFrame:
    """Return every series that some meters ever had by their formulas: meter, series, is_primary."""
    found: list[tuple[int, int, bool]] = []
    for at in range(0, len(meters), PIECE):
        held = Series.objects.filter(meter__in=meters[at : at + PIECE], source=SOURCE)
        found += held.values_list("meter", "pk", "is_primary")
    return pl.DataFrame(
        found, schema={"meter": pl.Int64, "series": pl.Int32, "is_primary": pl.Boolean}, orient="row"
    ).sort("series")


def _count_only(own: pl.DataFrame, current: set[int]) -> None:
    """Let the series of the unit and quantity that meters have now be those that count."""
    for meant, condition in ((True, pl.col("series").is_in(current)), (False, ~pl.col("series").is_in(current))):
        wrong = own.filter(condition & (pl.col("is_primary") != meant))
        if len(wrong):
            Series.objects.filter(pk__in=wrong["series"].to_list()).update(is_primary=meant)
            mark_dependents(wrong["meter"].to_list())  # they took what counted before


def _source_series(rules: list[MeterDefinition], own: pl.DataFrame) -> pl.DataFrame:
    """Return the series that bear on virtual meters, their own among them: meter, series."""
    rested = [(rule.meter, held.id) for rule in rules for part in rule.parts for held in part.series]
    pairs = pl.DataFrame(rested, schema={"meter": pl.Int64, "series": pl.Int32}, orient="row")
    return pl.concat([pairs, own.select("meter", "series")])


def _is_long(wanted: pl.DataFrame) -> pl.Series:
    return wanted["end"] - wanted["start"] > timedelta(days=LONG_DAYS)


def _within_readings(wanted: pl.DataFrame, held: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Return spans without the days on which neither a part nor the meter itself holds anything."""
    wanted = wanted.select("meter", "start", "end")
    if not _is_long(wanted).any():
        return wanted
    of_meters = (
        pairs.join(held, on="series")
        .group_by("meter")
        .agg(
            pl.col("first").min() - _DAY,
            pl.col("last").max() + _DAY,  # a neighbour, where zones differ
        )
    )
    return merged(bounded(wanted, of_meters))
