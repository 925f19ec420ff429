"""CSV for spreadsheets: what one would run as a formula is kept as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from django.http import HttpResponse

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
BYTE_ORDER_MARK = "\ufeff"  # without it Excel takes the file for Windows-1252


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


def csv_response(rows: Iterable[Sequence[object]], name: str) -> HttpResponse:
    """Return rows as a CSV file to be saved under a name."""
    response = HttpResponse(BYTE_ORDER_MARK + csv_text(rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response
