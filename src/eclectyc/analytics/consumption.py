"""Readings of one metering point by slot, hour, day, week, month or year.

Every value is the sum of the present slots and carries its basis: ``present`` and ``expected`` count slots,
``estimated`` the present ones that were estimated, substituted or derived. If nothing is present the value is null: a
gap is never zero. A sum over an incomplete bucket is a lower bound, not a lower use.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from eclectyc.analytics.expected_slots import Points, expected_slots
from eclectyc.analytics.periods import By, Window, bucket_ends, bucket_starts, day_edges, window_seconds
from eclectyc.analytics.slots import SlotSeries, expand_days, within


@dataclass(frozen=True, slots=True)
class MeterReadings:
    """An answer: frame with start, end (Datetime in the site's zone), value [unit], present, expected,
    estimated [slots]."""

    frame: pl.DataFrame
    unit: str
    timezone: str
    by: By

    @property
    def total(self) -> float | None:
        """The sum of all values; None if all are missing."""
        values = self.frame["value"].drop_nulls()
        return float(values.sum()) if len(values) else None


def by_slot(rows: pl.DataFrame, point: Points, window: Window) -> pl.DataFrame:
    """Return every slot of the window. A day known only as a total is one slot, from midnight to midnight.

    rows : the point's day rows with values, sorted by day (columns point, day, step, slots, values, quality).
    """
    slots = within(_all_slots(rows, point, window), window)
    present = ~np.isnan(slots.value)
    return _frame(window.zone, slots.start, slots.end, slots.value, present, slots.expected, slots.estimated)


def by_hour(rows: pl.DataFrame, point: Points, window: Window) -> pl.DataFrame:
    """Return the local hours of the window: 23 or 25 of them on clock-change days. A day known only as a total
    stays one bucket, from midnight to midnight: its distribution over the hours is unknown."""
    slots = within(_all_slots(rows, point, window), window)
    if not len(slots.day):
        return _frame(window.zone, *[np.empty(0)] * 6)
    hour = np.where(slots.whole_day, 0, slots.minute // 60)
    first = _firsts(slots.day * 30 + hour)
    last = np.append(first[1:], len(hour)) - 1
    return _frame(window.zone, slots.start[first], slots.end[last], *_sums(slots, first))


def by_day_or_longer(rows: pl.DataFrame, point: Points, window: Window, by: By) -> pl.DataFrame:
    """Return the days, weeks, months or years of the window, from the day rows' own totals.

    rows : columns point, day, step, slots, total, present, estimated – and values and quality if the window
    cuts a day, whose slots are then counted one by one.
    """
    days = window.days
    expected = expected_slots(point, days, rows)[0].astype(np.int64)
    total, present, estimated = (np.zeros(len(days)) for _ in range(3))
    at = (rows["day"].to_numpy().astype("datetime64[D]") - days[0]).astype(np.int64)
    total[at] = rows["total"].fill_null(0.0).to_numpy()
    present[at] = rows["present"].to_numpy()
    estimated[at] = rows["estimated"].to_numpy()
    opens, closes = window_seconds(window)
    for day in window.cut_days:
        slots = _slots_of_cut_day(rows, point, window, day)
        at_day = (np.datetime64(day, "D") - days[0]).astype(np.int64)
        total[at_day], present[at_day] = np.nansum(slots.value), (~np.isnan(slots.value)).sum()
        expected[at_day], estimated[at_day] = slots.expected.sum(), slots.estimated.sum()
        if day == window.first_day:
            opens = slots.start[0] if len(slots.day) else day_edges(days[:1], window.zone)[1][0]
        if len(slots.day) and at_day == len(days) - 1:
            closes = slots.end[-1]
    starts = bucket_starts(days, by)
    first = _firsts(starts.astype(np.int64))
    bucket_opens, _ = day_edges(starts[first], window.zone)
    bucket_closes, _ = day_edges(bucket_ends(starts[first], by), window.zone)
    sums = [np.add.reduceat(column, first) for column in (total, present, expected, estimated)]
    sums[0] = np.where(sums[1] > 0, sums[0], np.nan)
    frame = _frame(window.zone, np.maximum(bucket_opens, opens), np.minimum(bucket_closes, closes), *sums)
    return frame.filter(pl.col("start") < pl.col("end"))  # a day cut behind its last slot's start has nothing here


def _all_slots(rows: pl.DataFrame, point: Points, window: Window) -> SlotSeries:
    days = window.days
    expected = expected_slots(point, days, rows)[0]
    return expand_days(rows, days, zone=window.zone, step=int(point.step[0]), expected=expected)


def schema(zone: ZoneInfo) -> dict[str, pl.DataType]:
    """Return the columns of an answer."""
    stamp = pl.Datetime("us", zone.key)
    counts = {name: pl.Int32() for name in ("present", "expected", "estimated")}
    return {"start": stamp, "end": stamp, "value": pl.Float64(), **counts}


def _slots_of_cut_day(rows: pl.DataFrame, point: Points, window: Window, day: date) -> SlotSeries:
    days = np.array([day], dtype="datetime64[D]")
    of_day = rows.filter(pl.col("day") == day)
    expected = expected_slots(point, days, of_day)[0]
    slots = expand_days(of_day, days, zone=window.zone, step=int(point.step[0]), expected=expected)
    return within(slots, window)


def _firsts(keys: np.ndarray) -> np.ndarray:
    """Return the index at which each run of equal keys begins."""
    return np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))


def _sums(slots: SlotSeries, first: np.ndarray) -> tuple[np.ndarray, ...]:
    is_present = ~np.isnan(slots.value)
    columns = (np.where(is_present, slots.value, 0.0), is_present, slots.expected, slots.estimated)
    total, present, expected, estimated = (np.add.reduceat(c.astype(np.float64), first) for c in columns)
    return np.where(present > 0, total, np.nan), present, expected, estimated


def _frame(zone: ZoneInfo, start: np.ndarray, end: np.ndarray, *columns: np.ndarray) -> pl.DataFrame:
    value, present, expected, estimated = columns
    counts = {"present": present, "expected": expected, "estimated": estimated}
    frame = pl.DataFrame(
        {
            "start": start.astype(np.int64),
            "end": end.astype(np.int64),
            "value": value.astype(np.float64),
            **{name: count.astype(np.int32) for name, count in counts.items()},
        }
    )
    local = [
        pl.from_epoch(name, time_unit="s").dt.replace_time_zone("UTC").dt.convert_time_zone(zone.key)
        for name in ("start", "end")
    ]
    return frame.with_columns(*local, pl.col("value").fill_nan(None))
