"""Faults of the demo estate, so that there is something to find: in usage, and in the readings of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from eclectyc.demo.grid import Grid
from eclectyc.kernel import quality


@dataclass
class MeterUsage:
    """A meter's half-hours on the grid: values (NaN = missing) and quality."""

    values: np.ndarray
    quality: np.ndarray

    @classmethod
    def from_values(cls, values: np.ndarray) -> MeterUsage:
        return cls(values, np.full(values.size, quality.ACTUAL, dtype=np.int8))

    def remove(self, span: slice) -> None:
        """Set a span to missing."""
        self.values[span] = np.nan
        self.quality[span] = quality.MISSING


@dataclass(frozen=True)
class DataFaults:
    """The faults of the estate, dated back from the day on which the demo was created."""

    made_on: date

    def index_before(self, grid: Grid, days: int, hour: float = 0.0) -> int:
        """Return the index of a clock time, some days before the demo was created."""
        return grid.index_of(self.made_on - timedelta(days=days), hour)

    def change_usage(self, key: str, use: np.ndarray, grid: Grid) -> np.ndarray:
        """Return actual usage with its faults: plant left on at night, a leak, a growing site."""
        if key == "canal":  # air handling left on since a controls change
            late = (grid.hour > 20) | (grid.hour < 6)
            change = np.arange(use.size) >= self.index_before(grid, 38)
            return use + np.where(late & change, 11.0, 0.0)
        if key == "larkfield-water":  # a leak, found and fixed
            leak = slice(self.index_before(grid, 100, 3), self.index_before(grid, 71, 11))
            use = use.copy()
            use[leak] += 0.16
        if key in ("quayside", "quayside-water"):  # building work grows, then levels off
            weeks = (np.arange(use.size) - self.index_before(grid, 470)) / 336
            return use * np.clip(0.25 + weeks / 50, 0.25, 1.0)
        if (
            key == "quayside-diesel"
        ):  # the generator supplies the site until the grid supply is ready, then is on standby
            return np.where(np.arange(use.size) < self.index_before(grid, 455), use, 0.14 * use)
        return use

    def change_readings(self, key: str, use: MeterUsage, grid: Grid, rng: np.random.Generator) -> None:
        """Change recorded readings: gaps, estimates, flat runs, spikes, silence."""
        if key == "temple":
            use.remove(slice(self.index_before(grid, 47, 12), self.index_before(grid, 43, 9)))
        elif key == "school-gas":
            self._estimate(use, grid, 75, 61)
        elif key == "shop":
            self._estimate(use, grid, 9, 7)
            use.values[self.index_before(grid, 12, 14.5)] *= 9
        elif key == "depot":
            flat = slice(self.index_before(grid, 24, 22), self.index_before(grid, 22, 16))
            use.values[flat] = use.values[flat][:1]
        elif key == "hospital-water":  # the logger's battery
            use.remove(slice(self.index_before(grid, 5, 4.5), None))
        elif key == "canal-water":  # a weak signal
            for lost in np.flatnonzero(rng.random(use.values.size) < 0.004):
                use.remove(slice(lost, lost + 2))

    def _estimate(self, use: MeterUsage, grid: Grid, first_days_ago: int, last_days_ago: int) -> None:
        """Replace days without a reading by the profile of the week before, as estimates."""
        for days in range(first_days_ago, last_days_ago, -1):
            start, end = self.index_before(grid, days), self.index_before(grid, days - 1)
            week = 7 * ((first_days_ago - days) // 7 + 1)
            like_day = self.index_before(grid, days + week)
            use.values[start:end] = np.round(use.values[like_day : like_day + (end - start)], 1)
            use.quality[start:end] = quality.ESTIMATED
