"""Rows as CSV or as a workbook. No cell of either runs as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any, Final

from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.spreadsheet_safety import safe

Row = Sequence[object]
FORMS: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
MOST_XLSX_ROWS: Final = 1_048_575
_PART_ROWS: Final = 2000
_LONGEST_CELL: Final = 32_767  # characters, in a workbook


def csv_parts(rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield rows as CSV, 2,000 at a time: UTF-8 with a byte order mark, without which Excel guesses wrongly."""
    buffer = io.StringIO("\ufeff")
    buffer.seek(0, io.SEEK_END)
    writer = csv.writer(buffer)
    for number, row in enumerate(rows, 1):
        writer.writerow([safe(_as_text(cell)) for cell in row])
        if number % _PART_ROWS == 0:
            yield _drain(buffer)
    yield _drain(buffer)


def xlsx(rows: Iterable[Row], name: str) -> bytes:
    """Return rows as a workbook of one sheet."""
    buffer = io.BytesIO()
    write_xlsx(rows, name, buffer)
    return buffer.getvalue()


def write_xlsx(rows: Iterable[Row], name: str, out: IO[bytes]) -> None:
    """Write rows as a workbook of one sheet. Text is never a formula or a link; the first row is frozen.

    Raises ``Invalid`` if there are more rows than a workbook can hold.
    """
    import xlsxwriter

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        sheet = book.add_worksheet(name[:31])
        bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.freeze_panes(1, 0)
        for line, row in enumerate(rows):
            if line > MOST_XLSX_ROWS:
                raise Invalid(
                    f"A workbook holds at most {MOST_XLSX_ROWS:,} rows.", "Choose CSV instead.", field="format"
                )
            for column, cell in enumerate(row):
                _write_cell(sheet, line, column, cell, day=day, bold=None if line else bold)


def _write_cell(sheet: Any, line: int, column: int, cell: object, *, day: Any, bold: Any) -> None:
    if cell is None or cell == "":
        return
    if isinstance(cell, bool):
        sheet.write_string(line, column, _as_text(cell))
    elif isinstance(cell, date) and not isinstance(cell, datetime):
        sheet.write_datetime(line, column, datetime(cell.year, cell.month, cell.day), day)
    elif isinstance(cell, int | float | Decimal):
        sheet.write_number(line, column, cell)
    else:
        text = str(safe(_as_text(cell)))
        if len(text) > _LONGEST_CELL:
            raise Invalid("A cell is too long for a workbook.", "Choose CSV instead.", field="format")
        sheet.write_string(line, column, text, bold)


def _as_text(cell: object) -> object:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    if isinstance(cell, Decimal):
        return format(cell.normalize(), "f")
    return "" if cell is None else cell


def _drain(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()
