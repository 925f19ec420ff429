"""Days printed by another clock than the site's, shifted as whole rows. Pure.

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

UNEVEN = -(2**31)  # in place of a shift, if a day has none


@dataclass(frozen=True, slots=True)
class DayShifts:
    """Shifts between printed days and the sites' days.

    by_s : [s], shape (zones, days from ``first``); UNEVEN on days that are aligned slot by slot, because a clock
        changes on them or on a day of the site that they overlap.
    """

    first: int
    by_s: np.ndarray

    @classmethod
    def between(cls, printed: Clock, own: Sequence[Clock], first: int, end: int) -> Self:
        """Compare the clock of a file with those of the sites, from one printed day up to another (exclusive)."""
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
    """Return the site's days that two printed days make up, and printed halves without another half.

    selection : days with the same shift of ``columns``, forward or (below zero) back. width : columns of a day.
    first, end : the site's days to return.
    """
    days, rows = _in_order(selection, width)
    channel, day = days.channel[rows], days.day[rows]
    meets = (rows[1:] == rows[:-1] + 1) & (channel[1:] == channel[:-1]) & (day[1:] == day[:-1] + 1)
    start = -columns % width  # the column at which a day of the site begins
    site_day = day + 1 if columns > 0 else day
    requested = (site_day >= first) & (site_day < end)
    begins = rows[requested & np.r_[~meets, True]]
    ends = rows[(site_day > first) & (site_day <= end) & np.r_[True, ~meets]]
    whole = Selection(_read_from(days, start, 1 if columns > 0 else 0), rows[:-1][meets & requested[:-1]])
    return whole, _halves(days, begins, ends, start)


def _in_order(selection: Selection, width: int) -> tuple[DayRows, np.ndarray]:
    """Return the days sorted by channel and day, in memory too; most files have them so."""
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
    """Return the printed days that count in part: ``begins`` from ``start`` on, ``ends`` up to it."""
    halves = days.where(np.concatenate([begins, ends]))
    halves.values[: len(begins), :start] = np.nan
    halves.values[len(begins) :, start:] = np.nan
    return halves
