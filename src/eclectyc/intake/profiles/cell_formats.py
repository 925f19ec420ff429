"""A sender's formats of dates, times and numbers, normalised for the readers of tables. Pure; on columns.

A format such as ``MM/DD/YYYY HH:mm`` gives the order of the parts. They are put into an unambiguous order; whether the
date exists is checked when it is parsed.
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
_TWO_DIGITS: Final = "([0-9]{2})"  # between parts without a separator
_PART: Final = re.compile("YYYY|YY|MMM|MM|DD|HH|mm|ss|T|[A-Za-z]+")
_BLANK: Final = ("", "-", "–", "—")
_WHOLE: Final = r"[0-9]+|[1-9][0-9]{0,2}(\.[0-9]{3})+|[1-9][0-9]{0,2}([ \u00a0][0-9]{3})+"
_COMMA: Final = rf"^[+-]?(({_WHOLE})(,[0-9]*)?|,[0-9]+)([eE][+-]?[0-9]{{1,3}})?$"


@dataclass(frozen=True, slots=True)
class CellFormat:
    """A format of dates or times: the pattern of a cell, and the normalised text of its parts."""

    text: str
    pattern: str
    replacement: str


@lru_cache(64)
def cell_format(text: str) -> CellFormat:
    """Return a format by its text; raise ``Invalid`` if it is not one.

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
    """Raise ``Invalid`` with ``field`` if a text is given that is not a format."""
    if text:
        try:
            cell_format(text)
        except Invalid as bad:
            raise Invalid(bad.reason, bad.remedy, field=field) from None


def normalise_dates(cells: pl.Series, form: CellFormat) -> tuple[pl.Series, pl.Series]:
    """Return normalised cells, and a mask of those in another format (they become null)."""
    plain = cells.str.strip_chars()
    fits = plain.str.contains(form.pattern).fill_null(False)
    odd = ~fits & ~plain.is_in(_BLANK).fill_null(True)
    return plain.str.replace(form.pattern, form.replacement).set(~fits, None), odd


def with_decimal_points(cells: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return numbers with a decimal point for numbers with a comma, and a mask of other cells (they become null).

    A point, or a space, groups thousands.
    """
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
        f"{text!r} is not a date or time format.",
        "Use DD, MM or MMM, and YY or YYYY for a date; HH, mm and perhaps ss for a time: DD/MM/YYYY HH:mm.",
    )
