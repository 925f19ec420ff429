"""Rows as CSV for spreadsheets: what one would run as a formula is kept as text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Final

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


FORMULA: Final = r"^'*[ ]*[=+\-@\t\r\n]"  # text that a spreadsheet runs, or that looks as if made safe already
_RUNS: Final = re.compile(FORMULA)


def safe(cell: object) -> object:
    """Return a cell that no spreadsheet runs; numbers stay numbers. What looks like that already gets one more
    quotation mark, so that :func:`as_meant` gives back exactly what there was.

    >>> safe("=1+1"), safe(-1.5), safe("'Tis")
    ("'=1+1", -1.5, "'Tis")
    """
    return f"'{cell}" if isinstance(cell, str) and _RUNS.match(cell) else cell


def original_text(cell: str) -> str:
    """Return the text that :func:`safe` made safe.

    >>> as_meant("'=1+1"), as_meant("'Tis")
    ('=1+1', "'Tis")
    """
    return cell[1:] if cell.startswith("'") and _RUNS.match(cell) else cell


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as CSV text."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return buffer.getvalue()
