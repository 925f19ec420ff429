"""Columns headed by the times at which periods end, on the day that the clocks go forward. Pure.

The period that ends when they do has two names: the moment as the clock would have shown it (01:00), and as it shows
it then (02:00). Columns are taken for their periods, so the value under the second name belongs under the first.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eclectyc.intake.alignment.clocks import DAY_S, Clock
from eclectyc.intake.alignment.reading_arrays import DayRows


def normalise_last_column(days: DayRows, mine: np.ndarray, clock: Clock) -> DayRows:
    """Return days with what stands under the second name of the last period before a gap put under the first.

    mine : which days keep this clock (bool). Only where the first is empty and nothing stands between them: a clock
    that never changes fills both.
    """
    step_s = days.step * 60
    forward = clock.offsets[1:] > clock.offsets[:-1]
    opens, closes = (clock.changes + clock.offsets[:-1])[forward], (clock.changes + clock.offsets[1:])[forward]
    for open_s, close_s in zip(opens.tolist(), closes.tolist(), strict=True):
        first, second = open_s % DAY_S // step_s - 1, (close_s - 1) % DAY_S // step_s
        rows = np.flatnonzero(mine & (days.day == open_s // DAY_S))
        if first < 0 or not len(rows) or second >= days.values.shape[1]:
            continue
        between = np.nan_to_num(days.values[rows, first + 1 : second]) != 0
        rows = rows[np.isnan(days.values[rows, first]) & ~np.isnan(days.values[rows, second]) & ~between.any(axis=1)]
        if len(rows):
            days = replace(days, values=days.values.copy(), quality=days.quality.copy())
            for matrix, nothing in ((days.values, np.nan), (days.quality, 0)):
                matrix[rows, first], matrix[rows, second] = matrix[rows, second], nothing
    return days
