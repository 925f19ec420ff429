"""How a sender prints dates, times and numbers, rewritten to how the readers of tables expect them. Pure; on columns.

A print such as ``MM/DD/YYYY HH:mm`` says which part stands where. The parts are put into an order that cannot be
mistaken; whether the date exists is for those who parse it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import polars as pl

from eclectyc.kernel.errors import Invalid

_PARTS: Final = {
    "YYYY": "([0-9]{4})",
    "YY": "([0-9]{2})",
    "MMM": "([A-Za-z]{3,9})",
    "MM": "([0-9]{1,2})",
    "DD": "([0-9]{1,2})",
    "HH": "([0-9]{1,2})",
    "mm": "([0-9]{2})",
    "ss": "([0-9]{2})",
}
_TWO_DIGITS: Final = "([0-9]{2})"  # where one part follows another at once
_PART: Final = re.compile("YYYY|YY|MMM|MM|DD|HH|mm|ss|T|[A-Za-z]+")
_BLANK: Final = ("", "-", "–", "—")
_WHOLE: Final = r"[0-9]+|[1-9][0-9]{0,2}(\.[0-9]{3})+|[1-9][0-9]{0,2}([ \u00a0][0-9]{3})+"
_COMMA: Final = rf"^[+-]?(({_WHOLE})(,[0-9]*)?|,[0-9]+)([eE][+-]?[0-9]{{1,3}})?$"


@dataclass(frozen=True, slots=True)
class CellFormat:
    """A print of dates or times: the pattern of a cell, and what its parts are put into."""

    text: str
    pattern: str
    replacement: str


@lru_cache(64)
def cell_format(text: str) -> CellFormat:
    """Return how a print is read; ``Invalid`` where it is none.

    >>> print_of("MM/DD/YYYY HH:mm").replacement
    '${3}-${1}-${2} ${4}:${5}'
    """
    found = list(_PART.finditer(text))
    parts = [match[0] for match in found if match[0] != "T"]
    if any(part not in _PARTS for part in parts) or len(set(parts)) < len(parts):
        raise _odd(text)
    pattern, end = "", 0
    for n, match in enumerate(found):
        follows = n > 0 and match.start() == end
        is_followed = n + 1 < len(found) and found[n + 1].start() == match.end()
        pattern += re.escape(text[end : match.start()]) + _pattern_of(match[0], is_packed=follows or is_followed)
        end = match.end()
    groups = {part: number for number, part in enumerate(parts, 1)}
    replacement = " ".join(part for part in (_day(groups, text), _time(groups, text)) if part)
    if not replacement:
        raise _odd(text)
    return CellFormat(text, f"^{pattern}{re.escape(text[end:])}$", replacement)


def _pattern_of(part: str, *, is_packed: bool) -> str:
    if part == "T":
        return part
    return _TWO_DIGITS if is_packed and part in ("MM", "DD", "HH") else _PARTS[part]


def check_cell_format(text: str, field: str) -> None:
    """Raise ``Invalid`` naming ``field`` where something is given that is no print."""
    if text:
        try:
            cell_format(text)
        except Invalid as bad:
            raise Invalid(bad.reason, bad.remedy, field=field) from None


def normalise_dates(cells: pl.Series, made: CellFormat) -> tuple[pl.Series, pl.Series]:
    """Return cells as they are understood everywhere, and which of them are not printed so (they become null)."""
    plain = cells.str.strip_chars()
    fits = plain.str.contains(made.pattern).fill_null(False)
    odd = ~fits & ~plain.is_in(_BLANK).fill_null(True)
    return plain.str.replace(made.pattern, made.replacement).set(~fits, None), odd


def with_decimal_points(cells: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return numbers printed with a decimal comma as numbers with a point, and which cells hold none (they become
    null). A point, or a space, groups thousands."""
    plain = cells.str.strip_chars()
    fits = plain.str.contains(_COMMA).fill_null(False)
    odd = ~fits & ~plain.is_in(_BLANK).fill_null(True)
    points = plain.str.replace_all(r"[.\s ]", "").str.replace(",", ".", literal=True)
    return points.set(~fits, None), odd


def _day(groups: dict[str, int], text: str) -> str:
    years, months = groups.keys() & {"YYYY", "YY"}, groups.keys() & {"MMM", "MM"}
    if not years and not months and "DD" not in groups:
        return ""
    if len(years) != 1 or len(months) != 1 or "DD" not in groups:
        raise _odd(text)
    day = f"${{{groups['DD']}}}"
    year = f"${{{groups['YYYY']}}}" if "YYYY" in groups else f"20${{{groups['YY']}}}"
    if "MMM" in groups:
        return f"{day} ${{{groups['MMM']}}} {year}"
    return f"{year}-${{{groups['MM']}}}-{day}"


def _time(groups: dict[str, int], text: str) -> str:
    parts = [part for part in ("HH", "mm", "ss") if part in groups]
    if parts not in ([], ["HH", "mm"], ["HH", "mm", "ss"]):
        raise _odd(text)
    return ":".join(f"${{{groups[part]}}}" for part in parts)


def _odd(text: str) -> Invalid:
    return Invalid(
        f"{text!r} does not say how a date or a time is printed.",
        "Use DD, MM or MMM, and YY or YYYY for a date; HH, mm and perhaps ss for a time: DD/MM/YYYY HH:mm.",
    )
