"""The rejected lines of an uploaded file, as a file to correct and upload again."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

from eclectyc.accounts.actor import Actor
from eclectyc.intake.profiles.column_positions import declared_table, delimiter_of
from eclectyc.intake.profiles.profile_reader import ProfileReader
from eclectyc.intake.uploads.models import Upload
from eclectyc.intake.uploads.service import read_options
from eclectyc.readers.files.source import open_source
from eclectyc.readers.line_ranges import count_lines, merge_ranges, no_ranges, ranges_from_lines, read_ranges
from eclectyc.readers.open_file import OpenFile, may_be_workbook, open_file
from eclectyc.readers.reader import NestedLines
from eclectyc.readers.tables.file_sample import sample_of


class RejectedLines:
    """The line numbers of rejected lines."""

    def __init__(self, spans: np.ndarray) -> None:
        self._spans = merge_ranges(spans)

    @classmethod
    def from_report(cls, report: Mapping[str, Any]) -> Self:
        """Return the rejected lines of a report: those of its errors, of the file with further errors, and of the file
        with lines that one error covers."""
        single = {int(error["line"]) for error in report.get("errors", [])}
        if more := _existing_file(report.get("errors_file")):
            with more.open(newline="", encoding="utf-8") as file:
                single |= {int(row["line"]) for row in csv.DictReader(file) if row["line"].isdigit()}
        covered = _existing_file(report.get("lines_file"))
        spans = [
            ranges_from_lines(np.array(sorted(single - {0}), np.int64)),
            read_ranges(covered) if covered else no_ranges(),
        ]
        return cls(np.concatenate(spans))

    def __len__(self) -> int:
        return count_lines(self._spans)

    def __contains__(self, line: int) -> bool:
        return bool(self.within(line, line + 1))

    def within(self, start: int, end: int) -> list[int]:
        """Return the rejected lines from ``start`` up to ``end``."""
        first = np.searchsorted(self._spans[:, 1], start, "right")
        last = np.searchsorted(self._spans[:, 0], end, "left")
        near = self._spans[first:last].clip(start, end)
        return [line for low, high in near.tolist() for line in range(low, high)]


def _existing_file(name: object) -> Path | None:
    path = Path(str(name)) if name else None
    return path if path and path.is_file() else None


def rejected_lines(actor: Actor, upload: Upload) -> Iterator[str]:
    """Yield the heading and the rejected lines unchanged; a workbook's as CSV."""
    numbers = RejectedLines.from_report(upload.report)
    with open_file(upload.path, read_options(actor, upload)) as file:
        kinds = _kinds_of(file)
        if kinds is not None:
            yield from map(_text, _with_lines_above(file.source.origin, kinds, numbers))
            return
        for line in file.source.head_text.text.split(b"\n")[: _header_lines(file)]:
            yield _text(line)
        for block in file.source.blocks():
            wanted = numbers.within(block.first_line, block.first_line + block.lines)
            lines = block.text.split(b"\n") if wanted else []
            yield from (_text(lines[n - block.first_line]) for n in wanted)


def _kinds_of(file: OpenFile) -> NestedLines | None:
    if may_be_workbook(file.source.origin):
        return None
    if not isinstance(file.reader, ProfileReader):
        return file.reader.nested_lines
    records = file.reader.mapping.file.records
    if records is None:
        return None
    mark = delimiter_of(open_source(file.source.origin), file.reader.mapping).encode()
    return NestedLines(frozenset(file.reader.mapping.data_kinds()), mark, records)


def _with_lines_above(path: Path, kinds: NestedLines, numbers: RejectedLines) -> Iterator[bytes]:
    """Yield the rejected lines of a file with several record types, each group with the lines above it and, if they
    matter, its own first ones, so that the result can be corrected and uploaded again."""
    data, mark, cell, is_independent = kinds
    source = open_source(path)
    above: dict[bytes, bytes] = {}
    group: list[bytes] = []
    last = 0  # of the group's rejected lines
    for block in source.blocks():
        for number, line in enumerate(block.text.split(b"\n")[: block.lines], block.first_line):
            cells = line.split(mark, cell)
            kind = cells[cell - 1].strip().strip(b'"') if len(cells) >= cell else b""
            if kind.decode("utf-8", "replace") in data:
                is_rejected = number in numbers
                if is_rejected or not is_independent:
                    group.append(line)
                last = len(group) if is_rejected else last
                continue
            if last:
                yield from (*above.values(), *group[:last])
                above = {}  # they are written once
            group, last = [], 0
            above.pop(kind, None)
            above[kind] = line
    if last:
        yield from (*above.values(), *group[:last])


def _header_lines(file: OpenFile) -> int:
    """Return the number of lines above the data."""
    if isinstance(file.reader, ProfileReader):
        return declared_table(file.source, file.reader.mapping).header_line
    return sample_of(file.source).table.header_line if file.recognition.is_table else 0


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace") + "\n"
