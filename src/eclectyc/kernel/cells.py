"""Rows as CSV for spreadsheets: what one would run as a formula is kept as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe(cell: object) -> object:
    """Return a cell that no spreadsheet runs; numbers stay numbers.

    >>> safe("=1+1"), safe(-1.5)
    ("'=1+1", -1.5)
    """
    if isinstance(cell, str) and cell.lstrip(" ").startswith(FORMULA_STARTS):
        return f"'{cell}"
    return cell


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as CSV text."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return buffer.getvalue()
