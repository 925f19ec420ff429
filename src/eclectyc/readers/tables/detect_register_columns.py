"""Detect columns of register readings, which are not usage: such a file is refused until the user names its format."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

import numpy as np

from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.tables.dates import BadDate, parse_date
from eclectyc.readers.tables.field_columns import Fields, find_fields
from eclectyc.readers.tables.file_sample import TableSample
from eclectyc.readers.tables.headings import TableColumn
from eclectyc.readers.tables.numbers import parse_number

_LARGE = 100.0  # a register's level is at least this, and …
_LEVEL_TO_STEP = 3.0  # … this many times its largest increase between two reads
_MANY = 20  # this many values that never fall are a register, however small


def refuse_registers(table: TableSample, layout: str, *, is_daily: bool) -> None:
    """Refuse a file whose only value column is called reading and never falls, as a register does not.

    layout : the format's name. is_daily : whether it has one value per day.
    """
    fields = find_fields(table)
    if len(fields.values) != 1 or not fields.values[0].may_be_register:
        return
    column = fields.values[0]
    meters = _by_meter(table, fields.meter, column)
    is_sparse = is_daily and _is_sparse(table, fields)
    if meters and all(_looks_like_register(values, is_sparse=is_sparse) for values in meters):
        raise UnreadableFile(
            f"Column {column.name!r} never falls: it looks like a meter's register, not usage per period.",
            "If it is a register, choose -t registers, and usage is calculated between the reads. If the column holds "
            f"usage per period, choose -t {layout}.",
            field=column.name,
        )


def _by_meter(table: TableSample, meter: TableColumn | None, column: TableColumn) -> list[np.ndarray]:
    """Return the sampled values, in file order, of each meter that has at least three."""
    values: dict[str, list[float]] = {}
    for row in table.rows:
        if len(row) <= column.index:
            continue
        number = parse_number(row[column.index])
        if number is not None:
            values.setdefault(row[meter.index] if meter else "", []).append(number)
    return [np.array(of_meter) for of_meter in values.values() if len(of_meter) >= 3]


def _is_sparse(table: TableSample, fields: Fields) -> bool:
    """Return whether most days have no line: usual for monthly reads, rare for daily totals."""
    days: list[date] = []
    for cell in table.cells(fields.day.index) if fields.day else ():
        with suppress(BadDate):
            days.append(parse_date(cell))
    span = (max(days) - min(days)).days if days else 0
    return span >= 2 * len(set(days))


def _looks_like_register(values: np.ndarray, *, is_sparse: bool) -> bool:
    steps = np.diff(values)
    if (steps <= 0).all():  # newest first
        steps = -steps
    if (steps < 0).any() or not steps.any():
        return False
    level = float(values.min())
    return is_sparse or len(values) >= _MANY or (level >= _LARGE and level >= _LEVEL_TO_STEP * float(steps.max()))
