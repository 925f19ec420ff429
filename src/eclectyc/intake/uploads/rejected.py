"""The lines of a kept file that were not taken: as a file of their own, to be mended and sent again."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eclectyc.accounts.actor import Actor
from eclectyc.intake.files.head import head_of
from eclectyc.intake.opening import Opened, opened
from eclectyc.intake.profiles.declared import Declared
from eclectyc.intake.profiles.places import declared_table
from eclectyc.intake.uploads.models import Upload
from eclectyc.intake.uploads.service import reading_of


def rejected_numbers(report: dict[str, Any]) -> set[int]:
    """Return the numbers of the rejected lines: of the report, and of the file that holds what was too much for it."""
    numbers = {int(error["line"]) for error in report.get("errors", [])}
    more = report.get("errors_file")
    if more and Path(more).is_file():
        with Path(more).open(newline="", encoding="utf-8") as file:
            numbers |= {int(row["line"]) for row in csv.DictReader(file) if row["line"].isdigit()}
    return numbers - {0}


def rejected_lines(actor: Actor, upload: Upload) -> Iterator[str]:
    """Yield the heading and the rejected lines as the file has them; a workbook's as CSV."""
    numbers = rejected_numbers(upload.report)
    with opened(upload.path, reading_of(actor, upload)) as file:
        for line in file.source.head_text.text.split(b"\n")[: _header_lines(file)]:
            yield _text(line)
        for block in file.source.blocks():
            wanted = sorted(n for n in numbers if block.first_line <= n < block.first_line + block.lines)
            lines = block.text.split(b"\n") if wanted else []
            yield from (_text(lines[n - block.first_line]) for n in wanted)


def _header_lines(file: Opened) -> int:
    """Return how many lines stand above the data."""
    if isinstance(file.reader, Declared):
        return declared_table(file.source, file.reader.mapping).header_line
    return head_of(file.source).table.header_line if file.seen.is_table else 0


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace") + "\n"
