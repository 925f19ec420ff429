"""Collect readings one by one from a document: an API response, an XML feed.

Line ends mean nothing in a document, so a reading's *line* is its number in the document, from 1, and errors give the
path (``results[16].consumption``) instead of a column.
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
REMEDY = "Fetch the response again; if it is unchanged, ask the sender."


class BadReading(ValueError):
    """A reading that must be rejected. ``place`` is the path within the reading."""

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
    qualities: list[int] = field(default_factory=list)  # of ``kernel.quality``; MISSING if there is no value
    errors: list[LineError] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.lines)

    def add(self, line: int, moment: datetime, value: float | None, quality: int = UNFLAGGED) -> None:
        self.lines.append(line)
        self.moments.append(moment)
        self.values.append(value)
        self.qualities.append(MISSING if value is None else quality)

    def reject(self, line: int, place: str, bad: BadReading) -> None:
        """Reject a reading. ``place`` is its path in the document, which ``bad`` completes."""
        self.errors.append(LineError(line, f"{place}{bad.place}", bad.reason, bad.remedy))

    def block(self, *, quantity: str | None, unit: str | None, in_utc: bool, meter: str | None = None) -> RowBlock:
        """Return the readings as a block."""
        size = len(self.lines)
        clock, instant = pl.Datetime("us"), pl.Datetime("us", "UTC")
        moments = {
            "stamp": nulls(size, clock) if in_utc else pl.Series(self.moments, dtype=clock),
            "instant": pl.Series(self.moments, dtype=instant) if in_utc else nulls(size, instant),
            "day": nulls(size, pl.Date),
            "period": nulls(size, pl.Int16),
        }
        values = {
            "value": pl.Series(self.values, dtype=pl.Float64),
            "quality": pl.Series(self.qualities, dtype=pl.Int8),
        }
        frame = self._identities(meter, quantity, unit).with_columns(**moments, **values)
        return RowBlock(frame, size)

    def day_block(self, *, quantity: str | None, unit: str | None, meter: str | None = None) -> DayBlock:
        """Return readings of whole days as a block. Each moment is the day's midnight: local if naive; if in UTC, in a
        zone within twelve hours of UTC."""
        size = len(self.lines)
        days = pl.Series([day_of(moment) for moment in self.moments], dtype=pl.Date)
        values = np.array([np.nan if value is None else value for value in self.values], dtype=float).reshape(size, 1)
        quality = np.array(self.qualities, dtype=np.int8).reshape(size, 1)
        frame = self._identities(meter, quantity, unit).with_columns(day=days)
        return DayBlock(frame, values, quality, WHOLE_DAY, rows=size)

    def _identities(self, meter: str | None, quantity: str | None, unit: str | None) -> pl.DataFrame:
        texts = {"meter": meter, "quantity": quantity, "unit": unit}
        same = {name: pl.lit(text, dtype=pl.String) for name, text in texts.items()}
        return pl.DataFrame({"line": pl.Series(self.lines, dtype=pl.Int64)}).with_columns(**same)


def day_of(midnight: datetime) -> date:
    """Return the day that begins at a midnight; one in UTC is rounded to the nearest local midnight.

    >>> from datetime import UTC
    >>> day_of(datetime(2025, 6, 1)), day_of(datetime(2025, 5, 31, 23, tzinfo=UTC))
    (datetime.date(2025, 6, 1), datetime.date(2025, 6, 1))
    """
    return (midnight if midnight.tzinfo is None else midnight + HALF_DAY).date()


def value_of(cell: object, place: str) -> float | None:
    """Return a cell's value, None if blank; ``BadReading`` if it is not a number."""
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
    """Return a cell's date and time; ``BadReading`` if it has none."""
    if not isinstance(cell, str):
        raise BadReading(place, f"{_shown(cell)} is not a date and time.")
    try:
        return parse_stamp(cell)
    except BadDate as bad:
        raise BadReading(place, bad.reason, bad.remedy) from None


def instant_of(cell: object, place: str) -> Stamp:
    """Return a cell's date and time with its offset from UTC; ``BadReading`` if it has none."""
    stamp = stamp_of(cell, place)
    if stamp.offset is None:
        raise BadReading(place, f"{cell!r} has no offset from UTC.")
    return stamp


def most_common(lengths_s: Counter[int]) -> int:
    """Return the most common length [s], the shortest if several are equally common."""
    return min(lengths_s, key=lambda length: (-lengths_s[length], length))


def _shown(cell: object) -> str:
    text = repr(cell)
    return text if len(text) <= 40 else text[:37] + "…"
