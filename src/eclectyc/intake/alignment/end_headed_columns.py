"""Columns headed by the end times of their periods, on the day that the clocks go forward. Pure.

The period that ends at the change has two possible headings: the time before the change (01:00) and the time after it
(02:00). A column stands for its period, so a value under the second heading belongs under the first.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eclectyc.intake.alignment.clocks import DAY_S, Clock
from eclectyc.intake.alignment.reading_arrays import DayRows


def normalise_last_column(days: DayRows, mine: np.ndarray, clock: Clock) -> DayRows:
    """Move the values of the last period before a spring gap from its second heading to its first.

    mine : days of this clock (bool). Only if the first is empty and the columns between are too: a clock that never
    changes fills both.
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
            for matrix, missing in ((days.values, np.nan), (days.quality, 0)):
                matrix[rows, first], matrix[rows, second] = matrix[rows, second], missing
    return days
