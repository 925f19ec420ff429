"""Parse columns of dates, times and stamps.

Each distinct text is parsed once. Polars first parses stamps in a common format; texts that it does not parse, or with
an impossible year, are parsed one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

import numpy as np
import polars as pl

from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.tables.dates import FIRST_YEAR, LAST_YEAR, BadDate, Stamp, parse_date, parse_stamp, parse_time

P = TypeVar("P")

_CLOCK: Final = pl.Datetime("us")
_INSTANT: Final = pl.Datetime("us", "UTC")
_COMMON_FORMATS: Final = (
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "%Y-%m-%d"),
    (r"[0-9]{4}/[0-9]{2}/[0-9]{2}", "%Y/%m/%d"),
    (r"[0-9]{2}/[0-9]{2}/[0-9]{4}", "%d/%m/%Y"),
    (r"[0-9]{2}-[0-9]{2}-[0-9]{4}", "%d-%m-%Y"),
    (r"[0-9]{2}\.[0-9]{2}\.[0-9]{4}", "%d.%m.%Y"),
)


@dataclass(slots=True)
class Moments:
    """A parsed column. ``values`` is null if the cell is blank or bad; ``bad`` gives the error by row."""

    values: pl.Series
    bad: dict[int, BadDate]
    instants: pl.Series | None = None  # if some text has an offset
    closes_day: bool = False  # some cell is 24:00


def parse_dates(cells: pl.Series, heading: str) -> Moments:
    """Parse a column of dates [Date]."""
    known, why = _parse_distinct(cells, parse_date, heading)
    values = _map_cells(cells, known, pl.Date)
    return Moments(values, _rows(cells, why))


def parse_times(cells: pl.Series, heading: str) -> Moments:
    """Parse a column of times of day [Duration since midnight]."""
    known, why = _parse_distinct(cells, parse_time, heading)
    closes = timedelta(days=1) in known.values()
    return Moments(_map_cells(cells, known, pl.Duration("us")), _rows(cells, why), closes_day=closes)


def parse_stamps(cells: pl.Series, heading: str) -> Moments:
    """Parse a column of stamps: ``values`` as printed, ``instants`` if the text has an offset."""
    form, width = _common_format(cells)
    quick = _parse_common(cells, form, width) if form else None
    left = cells if quick is None else cells.set(quick.is_not_null(), None)
    if quick is not None and left.null_count() == len(left):
        return _from_common(quick)
    known, why = _parse_distinct(left, parse_stamp, heading)
    clocks = _map_cells(left, {text: stamp.clock for text, stamp in known.items() if stamp.offset is None}, _CLOCK)
    instants = _map_cells(
        left, {text: _utc(stamp) for text, stamp in known.items() if stamp.offset is not None}, _CLOCK
    )
    instants = instants.dt.replace_time_zone("UTC")
    if quick is not None and quick.dtype == _CLOCK:
        clocks = quick.zip_with(quick.is_not_null(), clocks)
    elif quick is not None:
        instants = quick.zip_with(quick.is_not_null(), instants)
    has_instants = instants.null_count() < len(instants)
    closes = any(stamp.closes_day for stamp in known.values())
    return Moments(clocks, _rows(left, why), instants if has_instants else None, closes)


def _from_common(quick: pl.Series) -> Moments:
    if quick.dtype == _CLOCK:
        return Moments(quick, {})
    return Moments(pl.Series(quick.name, [None], dtype=_CLOCK).new_from_index(0, len(quick)), {}, quick)


def _utc(stamp: Stamp) -> datetime:
    return stamp.clock - (stamp.offset or timedelta(0))


def _common_format(cells: pl.Series) -> tuple[str, int]:
    """Return the exact format of the first cell, empty if it is not a common one, and its length."""
    first = cells.drop_nulls().head(1).to_list()
    text = first[0].strip() if first else ""
    for pattern, form in _COMMON_FORMATS:
        if match := re.fullmatch(pattern + r"([ T])[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:?[0-9]{2})?", text):
            return f"{form}{match[1]}%H:%M{':%S' if match[2] else ''}{'%#z' if match[3] else ''}", len(text)
    return "", 0


def _parse_common(cells: pl.Series, form: str, width: int) -> pl.Series:
    read = cells.str.to_datetime(form, strict=False, time_unit="us")
    if read.dtype != _CLOCK:
        read = read.cast(_INSTANT)
    possible = (read.dt.year() >= FIRST_YEAR) & (read.dt.year() <= LAST_YEAR)
    # Polars reads 13:5 as 13:05, but it may be a truncated 13:50.
    possible &= (cells.str.len_bytes() == width) & ~cells.str.ends_with(" ")
    return read.set(~possible.fill_null(True), None)


def _parse_distinct(
    cells: pl.Series, parse: Callable[[str], P], heading: str
) -> tuple[dict[str, P], dict[str, BadDate]]:
    """Parse each distinct text of a column once; refuse the file if the column is month first."""
    known: dict[str, P] = {}
    why: dict[str, BadDate] = {}
    for text in cells.unique().drop_nulls().to_list():
        if not text.strip():
            continue
        try:
            known[text] = parse(text)
        except BadDate as error:
            if error.month_first:
                raise _month_first(heading, text) from None
            why[text] = error
    return known, why


def _month_first(heading: str, text: str) -> UnreadableFile:
    return UnreadableFile(
        f"Column {heading!r} has the month before the day: {text!r} is not a date otherwise.",
        "Dates are read day first, so other dates in this column would be wrong. "
        "Export the file with dates as YYYY-MM-DD or DD/MM/YYYY.",
        field=heading,
    )


def _map_cells(cells: pl.Series, known: dict[str, P], kind: pl.DataType | type[pl.DataType]) -> pl.Series:
    if not known:
        return pl.Series(cells.name, [None], dtype=kind).new_from_index(0, len(cells))
    new = pl.Series(list(known.values()), dtype=kind)
    return cells.replace_strict(pl.Series(list(known), dtype=pl.String), new, default=None, return_dtype=kind)


def _rows(cells: pl.Series, why: dict[str, BadDate]) -> dict[int, BadDate]:
    if not why:
        return {}
    rows = np.flatnonzero(cells.is_in(list(why)).fill_null(False).to_numpy())
    return {int(row): why[cells[int(row)]] for row in rows}
