"""Workbooks for tests, written by other programs' libraries: XlsxWriter, odfpy, xlwt."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

import xlsxwriter
import xlwt
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

Cell = object
Sheets = Mapping[str, Sequence[Sequence[Cell]]]
_CODES = {datetime: "dd/mm/yyyy hh:mm", date: "dd/mm/yyyy", time: "hh:mm"}


def xlsx(sheets: Sheets, **options: Any) -> bytes:
    """Return a workbook; dates, times and moments are real ones. A cell that is a dict is written as ODS cells are."""
    packed = io.BytesIO()
    with xlsxwriter.Workbook(packed, {"in_memory": True, **options}) as book:
        shown = {kind: book.add_format({"num_format": code}) for kind, code in _CODES.items()}
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for line, row in enumerate(rows):
                for column, cell in enumerate(row):
                    if type(cell) in shown:
                        sheet.write_datetime(line, column, cell, shown[type(cell)])
                    else:
                        sheet.write(line, column, cell)
    return packed.getvalue()


def xls(sheets: Sheets) -> bytes:
    """Return an old workbook."""
    book = xlwt.Workbook()
    shown = {kind: xlwt.easyxf(num_format_str=code.upper()) for kind, code in _CODES.items()}
    for name, rows in sheets.items():
        sheet = book.add_sheet(name)
        for line, row in enumerate(rows):
            for column, cell in enumerate(row):
                if type(cell) in shown:
                    sheet.write(line, column, cell, shown[type(cell)])
                elif cell is not None:
                    sheet.write(line, column, cell)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def ods(sheets: Sheets) -> bytes:
    """Return a workbook of OpenDocument. A cell that is a dict is made of these attributes, ``text`` being shown."""
    document = OpenDocumentSpreadsheet()
    for name, rows in sheets.items():
        table = Table(name=name)
        for row in rows:
            line = TableRow()
            for cell in row:
                line.addElement(_ods_cell(cell))
            table.addElement(line)
        document.spreadsheet.addElement(table)
    packed = io.BytesIO()
    document.write(packed)
    return packed.getvalue()


def _ods_cell(cell: Cell) -> TableCell:
    said, shown = _said(cell)
    made = TableCell(**said)
    if shown:
        made.addElement(P(text=shown))
    return made


def _said(cell: Cell) -> tuple[dict[str, Any], str]:
    """Return a cell's attributes, and what is shown."""
    match cell:
        case None:
            return {}, ""
        case dict():
            said = dict(cell)
            return said, said.pop("text", "")
        case datetime():
            return {"valuetype": "date", "datevalue": f"{cell:%Y-%m-%dT%H:%M:%S}"}, f"{cell:%d/%m/%Y %H:%M}"
        case date():
            return {"valuetype": "date", "datevalue": f"{cell:%Y-%m-%d}"}, f"{cell:%d/%m/%Y}"
        case time():
            return {"valuetype": "time", "timevalue": f"PT{cell:%HH%MM%SS}"}, f"{cell:%H:%M}"
        case bool():
            return {"valuetype": "boolean", "booleanvalue": str(cell).lower()}, str(cell).upper()
        case int() | float():
            return {"valuetype": "float", "value": repr(cell)}, repr(cell)
    return {"valuetype": "string"}, str(cell)
