"""Read the rows of OpenDocument workbooks (.ods) as text, piece by piece.

A cell's value is its saved one; an error is read as displayed, a formula without a saved value as its own text.
Comments are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from datetime import datetime
from typing import Final

from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.files.archive import Archive, password_protected
from eclectyc.readers.files.cell_format import clock_text, number_text, round_seconds
from eclectyc.readers.files.xlsx import Sheet
from eclectyc.readers.files.xlsx_cells import MOST_COLUMNS, MOST_ROWS, MOST_TEXT, Row, single_line
from eclectyc.readers.files.xml_stream import Handler, local_name, parse_xml

MIMETYPE: Final = b"application/vnd.oasis.opendocument.spreadsheet"
CONTENT: Final = "content.xml"
MOST_CELLS: Final = 50_000_000  # of a sheet, repeated cells counted each time
MOST_SHEETS: Final = 1_000
_MANIFEST: Final = "META-INF/manifest.xml"
_DURATION: Final = re.compile(
    r"(-?)P(?:([0-9]{1,6})D)?T(?:([0-9]{1,8})H)?(?:([0-9]{1,8})M)?(?:([0-9]{1,8}(?:\.[0-9]+)?)S)?"
)
_ERROR: Final = re.compile(r"#[A-Z/0!?]+|Err:[0-9]+", re.IGNORECASE)


class Ods:
    """An open workbook."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self.notes: list[str] = []
        if _MANIFEST in archive and any(b"encryption-data" in piece for piece in archive.pieces(_MANIFEST)):
            raise password_protected(archive.name)
        names = _SheetNames()
        self._parse(names)
        self.sheets = [Sheet(name, str(n)) for n, name in enumerate(names.names[:MOST_SHEETS])]

    def rows(self, sheet: Sheet) -> Generator[Row, None, None]:
        """Yield the rows of a sheet that are not blank, in order."""
        cells = _SheetHandler(self._archive.name, int(sheet.part))
        for _ in parse_xml(self._archive.pieces(CONTENT), cells, self._archive.name):
            yield from cells.finished_rows()

    def _parse(self, handler: Handler) -> None:
        for _ in parse_xml(self._archive.pieces(CONTENT), handler, self._archive.name):
            pass


def is_ods(archive: Archive) -> bool:
    """Return whether an archive is an OpenDocument spreadsheet."""
    return "mimetype" in archive and b"".join(archive.pieces("mimetype")).strip().startswith(MIMETYPE)


class _SheetNames:
    """Collects the names of the sheets, in order."""

    def __init__(self) -> None:
        self.depth = 0
        self.names: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if name.endswith("}table"):
            self.names.append(_attribute(attributes, "name"))

    def end(self, name: str) -> None:
        self.depth -= 1

    def text(self, text: str) -> None:
        """Ignore text."""


class _SheetHandler:
    """Collects the rows of one sheet, the ``requested``-th."""

    def __init__(self, name: str, requested: int) -> None:
        self.depth = 0
        self._name = name
        self._requested = requested
        self._sheet = -1
        self._rows: list[Row] = []
        self._number = 0  # of the row
        self._repeats = 1  # of the row
        self._row: list[str] = []
        self._blanks = 0  # blank cells, added only if another cell follows
        self._cells = 0
        self._cell: dict[str, str] = {}
        self._text: list[str] = []
        self._length = 0
        self._into = 0  # open paragraphs of the cell
        self._outside = 0  # open comments

    def finished_rows(self) -> list[Row]:
        """Return the finished rows, and forget them."""
        rows, self._rows = self._rows, []
        return rows

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        kind = local_name(name)
        if kind == "table":
            self._sheet += 1
        if self._sheet != self._requested:
            return
        if kind in ("table-cell", "covered-table-cell"):
            self._cell, self._text, self._length = {local_name(key): value for key, value in attributes.items()}, [], 0
        elif kind == "p":
            self._into += 1
            if self._text and not self._outside:
                self._text.append(" ")
        elif kind in ("s", "tab", "line-break") and self._into and not self._outside:
            self._text.append(" ")
        elif kind == "annotation":
            self._outside += 1
        elif kind == "table-row":
            self._repeats, self._row, self._blanks = self._count(attributes, "number-rows-repeated", MOST_ROWS), [], 0

    def end(self, name: str) -> None:
        self.depth -= 1
        if self._sheet != self._requested:
            return
        kind = local_name(name)
        if kind in ("table-cell", "covered-table-cell"):
            self._end_cell()
        elif kind == "p":
            self._into -= 1
        elif kind == "annotation":
            self._outside -= 1
        elif kind == "table-row":
            self._end_row()
        elif kind == "table":
            self._sheet += MOST_SHEETS  # the requested sheet is over

    def text(self, text: str) -> None:
        if self._into and not self._outside and self._sheet == self._requested:
            self._text.append(text)
            self._length += len(text)
            if self._length > MOST_TEXT:
                raise UnreadableFile(f"{self._name} has a cell with more text than a cell can hold.", "Shorten it.")

    def _end_cell(self) -> None:
        text = cell_text(self._cell, "".join(self._text))
        repeats = self._count(self._cell, "number-columns-repeated", MOST_COLUMNS)
        if not text:
            self._blanks += repeats
            return
        if len(self._row) + self._blanks + repeats > MOST_COLUMNS:
            raise _too_large(self._name)
        self._row += [""] * self._blanks + [text] * repeats
        self._blanks = 0

    def _end_row(self) -> None:
        if self._row:
            self._cells += len(self._row) * self._repeats
            if self._cells > MOST_CELLS or self._number + self._repeats > MOST_ROWS:
                raise _too_large(self._name)
            self._rows += [(self._number + 1 + n, self._row) for n in range(self._repeats)]
        self._number += self._repeats

    def _count(self, attributes: dict[str, str], name: str, most: int) -> int:
        text = _attribute(attributes, name) or "1"
        count = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
        if not 1 <= count <= most:
            raise _too_large(self._name)
        return count


def cell_text(cell: dict[str, str], shown: str) -> str:
    """Return a cell as text. cell : its attributes by local name. shown : its displayed text."""
    kind = cell.get("value-type", "")
    if "formula" in cell and not kind:
        return single_line("=" + cell["formula"].removeprefix("of:").lstrip("=")[:80])
    if kind in ("float", "percentage", "currency"):
        return shown if "formula" in cell and _ERROR.fullmatch(shown.strip()) else number_text(cell.get("value", ""))
    if kind == "date":
        return _date(cell.get("date-value", ""), with_time=":" in shown)
    if kind == "time":
        return _time(cell.get("time-value", ""))
    if kind == "boolean":
        return cell.get("boolean-value", "").upper()
    return single_line(cell.get("string-value") or shown)


def _attribute(attributes: dict[str, str], name: str) -> str:
    return next((value for key, value in attributes.items() if local_name(key) == name), "")


def _date(text: str, *, with_time: bool) -> str:
    """Return a date, with its time if it has one or is displayed with one."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return single_line(text)
    if moment.tzinfo is not None:
        return text
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1e6
    if not seconds and not with_time:
        return text[:10]
    return number_text(repr((moment - datetime(1899, 12, 30)).total_seconds() / 86400), "stamp")


def _time(text: str) -> str:
    match = _DURATION.fullmatch(text)
    if match is None or match[1]:
        return single_line(text)
    days, hours, minutes = (int(part or 0) for part in match.groups()[1:4])
    return clock_text(round_seconds(((days * 24 + hours) * 60 + minutes) * 60 + float(match[5] or 0)))


def _too_large(name: str) -> UnreadableFile:
    return UnreadableFile(f"{name} has more cells than a sheet can hold.", "Save its sheet as CSV and import that.")
