"""Days, spans and clock times in words."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from eclectyc.kernel.days import zone_of


def day_words(day: date) -> str:
    """Return a day in full.

    >>> day_words(date(2025, 3, 30))
    'Sunday 30 March 2025'
    """
    return f"{day:%A} {day.day} {day:%B %Y}"


def short_day(day: date) -> str:
    """Return a day in short.

    >>> short_day(date(2025, 3, 3))
    'Mon 3 Mar 2025'
    """
    return f"{day:%a} {day.day} {day:%b %Y}"


def span_words(start: date, end: date) -> str:
    """Return a half-open span of days in words, which include its last day.

    >>> span_words(date(2025, 3, 3), date(2025, 3, 10))
    '3–9 March 2025'
    """
    last = end - timedelta(days=1)
    if start == last:
        return f"{start.day} {start:%B %Y}"
    if (start.year, start.month) == (last.year, last.month):
        return f"{start.day}–{last.day} {last:%B %Y}"
    if start.year == last.year:
        return f"{start.day} {start:%B} – {last.day} {last:%B %Y}"
    return f"{start.day} {start:%B %Y} – {last.day} {last:%B %Y}"


def date_words(day: date | None) -> str:
    """Return a date as tables show it.

    >>> date_words(date(2026, 11, 3)), date_words(None)
    ('3 Nov 2026', '–')
    """
    return f"{day.day} {day:%b %Y}" if day else "–"


def stamp(moment: datetime | None, zone: ZoneInfo | None = None, *, seconds: bool = False) -> str:
    """Return an instant as local date and time, in the installation's zone if no other is given.

    >>> stamp(datetime(2026, 11, 3, 15, 58, tzinfo=ZoneInfo("UTC")), ZoneInfo("Europe/London"))
    '3 Nov 2026 15:58'
    """
    if moment is None:
        return "–"
    local = moment.astimezone(zone or house_zone())
    return f"{date_words(local)} {local:%H:%M:%S}" if seconds else f"{date_words(local)} {local:%H:%M}"


def unbroken(text: str) -> str:
    """Return a text whose spans do not break at their dash at the end of a line."""
    return text.replace("–", "\u2060–\u2060")


def slot_words(start: datetime, end: datetime) -> str:
    """Return a slot's local start and end, with the zone's abbreviation, which differs in a repeated hour."""
    closes = "24:00" if end.hour == end.minute == 0 and end.date() > start.date() else f"{end:%H:%M}"
    return f"{start:%H:%M}–{closes} {start:%Z}"


def age_words(last: date | None, today: date) -> str:
    """Return how long ago a day was.

    >>> age_words(date(2025, 3, 1), date(2025, 3, 4))
    '3 days ago'
    """
    if last is None:
        return "never"
    days = (today - last).days
    return {0: "today", 1: "yesterday"}.get(days, f"{days} days ago" if days > 0 else short_day(last))


def house_zone() -> ZoneInfo:
    """Return the time zone of pages about many sites: the installation's own."""
    return zone_of(settings.DEFAULT_SITE_ZONE)
