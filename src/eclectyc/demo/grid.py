"""The half-hours that the demo is calculated on, and its weather. Pure.

The grid starts on a fixed day, whatever the requested window, so that the same seed gives a day the same values
whenever they are generated: a demo can be continued later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from eclectyc.demo.calendars import school_days, working_days
from eclectyc.kernel.days import midnights, slot_counts

ORIGIN: Final = date(2019, 1, 1)
REFERENCE_DAYS: Final = 730  # the two years over which loads are scaled to their annual usage
ZONE: Final = ZoneInfo("Europe/London")


@dataclass(frozen=True)
class Grid:
    """Every half-hour from ``ORIGIN`` up to ``end`` (exclusive), flat; ``day_of`` is the day of each."""

    end: date

    @cached_property
    def days(self) -> np.ndarray:
        """Local days, datetime64[D]."""
        return np.arange(np.datetime64(ORIGIN), np.datetime64(self.end))

    @cached_property
    def counts(self) -> np.ndarray:
        """Half-hours of each day: 46, 48 or 50."""
        return slot_counts(self.days, ZONE, 30).astype(np.int64)

    @cached_property
    def starts(self) -> np.ndarray:
        """Index of each day's first half-hour; one more at the end."""
        return np.concatenate([[0], np.cumsum(self.counts)])

    @cached_property
    def day_of(self) -> np.ndarray:
        return np.repeat(np.arange(self.days.size), self.counts)

    @cached_property
    def utc_s(self) -> np.ndarray:
        """UTC start of each half-hour [s since 1970]."""
        within = np.arange(self.day_of.size) - self.starts[:-1][self.day_of]
        return midnights(self.days, ZONE)[self.day_of] + 1800 * within

    @cached_property
    def hour(self) -> np.ndarray:
        """Middle of each half-hour by the local clock [h]."""
        elapsed_s = self.utc_s - midnights(self.days, ZONE)[self.day_of]
        length_s = 1800 * self.counts[self.day_of]
        shift_s = 86400 - length_s
        changes_s = np.where(shift_s > 0, 3600, 7200)  # London's clocks change at 01:00 GMT
        return (elapsed_s + np.where(elapsed_s >= changes_s, shift_s, 0)) / 3600 + 0.25

    @cached_property
    def weekday(self) -> np.ndarray:
        """0 = Monday, for each half-hour."""
        return ((self.days.astype(np.int64) + 3) % 7)[self.day_of]

    @cached_property
    def is_working(self) -> np.ndarray:
        return working_days(self.days)[self.day_of]

    @cached_property
    def is_school(self) -> np.ndarray:
        return school_days(self.days)[self.day_of]

    @cached_property
    def year_angle(self) -> np.ndarray:
        """Angle in the solar year [rad]; 0 at the start of January."""
        return 2 * np.pi * (self.utc_s / 86400.0 % 365.2425) / 365.2425

    @cached_property
    def reference(self) -> slice:
        """The half-hours of the reference years."""
        return slice(0, int(self.starts[REFERENCE_DAYS]))

    def index_of(self, day: date, hour: float = 0.0) -> int:
        """Return the index of the half-hour that starts at a clock time of an ordinary day."""
        return int(self.starts[(day - ORIGIN) // timedelta(days=1)] + hour * 2)


@dataclass(frozen=True)
class Weather:
    """Outdoor air temperature [°C] and irradiance on a flat plane [W/m²], per half-hour."""

    temperature: np.ndarray
    irradiance: np.ndarray


def simulate_weather(grid: Grid, rng: np.random.Generator, *, offset_c: float = 0.0) -> Weather:
    """Simulate weather in the Midlands: annual and daily swings, spells of days, and cloud.

    offset_c : difference from the Midlands [°C].
    """
    days = grid.days.size
    of_spells, of_clouds, of_flicker = rng.spawn(3)  # one each: a longer grid must not change earlier values
    spell_c = _autoregressive(of_spells.standard_normal(days), memory=0.82) * 2.5
    cloud = 1 / (1 + np.exp(-0.4 - _autoregressive(of_clouds.standard_normal(days), memory=0.45) * 1.5))
    seasonal_c = 10.6 + offset_c - 6.7 * np.cos(grid.year_angle - 0.50)
    smooth = np.interp(np.arange(grid.day_of.size), grid.starts[:-1] + 24, spell_c)
    swing_c = 1.6 + 2.6 * (1 - cloud[grid.day_of]) * (1 - 0.45 * np.cos(grid.year_angle))
    utc_hour = grid.utc_s % 86400 / 3600 + 0.25
    daily_c = swing_c * np.cos(2 * np.pi * (utc_hour - 14.5) / 24)
    sun = _sun_height(grid.year_angle, utc_hour)
    flicker = np.clip(1 + 0.25 * of_flicker.standard_normal(sun.size) * cloud[grid.day_of], 0.2, 1.3)
    irradiance = 1030 * np.clip(sun, 0, None) ** 1.15 * (1 - 0.78 * cloud[grid.day_of]) * flicker
    return Weather(seasonal_c + smooth + daily_c, irradiance)


def _sun_height(year_angle: np.ndarray, utc_hour: np.ndarray, latitude_deg: float = 52.5) -> np.ndarray:
    """Return the sine of the sun's height; negative at night. Ignores the equation of time (under 17 min)."""
    declination = np.radians(-23.44) * np.cos(year_angle + 2 * np.pi * 10 / 365.2425)
    latitude = np.radians(latitude_deg)
    turn = np.radians(15 * (utc_hour - 12))
    return np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(turn)


def _autoregressive(noise: np.ndarray, *, memory: float) -> np.ndarray:
    """Return a first-order autoregressive series of unit variance, driven by white noise."""
    out = np.empty_like(noise)
    weight, level = (1 - memory**2) ** 0.5, 0.0
    for k, value in enumerate(noise):
        level = memory * level + weight * value
        out[k] = level
    return out
