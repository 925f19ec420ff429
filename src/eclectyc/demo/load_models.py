"""Models of a meter's usage: the sum of its parts, each scaled to its share of the annual usage. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from eclectyc.demo.grid import Grid, Weather

HEATING_BASE_C: Final = 15.5
COOLING_BASE_C: Final = 17.0
HALF_HOURS_A_YEAR: Final = 17532


@dataclass(frozen=True)
class Load:
    """The usage of a meter in an ordinary year, by parts.

    annual : usage in a year, in the meter's unit.
    shares : part → share of ``annual``; they need not sum to one. Parts: base, people, lights, cooling,
        heating, process.
    pattern : occupancy over the week; one of ``PATTERNS``.
    yearly_change : relative change from one year to the next, level in January 2025.
    noise : relative scatter of a half-hour.
    digits : decimals of its readings.
    """

    annual: float
    shares: Mapping[str, float]
    pattern: str = "office"
    yearly_change: float = 0.0
    noise: float = 0.05
    digits: int = 2


def simulate_load(load: Load, grid: Grid, weather: Weather, rng: np.random.Generator) -> np.ndarray:
    """Return the usage in each half-hour of the grid, unrounded and never negative."""
    present = PATTERNS[load.pattern](grid)
    scatter, orders = rng.spawn(2)
    parts: dict[str, Callable[[], np.ndarray]] = {
        "base": lambda: np.ones(present.size),
        "people": lambda: present,
        "lights": lambda: present * (0.45 + 0.55 * np.exp(-weather.irradiance / 90)),
        "cooling": lambda: np.clip(weather.temperature - COOLING_BASE_C, 0, None) * (0.12 + present),
        "heating": lambda: _heating(grid, weather, present),
        "process": lambda: present * _shift_swing(grid, orders),
    }
    mean = load.annual / HALF_HOURS_A_YEAR
    use = np.zeros(present.size)
    for name, share in load.shares.items():
        part = parts[name]()
        use += share * mean * part / part[grid.reference].mean()
    years = (grid.utc_s - 1735689600) / (365.2425 * 86400)
    use *= (1 + load.yearly_change) ** years
    return np.clip(use * _scatter(grid, scatter, load.noise), 0, None)


def _heating(grid: Grid, weather: Weather, present: np.ndarray) -> np.ndarray:
    """Return degrees below the base temperature, averaged over 12 hours for the building's mass; from two hours before
    opening."""
    felt = np.convolve(weather.temperature, np.full(24, 1 / 24))[: weather.temperature.size]
    preheat = np.concatenate([present[4:], present[-1:].repeat(4)])
    return np.clip(HEATING_BASE_C - felt, 0, None) * (0.18 + np.maximum(present, 1.15 * preheat))


def _shift_swing(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Return the swing of production: weeks differ, and machines run in blocks of an hour or two."""
    of_weeks, of_blocks = rng.spawn(2)  # one each: a longer grid must not change earlier values
    weeks = 1 + 0.12 * of_weeks.standard_normal(grid.days.size // 7 + 2)
    blocks = 1 + 0.18 * of_blocks.standard_normal(grid.day_of.size // 3 + 1)
    return weeks[grid.day_of // 7] * np.repeat(blocks, 3)[: grid.day_of.size]


def _scatter(grid: Grid, rng: np.random.Generator, noise: float) -> np.ndarray:
    of_days, of_slots = rng.spawn(2)
    days = 1 + 0.6 * noise * of_days.standard_normal(grid.days.size)
    slots = noise * of_slots.standard_normal(grid.day_of.size)
    return days[grid.day_of] * (1 + slots)


def _occupied_between(hour: np.ndarray, opens: float, closes: float, *, ramp_h: float = 1.0) -> np.ndarray:
    """Return 1 inside opening hours and 0 outside, with a ramp before and after."""
    return np.clip(np.minimum((hour - opens) / ramp_h + 0.5, (closes - hour) / ramp_h + 0.5), 0, 1)


def _office(grid: Grid) -> np.ndarray:
    there = (
        _occupied_between(grid.hour, 8.0, 17.75, ramp_h=2.5)
        * np.array([0.86, 1.0, 1.0, 0.98, 0.78, 0.08, 0.04])[grid.weekday]
    )
    return np.where(grid.is_working | (grid.weekday >= 5), there, 0.05 * there)


def _school(grid: Grid) -> np.ndarray:
    lessons = _occupied_between(grid.hour, 7.75, 16.25, ramp_h=1.5) + 0.25 * _occupied_between(grid.hour, 16.5, 20.0)
    cleaning = 0.12 * _occupied_between(grid.hour, 8.5, 14.0) * grid.is_working
    return np.where(grid.is_school, np.clip(lessons, 0, 1), cleaning)


def _works(grid: Grid) -> np.ndarray:
    two_shifts = (
        0.92
        * _occupied_between(grid.hour, 6.0, 22.0, ramp_h=0.5)
        * (1 - 0.25 * _occupied_between(grid.hour, 13.75, 14.25, ramp_h=0.5))
    )
    saturday = 0.45 * _occupied_between(grid.hour, 6.0, 12.5, ramp_h=0.5)
    use = np.where(grid.weekday < 5, two_shifts, np.where(grid.weekday == 5, saturday, 0.0))
    shutdown = _is_christmas(grid) | _is_august_shutdown(grid)
    return np.where(shutdown | ((grid.weekday < 5) & ~grid.is_working), 0.04, use)


def _shop(grid: Grid) -> np.ndarray:
    weekdays = _occupied_between(grid.hour, 7.0, 22.0)
    return np.where(grid.weekday == 6, _occupied_between(grid.hour, 9.5, 16.5), weekdays) * 0.97


def _ward(grid: Grid) -> np.ndarray:
    weekday = np.where(grid.weekday < 5, 1.0, 0.8)
    return 0.45 + 0.55 * _occupied_between(grid.hour, 7.0, 20.0, ramp_h=3) * weekday


def _depot(grid: Grid) -> np.ndarray:
    early = _occupied_between(grid.hour, 4.5, 21.5) * np.array([1, 1, 1, 1, 1, 0.6, 0.15])[grid.weekday]
    return np.where(_is_christmas(grid), 0.1, early)


def _pool(grid: Grid) -> np.ndarray:
    weekend = (grid.weekday >= 5) | ~grid.is_working
    return np.where(weekend, _occupied_between(grid.hour, 8.0, 18.5), _occupied_between(grid.hour, 6.25, 22.0))


def _building_site(grid: Grid) -> np.ndarray:
    there = _occupied_between(grid.hour, 7.25, 17.5) * np.array([1, 1, 1, 1, 0.9, 0.35, 0])[grid.weekday]
    return np.where(_is_christmas(grid) | ((grid.weekday < 5) & ~grid.is_working), 0.03, there)


def _night(grid: Grid) -> np.ndarray:
    return np.clip(
        _occupied_between(grid.hour, 18.5, 30.0, ramp_h=2) + _occupied_between(grid.hour, -6.0, 5.5, ramp_h=2), 0, 1
    )


def _is_christmas(grid: Grid) -> np.ndarray:
    month_day = _month_day(grid)
    return ((month_day >= 1223) | (month_day <= 102))[grid.day_of]


def _is_august_shutdown(grid: Grid) -> np.ndarray:
    month_day = _month_day(grid)
    return ((month_day >= 804) & (month_day <= 817))[grid.day_of]


def _month_day(grid: Grid) -> np.ndarray:
    months = grid.days.astype("datetime64[M]")
    return (months.astype(np.int64) % 12 + 1) * 100 + (grid.days - months).astype(np.int64) + 1


PATTERNS: Final[Mapping[str, Callable[[Grid], np.ndarray]]] = MappingProxyType(
    {
        "office": _office,
        "school": _school,
        "works": _works,
        "shop": _shop,
        "ward": _ward,
        "depot": _depot,
        "pool": _pool,
        "building site": _building_site,
        "night": _night,
    }
)
