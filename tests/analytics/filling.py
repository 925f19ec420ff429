"""Readings for tests: day rows as pure modules take them, and a lake filled through its own door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from eclectyc.analytics.expected_slots import Points
from eclectyc.estate.models import Series
from eclectyc.kernel.days import days_between, slots_in_day
from eclectyc.lake.lease import writer_lease
from eclectyc.lake.store import connect

Day = Sequence[float | None]
LONDON = ZoneInfo("Europe/London")


def rows_of(days: Mapping[date, Day], *, step: int = 30, point: int = 0, estimated: bool = False) -> pl.DataFrame:
    """Return day rows with their summary, as the lake gives them, of one point."""
    listed = [list(values) for values in days.values()]
    held = [[value for value in values if value is not None] for values in listed]
    flag = 2 if estimated else 1
    return pl.DataFrame(
        {
            "point": pl.Series([point] * len(days), dtype=pl.Int32),
            "day": pl.Series(list(days), dtype=pl.Date),
            "step": pl.Series([step] * len(days), dtype=pl.Int16),
            "slots": pl.Series([len(values) for values in listed], dtype=pl.Int16),
            "total": pl.Series([sum(values) if values else None for values in held], dtype=pl.Float64),
            "present": pl.Series([len(values) for values in held], dtype=pl.Int16),
            "estimated": pl.Series([len(values) if estimated else 0 for values in held], dtype=pl.Int16),
            "values": pl.Series(listed, dtype=pl.List(pl.Float64)),
            "quality": pl.Series(
                [[0 if value is None else flag for value in values] for values in listed], dtype=pl.List(pl.Int8)
            ),
        }
    )


def points_of(
    since: date | None, until: date, *, zone: str = "Europe/London", step: int = 30, count: int = 1
) -> Points:
    """Return points that are expected to report from one day up to another."""
    first = np.datetime64(since or date(2262, 1, 1), "D")
    return Points(
        zone=np.array([zone] * count, dtype=object),
        step=np.array([step] * count),
        since=np.array([first] * count),
        until=np.array([np.datetime64(until, "D")] * count),
    )


def flat_days(
    start: date, end: date, value: float | None, *, step: int = 30, zone: ZoneInfo = LONDON
) -> dict[date, Day]:
    """Return days whose every slot has one value."""
    return {day: [value] * slots_in_day(day, zone, step) for day in days_between(start, end)}


def fill(series: Series, days: Mapping[date, Day], *, quality: int = 1) -> None:
    """Write a series' days to the lake as one batch; None is a slot that nothing is said of."""
    lake = connect()
    frame = rows_of(days, step=series.step_minutes).select("day", "step", "values", "quality")
    frame = frame.with_columns(
        pl.lit(series.pk, dtype=pl.Int32).alias("series"),
        (pl.col("quality").list.eval(pl.when(pl.element() > 0).then(quality).otherwise(0).cast(pl.Int8))),
    ).select("series", "day", "step", "values", "quality")
    by_month = frame.with_columns(pl.col("day").dt.truncate("1mo").alias("month")).partition_by("month")
    with writer_lease(holder="a test", wait_s=5) as lease:
        lake.write([part.drop("month") for part in by_month], lease=lease, batch=lake.last_batch() + 1)


def day_after(day: date) -> date:
    """Return the next day."""
    return day + timedelta(days=1)
