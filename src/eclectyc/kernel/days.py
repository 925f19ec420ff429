"""Local days and their slots.

Conventions: instants are UTC; a day is a local calendar day in an IANA zone; spans are half-open; slot k of a
day starts at local midnight plus k·step of *elapsed* time, so a day has as many slots as the clocks give it
(46, 48 or 50 half-hours in London).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from eclectyc.kernel.errors import Invalid

if TYPE_CHECKING:
    import numpy as np  # at run time only where it is used: every command starts by way of this module

HALF_HOUR = timedelta(minutes=30)
WHOLE_DAY = 1440  # [minutes] the step of a series that knows only whole days
DEFAULT_ZONE = "Europe/London"
# Other entries of a system's zone folder: this machine's own clock, and clocks that count leap seconds.
_NOT_ZONES = frozenset({"localtime", "posix", "posixrules", "right"})
STEPS = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, WHOLE_DAY)


def zone_of(name: str) -> ZoneInfo:
    """Return the zone of an IANA name; raise ``Invalid`` if there is none."""
    try:
        if name.partition("/")[0] in _NOT_ZONES:
            raise ValueError(name)
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(
            f"There is no time zone called {name!r}.",
            "Use an IANA name such as Europe/London or UTC.",
            field="timezone",
        ) from None


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the UTC instant at which a local day starts.

    If the clocks skip midnight (Beirut, Santiago), the day starts at the change.

    >>> midnight(date(2025, 6, 1), ZoneInfo("Europe/London"))
    datetime.datetime(2025, 5, 31, 23, 0, tzinfo=datetime.timezone.utc)
    """
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the UTC instants at which a local calendar day starts and ends; the end is exclusive.

    >>> start, end = day_bounds(date(2025, 3, 30), ZoneInfo("Europe/London"))
    >>> (end - start) // HALF_HOUR
    46
    """
    return midnight(day, zone), midnight(day + timedelta(days=1), zone)


def slots_in_day(day: date, zone: ZoneInfo, step: int = 30) -> int:
    """Return how many slots of ``step`` [minutes] a local day has: 1 if the step is a whole day.

    A day that the calendar of its zone leaves out (Apia, 30 December 2011) has none.

    >>> slots_in_day(date(2025, 10, 26), ZoneInfo("Europe/London"))
    50
    """
    if step == WHOLE_DAY:
        return 1
    start, end = day_bounds(day, zone)
    return -((start - end) // timedelta(minutes=step))


def slot_bounds(day: date, slot: int, step: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the start and end of one slot, in local time with its offset.

    If the clocks move by half an hour (Lord Howe), the last hour of the day is cut off at midnight.
    """
    start, end = day_bounds(day, zone)
    if step == WHOLE_DAY:
        return start.astimezone(zone), end.astimezone(zone)
    opens = start + timedelta(minutes=slot * step)
    return opens.astimezone(zone), min(opens + timedelta(minutes=step), end).astimezone(zone)


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """Return the local calendar day that holds an instant."""
    return instant.astimezone(zone).date()


@lru_cache(maxsize=512)
def _midnights_of_year(year: int, zone: ZoneInfo) -> np.ndarray:
    import numpy as np

    first = date(year, 1, 1)
    count = (date(year + 1, 1, 1) - first).days
    return np.array([int(midnight(first + timedelta(days=n), zone).timestamp()) for n in range(count)], dtype=np.int64)


def midnights(days: np.ndarray, zone: ZoneInfo) -> np.ndarray:
    """Return the UTC starts [s since 1970] of local days; ``days`` has dtype datetime64[D], any shape and order."""
    import numpy as np

    days = days.astype("datetime64[D]")
    starts = np.empty(days.shape, dtype=np.int64)
    years = days.astype("datetime64[Y]")
    for year in np.unique(years):
        of_year = years == year
        offset = (days[of_year] - year.astype("datetime64[D]")).astype(np.int64)
        starts[of_year] = _midnights_of_year(int(year.astype(int)) + 1970, zone)[offset]
    return starts


def slot_counts(days: np.ndarray, zone: ZoneInfo, step: int) -> np.ndarray:
    """Return the number of slots of each local day, as int16; the vector form of :func:`slots_in_day`."""
    import numpy as np

    if step == WHOLE_DAY:
        return np.ones(days.shape, dtype=np.int16)
    days = days.astype("datetime64[D]")
    length_s = midnights(days + 1, zone) - midnights(days, zone)
    return (-(-length_s // (step * 60))).astype(np.int16)


def days_between(start: date, end: date) -> Sequence[date]:
    """Return the local days from ``start`` up to, not including, ``end``."""
    return [start + timedelta(days=n) for n in range((end - start).days)]
