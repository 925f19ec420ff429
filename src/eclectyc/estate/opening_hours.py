"""Opening hours: for each weekday the spans in which a place is open, in local time. Pure.

A week is seven lists, Monday first, of ["HH:MM", "HH:MM"] spans: half-open, in order, never overlapping; the end of a
day is "24:00". Written: ``Mon-Fri 07:00-19:00; Sat 09:00-12:00, 13:00-17:00``. Nothing: never open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from eclectyc.kernel.errors import Invalid

Span = list[str]
Week = list[list[Span]]

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FULL_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MOST_SPANS: Final = 12  # of one day
_MIDNIGHT: Final = 24 * 60
_CLOCK: Final = re.compile(r"([0-9]{1,2})[:.]([0-9]{2})")
_PART: Final = re.compile(r"([A-Za-z]{3,9})(?:\s*[-–]\s*([A-Za-z]{3,9}))?\s+(.+)")
_REMEDY: Final = "Write 'Mon-Fri 07:00-19:00; Sat 09:00-13:00'."


def default_week() -> Week:
    """Return Monday to Friday, 07:00 to 19:00."""
    return [[["07:00", "19:00"]] for _ in range(5)] + [[], []]


def week_of(given: object) -> Week:
    """Return a week from its text, from seven lists of spans, or from lists by weekday; otherwise raise ``Invalid``.

    A span over midnight becomes two, spans that touch or overlap become one.

    >>> week_of("Fri 22:00-02:00")[4:6]
    [[['22:00', '24:00']], [['00:00', '02:00']]]
    """
    return _week(_spans_of(given))


def text_of(week: Sequence[Sequence[Sequence[str]]]) -> str:
    """Return a week as people write it; ``closed`` if it is never open.

    >>> text_of(default_week())
    'Mon-Fri 07:00-19:00'
    """
    days = [", ".join(f"{opens}-{closes}" for opens, closes in day) for day in week]
    parts, first = [], 0
    for day in range(1, len(DAYS) + 1):
        if day < len(DAYS) and days[day] == days[first]:
            continue
        if days[first]:
            name = DAYS[first] if day - first == 1 else f"{DAYS[first]}-{DAYS[day - 1]}"
            parts.append(f"{name} {days[first]}")
        first = day
    return "; ".join(parts) or "closed"


def minutes_open(week: Sequence[Sequence[Sequence[str]]], weekday: int) -> list[tuple[int, int]]:
    """Return the spans of a weekday (Monday is 0) in minutes of the local clock since midnight, half-open."""
    return [(_minutes(opens), _minutes(closes)) for opens, closes in week[weekday]]


def _spans_of(given: object) -> list[tuple[int, int, int]]:
    """Return (weekday, opens, closes) [minutes] as given; closes ≤ opens means over midnight."""
    if isinstance(given, str):
        return _read(given)
    if isinstance(given, Mapping):
        return _named(given)
    if isinstance(given, Sequence) and len(given) == len(DAYS):
        return [span for day, spans in enumerate(given) for span in _listed(day, spans)]
    raise _refused("Opening hours are seven lists of spans, Monday first.")


def _named(given: Mapping[Any, Any]) -> list[tuple[int, int, int]]:
    found = []
    for name, spans in given.items():
        found += _listed(_weekday(str(name)), spans)
    return found


def _listed(day: int, spans: object) -> list[tuple[int, int, int]]:
    if not isinstance(spans, Sequence) or isinstance(spans, str) or len(spans) > MOST_SPANS:
        raise _refused(f"The opening hours of {DAYS[day]} are not a list of spans.")
    found = []
    for span in spans:
        if not isinstance(span, Sequence) or isinstance(span, str) or len(span) != 2:
            raise _refused(f"{str(span)[:40]!r} is not a span of time.")
        found.append((day, _minutes(span[0]), _minutes(span[1])))
    return found


def _read(text: str) -> list[tuple[int, int, int]]:
    text = text.strip()
    if not text or text.lower() in ("closed", "never"):
        return []
    found = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        seen = _PART.fullmatch(part)
        if seen is None:
            raise _refused(f"{part[:80]!r} is not opening hours.")
        first = _weekday(seen[1])
        last = _weekday(seen[2]) if seen[2] else first
        spans = [re.split(r"\s*[-–]\s*", span.strip()) for span in seen[3].split(",")]
        for day in range(first, last + 1 if last >= first else last + 1 + len(DAYS)):
            found += _listed(day % len(DAYS), spans)
    return found


def _weekday(name: str) -> int:
    short = name.strip().lower()
    for day, full in enumerate(FULL_DAYS):
        if len(short) >= 3 and full.startswith(short):
            return day
    raise _refused(f"{name[:40]!r} is not a weekday.")


def _minutes(clock: object) -> int:
    seen = _CLOCK.fullmatch(clock.strip()) if isinstance(clock, str) else None
    minutes = int(seen[1]) * 60 + int(seen[2]) if seen else -1
    if seen is None or int(seen[2]) > 59 or minutes > _MIDNIGHT:
        raise _refused(f"{str(clock)[:40]!r} is not a time of day.")
    return minutes


def _week(spans: Iterable[tuple[int, int, int]]) -> Week:
    days: list[list[tuple[int, int]]] = [[] for _ in DAYS]
    for day, opens, closes in spans:
        if opens == closes:
            raise _refused(f"A span from {_clock(opens)} to {_clock(closes)} has no length.")
        if opens < closes:
            days[day].append((opens, closes))
            continue
        days[day].append((opens, _MIDNIGHT))
        if closes:
            days[(day + 1) % len(DAYS)].append((0, closes))
    return [[[_clock(opens), _clock(closes)] for opens, closes in _joined(day)] for day in days]


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for opens, closes in sorted(spans):
        if opens == closes:
            continue  # 24:00 to 24:00
        if joined and opens <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], closes))
        else:
            joined.append((opens, closes))
    return joined


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _refused(reason: str) -> Invalid:
    return Invalid(reason, _REMEDY, field="opening_hours")
