"""Days printed by another clock than the site's, moved as whole rows. Pure.

While neither clock changes, a site's day is the last columns of one printed day and the first of the next: two rows
that follow each other in memory are one row of the same memory, read from a later column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from eclectyc.intake.alignment.clocks import DAY_S, Clock
from eclectyc.intake.alignment.reading_arrays import DayRows, Selection

UNEVEN = -(2**31)  # stands for a shift where a day has none


@dataclass(frozen=True, slots=True)
class DayShifts:
    """By how much printed days stand apart from the site's.

    by_s : [s], shape (zones, days from ``first``); UNEVEN on days that are placed slot by slot, because a clock
        changes on them or on a day of the site that they reach into.
    """

    first: int
    by_s: np.ndarray

    @classmethod
    def between(cls, printed: Clock, own: Sequence[Clock], first: int, end: int) -> Self:
        """Compare the clock of a file with those of the sites, from one printed day up to another."""
        day = np.arange(first, end, dtype=np.int64)
        starts = printed.to_instants(day * DAY_S)
        is_even = printed.to_instants((day + 1) * DAY_S) - starts == DAY_S
        by_s = []
        for clock in own:
            wall, last = clock.to_wall(starts), clock.to_wall(starts + DAY_S - 1)
            changes = np.concatenate(clock.change_days())
            even = is_even & (last - wall == DAY_S - 1) & (np.abs(wall - day * DAY_S) < DAY_S)
            even &= ~np.isin(wall // DAY_S, changes) & ~np.isin(last // DAY_S, changes)
            by_s.append(np.where(even, wall - day * DAY_S, UNEVEN))
        return cls(first, np.array(by_s))

    def for_days(self, selection: Selection, zone: np.ndarray) -> np.ndarray:
        """Return the shift of each day [columns], or UNEVEN. zone : of each channel."""
        by_s, step_s = self.by_s[zone[selection.channel], selection.day - self.first], selection.days.step * 60
        return np.where((by_s == UNEVEN) | (by_s % step_s != 0), UNEVEN, by_s // step_s)


def shift_whole_days(selection: Selection, columns: int, width: int, first: int, end: int) -> tuple[Selection, DayRows]:
    """Return the site's days that two printed days make up, and printed halves that have no other half.

    selection : days that are all shifted by so many ``columns``, forward or (below zero) back. width : columns of a day.
    first, end : which days of the site's are wanted.
    """
    days, rows = _in_order(selection, width)
    channel, day = days.channel[rows], days.day[rows]
    meets = (rows[1:] == rows[:-1] + 1) & (channel[1:] == channel[:-1]) & (day[1:] == day[:-1] + 1)
    start = -columns % width  # the column at which a day of the site's begins
    opened = day + 1 if columns > 0 else day
    wanted = (opened >= first) & (opened < end)
    begins = rows[wanted & np.r_[~meets, True]]
    ends = rows[(opened > first) & (opened <= end) & np.r_[True, ~meets]]
    whole = Selection(_read_from(days, start, 1 if columns > 0 else 0), rows[:-1][meets & wanted[:-1]])
    return whole, _halves(days, begins, ends, start)


def _in_order(selection: Selection, width: int) -> tuple[DayRows, np.ndarray]:
    """Return the days by channel and day, in memory too; most files have them so."""
    order = np.lexsort((selection.day, selection.channel))
    is_ordered = bool((order[1:] > order[:-1]).all())
    days = selection.days
    if is_ordered and days.values.shape[1] == width and days.values.flags.c_contiguous:
        return days, selection.rows
    days = days.where(selection.rows[order])
    values, quality = (np.ascontiguousarray(matrix[:, :width]) for matrix in (days.values, days.quality))
    return replace(days, values=values, quality=quality), np.arange(len(order))


def _read_from(days: DayRows, start: int, carry: int) -> DayRows:
    """Return the same memory cut into days ``start`` columns later; the last one is lost."""

    def cut(matrix: np.ndarray) -> np.ndarray:
        size, width = matrix.shape
        return np.ascontiguousarray(matrix).reshape(-1)[start : start + (size - 1) * width].reshape(size - 1, width)

    turn = days.values.shape[1] - start
    return replace(days, day=days.day + np.int32(carry), values=cut(days.values), quality=cut(days.quality), turn=turn)


def _halves(days: DayRows, begins: np.ndarray, ends: np.ndarray, start: int) -> DayRows:
    """Return printed days of which only one part counts: from ``start`` on of ``begins``, up to it of ``ends``."""
    halves = days.where(np.concatenate([begins, ends]))
    halves.values[: len(begins), :start] = np.nan
    halves.values[len(begins) :, start:] = np.nan
    return halves
