"""Choose which of several series of one point counts on a day. Pure."""

from __future__ import annotations

import polars as pl


def best_per_day(days: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Return one row per point and day, so that nothing is counted twice.

    days : day rows (series, day, step, present, slots, …). points : series, point; the series of one point
    measure the same quantity at several steps. Series without a point are left out.

    The finest complete row counts (``present`` = ``slots``); if none is complete, the one with the highest
    coverage, then the finest. The result has the columns of ``days`` and ``point``, sorted by point and day.

    >>> from datetime import date
    >>> day = date(2025, 6, 1)
    >>> days = pl.DataFrame(
    ...     {"series": [1, 2], "day": [day, day], "step": [30, 1440], "present": [40, 1], "slots": [48, 1]})
    >>> best_per_day(days, pl.DataFrame({"series": [1, 2], "point": [7, 7]}))["series"].to_list()
    [2]
    """
    if days.is_empty():
        return days.join(points, on="series", how="inner")
    is_complete = (pl.col("present") >= pl.col("slots")) & (pl.col("slots") > 0)
    coverage = pl.when(is_complete).then(1.0).otherwise(pl.col("present") / pl.col("slots"))
    ranked = days.join(points.cast({"series": days.schema["series"]}), on="series", how="inner").with_columns(
        _coverage=coverage.fill_nan(0.0)
    )
    order = ["point", "day", "_coverage", "step", "series"]
    ranked = ranked.sort(order, descending=[False, False, True, False, False])
    return ranked.unique(["point", "day"], keep="first", maintain_order=True).drop("_coverage")
