"""Working days and school days in England. Pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import numpy as np

# Moved or added by proclamation (gov.uk/bank-holidays).
_MOVED_AWAY: Final = {date(2020, 5, 4), date(2022, 5, 30)}
_ADDED: Final = {date(2020, 5, 8), date(2022, 6, 2), date(2022, 6, 3), date(2022, 9, 19), date(2023, 5, 8)}


def easter(year: int) -> date:
    """Return Easter Sunday (Gregorian, by the anonymous algorithm of 1876).

    >>> easter(2025)
    datetime.date(2025, 4, 20)
    """
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return date(year, f // 31, f % 31 + 1)


def bank_holidays(year: int) -> set[date]:
    """Return the bank holidays of England and Wales in a year."""
    sunday = easter(year)
    days = {sunday - timedelta(days=2), sunday + timedelta(days=1)}
    days |= {_monday_on_or_after(date(year, 5, 1)), _last_monday(year, 5), _last_monday(year, 8)}
    days |= {_next_free(date(year, 1, 1), set())}
    christmas = _next_free(date(year, 12, 25), {date(year, 12, 26)} if date(year, 12, 26).weekday() < 5 else set())
    boxing = _next_free(date(year, 12, 26), {christmas})
    days |= {christmas, boxing}
    return (days - _MOVED_AWAY) | {d for d in _ADDED if d.year == year}


def school_days(days: np.ndarray) -> np.ndarray:
    """Return for each day (datetime64[D]) whether schools are open: weekdays in term, except bank holidays."""
    return np.array([_is_school_day(d) for d in days.astype(object)], dtype=bool)


def working_days(days: np.ndarray) -> np.ndarray:
    """Return for each day (datetime64[D]) whether it is Monday to Friday and not a bank holiday."""
    dates = days.astype(object)
    holidays = set().union(*(bank_holidays(year) for year in {d.year for d in dates}))
    return np.array([d.weekday() < 5 and d not in holidays for d in dates], dtype=bool)


def _is_school_day(day: date) -> bool:
    if day.weekday() >= 5 or day in bank_holidays(day.year):
        return False
    if (day.month, day.day) >= (12, 20) or (day.month, day.day) <= (1, 4):
        return False
    if (7, 23) <= (day.month, day.day) <= (9, 2):
        return False
    good_friday = easter(day.year) - timedelta(days=2)
    if good_friday - timedelta(days=4) <= day <= good_friday + timedelta(days=10):
        return False
    half_terms = [date(day.year, 2, 17), _last_monday(day.year, 5), date(day.year, 10, 28)]
    return day.isocalendar()[:2] not in [h.isocalendar()[:2] for h in half_terms]


def _monday_on_or_after(day: date) -> date:
    return day + timedelta(days=-day.weekday() % 7)


def _last_monday(year: int, month: int) -> date:
    end = date(year, month, 31)
    return end - timedelta(days=end.weekday())


def _next_free(day: date, holidays: set[date]) -> date:
    """Return the day itself if it is a weekday, else the next weekday that is not another holiday."""
    if day.weekday() < 5:
        return day
    while day.weekday() >= 5 or day in holidays:
        day += timedelta(days=1)
    return day
