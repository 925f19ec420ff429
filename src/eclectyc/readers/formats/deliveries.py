"""Deliveries: one delivery into a tank, or one dip, per row – meter, time, litres, and which of the two it is.

The kind is in a column of its own (delivery, dip), or in the headings of the litres: a column called delivered and one
called dip. A table without either holds deliveries. A date without a time is its midnight, the start of the day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from eclectyc.readers.blocks import LineError, Recognition, TankBlock, changed_since_recognised
from eclectyc.readers.files.source import Source
from eclectyc.readers.formats.registers import read_moments
from eclectyc.readers.reader import Reader, ReadOptions
from eclectyc.readers.tables.field_columns import Fields, find_fields
from eclectyc.readers.tables.file_sample import FileSample, TableSample, sample_of
from eclectyc.readers.tables.headings import TableColumn, header_key, is_rate, unit_in
from eclectyc.readers.tables.identity_columns import meters, nulls, units
from eclectyc.readers.tables.numbers import number_matrix
from eclectyc.readers.tables.parse_csv import CsvPart, Shape, convert_parts
from eclectyc.readers.tables.rejected_lines import Rejects

DELIVERY, DIP = "delivery", "dip"
_KINDS: Final = {"kind", "type", "entry", "entrytype", "what", "event", "movement", "transaction", "transactiontype"}
_DELIVERY_WORDS = "delivery delivered deliveries refill fill drop d"
_DIP_WORDS = "dip dips dipping level stock reading remaining contents tanklevel"
_WORDS: Final = {**dict.fromkeys(_DELIVERY_WORDS.split(), DELIVERY), **dict.fromkeys(_DIP_WORDS.split(), DIP)}
_PLAIN: Final = {"delivery", "delivered", "deliveries", "refill", "dip", "dips"}  # not used for anything else
_REFERENCES: Final = {"reference", "ref", "ticket", "ticketno", "ticketnumber", "docket", "deliverynote", "invoice"}
_SURE: Final = 1.0
_LESS_SURE: Final = 0.3  # only a meter, a date and litres: the user must name this format


@dataclass(frozen=True, slots=True)
class _DeliveryLayout:
    """The columns of a table of deliveries. values : columns of litres, each with its kind (None: see ``kind``)."""

    fields: Fields
    values: list[tuple[TableColumn, str | None]]
    kind: TableColumn | None
    reference: TableColumn | None

    @property
    def has_all(self) -> bool:
        return bool(self.values and (self.fields.stamp or self.fields.date))


class Deliveries(Reader):
    name = "deliveries"
    kind = "tank"

    def recognise(self, sample: FileSample) -> Recognition | None:
        layout = _find_layout(sample.table)
        if not layout.has_all:
            return None
        has_kind = layout.kind is not None or any(kind == DIP for _, kind in layout.values)
        named = [column.name for column in (layout.kind, *(column for column, _ in layout.values)) if column]
        why = f"tank deliveries and dips: {', '.join(repr(name) for name in named)}"
        recognition = Recognition(self.name, why, _SURE if has_kind and layout.fields.meter else _LESS_SURE)
        recognition.timezone = layout.fields.declared_timezone()
        recognition.columns = {"values": [column.name for column, _ in layout.values]}
        return recognition

    def read(
        self, source: Source, recognition: Recognition, options: ReadOptions
    ) -> Iterator[tuple[TankBlock, list[LineError]]]:
        table = sample_of(source).table
        layout, grouped = _find_layout(table), set[str]()
        if not layout.has_all:
            raise changed_since_recognised(source.name, self.name)
        yield from convert_parts(
            source,
            Shape.from_table(table, [column.index for column, _ in layout.values]),
            lambda part: _convert_part(part, layout, recognition, grouped),
            recognition.warnings,
        )


def _find_layout(table: TableSample) -> _DeliveryLayout:
    """Find the columns; those that only this layout knows are excluded from the common fields."""
    keys = {column.index: header_key(column.name) for column in table.columns}
    kind = next((c for c in table.columns if keys[c.index] in _KINDS and _names_kinds(table, c)), None)
    headed = [
        (c, word)
        for c in table.columns
        if (word := _kind_in_heading(c.name)) and (kind is None or c.index != kind.index)
    ]
    reference = next((c for c in table.columns if keys[c.index] in _REFERENCES), None)
    skip = {column.index for column in (kind, reference) if column} | {column.index for column, _ in headed}
    fields = find_fields(table, frozenset(skip))
    headed = [(column, word) for column, word in headed if not _is_moment(table, column)]
    values: list[tuple[TableColumn, str | None]] = [*headed]
    if not values or kind is not None:
        litres = [c for c in fields.values if (c.unit or "").lower() in {"litre", "m3", ""} and c.key != "kwh"]
        values = [(column, None if kind else DELIVERY) for column in litres] or values
    return _DeliveryLayout(fields, values, kind, reference)


def _names_kinds(table: TableSample, column: TableColumn) -> bool:
    cells = {header_key(cell) for cell in table.cells(column.index)[:200]}
    return bool(cells & _PLAIN)  # an unknown word then rejects its line, and is never a delivery


def _kind_in_heading(name: str) -> str | None:
    """Return whether a heading names its litres as a delivery or a dip, else None."""
    words = "".join(c if c.isalnum() else " " for c in name.lower()).split()
    if is_rate(name) or any(word in {"date", "time", "note", "ticket", "ref", "by", "no"} for word in words):
        return None
    found = {_WORDS[word] for word in words if word in _WORDS and len(word) > 1 and word != "reading"}
    return found.pop() if len(found) == 1 else None


def _is_moment(table: TableSample, column: TableColumn) -> bool:
    return column.role == "moment" or any(":" in cell for cell in table.cells(column.index)[:20])


def _convert_part(
    part: CsvPart, layout: _DeliveryLayout, recognition: Recognition, grouped: set[str]
) -> tuple[TankBlock, list[LineError]]:
    rejects = Rejects(part)
    fields = layout.fields
    stamp, instant = read_moments(part, fields, recognition, rejects)
    names = [str(column.index) for column, _ in layout.values]
    litres, bad = number_matrix(part.frame, names, grouped)
    rejects.add_numbers(part.frame.select(names), bad, [column.name for column, _ in layout.values])
    with np.errstate(invalid="ignore"):
        for row in np.flatnonzero((litres < 0).any(axis=1)).tolist():
            reason = "A delivery or dip cannot be negative."
            rejects.add(row, layout.values[0][0].name, reason, "Check the sign.")
    meter = meters(part, fields.meter, rejects)
    reference = part.column(layout.reference.index) if layout.reference else nulls(len(part), pl.String)
    frames = []
    for n, (column, what) in enumerate(layout.values):
        frames.append(
            pl.DataFrame(
                {
                    "line": part.lines,
                    "meter": meter,
                    "unit": units(part, fields.unit, column.unit or unit_in(column.name) or "litre", rejects),
                    "stamp": stamp,
                    "instant": instant,
                    "value": pl.Series(litres[:, n], nan_to_null=True),
                    "kind": _kinds(part, layout.kind, what, rejects),
                    "reference": reference,
                }
            )
        )
    keep = rejects.keep()
    frame = pl.concat(frames).filter(pl.Series(np.tile(keep, len(frames)))).filter(pl.col("value").is_not_null())
    return TankBlock(frame.sort("line", maintain_order=True), int(keep.sum())), rejects.errors


def _kinds(part: CsvPart, column: TableColumn | None, what: str | None, rejects: Rejects) -> pl.Series:
    if what is not None or column is None:
        return pl.Series([what or DELIVERY], dtype=pl.String).new_from_index(0, len(part))
    cells = part.column(column.index)
    known = {text: _WORDS.get(header_key(text)) for text in cells.unique().drop_nulls().to_list()}
    kinds = cells.replace_strict(known, default=None, return_dtype=pl.String) if known else cells
    for row in range(len(part)) if kinds.null_count() else ():
        if kinds[row] is None:
            rejects.add(
                row, column.name, f"{cells[row] or ''!r} is neither a delivery nor a dip.", "Write delivery or dip."
            )
    return kinds
