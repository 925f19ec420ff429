"""Matrix: one time per row, and a column for each meter, headed by its identifier; dates alone are whole days."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from eclectyc.kernel.days import WHOLE_DAY
from eclectyc.kernel.identifiers import clean_identifier, has_lost_digits
from eclectyc.kernel.quality import MISSING, UNFLAGGED
from eclectyc.readers.blocks import Block, DayBlock, LineError, Recognition, RowBlock, UnreadableFile
from eclectyc.readers.files.source import Source
from eclectyc.readers.formats.long import moments_of, set_declarations
from eclectyc.readers.reader import Reader, ReadOptions
from eclectyc.readers.tables.field_columns import Fields, find_fields
from eclectyc.readers.tables.file_sample import FileSample, TableSample, sample_of
from eclectyc.readers.tables.headings import TableColumn, is_rate, unit_in
from eclectyc.readers.tables.identity_columns import nulls
from eclectyc.readers.tables.numbers import number_matrix, parse_number
from eclectyc.readers.tables.parse_csv import CsvPart, Shape, convert_parts
from eclectyc.readers.tables.rejected_lines import Rejects
from eclectyc.readers.tables.slot_columns import find_slots
from eclectyc.readers.tables.timestamp_columns import parse_dates


@dataclass(frozen=True, slots=True)
class MeterColumn:
    index: int
    name: str
    meter: str
    unit: str | None


class Matrix(Reader):
    name = "matrix"
    kind = "readings"

    def recognise(self, sample: FileSample) -> Recognition | None:
        table = sample.table
        if find_slots(table.names) is not None:
            return None
        fields = find_fields(table)
        if fields.meter or not (fields.stamp or fields.date):
            return None
        columns, skipped = _meter_columns(table, fields)
        if len(columns) <= len(fields.values):
            return None
        # Headings that are values elsewhere (M3, AI) can be meters here: then both layouts are equally sure.
        sure = 0.7 if fields.values else 0.6
        recognition = Recognition(self.name, f"one time per row and {len(columns)} columns of meters", sure)
        set_declarations(recognition, fields, table)
        recognition.step = WHOLE_DAY if _is_daily(fields) else None
        recognition.columns["meters"] = [column.meter for column in columns]
        recognition.warnings += [f"Column {name!r} names no meter and was skipped." for name in skipped]
        return recognition

    def read(
        self, source: Source, recognition: Recognition, options: ReadOptions
    ) -> Iterator[tuple[Block, list[LineError]]]:
        table = sample_of(source).table
        fields = find_fields(table)
        columns, _ = _meter_columns(table, fields)
        grouped: set[str] = set()
        yield from convert_parts(
            source,
            Shape.from_table(table, [column.index for column in columns]),
            lambda part: convert(part, fields, columns, recognition, grouped),
            recognition.warnings,
        )


def _is_daily(fields: Fields) -> bool:
    return fields.all_midnight or not fields.has_moment


def _meter_columns(table: TableSample, fields: Fields) -> tuple[list[MeterColumn], list[str]]:
    """Return the columns of meters, and the headings of the columns that are skipped."""
    columns, skipped, rates = [], [column.name for column in fields.totals], []
    for column in sorted([*fields.others, *fields.values], key=lambda column: column.index):
        cells = table.cells(column.index)
        if column.role == "value":
            columns.append(MeterColumn(column.index, column.name, clean_identifier(column.name), None))
        elif is_rate(column.name):
            rates.append(column.name)
        elif cells and all(parse_number(cell) is None for cell in cells):
            skipped.append(column.name)
        else:
            columns.append(meter_column(column))
    if rates and not columns:
        raise UnreadableFile(
            f"The columns hold prices, rates or weather, not meter readings: {', '.join(rates[:6])}.",
            "Import outside data with: eclectyc external temperature|calorific|carbon FILE.",
        )
    refuse_doubles(columns)
    return columns, skipped + rates


def meter_column(column: TableColumn) -> MeterColumn:
    if has_lost_digits(column.name):
        raise UnreadableFile(
            f"The heading {column.name!r} has lost its digits to a spreadsheet.",
            "Format the headings as text in the source and export it again.",
        )
    unit = unit_in(column.name)
    name = column.name
    if unit is not None:
        name = re.sub(r"[(\[].*?[)\]]|\b" + re.escape(unit) + r"\b", " ", name, flags=re.IGNORECASE).strip(" _-:")
    return MeterColumn(column.index, column.name, clean_identifier(name), unit)


def refuse_doubles(columns: list[MeterColumn]) -> None:
    meters = [column.meter for column in columns]
    doubled = sorted({meter for meter in meters if meters.count(meter) > 1})
    if doubled:
        raise UnreadableFile(f"Several columns are for the same meter: {', '.join(doubled)}.", "Keep one of each.")


def convert(
    part: CsvPart, fields: Fields, columns: list[MeterColumn], recognition: Recognition, grouped: set[str]
) -> tuple[Block, list[LineError]]:
    """Convert a part to a block, and return it with the rejected lines."""
    rejects = Rejects(part)
    names = [str(column.index) for column in columns]
    found = _days_of(part, fields, rejects) if _is_daily(fields) else moments_of(part, fields, recognition, rejects)
    values, bad = number_matrix(part.frame, names, grouped)
    rejects.add_numbers(part.frame.select(names), bad, [column.name for column in columns])
    keep = rejects.keep()
    rows = int(keep.sum())
    each = np.repeat(np.flatnonzero(keep), len(columns))
    which = np.tile(np.arange(len(columns)), rows)
    flat = values[keep].reshape(-1)
    value = pl.Series(flat, nan_to_null=True)
    frame = pl.DataFrame(
        {
            "line": part.lines[each],
            "meter": pl.Series([column.meter for column in columns], dtype=pl.String)[which],
            "quantity": nulls(len(each), pl.String),
            "unit": pl.Series([column.unit for column in columns], dtype=pl.String)[which],
            **{name: cells[each] for name, cells in found.items()},
        }
    )
    quality = np.where(np.isnan(flat), np.int8(MISSING), np.int8(UNFLAGGED))
    if _is_daily(fields):
        return DayBlock(frame, flat[:, None], quality[:, None], WHOLE_DAY, "position", rows), rejects.errors
    return RowBlock(frame.with_columns(value.alias("value"), pl.Series("quality", quality)), rows), rejects.errors


def _days_of(part: CsvPart, fields: Fields, rejects: Rejects) -> dict[str, pl.Series]:
    date = fields.day
    if date is None:
        return {"day": nulls(len(part), pl.Date)}
    days = parse_dates(part.column(date.index), date.name)
    rejects.add_moments(days.bad, date.name)
    rejects.add_blank(days.values, date.name, "date", days.bad)
    return {"day": days.values}
