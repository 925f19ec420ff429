"""Long: one reading per row – meter, time (a stamp, or date and time, or date and period), value or values."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from eclectyc.kernel.quality import MISSING
from eclectyc.readers.blocks import DayBlock, LineError, Recognition, RowBlock
from eclectyc.readers.files.source import Source
from eclectyc.readers.reader import Reader, ReadOptions
from eclectyc.readers.tables.field_columns import Fields, find_fields
from eclectyc.readers.tables.file_sample import FileSample, TableSample, sample_of
from eclectyc.readers.tables.headings import TableColumn
from eclectyc.readers.tables.identity_columns import meters, nulls, qualities, quantities, units
from eclectyc.readers.tables.interval_lengths import measure_intervals, split_by_interval
from eclectyc.readers.tables.numbers import number_matrix
from eclectyc.readers.tables.parse_csv import CsvPart, Shape, convert_parts
from eclectyc.readers.tables.rejected_lines import Rejects
from eclectyc.readers.tables.slot_columns import find_slots
from eclectyc.readers.tables.timestamp_columns import parse_dates, parse_stamps, parse_times

_SIMPLE_LONG = ["mpancore", "channeltype", "startdate", "value", "status"]
COLUMNS = ("line", "meter", "quantity", "unit", "stamp", "instant", "day", "period", "value", "quality")


class Long(Reader):
    name = "long"
    kind = "readings"
    may_hold_registers = True

    def recognise(self, sample: FileSample) -> Recognition | None:
        table = sample.table
        if find_slots(table.names) is not None:
            return None
        fields = find_fields(table)
        is_simple = [column.key for column in table.columns if column.name] == _SIMPLE_LONG
        is_daily = fields.all_midnight and not is_simple and not fields.end
        if not fields.has_moment or not fields.values or is_daily:
            return None
        named = [column for column in (fields.stamp, fields.date, fields.time, fields.period, *fields.values) if column]
        recognition = Recognition(
            self.name,
            f"one reading per row: {', '.join(repr(column.name) for column in named)}",
            0.9 if fields.meter else 0.7,
        )
        if is_simple:
            recognition.format, recognition.timezone, recognition.sure = "simple long", "UTC", 1.0
        set_declarations(recognition, fields, table)
        return recognition

    def read(
        self, source: Source, recognition: Recognition, options: ReadOptions
    ) -> Iterator[tuple[RowBlock | DayBlock, list[LineError]]]:
        table = sample_of(source).table
        fields = find_fields(table)
        grouped: set[str] = set()
        for blocks, errors in convert_parts(
            source,
            Shape.from_table(table, [column.index for column in fields.values]),
            lambda part: convert(part, fields, recognition, grouped),
            recognition.warnings,
        ):
            for number, block in enumerate(blocks):
                yield block, [] if number else errors


def set_declarations(recognition: Recognition, fields: Fields, table: TableSample) -> None:
    """Set what the headings and first cells declare about stamps and time zones, and the columns used."""
    recognition.stamps, recognition.stamps_why = fields.stamp_declaration()
    recognition.timezone = recognition.timezone or fields.declared_timezone()
    recognition.step = fields.step
    roles = ("meter", "stamp", "date", "time", "period", "unit", "flag", "quantity")
    recognition.columns = {role: column.name for role in roles if (column := getattr(fields, role))}
    recognition.columns["values"] = [column.name for column in fields.values]
    moment = fields.time or fields.stamp
    if moment and any(":" in cell and "24:00" in cell for cell in table.cells(moment.index)):
        record_closing_midnight(recognition, moment)


def record_closing_midnight(recognition: Recognition, column: TableColumn) -> None:
    """Record a 24:00: stamps are period ends."""
    if recognition.stamps is None:
        recognition.stamps, recognition.stamps_why = "end", f"a 24:00 in {column.name!r}"
    elif recognition.stamps == "start":
        odd = f"{recognition.stamps_why} declares stamps as starts, but {column.name!r} has a 24:00."
        if odd not in recognition.warnings:
            recognition.warnings.append(odd)


def moments_of(part: CsvPart, fields: Fields, recognition: Recognition, rejects: Rejects) -> dict[str, pl.Series]:
    """Return stamp, instant, day and period of each row; null if the file gives another of these."""
    rows = len(part)
    found = {
        "stamp": nulls(rows, pl.Datetime("us")),
        "instant": nulls(rows, pl.Datetime("us", "UTC")),
        "day": nulls(rows, pl.Date),
        "period": nulls(rows, pl.Int16),
    }
    if fields.stamp:
        _set_stamps(part, fields.stamp, recognition, rejects, found)
    elif fields.date:
        days = parse_dates(part.column(fields.date.index), fields.date.name)
        rejects.add_moments(days.bad, fields.date.name)
        rejects.add_blank(days.values, fields.date.name, "date", days.bad)
        if fields.time:
            clocks = parse_times(part.column(fields.time.index), fields.time.name)
            rejects.add_moments(clocks.bad, fields.time.name)
            rejects.add_blank(clocks.values, fields.time.name, "time", clocks.bad)
            if clocks.closes_day:
                record_closing_midnight(recognition, fields.time)
            found["stamp"] = days.values.cast(pl.Datetime("us")) + clocks.values
        elif fields.period:
            found["day"] = days.values
            found["period"] = _periods(part, fields.period, rejects)
    return found


def _set_stamps(
    part: CsvPart, column: TableColumn, recognition: Recognition, rejects: Rejects, found: dict[str, pl.Series]
) -> None:
    parsed = parse_stamps(part.column(column.index), column.name)
    rejects.add_moments(parsed.bad, column.name)
    found["stamp"] = parsed.values
    given = parsed.values
    if parsed.instants is not None:
        found["instant"] = parsed.instants
        given = parsed.values.zip_with(parsed.values.is_not_null(), parsed.instants.dt.replace_time_zone(None))
    rejects.add_blank(given, column.name, "date and time", parsed.bad)
    if parsed.closes_day:
        record_closing_midnight(recognition, column)


def _periods(part: CsvPart, column: TableColumn, rejects: Rejects) -> pl.Series:
    cells = part.column(column.index).str.strip_chars().str.replace(r"\.0$", "")
    numbers = cells.cast(pl.Int16, strict=False)
    sound = (numbers >= 1) & (numbers <= 50) & cells.str.contains("^[0-9]{1,2}$")
    for row in np.flatnonzero(~sound.fill_null(False).to_numpy()):
        rejects.add(
            int(row), column.name, f"{cells[int(row)]!r} is not a settlement period.", "Periods run from 1 to 50."
        )
    return numbers.set(~sound.fill_null(False), None)


def convert(
    part: CsvPart, fields: Fields, recognition: Recognition, grouped: set[str]
) -> tuple[list[RowBlock | DayBlock], list[LineError]]:
    """Convert a part to a block, and return it with the rejected lines."""
    rejects = Rejects(part)
    found = moments_of(part, fields, recognition, rejects)
    names = [str(column.index) for column in fields.values]
    values, bad = number_matrix(part.frame, names, grouped)
    rejects.add_numbers(part.frame.select(names), bad, [column.name for column in fields.values])
    flag = qualities(part, fields.flag, rejects)
    quantity = quantities(part, fields.quantity, rejects)
    meter = meters(part, fields.meter, rejects)
    frames = []
    for n, column in enumerate(fields.values):
        value = pl.Series(values[:, n], nan_to_null=True)
        frames.append(
            pl.DataFrame(
                {
                    "line": part.lines,
                    "meter": meter,
                    "quantity": quantity if column.quantity is None else quantity.fill_null(column.quantity),
                    "unit": units(part, fields.unit, column.unit, rejects),
                    **found,
                    "value": value,
                    "quality": flag.set(value.is_null(), MISSING),
                }
            )
        )
    keep = rejects.keep()
    if not keep.all():
        frames = [frame.filter(pl.Series(keep)) for frame in frames]
    frame = frames[0] if len(frames) == 1 else pl.concat(frames).sort("line", maintain_order=True)
    whole = RowBlock(frame, int(keep.sum()))
    if fields.stamp is None or fields.end is None:
        return [whole], rejects.errors
    measured = measure_intervals(part.column(fields.stamp.index), part.column(fields.end.index), found)
    return split_by_interval(whole, part.lines, measured), rejects.errors
