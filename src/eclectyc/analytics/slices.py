"""Slices: some metering points × some days, for every question about many meters in bounded memory.

A question is a function of one slice. Slices are read and answered side by side (:mod:`eclectyc.lake.parallel`): by
threads in this process, or on a Dask cluster. Only a few slices are in memory at a time, however many meters and days
are requested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final, Literal, TypeVar

import numpy as np
import polars as pl

from eclectyc.analytics.fetch import MeterSet, series_spans
from eclectyc.analytics.periods import month_after, month_of
from eclectyc.lake.parallel import map_slices
from eclectyc.lake.primary_rows import primary_rows
from eclectyc.lake.store import connect

Answer = TypeVar("Answer")
Along = Literal["days", "meters"]

VALUES_PER_SLICE: Final = 2_000_000  # 18 MB of values and quality; a month of 1,300 half-hourly meters


@dataclass(frozen=True, slots=True)
class Slice:
    """Some points of a meter set on half-open days. It is pickled to workers, so it holds series numbers and no models.

    series : series, point (int32, the index into the meter set), register. spans : series, first, last – of those
    points that have several registers. values : whether rows carry their slots.
    """

    series: pl.DataFrame
    spans: pl.DataFrame
    start: date
    end: date
    values: bool

    def rows(self) -> pl.DataFrame:
        """Read the primary day rows, one per point and day, sorted by point and day.

        Columns: point, day, step [minutes], slots, total, low, peak, peak_slot, present, estimated; with ``values``
        also values (list<f64>, null = missing) and quality (list<i8>, see kernel.quality).
        """
        lake = connect()
        rows = primary_rows(lake, self.series, self.start, self.end, values=self.values, spans=lambda: self.spans)
        return rows if rows["point"].is_sorted() else rows.sort("point", "day")


def plan_slices(
    meters: MeterSet,
    start: date,
    end: date,
    *,
    values: bool = False,
    along: Along = "days",
    limit: int = VALUES_PER_SLICE,
) -> Iterator[Slice]:
    """Divide the points of a meter set and half-open days into slices of at most ``limit`` values each.

    along : ``days`` – one month after another, as the lake keeps them, for questions about single days; ``meters`` –
    all days of some points at once, for questions about a meter's whole history. A slice holds one point at least.
    """
    if start >= end or meters.series.is_empty():
        return
    per_day = _values_per_day(meters) if values else np.ones(len(meters.points), dtype=np.int64)
    spans = list(_months(start, end)) if along == "days" else [(start, end)]
    several = meters.series.filter(pl.col("point").is_duplicated())["series"]
    registers = (
        series_spans().filter(pl.col("series").is_in(several.implode())) if len(several) else series_spans().clear()
    )
    for first, last in spans:
        of_group = _groups(per_day, max(1, limit // (last - first).days))
        numbers = of_group[meters.series["point"].to_numpy()]
        for group in range(int(of_group[-1]) + 1):
            series = meters.series.filter(pl.Series(numbers == group))
            if len(series):
                yield Slice(series, registers, first, last, values)


def slices(
    meters: MeterSet,
    start: date,
    end: date,
    *,
    values: bool = False,
    along: Along = "days",
    limit: int = VALUES_PER_SLICE,
) -> Iterator[pl.DataFrame]:
    """Yield the rows (:meth:`Slice.rows`) of one slice after another."""
    yield from map_slices(Slice.rows, plan_slices(meters, start, end, values=values, along=along, limit=limit))


def map_meters(
    question: Callable[[pl.DataFrame], Answer],
    meters: MeterSet,
    start: date,
    end: date,
    *,
    values: bool = False,
    along: Along = "days",
    limit: int = VALUES_PER_SLICE,
) -> Iterator[Answer]:
    """Yield the answer of ``question`` to the rows of each slice, in order; it is computed where the slice is read.

    question : pure, and importable by name if a cluster does the work.
    """
    planned = plan_slices(meters, start, end, values=values, along=along, limit=limit)
    yield from map_slices(partial(_answer, question), planned)


def _answer(question: Callable[[pl.DataFrame], Answer], piece: Slice) -> Answer:
    return question(piece.rows())


def _values_per_day(meters: MeterSet) -> np.ndarray:
    """Return how many values a day of each point holds: those of its finest step."""
    steps: np.ndarray = meters.points.step.astype(np.int64)
    return -(-1440 // np.maximum(steps, 1))


def _groups(per_day: np.ndarray, limit: int) -> np.ndarray:
    """Number the points so that each group of consecutive ones holds at most ``limit`` values a day, or one point.

    >>> _groups(np.array([48, 48, 1, 48]), 100).tolist()
    [0, 0, 0, 1]
    """
    groups = np.zeros(len(per_day), dtype=np.int64)
    filled = group = 0
    for point, values in enumerate(per_day.tolist()):
        if filled and filled + values > limit:
            group, filled = group + 1, 0
        groups[point] = group
        filled += values
    return groups


def _months(start: date, end: date) -> Iterator[tuple[date, date]]:
    while start < end:
        turn = min(month_after(month_of(start)), end)
        yield start, turn
        start = turn
