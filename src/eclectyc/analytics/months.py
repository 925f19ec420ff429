"""Months of many points as the lake sums them, without reading days if none is needed. Pure.

A day with readings is expected in full, whatever the meter's dates are; and of several series of a point the best one
counts each day. Both need the days. A point with one series whose readings are all within its meter's dates needs
neither: its expected slots follow from dates and clocks alone.
"""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from eclectyc.analytics.day_grid import DayGrid
from eclectyc.analytics.expected_slots import Points
from eclectyc.analytics.periods import bucket_starts, days_array
from eclectyc.kernel.days import slot_counts


def month_edges(start: date, end: date) -> np.ndarray:
    """Return ``start``, the turns of months between, and ``end``: datetime64[D], shape (months + 1,)."""
    turns = np.unique(bucket_starts(days_array(start, end), "month"))[1:]
    return np.r_[np.datetime64(start, "D"), turns, np.datetime64(end, "D")]


def needs_no_days(points: Points, meters: pl.DataFrame, series: pl.DataFrame) -> np.ndarray:
    """Return which points (bool) need no days: see above.

    meters : first and last (days with readings). series : point.
    """
    several = series["point"].value_counts().filter(pl.col("count") > 1)["point"].to_numpy()
    first, last = (meters[name].to_numpy().astype("datetime64[D]") for name in ("first", "last"))
    within = np.isnat(first) | ((points.since <= first) & (last < points.until))
    within[several] = False
    return within


def expected_by_month(points: Points, edges: np.ndarray) -> np.ndarray:
    """Return the slots expected of each point in each month, readings aside: shape (points, months), int32.

    >>> from eclectyc.analytics.expected_slots import Points
    >>> day = lambda text: np.array([text], dtype="datetime64[D]")
    >>> point = Points(np.array(["Europe/London"]), np.array([30]), day("2025-03-30"), day("2025-04-02"))
    >>> expected_by_month(point, month_edges(date(2025, 3, 1), date(2025, 5, 1))).tolist()
    [[94, 48]]
    """
    expected = np.zeros((len(points), len(edges) - 1), dtype=np.int32)
    days = np.arange(edges[0], edges[-1])
    kinds = np.array([f"{zone} {step}" for zone, step in zip(points.zone, points.step, strict=True)], dtype=object)
    for kind in set(kinds.tolist()):
        zone, step = kind.split(" ")
        mine = kinds == kind
        run = np.r_[0, np.cumsum(slot_counts(days, ZoneInfo(zone), int(step)), dtype=np.int64)]
        opens = np.maximum(points.since[mine, None], edges[:-1])
        closes = np.minimum(points.until[mine, None], edges[1:])
        first, last = (np.clip((at - edges[0]).astype(np.int64), 0, len(days)) for at in (opens, closes))
        expected[mine] = np.maximum(run[last] - run[first], 0)
    return expected


def month_grid(months: pl.DataFrame, points: Points, edges: np.ndarray) -> DayGrid:
    """Lay the lake's months (point, month, total, present, estimated) of points side by side: one column a month.

    Each column is named by the first day of its month.
    """
    starts = bucket_starts(edges[:-1], "month")
    at = months["point"].to_numpy(), np.searchsorted(starts, months["month"].to_numpy())
    shape = len(points), len(starts)
    total = np.full(shape, np.nan)
    total[at] = months["total"].to_numpy()
    present, estimated = np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.int32)
    present[at], estimated[at] = months["present"].to_numpy(), months["estimated"].to_numpy()
    return DayGrid(starts, total, present, expected_by_month(points, edges), estimated)


def months_of(grid: DayGrid, edges: np.ndarray) -> DayGrid:
    """Sum a grid of days into one of months."""
    starts = bucket_starts(edges[:-1], "month")
    if not len(grid.total):
        return DayGrid(starts, *(np.zeros((0, len(starts))) for _ in range(4)))
    first = (edges[:-1] - edges[0]).astype(np.int64)
    total, present, expected, estimated = (
        np.add.reduceat(array, first, axis=1)
        for array in (np.nan_to_num(grid.total), grid.present, grid.expected.astype(np.int32), grid.estimated)
    )
    return DayGrid(starts, np.where(present > 0, total, np.nan), present, expected, estimated)
