"""The first lines of a file, as a small file: a mapping is made from these alone.

A file of any size costs the same, and a hostile one no more than its first megabyte.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from eclectyc.intake.profiles.record_files import named_cells
from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.files.source import Source, open_source
from eclectyc.readers.tables.file_sample import DELIMITERS, MAX_COLUMNS, SampleLine, TableSample, first_rows

MOST_LINES: Final = 300
MOST_BYTES: Final = 256 << 10
TOP_LINES: Final = 8  # shown, for choosing the headings
_SAMPLE_LINES: Final = 60  # lines, to find the delimiter
DELIMITER_WORDS: Final = {",": ",", ";": ";", "|": "|", "\t": "tab"}


@dataclass(frozen=True, slots=True)
class SampleFile:
    """The first lines of a file. sheets : of a workbook, those to choose from; sheet : the one that was read."""

    name: str
    source: Source
    sheets: tuple[str, ...] = ()
    sheet: str = ""
    is_all: bool = True  # whether the file has no more lines
    split_lines: dict[str, list[SampleLine]] = field(default_factory=dict, repr=False, compare=False)  # by delimiter

    def delimiter(self, given: str = "") -> str:
        """Return the given delimiter, otherwise the one that fits the first lines best."""
        if given:
            return "\t" if given == "tab" else given
        if self.source.delimiter:
            return self.source.delimiter
        return max(DELIMITERS, key=lambda mark: _evenness(self.lines(mark, _SAMPLE_LINES)))

    def texts(self, most: int = TOP_LINES) -> list[str]:
        """Return the first lines unchanged."""
        lines = self.source.head_text.text.split(b"\n", most)[:most]
        texts = [line.decode("utf-8", "replace").rstrip("\r") for line in lines]
        return texts[:-1] if texts and not texts[-1] else texts

    def lines(self, delimiter: str, most: int = MOST_LINES) -> list[SampleLine]:
        """Return the first lines, split into cells."""
        if delimiter not in self.split_lines:
            self.split_lines[delimiter] = self._lines(delimiter)
        return self.split_lines[delimiter][:most]

    def _lines(self, delimiter: str) -> list[SampleLine]:
        lines = first_rows(self.source.head_text, delimiter, MOST_LINES)
        widest = max((len(line.cells) for line in lines), default=0)
        if widest > MAX_COLUMNS:
            raise UnreadableFile(
                f"{self.name} has {widest:,} columns; at most {MAX_COLUMNS:,} are read.",
                "Check the delimiter, or split the file.",
            )
        return lines[:-1] if lines and not any(lines[-1].cells) else lines

    def table(self, delimiter: str, header: int, *, skip: int = 0, records: int | None = None) -> TableSample:
        """Return the file as a table: with the headings of line ``header`` (0: none, the data begin after ``skip``
        lines), or with several record types, given in cell ``records``."""
        lines = self.lines(delimiter)
        if records is not None:
            names, rows = named_cells([line.cells for line in lines], records)
            return TableSample(delimiter, names, 0, rows)
        at = next((n for n, line in enumerate(lines) if line.number == header), None) if header else None
        if at is not None:
            rows = [line.cells for line in lines[at + 1 :] if any(line.cells)]
            return TableSample(delimiter, lines[at].cells, lines[at].number, rows)
        rows = [line.cells for line in lines if line.number > skip and any(line.cells)]
        width = max((len(cells) for cells in rows), default=0)
        return TableSample(delimiter, [""] * width, skip, rows)


@contextmanager
def open_sample(path: Path, name: str, sheet: str = "") -> Iterator[SampleFile]:
    """Open the first lines of a file, or of a workbook's sheet; raise ``UnreadableFile`` if it is not a table."""
    with tempfile.TemporaryDirectory(prefix="eclectyc-head-") as folder:
        copy = Path(folder) / "head.csv"
        yield _of_workbook(path, name, copy, sheet) or _of_text(path, name, copy)


def _of_text(path: Path, name: str, copy: Path) -> SampleFile:
    source = open_source(path)
    if source.kind != "lines":
        kind = "JSON" if source.kind == "json" else "XML or HTML"
        raise UnreadableFile(f"{name} is {kind}, not a table.", "Export it as CSV to map its columns.")
    text = source.head_text.text
    return _sample(copy, name, text, is_all=source.size <= len(text) and not _is_cut(text))


def _of_workbook(path: Path, name: str, copy: Path, sheet: str) -> SampleFile | None:
    from eclectyc.readers.files.workbook import DELIMITER

    status = path.stat()
    found = _sheet_of(path, status.st_mtime_ns, status.st_size, sheet.strip().casefold())
    if found is None:
        return None
    if not found.name:
        raise UnreadableFile(f"{name} has no sheet {sheet!r} with data.", "Choose another sheet.", field="sheet")
    head = _sample(copy, name, found.text, delimiter=DELIMITER)
    return replace(head, sheets=found.others, sheet=found.name)


class _Sheet(NamedTuple):
    """The first rows of a sheet; the name is empty if there is none."""

    name: str
    others: tuple[str, ...]
    text: bytes


@lru_cache(16)  # a page reads it repeatedly, and a workbook's texts are all read for its first row
def _sheet_of(path: Path, _changed: int, _size: int, requested: str) -> _Sheet | None:
    """Return the first rows of a workbook's sheet as CSV; None if the file is not a workbook."""
    from eclectyc.readers.files.workbook import open_workbook, write_csv

    with open_workbook(path) as book, tempfile.TemporaryDirectory(prefix="eclectyc-sheet-") as folder:
        if book is None:
            return None
        copy = Path(folder) / "sheet.csv"
        visible = [one for one in book.sheets if not one.is_hidden] or list(book.sheets)
        matching = [one for one in book.sheets if one.name.casefold() == requested] if requested else visible
        others = tuple(one.name for one in visible)
        for one in matching:
            if write_csv(book, one, copy, MOST_LINES):
                return _Sheet(one.name, others, _cut(copy.read_bytes()))
        return _Sheet("", others, b"")


def _sample(copy: Path, name: str, text: bytes, *, delimiter: str = "", is_all: bool = False) -> SampleFile:
    copy.write_bytes(_cut(text))
    return SampleFile(name, open_source(copy, delimiter=delimiter), is_all=is_all)


def _is_cut(text: bytes) -> bool:
    return len(text) > MOST_BYTES or text.count(b"\n") > MOST_LINES


def _cut(text: bytes) -> bytes:
    """Return the first whole lines of a text; a single line that is too long unchanged."""
    at = -1
    for _ in range(MOST_LINES):
        following = text.find(b"\n", at + 1)
        if following < 0 or (following >= MOST_BYTES and at >= 0):
            break
        at = following
    return text[: at + 1] if at >= 0 else text


def _evenness(lines: list[SampleLine]) -> tuple[int, int]:
    """Return how many lines a delimiter splits into the most common number of cells, and that number."""
    widths = [len(line.cells) for line in lines if len(line.cells) > 1]
    if not widths:
        return (0, 0)
    common = max(set(widths), key=lambda width: (widths.count(width), width))
    return (widths.count(common), common)
