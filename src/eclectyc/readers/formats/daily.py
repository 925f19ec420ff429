"""Daily: one value per day – meter, date, value. A stamp that is always midnight is a date."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from eclectyc.kernel.days import WHOLE_DAY
from eclectyc.kernel.quality import MISSING
from eclectyc.readers.blocks import DayBlock, LineError, Recognition, changed_since_recognised
from eclectyc.readers.files.source import Source
from eclectyc.readers.reader import Reader, ReadOptions
from eclectyc.readers.tables.field_columns import Fields, find_fields
from eclectyc.readers.tables.file_sample import FileSample, sample_of
from eclectyc.readers.tables.headings import TableColumn
from eclectyc.readers.tables.identity_columns import meters, qualities, quantities, units
from eclectyc.readers.tables.numbers import number_matrix
from eclectyc.readers.tables.parse_csv import CsvPart, Shape, convert_parts
from eclectyc.readers.tables.rejected_lines import Rejects
from eclectyc.readers.tables.slot_columns import find_slots
from eclectyc.readers.tables.timestamp_columns import parse_dates


class Daily(Reader):
    name = "daily"
    kind = "readings"
    is_daily = True
    may_hold_registers = True

    def recognise(self, sample: FileSample) -> Recognition | None:
        if find_slots(sample.table.names) is not None:
            return None
        fields = find_fields(sample.table)
        date, values = _date(fields), _values(fields)
        if date is None or not values:
            return None
        recognition = Recognition(
            self.name,
            f"one value per day: {date.name!r} and {', '.join(repr(c.name) for c in values)}",
            (0.9 if fields.meter else 0.7) - (0.1 if fields.end else 0.0),  # later rows may hold shorter intervals
            step=WHOLE_DAY,
        )
        recognition.columns = {"date": date.name, "values": [column.name for column in values]}
        if fields.meter:
            recognition.columns["meter"] = fields.meter.name
        if fields.stamp and fields.step is None:
            recognition.warnings.append(f"Every {date.name!r} is a midnight: its readings were read as whole days.")
        return recognition

    def read(
        self, source: Source, recognition: Recognition, options: ReadOptions
    ) -> Iterator[tuple[DayBlock, list[LineError]]]:
        table = sample_of(source).table
        fields = find_fields(table)
        date, values, grouped = _date(fields), _values(fields), set[str]()
        if date is None:
            raise changed_since_recognised(source.name, self.name)
        yield from convert_parts(
            source,
            Shape.from_table(table, [column.index for column in values]),
            lambda part: convert(part, fields, date, values, grouped),
            recognition.warnings,
        )


def _date(fields: Fields) -> TableColumn | None:
    if fields.stamp:
        return fields.stamp if fields.all_midnight else None
    return None if fields.time or fields.period else fields.date


def _values(fields: Fields) -> list[TableColumn]:
    """Return the value columns; without any, the only total."""
    return fields.values or (fields.totals if len(fields.totals) == 1 else [])


def convert(
    part: CsvPart, fields: Fields, date: TableColumn, columns: list[TableColumn], grouped: set[str]
) -> tuple[DayBlock, list[LineError]]:
    """Convert a part to a block, and return it with the rejected lines."""
    rejects = Rejects(part)
    days = parse_dates(part.column(date.index), date.name)
    rejects.add_moments(days.bad, date.name)
    rejects.add_blank(days.values, date.name, "date", days.bad)
    names = [str(column.index) for column in columns]
    values, bad = number_matrix(part.frame, names, grouped)
    rejects.add_numbers(part.frame.select(names), bad, [column.name for column in columns])
    flag = qualities(part, fields.flag, rejects).to_numpy()
    quantity = quantities(part, fields.quantity, rejects)
    meter = meters(part, fields.meter, rejects)
    frames = [
        pl.DataFrame(
            {
                "line": part.lines,
                "meter": meter,
                "quantity": quantity if column.quantity is None else quantity.fill_null(column.quantity),
                "unit": units(part, fields.unit, column.unit, rejects),
                "day": days.values,
            }
        )
        for column in columns
    ]
    keep = rejects.keep()
    order = np.argsort(np.tile(part.lines[keep], len(columns)), kind="stable")
    frame = pl.concat([one.filter(pl.Series(keep)) for one in frames])[order]
    values = values[keep].T.reshape(-1, 1)[order]
    quality = np.where(np.isnan(values), np.int8(MISSING), np.tile(flag[keep], len(columns))[order][:, None])
    return DayBlock(frame, values, quality.astype(np.int8), WHOLE_DAY, "position", int(keep.sum())), rejects.errors
