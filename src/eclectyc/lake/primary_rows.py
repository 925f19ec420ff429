"""The day rows that count: of the series of a metering point, the best one on each day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import polars as pl

from eclectyc.lake.arbitrate import best_per_day
from eclectyc.lake.store import Lake
from eclectyc.lake.sum_registers import register_sums, separate_registers


def primary_rows(
    lake: Lake, series: pl.DataFrame, start: date, end: date, *, values: bool, spans: Callable[[], pl.DataFrame]
) -> pl.DataFrame:
    """Return the day rows that count, one a point and day, each point's in order of days.

    series : series, point, register. spans : series, first, last (day) of at least the series of separate registers.
    """
    points = series.select("series", "point")
    if points["point"].n_unique() == len(points):  # one series a point: no choice to make
        days = lake.days(points["series"].to_numpy(), start, end, values=values)
        return days.join(points, on="series", how="inner", maintain_order="left")
    registers = separate_registers(series)
    plain = points.join(registers, on="series", how="anti") if len(registers) else points
    days = lake.days(plain["series"].to_numpy(), start, end, values=values)
    if len(registers):
        parts = lake.days(registers["series"].to_numpy(), start, end, values=True)
        sums = register_sums(parts, registers.join(spans(), on="series", how="left"))
        days = pl.concat([days, sums.select(days.columns)])
    return best_per_day(days, points)
