"""Workbooks (.xlsx) as text: the first sheet that holds anything, cell by cell, as a CSV file of the same lines."""

from __future__ import annotations

import csv
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from eclectyc.intake.blocks import UnreadableFile

MOST_BYTES: Final = 300 << 20  # of a workbook unpacked
_ZIP: Final = b"PK\x03\x04"
_MIDNIGHT: Final = " 00:00:00"  # how a date without a time is read


@contextmanager
def as_text(path: Path) -> Iterator[Path]:
    """Yield the path of a file's text: itself, or, of a workbook, its first sheet as CSV in a folder of its own."""
    if not _is_workbook(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="eclectyc-sheet-") as folder:
        plain = Path(folder, path.name)
        _write(path, plain)
        yield plain


def _is_workbook(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            if file.read(len(_ZIP)) != _ZIP:
                return False
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            size = sum(info.file_size for info in archive.infolist())
    except (OSError, zipfile.BadZipFile):
        return False  # whoever opens it next says what is wrong
    if "xl/workbook.xml" not in names:
        return False
    if size > MOST_BYTES:
        raise UnreadableFile(f"{path.name} is too large a workbook.", "Save its sheet as CSV and import that.")
    return True


def _write(path: Path, plain: Path) -> None:
    import fastexcel

    try:
        book = fastexcel.read_excel(path)
        sheets = (
            book.load_sheet(n, header_row=None, skip_rows=0, dtypes="string") for n in range(len(book.sheet_names))
        )
        frame = next((found for sheet in sheets if (found := sheet.to_polars()).height), None)
    except fastexcel.FastExcelError as error:
        raise UnreadableFile(
            f"{path.name} cannot be read: {error}.", "Save its sheet as CSV and import that."
        ) from None
    if frame is None:
        raise UnreadableFile(f"{path.name} has no sheet with anything in it.", "Choose another workbook.")
    with plain.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([_plain(cell) for cell in row] for row in frame.iter_rows())


def _plain(cell: str | None) -> str:
    return "" if cell is None else cell.removesuffix(_MIDNIGHT)
