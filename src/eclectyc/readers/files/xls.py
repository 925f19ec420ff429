"""Read old workbooks (.xls) with calamine, after a scan for what it would ignore silently.

It returns an error as a blank, a number of twenty digits as if it were exact, and allocates a sheet from its first cell
to its last however far apart they are. The scan of the records refuses such sheets.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from eclectyc.kernel.plurals import counted
from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.files.archive import password_protected
from eclectyc.readers.files.cell_format import clock_text, round_seconds
from eclectyc.readers.files.compound_file import CompoundFile
from eclectyc.readers.files.xls_subprocess import read_sheet
from eclectyc.readers.files.xlsx import Sheet
from eclectyc.readers.files.xlsx_cells import Row, single_line

if TYPE_CHECKING:
    import polars as pl

MOST_CELLS: Final = 8_000_000  # of a sheet, blank ones included
_EXACT: Final = 1e15  # a spreadsheet has fifteen digits
_SUBSTREAM, _SHEET, _PROTECTED = 0x0809, 0x0085, 0x002F
_NUMBER, _RK, _MULRK, _FORMULA, _BOOL_OR_ERROR = 0x0203, 0x027E, 0x00BD, 0x0006, 0x0205
_CELLS: Final = {_NUMBER, _RK, _MULRK, _FORMULA, _BOOL_OR_ERROR, 0x00FD, 0x0204, 0x00D6}
_ERRORS: Final = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}
_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?")
_MIDNIGHT: Final = " 00:00"
_DAY_ZERO: Final = datetime(1899, 12, 31)
_FIRST_DATE: Final = datetime(1900, 12, 31)  # earlier ones are times of that many days


@dataclass(slots=True)
class _SheetScan:
    """The size of a sheet by its records. fault : the first error in it. blanks : formulas without a saved value."""

    rows: int = 0
    columns: int = 0
    blanks: int = 0
    fault: str = ""


class Xls:
    """An open workbook."""

    def __init__(self, path: Path) -> None:
        self._path = path
        compound = CompoundFile(path)
        if compound.stream("EncryptedPackage") is not None:
            raise password_protected(path.name)
        stream = compound.stream("Workbook") or compound.stream("Book")
        if stream is None:
            raise UnreadableFile(f"{path.name} is not a known kind of workbook.", "Save it as CSV and import that.")
        self._stream = stream
        self.sheets = _sheets(stream, path.name)
        self.notes: list[str] = []

    def rows(self, sheet: Sheet) -> Generator[Row, None, None]:
        """Yield the rows of a sheet that are not blank, in order."""
        scan = _scan_sheet(self._stream, int(sheet.part))
        if scan.fault:
            raise UnreadableFile(
                f"Sheet {sheet.name!r} of {self._path.name} {scan.fault}.",
                "Fix the cell, or save the workbook as .xlsx: then only the lines concerned are rejected.",
            )
        if scan.rows * scan.columns > MOST_CELLS:
            raise UnreadableFile(f"{self._path.name} is too large a sheet.", "Save it as CSV and import that.")
        if scan.blanks:
            self.notes.append(
                f"Sheet {sheet.name!r} has {counted(scan.blanks, 'formula')} without a saved value: read as blank."
            )
        frame = _load(self._path, sheet.name)
        for number, cells in enumerate(frame.iter_rows(), 1):
            row = ["" if cell is None else cell for cell in cells]
            if any(row):
                yield number, row


def _records(stream: bytes, at: int = 0) -> Iterator[tuple[int, int, int]]:
    """Yield the kind, the offset and the length of each record."""
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<2H", stream, at)
        if at + 4 + length > len(stream):
            return
        yield kind, at + 4, length
        at += 4 + length


def _sheets(stream: bytes, name: str) -> list[Sheet]:
    sheets: list[Sheet] = []
    for kind, at, length in _records(stream):
        if kind == _PROTECTED:
            raise password_protected(name)
        if kind == _SHEET and length >= 8 and stream[at + 5] == 0:  # a sheet of cells, not a chart
            (offset,) = struct.unpack_from("<I", stream, at)
            sheets.append(Sheet(_name(stream[at + 6 : at + length]), str(offset), stream[at + 4] & 3 != 0))
        elif kind == 0x000A:  # the end of the part common to all sheets
            break
    return sheets


def _name(data: bytes) -> str:
    """Return a sheet's name from its length, a flag for two-byte characters, and the characters."""
    length, is_wide = data[0], data[1] & 1
    return (
        data[2 : 2 + length * 2].decode("utf-16-le", "replace") if is_wide else data[2 : 2 + length].decode("latin-1")
    )


def _scan_sheet(stream: bytes, offset: int) -> _SheetScan:
    scan, depth = _SheetScan(), 0
    for kind, at, length in _records(stream, offset):
        depth += (kind == _SUBSTREAM) - (kind == 0x000A)
        if depth == 0:
            break
        if kind in _CELLS and length >= 6 and depth == 1:
            row, column = struct.unpack_from("<2H", stream, at)
            last = struct.unpack_from("<H", stream, at + length - 2)[0] if kind == _MULRK else column
            scan.rows, scan.columns = max(scan.rows, row + 1), max(scan.columns, last + 1)
            scan.blanks += kind == _FORMULA and stream[at + 12 : at + 14] == b"\xff\xff" and stream[at + 6] == 3
            fault = _fault(kind, stream[at : at + length])
            if fault and not scan.fault:
                scan.fault = f"{fault} in row {row + 1}, column {column + 1}"
    return scan


def _fault(kind: int, record: bytes) -> str:
    """Return what is wrong with a cell; empty if nothing is."""
    if kind == _BOOL_OR_ERROR and len(record) >= 8 and record[7]:
        return f"has {_ERRORS.get(record[6], 'an error')}"
    if kind == _FORMULA and len(record) >= 14 and record[12:14] == b"\xff\xff" and record[6] == 2:
        return f"has {_ERRORS.get(record[8], 'an error')}"
    values: tuple[float, ...] = ()
    if kind == _NUMBER and len(record) >= 14:
        values = struct.unpack_from("<d", record, 6)
    elif kind == _RK and len(record) >= 10:
        values = (_rk(struct.unpack_from("<I", record, 6)[0]),)
    elif kind == _MULRK:
        values = tuple(_rk(struct.unpack_from("<I", record, at)[0]) for at in range(6, len(record) - 5, 6))
    if any(abs(value) >= _EXACT for value in values):
        return "has a number of more digits than a spreadsheet keeps (an identifier must be text)"
    return ""


def _rk(packed: int) -> float:
    """Return a number in the short form: two bits mark integers and hundredths."""
    if packed & 2:
        value = float(struct.unpack("<i", struct.pack("<I", packed))[0] >> 2)
    else:
        value = float(struct.unpack("<d", struct.pack("<Q", (packed & 0xFFFFFFFC) << 32))[0])
    return value / 100 if packed & 1 else value


def _load(path: Path, sheet: str) -> pl.DataFrame:
    import polars as pl

    frame = read_sheet(path, sheet)
    return frame.select(pl.col(name).replace(*_corrections(frame[name])) for name in frame.columns)


def _corrections(cells: pl.Series) -> tuple[list[str], list[str]]:
    """Return the cells of a column to replace, and their replacements. A column of midnights only holds dates."""
    texts = cells.unique().drop_nulls().to_list()
    moments = {text: _moment(text) for text in texts if _MOMENT.fullmatch(text)}
    if all(text.endswith(_MIDNIGHT) for text in moments.values()):
        moments = {text: moment.removesuffix(_MIDNIGHT) for text, moment in moments.items()}
    others = {text: single_line(text) for text in texts if not text.isprintable()}
    return list(moments | others), list((moments | others).values())


def _moment(text: str) -> str:
    """Return a date and time, rounded to the second or to a near minute; a time alone without its date."""
    moment = datetime.fromisoformat(text)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    seconds = round_seconds((moment - midnight).total_seconds())
    if moment < _FIRST_DATE:
        return clock_text((midnight - _DAY_ZERO).days * 86_400 + seconds)
    rounded = midnight + timedelta(seconds=seconds)
    return f"{rounded:%Y-%m-%d} {clock_text((rounded - rounded.replace(hour=0, minute=0, second=0)).seconds)}"
