"""Open workbooks (.xlsx, .xls, .ods), list their sheets, and write each as CSV whose line n is the sheet's row n."""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, Protocol

from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.files import archive, compound_file, ods
from eclectyc.readers.files.xls import Xls
from eclectyc.readers.files.xlsx import Sheet, Xlsx, workbook_part
from eclectyc.readers.files.xlsx_cells import Row

DELIMITER: Final = ","


class Workbook(Protocol):
    """An open workbook of any kind."""

    @property
    def sheets(self) -> Sequence[Sheet]: ...

    @property
    def notes(self) -> list[str]: ...

    def rows(self, sheet: Sheet) -> Generator[Row, None, None]: ...


@contextmanager
def open_workbook(path: Path) -> Iterator[Workbook | None]:
    """Yield a file's workbook, or None if it is not one; ``UnreadableFile`` if it cannot be read."""
    with path.open("rb") as file:
        start = file.read(len(compound_file.MAGIC))
    if start.startswith(compound_file.MAGIC):
        yield Xls(path)
    elif start.startswith(archive.MAGIC):
        with archive.Archive(path) as packed:
            yield _open_archive(packed)
    else:
        yield None


def write_csv(book: Workbook, sheet: Sheet, path: Path, most_rows: int | None = None) -> bool:
    """Write a sheet's rows, blank ones included, or the first ``most_rows``. Return whether there were any."""
    written = 0
    rows = book.rows(sheet)
    with path.open("w", newline="", encoding="utf-8") as file, closing(rows):
        writer = csv.writer(file, delimiter=DELIMITER, lineterminator="\n")
        for number, cells in rows:
            file.write("\n" * (number - written - 1))
            writer.writerow(cells)
            written = number
            if most_rows is not None and number >= most_rows:
                break
    return written > 0


def _open_archive(packed: archive.Archive) -> Workbook | None:
    if ods.is_ods(packed):
        return ods.Ods(packed)
    part = workbook_part(packed)
    if part.endswith(".bin"):
        raise UnreadableFile(
            f"{packed.name} is a binary workbook (.xlsb).", "Save it as .xlsx, or its sheet as CSV, and import that."
        )
    return Xlsx(packed) if part in packed else None
