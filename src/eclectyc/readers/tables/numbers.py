"""Parse printed numbers: a decimal point, perhaps thousands commas, never a guess.

``1,234.5`` and ``1,234,567`` can only be grouped thousands. A lone ``1,234`` may be 1234 or 1.234: it is read as 1234
only if its column also has a number of the first kind; otherwise it is rejected. A blank or ``-`` is no value.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import polars as pl

MAX_VALUE: Final = 1e12  # more than any meter counts in one slot; sums of such values do not overflow

_PLAIN: Final = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$"
_GROUPED: Final = r"^[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+\.[0-9]+$|^[+-]?[1-9][0-9]{0,2}(,[0-9]{3}){2,}$"
_LONE: Final = r"^[+-]?[1-9][0-9]{0,2},[0-9]{3}$"
_NOT_THOUSANDS: Final = r"^[+-]?[0-9]+,([0-9]{1,2}|[0-9]{4,})$"
_DECIMAL_COMMA: Final = r"^[+-]?[0-9]+,[0-9]+$"
_ERROR: Final = r"^(#(N/A|DIV/0!|VALUE!|REF!|NAME\?|NUM!|NULL!|SPILL!|CALC!)|Err:[0-9]+)$"
_ABSENT: Final = r"^[-–—]$"


def parse_number(text: str) -> float | None:
    """Return a printed number, or None if it is not one, as a lone ``1,234`` is not.

    >>> parse_number("1,234.5"), parse_number("1,234"), parse_number("0x1F")
    (1234.5, None, None)
    """
    text = text.strip()
    if re.match(_GROUPED, text):
        text = text.replace(",", "")
    if not re.match(_PLAIN, text):
        return None
    value = float(text)
    return value if abs(value) <= MAX_VALUE else None


def number_matrix(frame: pl.DataFrame, columns: list[str], grouped: set[str]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the numbers of some columns, and a mask of the cells that are not blank and not numbers.

    Shapes (rows, columns): float64 with NaN for blank cells; bool, or None if every cell is valid.
    grouped : columns known to have grouped thousands; updated here.
    """
    if frame.schema[columns[0]] == pl.Float64:
        return _typed_matrix(frame[columns])
    values = np.empty((frame.height, len(columns)))
    bad = np.zeros(values.shape, dtype=bool)
    for n, name in enumerate(columns):
        values[:, n], bad[:, n] = _number_column(frame.get_column(name), name, grouped)
    return values, bad if bad.any() else None


def why_not_a_number(text: str) -> tuple[str, str]:
    """Return the reason why a cell is not a number, and the remedy."""
    text = text.strip()
    if text.startswith("="):
        return (
            f"{text!r} is a formula whose value was not saved.",
            "Open the workbook, let it recalculate, save it and import it again.",
        )
    if re.match(_ERROR, text):
        return f"{text!r} is a spreadsheet error.", "Fix the formula, or leave the cell empty."
    if re.match(_LONE, text):
        return (
            f"{text!r} is ambiguous: it may mean {text.replace(',', '')} or {text.replace(',', '.')}.",
            "Write it without the comma, or with a decimal point.",
        )
    if re.match(_DECIMAL_COMMA, text):
        return f"{text!r} has a decimal comma.", "Write a decimal point."
    if re.match(_PLAIN, text):
        return f"{text!r} is larger than any reading.", "Check the cell; leave it empty if there is no value."
    return f"{text!r} is not a number.", "Write a plain number, or leave the cell empty if there is no value."


def _typed_matrix(frame: pl.DataFrame) -> tuple[np.ndarray, np.ndarray | None]:
    values = frame.to_numpy(order="c")
    blanks = sum(frame.null_count().row(0))
    largest = max(np.fmax.reduce(values, axis=None, initial=0.0), -np.fmin.reduce(values, axis=None, initial=0.0))
    if largest <= MAX_VALUE and np.count_nonzero(np.isnan(values)) == blanks:  # fmax and fmin ignore NaN
        return values, None
    finite = np.isfinite(values)
    if values.size - np.count_nonzero(finite) != blanks:  # the text had nan or inf
        return values, ~finite
    with np.errstate(invalid="ignore"):
        large = np.abs(values) > MAX_VALUE
    return values, large if large.any() else None


def _number_column(cells: pl.Series, name: str, grouped: set[str]) -> tuple[np.ndarray, np.ndarray]:
    cells = cells.set(cells.str.contains(_ABSENT).fill_null(False), None)
    if cells.str.contains(_GROUPED).any() and not cells.str.contains(_NOT_THOUSANDS).any():
        grouped.add(name)
    thousands = f"{_GROUPED}|{_LONE}" if name in grouped else _GROUPED
    has_comma = cells.str.contains(",", literal=True).any()
    plain = cells
    if has_comma:
        ungrouped = cells.str.replace_all(",", "", literal=True)
        plain = cells.zip_with(~cells.str.contains(thousands).fill_null(False), ungrouped)
    sound = plain.str.contains(_PLAIN).fill_null(False)
    numbers = plain.cast(pl.Float64, strict=False)
    values = numbers.to_numpy(writable=True)
    with np.errstate(invalid="ignore"):
        fits = np.abs(values) <= MAX_VALUE  # False for NaN
    bad = cells.is_not_null().to_numpy() & ~(sound.to_numpy() & fits)
    values[bad] = np.nan
    return values, bad
