"""Wide: one day per row – meter, date, and a column for each slot of the day, perhaps each with a column of flags.

Numbered columns, and 50 clock headings, are positions in the local day; 46 and 48 clock headings are clock times. A
column of totals checks the sum of its row; it is never a series.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from eclectyc.kernel.quality import MISSING, UNFLAGGED
from eclectyc.readers.blocks import DayBlock, LineError, Recognition, changed_since_recognised
from eclectyc.readers.files.source import Source
from eclectyc.readers.reader import Reader, ReadOptions
from eclectyc.readers.tables.cell_vocabulary import FLAGS, flag_of
from eclectyc.readers.tables.field_columns import Fields, find_fields
from eclectyc.readers.tables.file_sample import FileSample, TableSample, sample_of
from eclectyc.readers.tables.headings import TableColumn
from eclectyc.readers.tables.identity_columns import FLAG_REMEDY, meters, qualities, quantities, units
from eclectyc.readers.tables.numbers import number_matrix
from eclectyc.readers.tables.parse_csv import CsvPart, Shape, convert_parts
from eclectyc.readers.tables.rejected_lines import Rejects
from eclectyc.readers.tables.slot_columns import SlotColumns, find_slots
from eclectyc.readers.tables.timestamp_columns import parse_dates

_WHOLE_DAYS = (46, 48)  # half-hours after which a row of 48 or 50 columns may end
_STEP_NAMES: Final = {15: "quarter-hourly", 30: "half-hourly", 60: "hourly"}
_EDF: Final = ["month", "mpan", "measurementtype", "settlementdate"]
_RAW_FLAGS = {text: quality for word, quality in FLAGS.items() for text in (word, word.upper(), word.capitalize())}


@dataclass(frozen=True, slots=True)
class WideLayout:
    """The columns of a day in a table."""

    table: TableSample
    slots: SlotColumns
    fields: Fields
    date: TableColumn
    total: TableColumn | None
    tolerance: float  # the rounding error allowed between a total and the sum of its slots


class Wide(Reader):
    name = "wide"
    kind = "readings"

    def recognise(self, sample: FileSample) -> Recognition | None:
        slots = find_slots(sample.table.names)
        if slots is None:
            return None
        layout = find_layout(sample.table)
        if layout is None:
            return None
        recognition = Recognition(
            self.name,
            f"{_STEP_NAMES.get(slots.step, f'every {slots.step} minutes')}, one day per row: "
            f"{layout.date.name!r} and {len(slots.values)} columns {slots.sample}",
            1.0 if layout.fields.meter else 0.8,
            stamps="end" if slots.ending else "start",
            stamps_why=f"the headings {slots.sample}",
            step=slots.step,
        )
        recognition.columns = {"date": layout.date.name, "slots": len(slots.values), "placing": slots.placing}
        if layout.fields.meter:
            recognition.columns["meter"] = layout.fields.meter.name
        if [column.key for column in sample.table.columns[: len(_EDF)]] == _EDF and len(slots.flags) == 50:
            recognition.format = "EDF wide-50"
            recognition.why = (
                f"the headings of EDF's portal: {', '.join(sample.table.names[: len(_EDF)])} and 50 half-hours"
            )
        return recognition

    def read(
        self, source: Source, recognition: Recognition, options: ReadOptions
    ) -> Iterator[tuple[DayBlock, list[LineError]]]:
        layout = find_layout(sample_of(source).table)
        if layout is None:
            raise changed_since_recognised(source.name, self.name)
        yield from read_days(source, layout, recognition.warnings)


def read_days(
    source: Source, layout: WideLayout, warnings: list[str], *, ends_blank: bool = True
) -> Iterator[tuple[DayBlock, list[LineError]]]:
    """Yield the days of a file whose layout is known; ``warnings`` is extended at the end.

    ends_blank : whether a row may omit blank cells at its end, beyond the slots of the shortest day.
    """
    numbers = [n for n in layout.slots.values if n >= 0] + ([layout.total.index] if layout.total else [])
    grouped: set[str] = set()
    yield from convert_parts(
        source,
        Shape.from_table(layout.table, numbers, ends_of_day(layout.slots) if ends_blank else ()),
        lambda part: convert(part, layout, grouped),
        warnings,
    )


def find_layout(table: TableSample) -> WideLayout | None:
    """Find the columns of a day in a table; None if it has none."""
    slots = find_slots(table.names)
    if slots is None:
        return None
    fields = find_fields(table, frozenset((*slots.values, *slots.flags)))
    date = fields.date or fields.stamp
    if date is None:
        return None
    total = fields.totals[0] if len(fields.totals) == 1 else None
    return WideLayout(table, slots, fields, date, total, _tolerance(table, slots, total))


def ends_of_day(slots: SlotColumns) -> set[int]:
    """Return the columns of the slots beyond a shorter day, before which a row may end."""
    return {index for columns in (slots.values, slots.flags) for index in columns[min(_WHOLE_DAYS) :]}


def _tolerance(table: TableSample, slots: SlotColumns, total: TableColumn | None) -> float:
    """Return half a unit in the last printed decimal, of the total plus each slot."""
    if total is None:
        return 0.0
    cells = [row[n] for row in table.rows[:50] for n in slots.values if 0 <= n < len(row)]
    return 0.5 * 10.0 ** -_places(table.cells(total.index)) + 0.5 * len(slots.values) * 10.0 ** -_places(cells)


def _places(cells: list[str]) -> int:
    return max((len(cell.partition(".")[2]) for cell in cells if cell), default=0)


def convert(part: CsvPart, layout: WideLayout, grouped: set[str]) -> tuple[DayBlock, list[LineError]]:
    """Convert a part to a block, and return it with the rejected lines."""
    rejects = Rejects(part)
    fields, slots = layout.fields, layout.slots
    days = parse_dates(part.column(layout.date.index), layout.date.name)
    rejects.add_moments(days.bad, layout.date.name)
    rejects.add_blank(days.values, layout.date.name, "date", days.bad)
    values = _values(part, layout, grouped, rejects)
    quality = _quality(part, layout, values, rejects)
    quantity = quantities(part, fields.quantity, rejects)
    frame = pl.DataFrame(
        {
            "line": part.lines,
            "meter": meters(part, fields.meter, rejects),
            "quantity": quantity,
            "unit": units(part, fields.unit, slots.unit, rejects),
            "day": days.values,
        }
    )
    if rejects:
        keep = rejects.keep()
        frame, values, quality = frame.filter(pl.Series(keep)), values[keep], quality[keep]
        _check_totals(part, values, keep, layout, grouped)
    else:
        _check_totals(part, values, slice(None), layout, grouped)
    block = DayBlock(frame, values, quality, slots.step, slots.placing, frame.height, by_end=slots.ending)
    return block, rejects.errors


def _values(part: CsvPart, layout: WideLayout, grouped: set[str], rejects: Rejects) -> np.ndarray:
    columns = [n for n in layout.slots.values if n >= 0]
    names = [str(n) for n in columns]
    values, bad = number_matrix(part.frame, names, grouped)
    rejects.add_numbers(part.frame[names], bad, [layout.table.names[n] for n in columns])
    if len(columns) == len(layout.slots.values):
        return values
    whole = np.full((len(part), len(layout.slots.values)), np.nan)  # the skipped hour has no columns
    whole[:, [k for k, n in enumerate(layout.slots.values) if n >= 0]] = values
    return whole


def _quality(part: CsvPart, layout: WideLayout, values: np.ndarray, rejects: Rejects) -> np.ndarray:
    slots = layout.slots
    there = ~np.isnan(values)
    if not slots.flags:
        if layout.fields.flag is None:
            return there.view(np.int8) * np.int8(UNFLAGGED)
        of_row = qualities(part, layout.fields.flag, rejects).to_numpy()
        return np.where(there, of_row[:, None], np.int8(MISSING))
    quality = np.zeros(values.shape, dtype=np.int8)
    columns = [(k, n) for k, n in enumerate(slots.flags) if n >= 0]
    mapped = part.frame.select(
        pl.col(str(n)).fill_null("").replace_strict(_RAW_FLAGS, default=-1, return_dtype=pl.Int8) for _, n in columns
    ).to_numpy(order="c")
    if (mapped < 0).any():
        mapped = _odd_flags(part, [n for _, n in columns], mapped, layout, rejects)
    quality[:, [k for k, _ in columns]] = mapped
    quality[~there] = MISSING
    return quality


def _odd_flags(
    part: CsvPart, columns: list[int], mapped: np.ndarray, layout: WideLayout, rejects: Rejects
) -> np.ndarray:
    mapped = mapped.copy()
    for row, n in zip(*np.nonzero(mapped < 0), strict=True):
        text = str(part.column(columns[n])[int(row)])
        quality = flag_of(text)
        mapped[row, n] = MISSING if quality is None else quality
        if quality is None:
            name = layout.table.names[columns[n]]
            rejects.add(int(row), name, f"{text!r} is not a known flag.", FLAG_REMEDY)
    return mapped


def _check_totals(
    part: CsvPart, values: np.ndarray, rows: np.ndarray | slice, layout: WideLayout, grouped: set[str]
) -> None:
    """Warn of the rows whose total is not the sum of their slots."""
    if layout.total is None or not len(values):
        return
    printed, _ = number_matrix(part.frame, [str(layout.total.index)], grouped)
    printed = printed[rows, 0]
    away = np.abs(np.nansum(values, axis=1) - printed) > layout.tolerance + 1e-9 * np.abs(np.nan_to_num(printed))
    part.notes.add(
        f"Column {layout.total.name!r} is not the sum of the slots in {{lines}} (the first is line {{line}}).",
        part.lines[rows][away],
    )
