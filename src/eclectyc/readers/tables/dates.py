"""Parse dates, times of day and stamps. The day always comes before the month.

Accepted: ISO, DD/MM/YYYY (also with - or .), DD Mon YYYY, YYYYMMDD, Excel serial numbers, two-digit years as 20YY;
times with : or as four digits, with AM or PM, ``24:00`` as the end of its day; ``Z`` or an offset makes an instant.
A date that does not exist is an error, never another day. A date that exists only month first shows that the whole
column is month first, and the file is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

FIRST_YEAR, LAST_YEAR = 1970, 2100

_MONTH_NAMES = "january february march april may june july august september october november december"
_MONTHS: Final = {name: n for n, month in enumerate(_MONTH_NAMES.split(), 1) for name in (month[:3], month)} | {
    "sept": 9
}
_DAY_FIRST = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})")
_YEAR_FIRST = re.compile(r"([0-9]{4})([/.-])([0-9]{1,2})\2([0-9]{1,2})")
_NAMED = re.compile(r"([0-9]{1,2})[ /.-]?([A-Za-z]{3,9})[ /.,-]{0,2}([0-9]{4}|[0-9]{2})")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_SERIAL = re.compile(r"([0-9]{5})(\.[0-9]*)?")
_TIME = re.compile(r"([0-9]{1,2})[:.]([0-9]{2})(?:[:.]([0-9]{2})(?:[.,][0-9]+)?)?(?: ?([AaPp])[Mm])?")
_FOUR_DIGITS = re.compile(r"([0-9]{2})([0-9]{2})")
_FRACTION = re.compile(r"0?\.[0-9]+|[01](\.0*)?")
_OFFSET = re.compile(r" ?(?:([Zz])|(?:UTC|GMT)|([+-])([0-9]{2}):?([0-9]{2})?)$")
_STAMP = re.compile(r"(.+?)(?:[Tt]|,? +)([0-9]{1,2}[:.][0-9]{2}.*|[0-9]{4}(?:[0-9]{2})?)")
_DIGITS = re.compile(r"([0-9]{8})([0-9]{2})([0-9]{2})([0-9]{2})?")
_EXCEL_EPOCH = datetime(1899, 12, 30)

_ASK_DATE = "Write dates as YYYY-MM-DD or DD/MM/YYYY."
_ASK_TIME = "Write times as HH:MM."


class BadDate(ValueError):
    """A cell that is not a date or time.

    ``month_first``: it is a date in the other order. ``of_other_times``: its year is out of range.
    """

    def __init__(
        self, reason: str, remedy: str = _ASK_DATE, *, month_first: bool = False, of_other_times: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
        self.month_first = month_first
        self.of_other_times = of_other_times


@dataclass(frozen=True, slots=True)
class Stamp:
    """A printed date and time. ``clock`` is naive, as printed (24:00 already moved to the next day's start).

    ``offset`` is None if the text has none. ``closes_day``: it was printed 24:00.
    """

    clock: datetime
    offset: timedelta | None = None
    closes_day: bool = False

    @property
    def instant(self) -> datetime | None:
        return None if self.offset is None else (self.clock - self.offset).replace(tzinfo=UTC)


@lru_cache(maxsize=65536)
def parse_date(text: str) -> date:
    """Return a printed date, or raise ``BadDate``. A time of exactly midnight is ignored, with or without an offset.

    >>> parse_date("03/02/2025")
    datetime.date(2025, 2, 3)
    """
    text = text.strip()
    if match := _YEAR_FIRST.fullmatch(text):
        return _date(int(match[1]), int(match[3]), int(match[4]), text)
    if match := _DAY_FIRST.fullmatch(text):
        return _day_first(int(match[1]), int(match[3]), _year(match[4]), text)
    if (match := _NAMED.fullmatch(text)) and match[2].lower() in _MONTHS:
        return _date(_year(match[3]), _MONTHS[match[2].lower()], int(match[1]), text)
    if match := _COMPACT.fullmatch(text):
        return _date(int(match[1]), int(match[2]), int(match[3]), text)
    if match := _SERIAL.fullmatch(text):
        if (match[2] or "").strip(".0"):
            raise BadDate(f"{text!r} has a time of day; only a date is expected.")
        return _in_range(_EXCEL_EPOCH + timedelta(days=int(match[1])), text).date()
    moment = _without_offset(text)
    if match := _STAMP.fullmatch(moment):
        if parse_time(match[2]):
            raise BadDate(f"{text!r} has a time of day; only a date is expected.")
        return parse_date(match[1])
    raise BadDate(f"{text!r} is not a date.")


def _without_offset(text: str) -> str:
    match = _OFFSET.search(text)
    return text[: match.start()] if match and _is_after_time(text[: match.start()]) else text


@lru_cache(maxsize=65536)
def parse_time(text: str) -> timedelta:
    """Return a printed time of day as the time since midnight (24:00 is 24 hours), or raise ``BadDate``.

    >>> parse_time("00:30"), parse_time("24:00")
    (datetime.timedelta(seconds=1800), datetime.timedelta(days=1))
    """
    text = text.strip()
    if match := _TIME.fullmatch(text):
        hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
        if match[4]:
            if not 1 <= hour <= 12:
                raise BadDate(f"{text!r} is not a time of day.", _ASK_TIME)
            hour = hour % 12 + (12 if match[4] in "Pp" else 0)
    elif match := _FOUR_DIGITS.fullmatch(text):
        hour, minute, second = int(match[1]), int(match[2]), 0
    elif _FRACTION.fullmatch(text):
        return _from_days(float(text))
    else:
        raise BadDate(f"{text!r} is not a time of day.", _ASK_TIME)
    if minute > 59 or second > 59 or hour > 24 or (hour == 24 and (minute or second)):
        raise BadDate(f"There is no time {text!r} in a day.", _ASK_TIME)
    return timedelta(hours=hour, minutes=minute, seconds=second)


@lru_cache(maxsize=262144)
def parse_stamp(text: str) -> Stamp:
    """Return a printed date with its time of day, or raise ``BadDate``.

    >>> parse_stamp("01/02/2025 24:00").clock
    datetime.datetime(2025, 2, 2, 0, 0)
    """
    text = text.strip()
    offset = None
    moment = text
    if (match := _OFFSET.search(text)) and (match[2] is None or _is_after_time(text[: match.start()])):
        moment = text[: match.start()]
        offset = _offset(match, text)
    if match := _DIGITS.fullmatch(moment):
        day, time = parse_date(match[1]), parse_time(":".join(part for part in match.groups()[1:] if part))
    elif match := _STAMP.fullmatch(moment):
        clock = match[2] if ":" in match[2] or "." in match[2] or len(match[2]) == 4 else _colons(match[2])
        day, time = parse_date(match[1]), parse_time(clock)
    elif (match := _SERIAL.fullmatch(moment)) and offset is None:
        whole = _EXCEL_EPOCH + timedelta(days=int(match[1]))
        return Stamp(_in_range(whole + _from_days(float(f"0{match[2] or '.0'}")), text))
    else:
        parse_date(moment)  # raises if it is not a date at all
        raise BadDate(f"{text!r} has no time of day.", "Write stamps as YYYY-MM-DD HH:MM.")
    midnight = datetime(day.year, day.month, day.day)
    return Stamp(midnight + time, offset, closes_day=time == timedelta(days=1))


def _is_after_time(text: str) -> bool:
    return bool(re.search(r"[Tt ][0-9]{1,2}(:?[0-9]{2}){1,2}([.,][0-9]+)?$", text))


def _colons(digits: str) -> str:
    return ":".join(digits[n : n + 2] for n in range(0, len(digits), 2))


def _offset(match: re.Match[str], text: str) -> timedelta:
    if match[2] is None:
        return timedelta(0)
    size = timedelta(hours=int(match[3]), minutes=int(match[4] or 0))
    if size > timedelta(hours=15) or int(match[4] or 0) > 59:
        raise BadDate(f"{text!r} has an impossible offset from UTC.", "Write offsets as +HH:MM.")
    return -size if match[2] == "-" else size


def _year(text: str) -> int:
    return int(text) + (2000 if len(text) == 2 else 0)


def _day_first(day: int, month: int, year: int, text: str) -> date:
    if month > 12 and day <= 12 and _exists(year, day, month):
        raise BadDate(f"{text!r} is a date only if the month comes first.", month_first=True)
    return _date(year, month, day, text)


def _exists(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _date(year: int, month: int, day: int, text: str) -> date:
    if not _exists(year, month, day):
        raise BadDate(f"There is no date {text!r}.", "Check the day and the month.")
    try:
        return _in_range(datetime(year, month, day), text).date()
    except BadDate as error:
        raise BadDate(error.reason, error.remedy, of_other_times=True) from None


def _in_range(moment: datetime, text: str) -> datetime:
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise BadDate(f"{text!r} is not between {FIRST_YEAR} and {LAST_YEAR}.", "Check the year.")
    return moment


def _from_days(fraction: float) -> timedelta:
    """Return a fraction of a day, rounded to the second, or to a whole minute within two seconds of it."""
    seconds = round(fraction * 86400)
    minutes = round(seconds / 60)
    return timedelta(seconds=minutes * 60 if abs(minutes * 60 - seconds) <= 2 else seconds)
