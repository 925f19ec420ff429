"""Registers: one read per row – meter, time, the register's display; perhaps a serial, a register, a unit, a flag.

No file is recognised as this layout without being named (``-t registers``, or an import profile). Several columns of
reads are several registers, named by their headings. A date without a time is its midnight, the start of the day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from eclectyc.readers.blocks import LineError, Recognition, RegisterBlock, changed_since_recognised
from eclectyc.readers.files.source import Source
from eclectyc.readers.formats.long import moments_of
from eclectyc.readers.reader import Reader, ReadOptions
from eclectyc.readers.tables.field_columns import Fields, find_fields
from eclectyc.readers.tables.file_sample import FileSample, TableSample, sample_of
from eclectyc.readers.tables.headings import METER_TIERS, TableColumn, header_key, is_rate, unit_in
from eclectyc.readers.tables.identity_columns import meters, nulls, qualities, quantities, units
from eclectyc.readers.tables.numbers import number_matrix
from eclectyc.readers.tables.parse_csv import CsvPart, Shape, convert_parts
from eclectyc.readers.tables.rejected_lines import Rejects
from eclectyc.readers.tables.timestamp_columns import parse_dates

_SURE: Final = 0.3  # the user must name this format
_READING_NAMES = "reading read register cumulative totaliser totalizer index counter display"
_READING_WORDS: Final = tuple(_READING_NAMES.split())
_NO_READING: Final = ("type", "flag", "reason", "method", "status", "date", "time", "by", "id", "no", "number", "code")
_CODE_NAMES = "register registerid registercode registername registerno reg tpr rate ratename"
_CODES: Final = set(_CODE_NAMES.split())
_SERIALS: Final = METER_TIERS[2]


@dataclass(frozen=True, slots=True)
class RegisterLayout:
    """The columns of a table of reads. values : the columns of reads. code : the column of the register."""

    fields: Fields
    values: list[TableColumn]
    serial: TableColumn | None
    code: TableColumn | None

    @property
    def has_all(self) -> bool:
        return bool(self.values and (self.fields.stamp or self.fields.date))


class Registers(Reader):
    name = "registers"
    kind = "registers"

    def recognise(self, sample: FileSample) -> Recognition | None:
        layout = _find_layout(sample.table)
        if not layout.has_all:
            return None
        moment = layout.fields.stamp or layout.fields.date
        named = [column.name for column in (moment, *layout.values) if column]
        recognition = Recognition(self.name, f"register reads: {', '.join(repr(name) for name in named)}", _SURE)
        recognition.timezone = layout.fields.declared_timezone()
        roles = {"meter": layout.fields.meter, "serial": layout.serial, "register": layout.code, "moment": moment}
        recognition.columns = {role: column.name for role, column in roles.items() if column}
        recognition.columns["values"] = [column.name for column in layout.values]
        return recognition

    def read(
        self, source: Source, recognition: Recognition, options: ReadOptions
    ) -> Iterator[tuple[RegisterBlock, list[LineError]]]:
        table = sample_of(source).table
        layout, grouped = _find_layout(table), set[str]()
        if not layout.has_all:
            raise changed_since_recognised(source.name, self.name)
        yield from convert_parts(
            source,
            Shape.from_table(table, [column.index for column in layout.values]),
            lambda part: convert(part, layout, recognition, grouped),
            recognition.warnings,
        )


def _find_layout(table: TableSample) -> RegisterLayout:
    keys = {column.index: header_key(column.name) for column in table.columns}
    code = next((column for column in table.columns if keys[column.index] in _CODES and _is_text(table, column)), None)
    fields = find_fields(table, frozenset([code.index]) if code else frozenset())
    known = (fields.meter, fields.stamp, fields.date, fields.time, fields.unit, fields.flag, fields.quantity, code)
    used = {column.index for column in known if column}
    serial = next((c for c in table.columns if keys[c.index] in _SERIALS and c.index not in used), None)
    if serial is None and fields.meter and keys[fields.meter.index] in _SERIALS:
        serial = fields.meter
    values = fields.values or [c for c in table.columns if c.index not in used and _is_reading(table, c)]
    return RegisterLayout(fields, values, serial, code)


def _is_text(table: TableSample, column: TableColumn) -> bool:
    """Return whether a column called "register" names registers rather than holding their display."""
    cells = table.cells(column.index)
    return bool(cells) and len(set(cells)) <= max(8, len(cells) // 10) and max(len(cell) for cell in cells) <= 20


def _is_reading(table: TableSample, column: TableColumn) -> bool:
    words = [word for word in "".join(c if c.isalnum() else " " for c in column.name.lower()).split() if word]
    if is_rate(column.name) or not any(word.rstrip("s") in _READING_WORDS for word in words):
        return False
    return not any(word in _NO_READING for word in words)


def convert(
    part: CsvPart, layout: RegisterLayout, recognition: Recognition, grouped: set[str]
) -> tuple[RegisterBlock, list[LineError]]:
    """Convert a part to a block, and return it with the rejected lines."""
    rejects = Rejects(part)
    fields = layout.fields
    stamp, instant = read_moments(part, fields, recognition, rejects)
    names = [str(column.index) for column in layout.values]
    values, bad = number_matrix(part.frame, names, grouped)
    rejects.add_numbers(part.frame.select(names), bad, [column.name for column in layout.values])
    meter, flag = meters(part, fields.meter, rejects), qualities(part, fields.flag, rejects)
    quantity = quantities(part, fields.quantity, rejects)
    serial = part.column(layout.serial.index) if layout.serial else nulls(len(part), pl.String)
    code = part.column(layout.code.index) if layout.code else nulls(len(part), pl.String)
    no = pl.Series([False]).new_from_index(0, len(part))
    frames = []
    for n, column in enumerate(layout.values):
        own = (
            nulls(len(part), pl.String)
            if len(layout.values) == 1
            else pl.Series([column.name[:40]]).new_from_index(0, len(part))
        )
        frames.append(
            pl.DataFrame(
                {
                    "line": part.lines,
                    "meter": meter,
                    "quantity": quantity if column.quantity is None else quantity.fill_null(column.quantity),
                    "unit": units(part, fields.unit, column.unit or unit_in(column.name), rejects),
                    "serial": serial,
                    "register": code if layout.code else own,
                    "stamp": stamp,
                    "instant": instant,
                    "value": pl.Series(values[:, n], nan_to_null=True),
                    "quality": flag,
                    "is_maximum": no,
                    "is_doubtful": no,
                    "told": nulls(len(part), pl.String),
                }
            )
        )
    keep = rejects.keep()
    kept = [frame.filter(pl.Series(keep) & frame["value"].is_not_null()) for frame in frames]
    frame = kept[0] if len(kept) == 1 else pl.concat(kept).sort("line", maintain_order=True)
    return RegisterBlock(frame, int(keep.sum())), rejects.errors


def read_moments(
    part: CsvPart, fields: Fields, recognition: Recognition, rejects: Rejects
) -> tuple[pl.Series, pl.Series]:
    """Return each row's stamp, or its instant if the text has an offset."""
    if fields.stamp or fields.time:
        found = moments_of(part, fields, recognition, rejects)
        return found["stamp"], found["instant"]
    column = fields.date
    assert column is not None  # noqa: S101 - has_all
    days = parse_dates(part.column(column.index), column.name)
    rejects.add_moments(days.bad, column.name)
    rejects.add_blank(days.values, column.name, "date", days.bad)
    return days.values.cast(pl.Datetime("us")), nulls(len(part), pl.Datetime("us", "UTC"))
