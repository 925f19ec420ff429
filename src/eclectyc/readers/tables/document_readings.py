"""Readings gathered one by one out of a document: an answer of an API, a feed in XML.

Line ends mean nothing in such a file, so a reading's *line* is its number in the document, counted from 1; the place
in the document (``results[16].consumption``) stands where a table has its column.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from eclectyc.kernel.days import WHOLE_DAY
from eclectyc.kernel.quality import MISSING, UNFLAGGED
from eclectyc.readers.blocks import DayBlock, LineError, RowBlock
from eclectyc.readers.tables.dates import BadDate, Stamp, parse_stamp
from eclectyc.readers.tables.identity_columns import nulls
from eclectyc.readers.tables.numbers import MAX_VALUE, parse_number, why_not_a_number

HALF_DAY = timedelta(hours=12)
REMEDY = "Fetch the answer again; if it says the same, ask the sender."


class BadReading(ValueError):
    """A reading that cannot be taken: where in it, why, and what to do."""

    def __init__(self, place: str, reason: str, remedy: str = REMEDY) -> None:
        super().__init__(reason)
        self.place = place
        self.reason = reason
        self.remedy = remedy


@dataclass(slots=True)
class DocumentReadings:
    """Readings of one meter, quantity and unit, in document order. ``moments`` are all naive, or all in UTC."""

    lines: list[int] = field(default_factory=list)
    moments: list[datetime] = field(default_factory=list)
    values: list[float | None] = field(default_factory=list)
    qualities: list[int] = field(default_factory=list)  # of ``kernel.quality``; of no account where there is no value
    errors: list[LineError] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.lines)

    def add(self, line: int, moment: datetime, value: float | None, quality: int = UNFLAGGED) -> None:
        self.lines.append(line)
        self.moments.append(moment)
        self.values.append(value)
        self.qualities.append(MISSING if value is None else quality)

    def reject(self, line: int, place: str, bad: BadReading) -> None:
        """Note a reading that cannot be taken. ``place`` is its own, to which ``bad`` adds where in it."""
        self.errors.append(LineError(line, f"{place}{bad.place}", bad.reason, bad.remedy))

    def block(self, *, quantity: str | None, unit: str | None, in_utc: bool, meter: str | None = None) -> RowBlock:
        """Return the readings as a block; a value that is not there is missing."""
        size = len(self.lines)
        clock, instant = pl.Datetime("us"), pl.Datetime("us", "UTC")
        moments = {
            "stamp": nulls(size, clock) if in_utc else pl.Series(self.moments, dtype=clock),
            "instant": pl.Series(self.moments, dtype=instant) if in_utc else nulls(size, instant),
            "day": nulls(size, pl.Date),
            "period": nulls(size, pl.Int16),
        }
        told = {"value": pl.Series(self.values, dtype=pl.Float64), "quality": pl.Series(self.qualities, dtype=pl.Int8)}
        frame = self._whose(meter, quantity, unit).with_columns(**moments, **told)
        return RowBlock(frame, size)

    def day_block(self, *, quantity: str | None, unit: str | None, meter: str | None = None) -> DayBlock:
        """Return readings of whole days as a block. A moment is the day's midnight: by its own clock where it is
        naive, in a zone within twelve hours of UTC where it is in UTC."""
        size = len(self.lines)
        days = pl.Series([day_of(moment) for moment in self.moments], dtype=pl.Date)
        values = np.array([np.nan if value is None else value for value in self.values], dtype=float).reshape(size, 1)
        quality = np.array(self.qualities, dtype=np.int8).reshape(size, 1)
        frame = self._whose(meter, quantity, unit).with_columns(day=days)
        return DayBlock(frame, values, quality, WHOLE_DAY, rows=size)

    def _whose(self, meter: str | None, quantity: str | None, unit: str | None) -> pl.DataFrame:
        said = {"meter": meter, "quantity": quantity, "unit": unit}
        same = {name: pl.lit(text, dtype=pl.String) for name, text in said.items()}
        return pl.DataFrame({"line": pl.Series(self.lines, dtype=pl.Int64)}).with_columns(**same)


def day_of(midnight: datetime) -> date:
    """Return the day that a midnight opens; one in UTC stands for a local one.

    >>> from datetime import UTC
    >>> day_of(datetime(2025, 6, 1)), day_of(datetime(2025, 5, 31, 23, tzinfo=UTC))
    (datetime.date(2025, 6, 1), datetime.date(2025, 6, 1))
    """
    return (midnight if midnight.tzinfo is None else midnight + HALF_DAY).date()


def value_of(cell: object, place: str) -> float | None:
    """Return the value of a cell, None where it holds none; ``BadReading`` where it is no number."""
    if cell is None:
        return None
    if isinstance(cell, str):
        if not cell.strip():
            return None
        value = parse_number(cell)
        if value is None:
            raise BadReading(place, *why_not_a_number(cell))
        return value
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        raise BadReading(place, f"{_shown(cell)} is not a number.")
    if abs(cell) > MAX_VALUE:
        raise BadReading(place, f"{cell!r} is larger than any reading.")
    return float(cell)


def stamp_of(cell: object, place: str) -> Stamp:
    """Return the moment that a cell holds as text; ``BadReading`` where it is none."""
    if not isinstance(cell, str):
        raise BadReading(place, f"{_shown(cell)} is not a date and time.")
    try:
        return parse_stamp(cell)
    except BadDate as bad:
        raise BadReading(place, bad.reason, bad.remedy) from None


def instant_of(cell: object, place: str) -> Stamp:
    """Return a moment that carries its offset from UTC; ``BadReading`` where it does not."""
    stamp = stamp_of(cell, place)
    if stamp.offset is None:
        raise BadReading(place, f"{cell!r} does not say how far it is from UTC.")
    return stamp


def most_common(lengths_s: Counter[int]) -> int:
    """Return the most common of some lengths [s]; the shortest of those equally common."""
    return min(lengths_s, key=lambda length: (-lengths_s[length], length))


def _shown(cell: object) -> str:
    text = repr(cell)
    return text if len(text) <= 40 else text[:37] + "…"
