"""Read lists of sites and meters: find the columns of the fields, check and normalise each cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from eclectyc.kernel.spreadsheet_safety import original_text
from eclectyc.readers.blocks import LineError, RecordBlock, UnreadableFile
from eclectyc.readers.files.source import Source
from eclectyc.readers.tables.dates import BadDate, parse_date, parse_stamp
from eclectyc.readers.tables.file_sample import TableSample
from eclectyc.readers.tables.headings import header_key
from eclectyc.readers.tables.numbers import parse_number, why_not_a_number
from eclectyc.readers.tables.parse_csv import CsvPart, Shape, convert_parts
from eclectyc.readers.tables.rejected_lines import Rejects


class BadCell(ValueError):
    """A cell that is rejected."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


Normalise = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class RegistryField:
    """A field of a site or meter: the keys of its headings, and how its cells are normalised."""

    keys: frozenset[str]
    normalise: Normalise = str.strip


def find_columns(table: TableSample, fields: Mapping[str, RegistryField]) -> dict[str, int]:
    """Return the column index of each field in the table; ``*_id`` columns by their own name.

    Two columns for one field are refused; unknown headings are ignored.
    """
    found: dict[str, int] = {}
    for index, name in enumerate(table.names):
        key = header_key(name)
        matches = [field for field, known in fields.items() if key in known.keys]
        field = matches[0] if matches else _outside_reference(name)
        if not field:
            continue
        if field in found:
            raise UnreadableFile(
                f"There are two columns for {field}: {table.names[found[field]]!r} and {name!r}.", "Keep one of them."
            )
        found[field] = index
    return found


def sureness(fields: int) -> float:
    """Return how sure a list of sites or meters is, by the number of its own fields."""
    return min(0.6 + 0.02 * fields, 0.8)


def read_records(
    source: Source, table: TableSample, fields: Mapping[str, RegistryField], required: str, warnings: list[str]
) -> Iterator[tuple[RecordBlock, list[LineError]]]:
    """Yield the records of the file; a line without its ``required`` field is rejected."""
    columns = find_columns(table, fields)
    width = len(table.names)
    yield from convert_parts(
        source,
        Shape.from_table(table, (), [n for n in range(width) if n > columns[required]]),
        lambda part: _convert(part, table, fields, columns, required),
        warnings,
    )


def _outside_reference(name: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")
    return words if words.endswith("_id") else ""


def _convert(
    part: CsvPart, table: TableSample, fields: Mapping[str, RegistryField], columns: Mapping[str, int], required: str
) -> tuple[RecordBlock, list[LineError]]:
    rejects = Rejects(part)
    cells: dict[str, list[str | None]] = {}
    for field, index in columns.items():
        plain = fields[field].normalise if field in fields else str.strip
        cells[field] = [
            _normalise(text, plain, row, table.names[index], rejects) for row, text in enumerate(part.column(index))
        ]
    heading = table.names[columns[required]]
    for row, text in enumerate(cells[required]):
        if text is None:
            rejects.add(row, heading, f"There is no {required}.", f"Fill in the {required}.")
    frame = pl.DataFrame({"line": part.lines, **cells}, schema_overrides=dict.fromkeys(cells, pl.String))
    keep = rejects.keep()
    return RecordBlock(frame.filter(pl.Series(keep)), int(np.count_nonzero(keep))), rejects.errors


def _normalise(text: str | None, plain: Normalise, row: int, heading: str, rejects: Rejects) -> str | None:
    if text is None or not text.strip():
        return None
    try:
        return plain(original_text(text)) or None
    except BadCell as bad:
        rejects.add(row, heading, bad.reason, bad.remedy)
        return None


def number_between(least: float, most: float) -> Normalise:
    """Return a function that normalises a number and checks its limits."""

    def plain(text: str) -> str:
        value = parse_number(text)
        if value is None:
            raise BadCell(*why_not_a_number(text))
        if not least <= value <= most:
            raise BadCell(f"{text.strip()!r} is not between {least:g} and {most:g}.", "Check the cell.")
        return repr(value)

    return plain


def iso_date(text: str) -> str:
    """Normalise a date to ISO."""
    try:
        return parse_date(text).isoformat()
    except BadDate as bad:
        raise _month_first_or(bad) from None


def iso_moment(text: str) -> str:
    """Normalise a date, or a date and time, to ISO; a date alone is its midnight."""
    try:
        return _iso(text)
    except BadDate as bad:
        raise _month_first_or(bad) from None


def _iso(text: str) -> str:
    try:
        return f"{parse_date(text).isoformat()}T00:00:00"
    except BadDate:
        stamp = parse_stamp(text)
    return (stamp.instant or stamp.clock).isoformat()


def _month_first_or(bad: BadDate) -> Exception:
    if bad.month_first:
        return UnreadableFile(f"{bad.reason[:-1]}; dates are read day first.", bad.remedy)
    return BadCell(bad.reason, bad.remedy)


def yes_or_no(text: str) -> str:
    """Normalise yes and no to ``true`` and ``false``."""
    word = text.strip().lower()
    if word in ("true", "yes", "y", "1", "1.0", "active", "open", "live", "enabled", "t"):
        return "true"
    if word in ("false", "no", "n", "0", "0.0", "inactive", "closed", "disabled", "f"):
        return "false"
    raise BadCell(f"{text.strip()!r} is neither yes nor no.", "Write true or false.")


def one_of(words: Mapping[str, str], what: str) -> Normalise:
    """Return a function that normalises a word; ``words`` maps keys to our words."""
    choices = ", ".join(dict.fromkeys(words.values()))

    def plain(text: str) -> str:
        found = words.get(header_key(text))
        if found is None:
            raise BadCell(f"{text.strip()!r} is not a {what}.", f"Use one of: {choices}.")
        return found

    return plain


def keys(*names: str) -> frozenset[str]:
    return frozenset(names)
