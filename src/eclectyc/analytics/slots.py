"""The slots of a metering point in order of time: every slot of every day of a window, gaps included. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from eclectyc.analytics.periods import Window, day_edges, window_seconds
from eclectyc.kernel.days import WHOLE_DAY, slot_counts
from eclectyc.kernel.quality import DERIVED, ESTIMATED, SUBSTITUTED

NOT_ACTUAL = (ESTIMATED, SUBSTITUTED, DERIVED)


@dataclass(frozen=True, slots=True)
class SlotSeries:
    """Slots in order of time; every array has shape (n,).

    day : index into the window's days. minute : elapsed minutes from local midnight to the slot's start.
    start, end : [s since 1970]. value : in the series' unit, NaN = missing. estimated, expected : bool.
    whole_day : True where the slot is a whole day, because the day is known only as a total.
    """

    day: np.ndarray
    minute: np.ndarray
    start: np.ndarray
    end: np.ndarray
    value: np.ndarray
    estimated: np.ndarray
    expected: np.ndarray
    whole_day: np.ndarray

    def select(self, which: np.ndarray) -> SlotSeries:
        """Return some of the slots, by mask or index."""
        return SlotSeries(*(getattr(self, name)[which] for name in self.__slots__))


def expand_days(rows: pl.DataFrame, days: np.ndarray, *, zone: ZoneInfo, step: int, expected: np.ndarray) -> SlotSeries:
    """Expand the day rows of one point to slots on consecutive days, each day at the step of its row.

    rows : one row a day at most, sorted by day, with day, step, slots, values, quality.
    days : datetime64[D], shape (days,). step : minutes per slot of a day without a row.
    expected : shape (days,), slots expected of each day; a day without expected slots has slots all the same.
    """
    every = np.ones((1, len(days)), dtype=bool)
    alone = rows.with_columns(pl.lit(0, dtype=pl.Int32).alias("point"))
    return expand_all_days(alone, days, zone=zone, steps=np.array([step]), expected=expected[None, :], shown=every)


def expand_all_days(
    rows: pl.DataFrame, days: np.ndarray, *, zone: ZoneInfo, steps: np.ndarray, expected: np.ndarray, shown: np.ndarray
) -> SlotSeries:
    """Expand the day rows of many points of one zone, one point after the other.

    rows : see :func:`expand_days`, and point; sorted by point and day. steps : of each point. expected, shown : shape
    (points, days); only days that are ``shown`` (bool) give slots.
    """
    point, day_of_row = rows["point"].to_numpy(), rows["day"].to_numpy().astype("datetime64[D]") - days[0]
    at = point, day_of_row.astype(np.int64)
    is_shown = shown[at]
    if not is_shown.all():
        rows, at = rows.filter(pl.Series(is_shown)), (at[0][is_shown], at[1][is_shown])
    step_of = np.repeat(steps.astype(np.int64)[:, None], len(days), axis=1)
    step_of[at] = rows["step"].to_numpy()
    slots_of = _counts(days, zone, step_of)
    slots_of[at] = rows["slots"].to_numpy()
    has_row = np.zeros(shown.shape, dtype=bool)
    has_row[at] = True
    on_day = np.nonzero(shown)[1]
    counts, step, is_read, is_expected = (of[shown] for of in (slots_of, step_of, has_row, expected > 0))
    opens, closes = day_edges(days, zone)
    each = np.repeat(np.arange(len(on_day)), counts)
    day = on_day[each]
    minute = (np.arange(len(each)) - np.repeat(np.cumsum(counts) - counts, counts)) * step[each]
    start = opens[day] + minute * 60
    is_whole = (step == WHOLE_DAY)[each]
    value, quality = np.full(len(each), np.nan), np.zeros(len(each), dtype=np.int8)
    value[is_read[each]] = rows["values"].explode().to_numpy()
    quality[is_read[each]] = rows["quality"].explode().to_numpy()
    return SlotSeries(
        day=day,
        minute=minute,
        start=start,
        end=np.where(is_whole, closes[day], np.minimum(start + step[each] * 60, closes[day])),
        value=value,
        estimated=np.isin(quality, NOT_ACTUAL) & ~np.isnan(value),
        expected=is_expected[each],
        whole_day=is_whole,
    )


def _counts(days: np.ndarray, zone: ZoneInfo, steps: np.ndarray) -> np.ndarray:
    """Return the slots of each day at each step: ``steps`` has shape (points, days)."""
    counts = np.zeros(steps.shape, dtype=np.int64)
    for step in np.unique(steps):
        counts = np.where(steps == step, slot_counts(days, zone, int(step)), counts)
    return counts


def within(slots: SlotSeries, window: Window) -> SlotSeries:
    """Return the slots whose start the window holds."""
    opens, closes = window_seconds(window)
    return slots.select((slots.start >= opens) & (slots.start < closes))


def clock_minutes(slots: SlotSeries, zone: ZoneInfo) -> tuple[np.ndarray, np.ndarray]:
    """Return the local clock time of each slot's start [minutes after 00:00], and 1 where it is the second of
    that time on its day (the repeated hour), else 0."""
    frame = pl.DataFrame({"day": slots.day, "start": slots.start}).with_columns(
        pl.from_epoch("start", time_unit="s").dt.replace_time_zone("UTC").dt.convert_time_zone(zone.key)
    )
    frame = frame.select(
        "day",
        (pl.col("start").dt.hour().cast(pl.Int64) * 60 + pl.col("start").dt.minute()).alias("minute"),
    ).with_columns((pl.int_range(pl.len()).over("day", "minute")).alias("occurrence"))
    return frame["minute"].to_numpy(), frame["occurrence"].to_numpy()
