"""Parse the columns that identify a reading: meters, quantities, units, flags."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import polars as pl

from eclectyc.kernel.identifiers import clean_identifier, has_lost_digits
from eclectyc.kernel.quality import ACTUAL, UNFLAGGED
from eclectyc.kernel.units import is_unit
from eclectyc.readers.tables.cell_vocabulary import flag_of, quantity_of
from eclectyc.readers.tables.headings import TableColumn
from eclectyc.readers.tables.parse_csv import CsvPart
from eclectyc.readers.tables.rejected_lines import Rejects

V = TypeVar("V")


def meters(part: CsvPart, column: TableColumn | None, rejects: Rejects) -> pl.Series:
    """Return the clean meter identifier of each row; all null if the file has no such column."""
    if column is None:
        return nulls(len(part), pl.String)
    cells = part.column(column.index)
    known = {text: clean_identifier(text) for text in cells.unique().drop_nulls().to_list()}
    for text in [text for text, clean in known.items() if not clean or has_lost_digits(text)]:
        rows = np.flatnonzero((cells == text).fill_null(False).to_numpy())
        for row in rows:
            if known[text]:
                reason = f"{text!r} has lost its digits to a spreadsheet."
                remedy = "Format the column as text in the source and export it again."
                rejects.add(int(row), column.name, reason, remedy)
        known[text] = ""
    clean = _map_cells(cells, known, pl.String)
    clean = clean.set(clean == "", None)
    rejects.add_blank(clean, column.name, "meter", {})
    return clean


def quantities(part: CsvPart, column: TableColumn | None, rejects: Rejects) -> pl.Series:
    """Return the quantity of each row (``import`` …); null if not stated."""
    if column is None:
        return nulls(len(part), pl.String)
    known = _parse_distinct(
        part, column, quantity_of, rejects, "a known quantity", "Use AI, AE, RI or RE (import, export)."
    )
    return _map_cells(part.column(column.index), known, pl.String)


def units(part: CsvPart, column: TableColumn | None, otherwise: str | None, rejects: Rejects) -> pl.Series:
    """Return the unit of each row as printed, or ``otherwise`` (the heading's unit) if the cell is blank."""
    if column is None:
        return pl.Series([otherwise], dtype=pl.String).new_from_index(0, len(part))
    remedy = "Use kWh, Wh, MWh, kW, kVArh, m3 or litre."
    known = _parse_distinct(part, column, lambda t: t.strip() if is_unit(t) else None, rejects, "a known unit", remedy)
    mapped = _map_cells(part.column(column.index), known, pl.String)
    return mapped if otherwise is None else mapped.fill_null(otherwise)


def qualities(part: CsvPart, column: TableColumn | None, rejects: Rejects) -> pl.Series:
    """Return the quality of each row's flag [Int8]: blank is actual; without a flag column, unflagged."""
    if column is None:
        return pl.Series([UNFLAGGED], dtype=pl.Int8).new_from_index(0, len(part))
    known = _parse_distinct(part, column, flag_of, rejects, "a known flag", FLAG_REMEDY)
    return _map_cells(part.column(column.index), known, pl.Int8).fill_null(ACTUAL)


FLAG_REMEDY = "Use A (actual), E (estimated) or leave it blank."


def nulls(rows: int, kind: pl.DataType | type[pl.DataType]) -> pl.Series:
    return pl.Series([None], dtype=kind).new_from_index(0, rows)


def _parse_distinct(
    part: CsvPart, column: TableColumn, parse: Callable[[str], V | None], rejects: Rejects, what: str, remedy: str
) -> dict[str, V]:
    """Parse each distinct cell once, and reject the rows whose cell is unknown."""
    cells = part.column(column.index)
    known: dict[str, V] = {}
    for text in cells.unique().drop_nulls().to_list():
        value = parse(text)
        if value is not None:
            known[text] = value
        elif text.strip():
            for row in np.flatnonzero((cells == text).fill_null(False).to_numpy()):
                rejects.add(int(row), column.name, f"{text!r} is not {what}.", remedy)
    return known


def _map_cells(cells: pl.Series, known: dict[str, V], kind: type[pl.DataType]) -> pl.Series:
    if kind is pl.String and all(text == value for text, value in known.items()) and cells.null_count() == 0:
        return cells
    if not known:
        return nulls(len(cells), kind)
    old, new = pl.Series(list(known), dtype=pl.String), pl.Series(list(known.values()), dtype=kind)
    return cells.replace_strict(old, new, default=None, return_dtype=kind)
