"""Which of several steps of one metering point counts on a day. Pure."""

from __future__ import annotations

import polars as pl


def best_per_day(days: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Return one row a point and day, with its ``point``: nothing is ever counted twice.

    days : day rows (series, day, step, present, slots, …). points : series, point; a series that is not in here is
    left out. Of several rows of a point's day the finest complete one counts; where none is complete, the one with
    the highest coverage, then the finest. Equal in all: the lower series number.
    """
    placed = days.join(points.select("series", "point"), on="series", how="inner", maintain_order="left")
    if not points["point"].is_duplicated().any():
        return placed  # one series a point: nothing to choose between
    coverage = pl.col("present") / pl.col("slots")  # a complete day has 1, so the finest of these comes first
    return placed.sort(
        "point", "day", coverage, "step", "series", descending=[False, False, True, False, False]
    ).unique(["point", "day"], keep="first", maintain_order=True)
