"""A file's readings as month frames for the lake: aligned, merged and counted month by month."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from eclectyc.intake.alignment.clocks import DAY_S, MINUTE_S
from eclectyc.intake.alignment.collect import FileReadings
from eclectyc.intake.alignment.day_rows import DayMatrix, WholeDayRows, frame_of, keys_of, merge_days
from eclectyc.intake.alignment.interpretation import FilePlan
from eclectyc.intake.alignment.reading_arrays import DayRows, Kind, ReadingRows, Selection, distinct
from eclectyc.intake.alignment.shift_days import UNEVEN, DayShifts, shift_whole_days
from eclectyc.intake.alignment.spool import NEAR_DAYS
from eclectyc.intake.alignment.to_slots import (
    NOT_IMPORTED,
    Alignment,
    Refusal,
    SlotValues,
    align,
    concat_slots,
    no_slots,
)
from eclectyc.kernel.quality import MISSING

WHOLE_DAY_MINUTES = 1440


@dataclass(slots=True)
class AlignmentTotals:
    """Totals of each target over the months; arrays have shape (targets,).

    first, last : UTC starts of the first and last slot that has a value [s].
    """

    readings: np.ndarray
    total: np.ndarray
    first: np.ndarray
    last: np.ndarray
    refusals: list[Refusal] = field(default_factory=list)
    equal: int = 0
    decided: int = 0
    single_hours: set[tuple[int, int]] = field(default_factory=set)
    sorted_hours: set[tuple[int, int]] = field(default_factory=set)

    @classmethod
    def for_targets(cls, targets: int) -> AlignmentTotals:
        return cls(
            np.zeros(targets, np.int64),
            np.zeros(targets),
            np.full(targets, np.iinfo(np.int64).max),
            np.full(targets, np.iinfo(np.int64).min),
        )


class FileMonths:
    """Month frames of a file; each iteration calculates them again.

    ``series`` gives each target its series number, below zero if the series is not created yet. ``totals`` are those
    of the last iteration.
    """

    def __init__(self, collected: FileReadings, plan: FilePlan, series: np.ndarray) -> None:
        self._collected = collected
        self._plan = plan
        self.series = series
        self._first: tuple[int, DayMatrix] | None = None  # of the iteration that ``is_empty`` began
        self._step = np.array([target.step for target in plan.targets], np.int64)
        self._zone = np.array([target.zone for target in plan.targets], np.int64)
        self.totals = AlignmentTotals.for_targets(len(plan.targets))

    def is_empty(self) -> bool:
        """Return whether there are no readings. The first month is kept for the next iteration."""
        self.totals = AlignmentTotals.for_targets(len(self._plan.targets))
        for number, (first, end) in enumerate(self._collected.spool.months()):
            days = self._days_of(first, end)
            if len(days):
                self._first = number, days
                return False
        return True

    def __iter__(self) -> Iterator[pl.DataFrame]:
        number = -1
        if self._first:
            (number, days), self._first = self._first, None
            yield self._frame(days)
        else:
            self.totals = AlignmentTotals.for_targets(len(self._plan.targets))
        for first, end in self._collected.spool.months()[number + 1 :]:
            days = self._days_of(first, end)
            if len(days):
                yield self._frame(days)

    def _days_of(self, first: int, end: int) -> DayMatrix:
        """Return the local days from ``first`` up to ``end`` (exclusive)."""
        slots, whole = [], []
        for kind in ("clock", "instant", "position"):
            rows = self._collected.spool.rows(kind, first, end)
            if len(rows):
                slots.append(self._aligned(rows, first, end))
        near = 0 if self._stays_on_its_day() else NEAR_DAYS
        shifts = self._shifts(first - near, end + near)
        for days in self._collected.spool.days(first, end, near=near):
            plain, odd, kind = self._split(days, first, end)
            shifted, odd, halves = self._shift_days(odd, kind, shifts, first, end)
            whole += [self._whole_days(part) for part in (plain, *shifted) if len(part)]
            slots += [
                self._aligned(part.as_rows(kind), first, end) for part in (odd.to_day_rows(), *halves) if len(part)
            ]
        merged = merge_days(concat_slots(slots) if slots else no_slots(), whole)
        self.totals.refusals += merged.refusals
        self.totals.equal += merged.equal
        self.totals.decided += merged.decided
        return merged.days

    def _stays_on_its_day(self) -> bool:
        return self._plan.convention.printed is None

    def _split(self, selection: Selection, first: int, end: int) -> tuple[Selection, Selection, Kind]:
        """Split days into those whose columns are the slots of the local day, and those to align slot by slot."""
        channels, days = self._plan.channels, selection.days
        selection = selection.where(channels.target[selection.channel] != NOT_IMPORTED)
        none = Selection(days, selection.rows[:0])
        if days.step == WHOLE_DAY_MINUTES:  # a date is a date, whatever the file's clock
            return selection.where((selection.day >= first) & (selection.day < end)), none, "position"
        by_clock = days.by_clock if self._plan.columns_by_clock is None else self._plan.columns_by_clock
        kind: Kind = "clock" if by_clock else "position"
        if not self._stays_on_its_day():
            return none, selection, kind
        channel, day = selection.channel, selection.day
        odd = channels.grid_s[channel] != days.step * 60
        for zone, clock in enumerate(channels.clocks):
            change = np.concatenate(clock.change_days())
            odd |= np.isin(day, change[(change >= first) & (change < end)]) & (channels.zone[channel] == zone)
        usual = WHOLE_DAY_MINUTES // days.step
        if days.values.shape[1] > usual:
            odd |= ~np.isnan(days.values[selection.rows, usual:]).all(axis=1)
        return (selection.where(~odd), selection.where(odd), kind) if odd.any() else (selection, none, kind)

    def _shifts(self, first: int, end: int) -> DayShifts | None:
        """Return the shifts of printed days from ``first`` to ``end`` to the sites' days; None if there are none."""
        printed, clocks = self._plan.convention.printed, self._plan.channels.clocks
        return DayShifts.between(printed, clocks, first, end) if printed else None

    def _shift_days(
        self, selection: Selection, kind: Kind, shifts: DayShifts | None, first: int, end: int
    ) -> tuple[list[Selection], Selection, list[DayRows]]:
        """Shift days of another clock to the sites' as whole rows. Return these, the other days, and single halves."""
        channels, days = self._plan.channels, selection.days
        width = WHOLE_DAY_MINUTES // days.step
        is_start = kind == "position" or self._plan.convention.stamps == "start"
        if shifts is None or not len(selection) or not is_start or days.values.shape[1] < width:
            return [], selection, []
        columns = shifts.for_days(selection, channels.zone)
        channel = selection.channel
        stays_odd = (channels.interval_s[channel] != days.step * 60) | (channels.grid_s[channel] != days.step * 60)
        stays_odd |= channels.residue_s[channel] != 0
        if days.values.shape[1] > width:
            stays_odd |= ~np.isnan(days.values[selection.rows, width:]).all(axis=1)
        columns[stays_odd] = UNEVEN
        whole, halves = [], []
        for by in distinct(columns[columns != UNEVEN]).tolist():
            same = selection.where(columns == by)
            if by == 0:
                whole.append(same.where((same.day >= first) & (same.day < end)))
                continue
            part, rest = shift_whole_days(same, by, width, first, end)
            whole.append(part)
            halves.append(rest)
        return whole, selection.where(columns == UNEVEN), halves

    def _aligned(self, rows: ReadingRows, first: int, end: int) -> SlotValues:
        aligned: Alignment = align(rows, self._plan.channels, self._plan.convention, self._collected.census.channels)
        self.totals.single_hours |= aligned.single_hours
        self.totals.sorted_hours |= aligned.sorted_hours
        self.totals.refusals += aligned.refusals
        inside = (aligned.slots.day >= first) & (aligned.slots.day < end)
        return aligned.slots if inside.all() else aligned.slots.where(inside)

    def _whole_days(self, selection: Selection) -> WholeDayRows:
        channels, channel = self._plan.channels, selection.channel
        factor = channels.factor[channel]
        is_mean = channels.mean_of_day[channel]
        for zone, clock in enumerate(channels.clocks if is_mean.any() else ()):
            mine = is_mean & (channels.zone[channel] == zone)
            day = selection.day[mine].astype(np.int64)
            factor[mine] *= (clock.to_instants((day + 1) * DAY_S) - clock.to_instants(day * DAY_S)) / DAY_S
        return WholeDayRows(selection, channels.target[channel], factor, WHOLE_DAY_MINUTES // selection.days.step)

    def _frame(self, days: DayMatrix) -> pl.DataFrame:
        """Count the days of one month and return their frame."""
        days = self._sorted(days)
        step = self._step[days.target]
        lengths = np.ones(len(days), np.int64)
        midnights = np.empty(len(days), np.int64)
        for zone, clock in enumerate(self._plan.channels.clocks):
            mine = self._zone[days.target] == zone
            day = days.day[mine].astype(np.int64)
            starts = clock.to_instants(day * DAY_S)
            midnights[mine] = starts
            length_s = clock.to_instants((day + 1) * DAY_S) - starts
            lengths[mine] = np.where(step[mine] == WHOLE_DAY_MINUTES, 1, -(-length_s // (step[mine] * MINUTE_S)))
        self._count(days, midnights, step * MINUTE_S)
        return frame_of(days, self.series[days.target], step, lengths)

    def _sorted(self, days: DayMatrix) -> DayMatrix:
        keys = keys_of(self.series[days.target], days.day)
        return days if (keys[1:] > keys[:-1]).all() else days.where(np.argsort(keys, kind="stable"))

    def _count(self, days: DayMatrix, midnights: np.ndarray, step_s: np.ndarray) -> None:
        totals, has_gaps = self.totals, not days.quality.all()
        width = days.quality.shape[1]
        readings = np.count_nonzero(days.quality, axis=1) if has_gaps else np.full(len(days), width)
        day_totals = np.nansum(days.values, axis=1) if has_gaps else days.values.sum(axis=1)
        size = len(self._step)
        totals.readings += np.bincount(days.target, readings, minlength=size).astype(np.int64)
        totals.total += np.bincount(days.target, day_totals, minlength=size)
        filled = np.flatnonzero(readings)
        if len(filled) == 0:
            return
        target = days.target[filled]
        opens = np.flatnonzero(np.r_[True, target[1:] != target[:-1]])
        closes = np.r_[opens[1:], len(filled)] - 1
        for rows, is_first in ((filled[opens], True), (filled[closes], False)):
            row = days.quality[rows] != MISSING
            slot = row.argmax(axis=1) if is_first else row.shape[1] - 1 - row[:, ::-1].argmax(axis=1)
            at = midnights[rows] + slot * step_s[rows]
            better, ends = (np.minimum, totals.first) if is_first else (np.maximum, totals.last)
            ends[days.target[rows]] = better(ends[days.target[rows]], at)
