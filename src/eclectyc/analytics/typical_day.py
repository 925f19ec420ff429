"""The typical range of like days, slot by slot. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np

from eclectyc.analytics.slots import SlotSeries, clock_minutes

FEWEST_DAYS = 4  # fewer like days give no typical range


@dataclass(frozen=True, slots=True)
class Band:
    """10th percentile, median and 90th percentile per slot, in the unit of the readings; NaN if fewer than
    ``FEWEST_DAYS`` like days have that slot. ``days`` is how many like days there were."""

    low: np.ndarray
    middle: np.ndarray
    high: np.ndarray
    days: int


def is_like(day: date, other: date) -> bool:
    """Return whether both days are Monday to Friday, or both weekend."""
    return (day.weekday() < 5) == (other.weekday() < 5)


def usual_band(history: SlotSeries, target: SlotSeries, *, days: int, zone: ZoneInfo, step: int) -> Band:
    """Return the band of like days for each slot of ``target``.

    history : slots of like days, at ``step`` [minutes]; ``days`` of them. Slots meet by the time on the clock, so
    a clock-change day is compared with ordinary ones; of a repeated hour both parts meet the ordinary one.
    """
    size = -(-1440 // step)
    matrix = np.full((days, size), np.nan)
    minute, occurrence = clock_minutes(history, zone)
    first = (occurrence == 0) & ~history.whole_day
    matrix[history.day[first], minute[first] // step] = history.value[first]
    enough = (~np.isnan(matrix)).sum(axis=0) >= FEWEST_DAYS
    levels = np.full((3, size), np.nan)
    if enough.any():
        levels[:, enough] = np.nanpercentile(matrix[:, enough], [10, 50, 90], axis=0)
    at = clock_minutes(target, zone)[0] // step
    low, middle, high = levels[:, at]
    return Band(low, middle, high, days)
