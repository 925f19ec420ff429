"""Write CSV for spreadsheets, in which no text runs as a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Final

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


FORMULA: Final = r"^'*[ ]*[=+\-@\t\r\n]"  # text that a spreadsheet runs, or that looks like the output of safe()
_RUNS: Final = re.compile(FORMULA)


def safe(cell: object) -> object:
    """Return a cell that no spreadsheet runs; numbers stay numbers.

    Text that looks like this already gets one more quotation mark, so that :func:`original_text` restores it exactly.

    >>> safe("=1+1"), safe(-1.5), safe("'Tis")
    ("'=1+1", -1.5, "'Tis")
    """
    return f"'{cell}" if isinstance(cell, str) and _RUNS.match(cell) else cell


def original_text(cell: str) -> str:
    """Return the text that was given to :func:`safe`.

    >>> original_text("'=1+1"), original_text("'Tis")
    ('=1+1', "'Tis")
    """
    return cell[1:] if cell.startswith("'") and _RUNS.match(cell) else cell


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as CSV text."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return buffer.getvalue()
