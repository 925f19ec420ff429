"""Day × slot matrices for heat maps: a gap is NaN, and an incomplete sum is a gap. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eclectyc.analytics.slots import SlotSeries

DAY_MINUTES = 1440
LONGEST_DAY_MINUTES = 1500  # 25 hours


@dataclass(frozen=True, slots=True)
class HeatMap:
    """One row a local day, one column a slot of elapsed time since local midnight.

    days : datetime64[D], shape (days,). value : shape (days, 25 h / step), NaN = missing or not a slot of that day.
    step : minutes per column. coverage : same shape, 0 … 1, present parts / expected parts of each cell (NaN where
    none is expected); below 1 the value is NaN. left_out : meters known only by whole days, which have no slots.
    """

    days: np.ndarray
    value: np.ndarray
    step: int
    coverage: np.ndarray
    left_out: tuple[int, ...] = ()

    def rows(self, digits: int = 3) -> list[list[float | None]]:
        """Return the matrix as lists, None for gaps, for JSON."""
        cells = np.round(self.value, digits).astype(object)
        cells[np.isnan(self.value)] = None
        return cells.tolist()


def common_step(parts: Sequence[SlotSeries]) -> int:
    """Return the coarsest step [minutes] below a day at which any of the parts was read; 30 if there is none."""
    lengths = [
        int(((part.end - part.start) // 60)[counts].max())
        for part in parts
        if (counts := ~part.whole_day & ~np.isnan(part.value)).any()
    ]
    return max(lengths, default=30)


def heat_map(days: np.ndarray, parts: Sequence[SlotSeries], *, step: int | None = None) -> HeatMap:
    """Return the slots of one point, or the sum of several, as days × slots.

    Finer slots are summed to the common step. A cell whose parts are not all present – a finer slot missing, or the
    slot of another meter that is expected – has no value, only a coverage.
    """
    step = step or common_step(parts)
    columns = -(-LONGEST_DAY_MINUTES // step)
    size = len(days) * columns
    total, present, expected = np.zeros(size), np.zeros(size), np.zeros(size)
    for part in parts:
        fine = part.select(~part.whole_day) if part.whole_day.any() else part
        cell = fine.day * columns + fine.minute // step
        here = ~np.isnan(fine.value)
        total += np.bincount(cell, weights=np.where(here, fine.value, 0.0), minlength=size)
        present += np.bincount(cell, weights=here, minlength=size)
        expected += np.bincount(cell, weights=here | fine.expected, minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        coverage = np.where(expected > 0, present / expected, np.nan)
    value = np.where((present > 0) & (present == expected), total, np.nan)
    shape = (len(days), columns)
    return HeatMap(days, value.reshape(shape), step, coverage.reshape(shape))
