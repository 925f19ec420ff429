"""A reader for files of a profile: it uses what the mapping declares and guesses nothing.

Cells are normalised for the readers of tables – dates, decimal commas, words of flags – and then read like any other
table of that layout.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from eclectyc.intake.profiles.cell_formats import cell_format, normalise_dates, with_decimal_points
from eclectyc.intake.profiles.column_positions import column_at, declared_table, table_source
from eclectyc.intake.profiles.mapping import ColumnRef, Mapping, ValueColumn
from eclectyc.intake.profiles.record_files import following
from eclectyc.kernel.days import WHOLE_DAY
from eclectyc.readers.blocks import Block, LineError, Recognition, UnreadableFile
from eclectyc.readers.files.source import Source
from eclectyc.readers.formats import daily, long, matrix, registers, wide
from eclectyc.readers.reader import DeclaredReader, Kind, ReadOptions
from eclectyc.readers.tables.field_columns import Fields
from eclectyc.readers.tables.file_sample import FileSample, TableSample
from eclectyc.readers.tables.headings import TableColumn, parse_heading, unit_in
from eclectyc.readers.tables.parse_csv import CsvPart, Shape, convert_parts
from eclectyc.readers.tables.slot_columns import SlotColumns

_LONGEST_REGISTER: Final = 20  # characters of a register's name in the estate
_FLAGS: Final = {"actual": "A", "estimated": "E"}
_STEPS: Final = {23: 60, 24: 60, 25: 60, 46: 30, 48: 30, 50: 30, 92: 15, 96: 15, 100: 15, 276: 5, 288: 5, 300: 5}
_SHORTEST: Final = 46  # of fifty

BlockResult = tuple[Block, list[LineError]]
Converted = tuple[Sequence[Block], list[LineError]]


@dataclass(frozen=True, slots=True)
class _FileLayout:
    """The columns of a mapping in a file. serial : the column whose serials are parts of one meter."""

    table: TableSample
    fields: Fields
    slots: SlotColumns | None
    serial: TableColumn | None
    code: TableColumn | None


class ProfileReader(DeclaredReader):
    """Reads files according to a mapping."""

    name = "declared"

    def __init__(self, mapping: Mapping, called: str, profile: int | None = None) -> None:
        self.mapping = mapping
        self.profile_name = called
        self.profile_id = profile  # None: not saved
        self.kind: Kind = "registers" if mapping.layout == "registers" else "readings"

    def prepared(self, source: Source) -> AbstractContextManager[Source]:
        """Return a file as a table; one with several record types is unfolded."""
        return table_source(source, self.mapping)

    def recognise(self, head: FileSample) -> Recognition:
        layout = self._layout(head.source)
        meaning = self.mapping.meaning
        seen = Recognition(
            self.mapping.layout,
            f"it is declared by profile {self.profile_name}",
            1.0,
            stamps=meaning.stamps or ("start" if layout.slots else None),
            stamps_why=f"profile {self.profile_name}" if meaning.stamps else "",
            timezone=meaning.timezone or None,
            step=meaning.step or (layout.slots.step if layout.slots else None),
            closes_midnight=meaning.closes_midnight,
        )
        if self.mapping.layout == "daily":
            seen.step = WHOLE_DAY
        seen.columns = {
            name: layout.table.names[column_at(place, layout.table.names)]
            for name, place in self.mapping.columns.column_refs().items()
        }
        return seen

    def read(self, source: Source, seen: Recognition, options: ReadOptions) -> Iterator[BlockResult]:
        layout = self._layout(source)
        convert = self._converter(layout, seen)
        numbers = [column.index for column in layout.fields.values]
        ends: set[int] = set()
        if layout.slots:
            numbers = [*layout.slots.values]
            ends = wide.ends_of_day(layout.slots) if layout.slots.step == 30 else set()
        meaning = self.mapping.meaning
        as_text = meaning.decimal == "comma" or bool(meaning.missing)
        shape = Shape.from_table(layout.table, () if as_text else numbers, ends)
        results = convert_parts(
            source, shape, lambda part: self._converted(part, layout, numbers, convert), seen.warnings
        )
        for blocks, errors in results:
            for n, block in enumerate(blocks):
                yield block, errors if n == 0 else []

    def _converter(self, layout: _FileLayout, seen: Recognition) -> Callable[[CsvPart], Converted]:
        fields, grouped = layout.fields, set[str]()
        if layout.slots:
            date = fields.date or fields.stamp
            assert date is not None  # noqa: S101 - the mapping is checked
            of_day = wide.WideLayout(layout.table, layout.slots, fields, date, None, 0.0)
            return lambda part: _one(wide.convert(part, of_day, grouped))
        if self.mapping.layout == "daily":
            day = fields.date or fields.stamp
            assert day is not None  # noqa: S101 - the mapping is checked
            return lambda part: _one(daily.convert(part, fields, day, fields.values, grouped))
        if self.mapping.layout == "matrix":
            columns = [matrix.meter_column(column) for column in fields.values]
            matrix.refuse_doubles(columns)
            return lambda part: _one(matrix.convert(part, fields, columns, seen, grouped))
        if self.mapping.layout == "registers":
            of_reads = registers.RegisterLayout(fields, fields.values, layout.serial, layout.code)
            return lambda part: _one(registers.convert(part, of_reads, seen, grouped))
        return lambda part: long.convert(part, fields, seen, grouped)

    def _converted(
        self, part: CsvPart, layout: _FileLayout, numbers: list[int], convert: Callable[[CsvPart], Converted]
    ) -> Converted:
        rewriting = _CellRewriter(part, self.mapping, layout.table.names)
        rewriting.moments(layout.fields)
        rewriting.numbers(numbers)
        pairs = [(number, layout.fields.flag.index) for number in numbers] if layout.fields.flag else []
        if layout.slots and layout.slots.flags:
            pairs = list(zip(layout.slots.values, layout.slots.flags, strict=True))
        rewriting.flags(pairs)
        if layout.fields.quantity:
            rewriting.words(layout.fields.quantity.index, dict(self.mapping.quantities))
        valid = rewriting.valid_part()
        blocks, errors = convert(valid)
        if self.mapping.meters.add_serials and layout.serial is not None and self.mapping.layout != "registers":
            blocks = [_with_registers(block, valid, layout.serial.index) for block in blocks]
        return blocks, [*rewriting.errors, *errors]

    def _layout(self, source: Source) -> _FileLayout:
        table = declared_table(source, self.mapping)
        columns, names = self.mapping.columns, table.names

        def of(field: str) -> TableColumn | None:
            place = getattr(columns, field)
            return None if place is None else _plain(column_at(place, names), names)

        fields = Fields(
            meter=of("meter"),
            stamp=of("stamp"),
            date=of("date"),
            time=of("time"),
            period=of("period"),
            unit=of("unit"),
            flag=of("flag"),
            quantity=of("quantity"),
        )
        fields.values = [_value(column_at(one.column, names), names, one) for one in columns.values]
        if self.mapping.layout == "matrix" and not fields.values:
            used = {column.index for column in (fields.stamp, fields.date, fields.time, fields.period) if column}
            fields.values = [_value(n, names) for n, name in enumerate(names) if name and n not in used]
        if self.mapping.layout in ("long", "daily"):
            _refuse_same(fields.values)
        return _FileLayout(table, fields, self._slots(names), of("serial"), of("register_name"))

    def _slots(self, names: list[str]) -> SlotColumns | None:
        declared = self.mapping.columns.slots
        if declared is None:
            return None
        if self.mapping.file.records is not None:  # unfolded, each cell is a column
            values, flags = (
                _each(first, declared.count, declared.every, names) for first in (declared.first, declared.flags)
            )
        else:
            values, flags = (
                _run(first, declared.count, declared.every, names) for first in (declared.first, declared.flags)
            )
        step = self.mapping.meaning.step or _STEPS[declared.count]
        placing = self.mapping.meaning.slots_are or "position"
        return SlotColumns(values, flags, step, placing, False, unit_in(names[values[0]]), names[values[0]])


class _CellRewriter:
    """Normalises the cells of a part of a file."""

    def __init__(self, part: CsvPart, mapping: Mapping, names: list[str]) -> None:
        self._part = part
        self._mapping = mapping
        self._names = names
        self._frame = part.frame
        self._bad = np.zeros(len(part), dtype=bool)
        self.errors: list[LineError] = []

    def moments(self, fields: Fields) -> None:
        """Put dates and times into ISO order, if their format is declared."""
        meaning = self._mapping.meaning
        for column, text in ((fields.stamp, meaning.dates), (fields.date, meaning.dates), (fields.time, meaning.times)):
            if column is not None and text:
                cells, odd = normalise_dates(self._frame.get_column(str(column.index)), cell_format(text))
                self._apply(
                    column.index,
                    cells,
                    odd,
                    f"does not have the format {text}.",
                    f"Correct it, or the format {text} in the profile.",
                )

    def numbers(self, indexes: list[int]) -> None:
        """Blank the texts for missing values, and turn decimal commas into points."""
        meaning = self._mapping.meaning
        for index in indexes:
            cells = self._frame.get_column(str(index))
            if meaning.missing:
                cells = cells.set(cells.is_in(list(meaning.missing)).fill_null(False), None)
                self._frame = self._frame.with_columns(cells)
            if meaning.decimal == "comma":
                points, odd = with_decimal_points(cells)
                self._apply(
                    index,
                    points,
                    odd,
                    "is not a number with a decimal comma.",
                    "Correct it, or decimal = comma in the profile.",
                )

    def flags(self, pairs: list[tuple[int, int]]) -> None:
        """Translate the sender's words for quality; a word for missing removes the value."""
        words = self._mapping.flags
        if not words:
            return
        gone = [word for word, meant in words.items() if meant == "missing"]
        for value, flag in pairs:
            cells = self._frame.get_column(str(flag)).str.strip_chars()
            is_gone = cells.is_in(gone).fill_null(False)
            if gone and is_gone.any():
                numbers = self._frame.get_column(str(value))
                self._frame = self._frame.with_columns(numbers.set(is_gone, None))
        for flag in dict.fromkeys(flag for _, flag in pairs):
            self.words(flag, {word: _FLAGS.get(meant, "A") for word, meant in words.items()})

    def words(self, index: int, meant: dict[str, str]) -> None:
        """Replace words; others stay."""
        if meant:
            cells = self._frame.get_column(str(index)).str.strip_chars()
            self._frame = self._frame.with_columns(cells.replace(list(meant), list(meant.values())))

    def valid_part(self) -> CsvPart:
        """Return the rows without errors."""
        keep = ~self._bad
        if keep.all():
            return replace(self._part, frame=self._frame)
        frame = self._frame.filter(pl.Series(keep))
        return replace(self._part, frame=frame, lines=self._part.lines[keep], closing=self._part.closing[keep])

    def _apply(self, index: int, cells: pl.Series, odd: pl.Series, why: str, remedy: str) -> None:
        before = self._frame.get_column(str(index))
        for row in np.flatnonzero(odd.to_numpy() & ~self._part.closing & ~self._bad).tolist():
            name = self._names[index]
            self.errors.append(LineError(int(self._part.lines[row]), name, f"{before[row]!r} {why}", remedy))
            self._bad[row] = True
        self._frame = self._frame.with_columns(cells.alias(str(index)))


def _one(result: BlockResult) -> Converted:
    return [result[0]], result[1]


def _with_registers(block: Block, part: CsvPart, index: int) -> Block:
    """Return a block with serials as registers of one meter, whose usage is their sum."""
    cells = part.column(index).str.strip_chars()
    known = {text: register_of(text) for text in cells.unique().drop_nulls().to_list()}
    names = cells.replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.String)
    serials = pl.DataFrame({"line": part.lines, "register": names})
    return replace(block, frame=block.frame.join(serials, on="line", how="left", maintain_order="left"))


def register_of(serial: str) -> str:
    """Return a register name for a serial; a long one is shortened, with a hash that keeps it unique."""
    if len(serial) <= _LONGEST_REGISTER:
        return serial
    digest = hashlib.sha256(serial.encode()).hexdigest()[:8]
    return f"{serial[: _LONGEST_REGISTER - len(digest) - 1]}~{digest}"


def _plain(index: int, names: list[str]) -> TableColumn:
    heading = parse_heading(index, names[index])
    return TableColumn(
        index, names[index], heading.key, "", starts=heading.starts, ends=heading.ends, clock=heading.clock
    )


def _value(index: int, names: list[str], declared: ValueColumn | None = None) -> TableColumn:
    heading = parse_heading(index, names[index])
    quantity, unit = (declared.quantity, declared.unit) if declared else (None, "")
    return TableColumn(
        index,
        names[index],
        heading.key,
        "value",
        quantity=quantity or heading.quantity,
        unit=unit or unit_in(names[index]),
    )


def _refuse_same(values: list[TableColumn]) -> None:
    of: dict[str | None, str] = {}
    for column in values:
        if of.setdefault(column.quantity, column.name) != column.name:
            raise UnreadableFile(
                f"Columns {of[column.quantity]!r} and {column.name!r} have the same quantity.",
                "Give one of them another quantity.",
            )


def _each(first: ColumnRef | None, count: int, every: int, names: list[str]) -> tuple[int, ...]:
    return () if first is None else tuple(names.index(following(str(first), n * every)) for n in range(count))


def _run(place: ColumnRef | None, count: int, every: int, names: list[str]) -> tuple[int, ...]:
    if place is None:
        return ()
    first = column_at(place, names)
    if first + (count - 1) * every >= len(names):
        raise UnreadableFile(
            f"The profile declares {count} columns from {names[first]!r} on; the file has {len(names)} in all.",
            "Correct columns.slots in the profile.",
        )
    return tuple(range(first, first + count * every, every))
