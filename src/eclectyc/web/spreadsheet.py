"""CSV answers for spreadsheets: what one would run as a formula is kept as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.http import HttpResponse

from eclectyc.kernel.spreadsheet_safety import FORMULA_STARTS, csv_text, safe

__all__ = ["FORMULA_STARTS", "csv_response", "csv_text", "safe"]
BYTE_ORDER_MARK = "\ufeff"  # without it Excel takes the file for Windows-1252


def csv_response(rows: Iterable[Sequence[object]], name: str) -> HttpResponse:
    """Return rows as a CSV file to be saved under a name."""
    response = HttpResponse(BYTE_ORDER_MARK + csv_text(rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response
