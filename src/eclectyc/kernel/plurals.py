"""Counts in words."""

from __future__ import annotations

from datetime import timedelta


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun. many : a plural that is not formed with an s.

    >>> counted(1, "meter"), counted(1200, "site"), counted(2, "summary", "summaries")
    ('1 meter', '1,200 sites', '2 summaries')
    """
    return f"{number:,} {plural(number, one, many)}"


def plural(number: int, one: str, many: str = "") -> str:
    """Return the word for one thing, or for any other number of them.

    >>> plural(1, "row"), plural(0, "row"), plural(3, "stays", "stay")
    ('row', 'rows', 'stay')
    """
    return one if number == 1 else many or f"{one}s"


def age_in_words(age: timedelta) -> str:
    """Return a span of time in whole minutes, hours or days.

    >>> age_in_words(timedelta(minutes=5)), age_in_words(timedelta(hours=47)), age_in_words(timedelta(days=3))
    ('5 minutes', '47 hours', '3 days')
    """
    hours = age.total_seconds() / 3600
    if hours < 1:
        return counted(max(0, int(hours * 60)), "minute")
    return counted(int(hours), "hour") if hours < 48 else counted(age.days, "day")
