"""Register readings are not use: a column of them is refused until somebody says what it is."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

import numpy as np

from eclectyc.readers.blocks import Recognition, UnreadableFile
from eclectyc.readers.tables.dates import BadDate, parse_date
from eclectyc.readers.tables.field_columns import Fields, find_fields
from eclectyc.readers.tables.file_sample import TableSample
from eclectyc.readers.tables.headings import TableColumn
from eclectyc.readers.tables.numbers import parse_number

_LARGE = 100.0  # a register's level …
_LEVEL_TO_STEP = 3.0  # … is at least this many times what it grows by between two reads
_MANY = 20  # as many reads that never fall are no use, however small


def refuse_registers(table: TableSample, seen: Recognition) -> None:
    """Refuse a file whose only values are called reading and never fall, as a meter's register does not."""
    if seen.format not in ("long", "daily", "simple long"):
        return
    fields = find_fields(table)
    if len(fields.values) != 1 or not fields.values[0].may_be_register:
        return
    column = fields.values[0]
    meters = _by_meter(table, fields.meter, column)
    is_sparse = seen.format == "daily" and _is_sparse(table, fields)
    if meters and all(_looks_like_register(values, is_sparse=is_sparse) for values in meters):
        raise UnreadableFile(
            f"Column {column.name!r} never falls: it holds a meter's register, not use per period.",
            "If it does, say -t registers: use is worked out between the reads. If the column holds use per period, "
            f"name the layout: -t {'daily' if seen.format == 'daily' else 'long'}.",
            field=column.name,
        )


def _by_meter(table: TableSample, meter: TableColumn | None, column: TableColumn) -> list[np.ndarray]:
    """Return each meter's sampled values in file order, of the meters that have enough of them."""
    values: dict[str, list[float]] = {}
    for row in table.rows:
        if len(row) <= column.index:
            continue
        number = parse_number(row[column.index])
        if number is not None:
            values.setdefault(row[meter.index] if meter else "", []).append(number)
    return [np.array(of_meter) for of_meter in values.values() if len(of_meter) >= 3]


def _is_sparse(table: TableSample, fields: Fields) -> bool:
    """Say whether most days have no line: a total for one day in thirty is rare, a read is not."""
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
