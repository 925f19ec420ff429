"""Days of many metering points side by side, from which sites, months and estates are summed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from eclectyc.analytics.expected_slots import Points, expected_slots, positions
from eclectyc.analytics.periods import days_array


@dataclass(frozen=True, slots=True)
class Total:
    """A sum and its basis: ``value`` is None if nothing is present; the rest counts slots."""

    value: float | None
    present: int
    expected: int
    estimated: int

    @property
    def coverage(self) -> float | None:
        """present / expected, 0 … 1; None if nothing is expected."""
        return self.present / self.expected if self.expected else None

    @property
    def estimated_share(self) -> float | None:
        """The share of the present slots that is estimated, substituted or derived; None if none is present."""
        return self.estimated / self.present if self.present else None


@dataclass(frozen=True, slots=True)
class DayGrid:
    """Arrays of shape (points, days) over consecutive days; ``total`` is NaN if nothing is present."""

    days: np.ndarray
    total: np.ndarray
    present: np.ndarray
    expected: np.ndarray
    estimated: np.ndarray

    @property
    def complete(self) -> np.ndarray:
        """Whether every slot of a point's day is present."""
        whole: np.ndarray = (self.present == self.expected) & (self.present > 0)
        return whole

    def span(self, start: date, end: date) -> slice:
        """Return the columns of the days from ``start`` up to, not including, ``end``, as far as they are held."""
        first, last = (int(np.searchsorted(self.days, np.datetime64(day, "D"))) for day in (start, end))
        return slice(first, max(first, last))

    def sum(self, start: date, end: date, which: np.ndarray | None = None) -> Total:
        """Return the total of a span over all points, or over those of a mask."""
        columns = self.span(start, end)
        rows = slice(None) if which is None else which
        present = int(self.present[rows, columns].sum(dtype=np.int64))
        return Total(
            value=float(np.nansum(self.total[rows, columns])) if present else None,
            present=present,
            expected=int(self.expected[rows, columns].sum(dtype=np.int64)),
            estimated=int(self.estimated[rows, columns].sum(dtype=np.int64)),
        )

    def by_day(self, which: np.ndarray | None = None) -> pl.DataFrame:
        """Return one row a day, summed over points: day, value (null: nothing present), present, expected,
        estimated."""
        rows = slice(None) if which is None else which
        present = self.present[rows].sum(axis=0)
        value = np.where(present > 0, np.nansum(self.total[rows], axis=0), np.nan)
        return pl.DataFrame(
            {
                "day": self.days,
                "value": value,
                "present": present,
                "expected": self.expected[rows].sum(axis=0, dtype=np.int64),
                "estimated": self.estimated[rows].sum(axis=0),
            }
        ).with_columns(pl.col("value").fill_nan(None), pl.col("day").cast(pl.Date))

    def by_point(self, start: date, end: date) -> pl.DataFrame:
        """Return one row a point, in order, summed over a span: value, present, expected, estimated."""
        columns = self.span(start, end)
        present = self.present[:, columns].sum(axis=1)
        value = np.where(present > 0, np.nansum(self.total[:, columns], axis=1), np.nan)
        return pl.DataFrame(
            {
                "value": value,
                "present": present,
                "expected": self.expected[:, columns].sum(axis=1, dtype=np.int64),
                "estimated": self.estimated[:, columns].sum(axis=1),
            }
        ).with_columns(pl.col("value").fill_nan(None))


def day_grid(rows: pl.DataFrame, points: Points, start: date, end: date) -> DayGrid:
    """Arrange day rows (point, day, slots, total, present, estimated; one per point and day) by day."""
    days = days_array(start, end)
    shape, at = (len(points), len(days)), positions(rows, days)
    total = np.full(shape, np.nan)
    total[at] = rows["total"].to_numpy()  # null, and so NaN, where nothing is present
    present, estimated = np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.int32)
    present[at] = rows["present"].to_numpy()
    estimated[at] = rows["estimated"].to_numpy()
    return DayGrid(days, total, present, expected_slots(points, days, rows), estimated)
