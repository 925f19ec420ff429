"""Windows and buckets of local time. Pure.

A window is half-open and given by local days or by instants. A slot belongs to the window that holds its
*start*, so windows that meet share no slot and lose none. Buckets are local: hours of elapsed time since local
midnight (a day that the clocks lengthen has 25), days, weeks from Monday, months and years. A bucket at the edge
of a window is cut to the slots it counts: these fill the time between the start and the end it shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

import numpy as np

from eclectyc.kernel.days import local_day, midnight, midnights
from eclectyc.kernel.errors import Invalid

By = Literal["slot", "hour", "day", "week", "month", "year"]
BUCKETS: Final[tuple[By, ...]] = get_args(By)
FIRST_YEAR, LAST_YEAR = 1900, 2200  # no meter is older, and no answer is longer

_DAYS_FROM_MONDAY = 3  # 1970-01-01 was a Thursday


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span of local time, with its ends as instants."""

    start: datetime
    end: datetime
    zone: ZoneInfo

    @classmethod
    def of(cls, start: date | datetime, end: date | datetime, zone: ZoneInfo) -> Window:
        """Return the window from ``start`` up to, not including, ``end``; raise ``Invalid`` if it is empty.

        A date is the local midnight at which it begins. An instant has an offset.
        """
        opens, closes = _instant(start, zone, "from"), _instant(end, zone, "to")
        if closes <= opens:
            raise Invalid("The period ends before it starts.", "Choose an end after the start.", field="to")
        return cls(opens, closes, zone)

    @property
    def first_day(self) -> date:
        """The local day that holds the start."""
        return local_day(self.start, self.zone)

    @property
    def end_day(self) -> date:
        """The local day after the last one that the window touches."""
        return local_day(self.end - timedelta(microseconds=1), self.zone) + timedelta(days=1)

    @property
    def days(self) -> np.ndarray:
        """The local days that the window touches, as datetime64[D]."""
        return days_array(self.first_day, self.end_day)

    @property
    def cut_days(self) -> tuple[date, ...]:
        """The days of which the window holds only a part: none, one or two."""
        cut = set()
        if self.start != midnight(self.first_day, self.zone):
            cut.add(self.first_day)
        if self.end != midnight(self.end_day, self.zone):
            cut.add(self.end_day - timedelta(days=1))
        return tuple(sorted(cut))


def _instant(moment: date | datetime, zone: ZoneInfo, field: str) -> datetime:
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise Invalid(
            f"The year {moment.year} is out of range.", f"Use a year from {FIRST_YEAR} to {LAST_YEAR}.", field=field
        )
    if not isinstance(moment, datetime):
        return midnight(moment, zone)
    if moment.tzinfo is None:
        raise Invalid(
            f"{moment.isoformat()} has no offset from UTC.",
            "Write 2025-06-01T10:00Z or 2025-06-01T11:00+01:00.",
            field=field,
        )
    return moment.astimezone(UTC)


def days_array(start: date, end: date) -> np.ndarray:
    """Return the days from ``start`` up to, not including, ``end`` as datetime64[D]."""
    return np.arange(np.datetime64(start, "D"), np.datetime64(end, "D"))


def bucket_starts(days: np.ndarray, by: By) -> np.ndarray:
    """Return the first day of the bucket that holds each day; ``by`` is day, week, month or year.

    >>> bucket_starts(np.array(["2025-06-01"], dtype="datetime64[D]"), "week")  # a Sunday
    array(['2025-05-26'], dtype='datetime64[D]')
    """
    days = days.astype("datetime64[D]")
    if by == "week":
        return days - (days.astype(np.int64) + _DAYS_FROM_MONDAY) % 7
    unit = {"day": "D", "month": "M", "year": "Y"}[by]
    return days.astype(f"datetime64[{unit}]").astype("datetime64[D]")


def bucket_ends(starts: np.ndarray, by: By) -> np.ndarray:
    """Return the day after the last one of each bucket, from its first day."""
    if by in ("day", "week"):
        return starts + (1 if by == "day" else 7)
    unit = {"month": "M", "year": "Y"}[by]
    return (starts.astype(f"datetime64[{unit}]") + 1).astype("datetime64[D]")


def week_of(day: date) -> date:
    """Return the Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def month_of(day: date) -> date:
    """Return the first day of a day's month."""
    return day.replace(day=1)


def month_before(day: date) -> date:
    """Return the first day of the month before a day's."""
    return month_of(month_of(day) - timedelta(days=1))


def month_after(day: date) -> date:
    """Return the first day of the month after a day's."""
    return month_of(month_of(day) + timedelta(days=31))


def window_seconds(window: Window) -> tuple[int, int]:
    """Return a window's ends in whole seconds since 1970, rounded up: a slot starts at a whole second."""
    return tuple(-int(-moment.timestamp() // 1) for moment in (window.start, window.end))  # type: ignore[return-value]


def day_edges(days: np.ndarray, zone: ZoneInfo) -> tuple[np.ndarray, np.ndarray]:
    """Return the start and end [s since 1970] of each local day."""
    return midnights(days, zone), midnights(days + np.timedelta64(1, "D"), zone)
