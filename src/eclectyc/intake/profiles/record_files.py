"""Files with several record types, like the data flows of the electricity market: a line for the meter, under it a
line for the day, under that a line for each reading.

Such a file is unfolded into a table: a line of readings is joined with the lines above it, and its columns are named by
record type and cell: ``66L.3`` is the third cell of lines of type ``66L``, ``66L.#`` the rank of a line among those of
its type under one line above, from 1. Line numbers stay the file's own.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.files.source import Source, open_source
from eclectyc.readers.tables.file_sample import first_rows

RANK: Final = "#"
MOST_KINDS: Final = 100
ENVELOPES: Final = frozenset({"ZHV", "ZHD", "ZPT"})  # the first and last lines of a flow: no readings
UNFOLDED_DELIMITER: Final = ","  # of the unfolded table
_NAME: Final = re.compile(r"(.{1,60})\.([1-9][0-9]{0,3}|#)")


def parts_of(name: str) -> tuple[str, str] | None:
    """Return record type and cell of a column's name; None if it has another form.

    >>> parts_of("66L.3"), parts_of("Usage")
    (('66L', '3'), None)
    """
    match = _NAME.fullmatch(name)
    return (match[1], match[2]) if match else None


def following(name: str, by: int) -> str:
    """Return the name of the column so many cells after another.

    >>> following("26B.3", 2)
    '26B.5'
    """
    kind, cell = parts_of(name) or ("", "1")
    return f"{kind}.{int(cell) + by}"


class RecordUnfolder:
    """Joins lines of readings with the lines above them. A higher record type ends the lower ones before it."""

    def __init__(self, kind_cell: int, data: str, columns: Sequence[str]) -> None:
        self._at, self._data = kind_cell - 1, data
        self._columns = [parts_of(name) or ("", "1") for name in columns]
        self._above: dict[str, list[str]] = {}
        self._rank: dict[str, int] = {}
        self._position = 0

    def add(self, cells: list[str]) -> list[str] | None:
        """Add a line; return its row if it is a line of readings."""
        kind = cells[self._at] if len(cells) > self._at else ""
        if kind != self._data:
            rank = self._rank.setdefault(kind, len(self._rank))
            self._above = {other: line for other, line in self._above.items() if self._rank[other] < rank}
            self._above[kind] = cells
            self._position = 0
            return None
        self._position += 1
        return [self._cell(kind, cell, cells) for kind, cell in self._columns]

    def _cell(self, kind: str, cell: str, own: list[str]) -> str:
        if cell == RANK:
            return str(self._position)
        line = own if kind == self._data else self._above.get(kind, [])
        return line[int(cell) - 1] if len(line) >= int(cell) else ""


def unfold(source: Source, path: Path, *, delimiter: str, kind_cell: int, data: str, columns: Sequence[str]) -> Source:
    """Write a file's lines of readings, each joined with the lines above it, and return them as a source."""
    unfolder, written = RecordUnfolder(kind_cell, data, columns), 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=UNFOLDED_DELIMITER, lineterminator="\n")
        for number, cells in _lines(source, delimiter):
            row = unfolder.add(cells)
            if row is not None:
                file.write("\n" * (number - written - 1))
                writer.writerow(row)
                written = number
    if not written:
        raise UnreadableFile(
            f"{source.name} has no lines of record type {data!r}.", "Correct the profile, or the file."
        )
    table = open_source(path, delimiter=UNFOLDED_DELIMITER)
    table.origin = source.origin
    return table


def named_cells(lines: Sequence[list[str]], kind_cell: int) -> tuple[list[str], list[list[str]]]:
    """Return the columns of every record type, by name, and rows with the lines of all types side by side, to choose
    from."""
    of_kind: dict[str, list[list[str]]] = {}
    for cells in lines:
        if len(cells) >= kind_cell and any(cells) and cells[kind_cell - 1] not in ENVELOPES:
            of_kind.setdefault(cells[kind_cell - 1], []).append(cells)
    if len(of_kind) > MOST_KINDS:
        raise UnreadableFile(
            f"Column {kind_cell} has {len(of_kind)} different values. It cannot be the record type.",
            "Choose another column, or none.",
            field="records",
        )
    names, columns = list[str](), list[list[str]]()
    for kind, own in of_kind.items():
        for n in range(max(map(len, own))):
            if n != kind_cell - 1:
                names.append(f"{kind}.{n + 1}")
                columns.append([cells[n] if n < len(cells) else "" for cells in own])
        if len(own) > len(of_kind):
            names.append(f"{kind}.{RANK}")
            columns.append([str(n + 1) for n in range(min(len(own), 48))])
    depth = max((len(cells) for cells in columns), default=0)
    return names, [[cells[n] if n < len(cells) else "" for cells in columns] for n in range(depth)]


def _lines(source: Source, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    for block in source.blocks():
        if block.errors:
            first = block.errors[0]
            raise UnreadableFile(f"Line {first.line}: {first.reason}", first.remedy)
        for line in first_rows(block, delimiter, block.lines):
            yield line.number, line.cells
