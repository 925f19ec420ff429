"""Sample a file's first lines: its delimiter, its header, and the first data."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from statistics import mode

from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.files.source import HEAD_LINES, Source, TextBlock
from eclectyc.readers.tables.headings import DESCRIPTION_KEYS, TableColumn, header_key, parse_heading
from eclectyc.readers.tables.quoted_cells import has_marks, restore, unquote
from eclectyc.readers.tables.slot_columns import count_slots

MAX_COLUMNS = 10_000
DELIMITERS = (",", "\t", ";", "|")
_SAMPLE_LINES = 2000
_SAMPLE_CELLS = 60_000
_HEADER_CELLS = 400  # cells of a line that are checked to find the header
_LETTER = re.compile("[A-Za-z]")


class NotLines(UnreadableFile):
    """A JSON or XML document was to be read as a table."""


class FileSample:
    """The first text of a file, and that text as a table."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.name = source.name
        self._block = source.head_text

    @property
    def text(self) -> bytes:
        return self._block.text

    @cached_property
    def first_lines(self) -> list[str]:
        """The first lines that are not blank, stripped, for formats that are not tables."""
        lines = self._block.text.split(b"\n", 4 * HEAD_LINES)[: 4 * HEAD_LINES]
        return [line.strip().decode("utf-8", "replace") for line in lines if line.strip()][:HEAD_LINES]

    @cached_property
    def table(self) -> TableSample:
        """The sample as a table; ``UnreadableFile`` if it cannot be one."""
        if self.source.kind != "lines":
            raise NotLines(f"{self.name} is a document, not a table.", "Export it as CSV (.csv or .csv.gz).")
        return _find_table(self._block, self.name, self.source.delimiter)


@dataclass(frozen=True)
class TableSample:
    """The header of a table and its first rows.

    names : the headings, as printed. rows : the cells of the sampled data lines, stripped. header_line : the last
    line of the header, from 1. padding : blank cells that every line has beyond the header.
    """

    delimiter: str
    names: list[str]
    header_line: int
    rows: list[list[str]] = field(repr=False)
    padding: int = 0

    @cached_property
    def columns(self) -> list[TableColumn]:
        return [parse_heading(n, name) for n, name in enumerate(self.names)]

    def cells(self, index: int) -> list[str]:
        """Return the sampled cells of a column that are not blank."""
        return [row[index] for row in self.rows if index < len(row) and row[index]]


def sample_of(source: Source) -> FileSample:
    """Return a source's sample, which is taken once."""
    if not isinstance(source.sample, FileSample):
        source.sample = FileSample(source)
    return source.sample


@dataclass(frozen=True)
class SampleLine:
    """One line near the top, as cells."""

    number: int  # its last line in the file
    cells: list[str]

    @cached_property
    def known(self) -> int:
        """How many of its cells are known headings."""
        cells = [cell for cell in self.cells[:_HEADER_CELLS] if len(cell) < 100]
        words = [cell for cell in cells if _LETTER.search(cell)]
        known = sum(1 for cell in words if parse_heading(0, cell).role or header_key(cell) in DESCRIPTION_KEYS)
        return known + count_slots(cells)


def _find_table(block: TextBlock, name: str, known: str) -> TableSample:
    """Find the delimiter and the header in a file's first lines, or refuse the file."""
    tops = {delimiter: first_rows(block, delimiter, HEAD_LINES) for delimiter in (known or DELIMITERS)}
    delimiter = max(tops, key=lambda d: _score(tops[d]))
    width = max(len(line.cells) for line in tops[delimiter])
    more = first_rows(block, delimiter, max(HEAD_LINES, min(_SAMPLE_LINES, _SAMPLE_CELLS // width)))
    lines = tops[delimiter] + more[len(tops[delimiter]) :]
    if not any(any(line.cells) for line in lines):
        raise UnreadableFile(f"{name} has only blank lines.", "Choose a file with a header and data.")
    at = _find_header(lines)
    header = lines[at]
    if len(header.cells) > MAX_COLUMNS:
        raise UnreadableFile(
            f"{name} has {len(header.cells):,} columns; the limit is {MAX_COLUMNS:,}.",
            "Check the delimiter, or split the file.",
        )
    rows = [line.cells for line in lines[at + 1 :] if any(line.cells)]
    return TableSample(delimiter, header.cells, header.number, rows, _padding(len(header.cells), rows))


def _padding(width: int, rows: list[list[str]]) -> int:
    common = mode(len(row) for row in rows) if rows else 0
    return common - width if common > width and not any(any(row[width:]) for row in rows) else 0


def first_rows(block: TextBlock, delimiter: str, most: int) -> list[SampleLine]:
    text, _ = unquote(block.text, delimiter.encode(), block.first_line)
    marked = has_marks(text)
    number = block.first_line - 1
    lines = []
    top = b"\n".join(text.split(b"\n", most)[:most])
    for raw in top.decode("utf-8", "replace").split("\n"):
        cells = raw.split(delimiter)
        if marked:
            number += raw.count("\x1e")
            cells = [restore(cell, delimiter) for cell in cells]
        number += 1
        lines.append(SampleLine(number, [cell.strip() for cell in cells]))
    return lines


def _score(lines: list[SampleLine]) -> tuple[bool, int, float, int]:
    """Return how well a delimiter splits the lines: by known headings, then by lines of equal width."""
    widths = [len(line.cells) for line in lines if any(line.cells)]
    split = [width for width in widths if width > 1]
    if not split:
        return (False, 0, 0.0, 0)
    common = mode(split)
    known = max(line.known for line in lines[:HEAD_LINES])
    return (known > 0, min(known, 3), sum(width == common for width in widths) / len(widths), common)


def _find_header(lines: list[SampleLine]) -> int:
    """Return the index of the line with the most known headings; without any, of the first line with several cells."""
    near = lines[:HEAD_LINES]
    best = max(range(len(near)), key=lambda n: (near[n].known, -n))
    if near[best].known:
        return best
    widest = max((len(line.cells) for line in near if any(line.cells)), default=1)
    return next((n for n, line in enumerate(near) if any(line.cells) and (len(line.cells) > 1 or widest == 1)), 0)
