"""Write a workbook's cell as text for the readers of tables.

Numbers keep their digits; dates and times become ISO text. A workbook counts days since 1900 (or 1904) and stores times
as fractions of a day, which are not exact: they are rounded to the second, or to the minute if that is near.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, Literal

CellFormat = Literal["", "date", "time", "stamp"]  # how a number is formatted: "" is as a number

_EPOCH: Final = date(1899, 12, 30)
DAYS_TO_1904: Final = 1462
_DAY_S: Final = 86_400
_LAST_DAY: Final = 2_958_465  # 31 December 9999
_NEAR_S: Final = 2  # a fraction of a day this close to a whole minute means it
_FIRST_DAY: Final = 367  # a time of at least this many days is a date and time formatted as a time
_PLAIN: Final = re.compile(r"-?[0-9]{1,15}|-?[0-9]{1,9}\.[0-9]{1,17}")
_EXACT: Final = 1e15  # a spreadsheet has fifteen digits

# The built-in formats, by their number.
_BUILT_IN: Final[dict[int, CellFormat]] = {
    **dict.fromkeys((*range(14, 18), *range(27, 32), 36, *range(50, 59)), "date"),
    **dict.fromkeys((18, 19, 20, 21, 32, 33, 34, 35, 45, 46, 47), "time"),
    22: "stamp",
}
_NOT_LETTERS: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]')


def format_of(number: int, code: str | None) -> CellFormat:
    """Return the kind of a number format; ``code`` is None for a built-in one.

    >>> shown_as(164, "dd/mm/yyyy hh:mm"), shown_as(165, '0.00" m"'), shown_as(14, None)
    ('stamp', '', 'date')
    """
    if code is None:
        return _BUILT_IN.get(number, "")
    letters = _NOT_LETTERS.sub("", code.split(";")[0].lower())
    if "general" in letters:
        return ""
    has_time = "h" in letters or "s" in letters or "[m" in letters
    has_date = "d" in letters or "y" in letters or ("m" in letters and not has_time)
    return "stamp" if has_date and has_time else "date" if has_date else "time" if has_time else ""


@lru_cache(65_536)
def number_text(text: str, shown: CellFormat = "", days_before: int = 0) -> str:
    """Return a number as text. days_before : days to add for a workbook that counts from 1904.

    >>> number_text("45381.0208333333", "stamp"), number_text("0.9999999", "time"), number_text("1.2E12")
    ('2024-03-30 00:30', '24:00', '1200000000000')
    """
    if not shown and _PLAIN.fullmatch(text):
        return text
    try:
        value = float(text)
    except ValueError:
        return " ".join(text.split())
    if not abs(value) < _EXACT * 1e9:  # also if it is NaN
        return text
    if not shown or value < 0:
        return _digits(value)
    return _time(value, days_before) if shown == "time" else _date(value + days_before, shown)


def clock_text(seconds: int) -> str:
    """Return a time since midnight as text; 24 hours and more are not wrapped.

    >>> clock_text(1800), clock_text(86_400)
    ('00:30', '24:00')
    """
    minutes, second = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}" + (f":{second:02}" if second else "")


def round_seconds(seconds: float) -> int:
    """Round to whole seconds, or to a whole minute if that is near."""
    whole = round(seconds)
    minutes = round(whole / 60)
    return minutes * 60 if abs(minutes * 60 - whole) <= _NEAR_S else whole


def _digits(value: float) -> str:
    """Return a number as text; with an exponent if it has more digits than a spreadsheet keeps."""
    if abs(value) >= _EXACT:
        return f"{value:.14E}"
    return str(int(value)) if value == int(value) else repr(value)


def _time(value: float, days_before: int) -> str:
    if value >= _FIRST_DAY:
        return _date(value + days_before, "stamp")
    return clock_text(round_seconds(value * _DAY_S))


def _date(value: float, shown: CellFormat) -> str:
    days, fraction = divmod(value, 1)
    seconds = round_seconds(fraction * _DAY_S)
    days, seconds = int(days) + seconds // _DAY_S, seconds % _DAY_S
    if not 0 <= days <= _LAST_DAY:
        return _digits(value)
    day = (_EPOCH + timedelta(days=days)).isoformat()
    return day if shown == "date" and not seconds else f"{day} {clock_text(seconds)}"
