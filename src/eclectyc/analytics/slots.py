"""The slots of one metering point, laid out in time: every slot of every day of a window, gaps included."""

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
class Slots:
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

    def take(self, which: np.ndarray) -> Slots:
        """Return some of the slots, by mask or index."""
        return Slots(*(getattr(self, name)[which] for name in self.__slots__))


def lay_out(rows: pl.DataFrame, days: np.ndarray, *, zone: ZoneInfo, step: int, expected: np.ndarray) -> Slots:
    """Lay out the slots of consecutive days, each at the step its row was read at.

    rows : one row a day at most, sorted by day, with day, step, slots, values, quality.
    days : datetime64[D], shape (days,). step : minutes per slot of a day without a row.
    expected : shape (days,), slots expected of each day; a day of which none is expected gives slots all the same.
    """
    day_of_row = (rows["day"].to_numpy().astype("datetime64[D]") - days[0]).astype(np.int64)
    steps = np.full(len(days), step, dtype=np.int64)
    steps[day_of_row] = rows["step"].to_numpy()
    counts = _counts(days, zone, steps)
    counts[day_of_row] = rows["slots"].to_numpy()
    day = np.repeat(np.arange(len(days)), counts)
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    opens, closes = day_edges(days, zone)
    minute = place * steps[day]
    start = opens[day] + minute * 60
    has_row = np.zeros(len(days), dtype=bool)
    has_row[day_of_row] = True
    is_whole = steps == WHOLE_DAY
    value, quality = np.full(len(day), np.nan), np.zeros(len(day), dtype=np.int8)
    value[has_row[day]] = rows["values"].explode().to_numpy()
    quality[has_row[day]] = rows["quality"].explode().to_numpy()
    return Slots(
        day=day,
        minute=minute,
        start=start,
        end=np.where(is_whole[day], closes[day], np.minimum(start + steps[day] * 60, closes[day])),
        value=value,
        estimated=np.isin(quality, NOT_ACTUAL) & ~np.isnan(value),
        expected=(expected > 0)[day],
        whole_day=is_whole[day],
    )


def _counts(days: np.ndarray, zone: ZoneInfo, steps: np.ndarray) -> np.ndarray:
    counts = np.zeros(len(days), dtype=np.int64)
    for step in np.unique(steps):
        at_step = steps == step
        counts[at_step] = slot_counts(days[at_step], zone, int(step))
    return counts


def within(slots: Slots, window: Window) -> Slots:
    """Return the slots whose start the window holds."""
    opens, closes = window_seconds(window)
    return slots.take((slots.start >= opens) & (slots.start < closes))


def clock(slots: Slots, zone: ZoneInfo) -> tuple[np.ndarray, np.ndarray]:
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
