"""Readings of many channels as parallel arrays. Pure.

A *channel* is one combination of meter, quantity, unit and register in a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final, Literal, Self

import numpy as np

from eclectyc.intake.alignment.clocks import DAY_S

Kind = Literal["clock", "instant", "position"]
POSITION_DAY_S: Final = 2 * DAY_S


def day_s_of(kind: Kind) -> int:
    """Return how far apart two days are in ``at`` [s]."""
    return POSITION_DAY_S if kind == "position" else DAY_S


def distinct(whole: np.ndarray) -> np.ndarray:
    """Return the distinct whole numbers, sorted; fast if they are close together."""
    if len(whole) == 0:
        return whole
    low, high = int(whole.min()), int(whole.max())
    if high - low > 4 * len(whole) + 1000:
        return np.unique(whole)
    return np.flatnonzero(np.bincount(whole - low)) + low


@dataclass(frozen=True, slots=True)
class ReadingRows:
    """Readings in file order; every array has shape (rows,).

    kind : what ``at`` [s, int64] is: a printed clock time, or a UTC instant, since 1970; or a position: the time
        elapsed in a local day, which can be longer than 24 hours, plus ``POSITION_DAY_S`` for each day since 1970.
    channel : int32. line : the file's own line, int64. value : float64, NaN where blank.
    quality : int8 of ``kernel.quality``.
    """

    kind: Kind
    channel: np.ndarray
    line: np.ndarray
    at: np.ndarray
    value: np.ndarray
    quality: np.ndarray

    def __len__(self) -> int:
        return len(self.channel)

    @property
    def day(self) -> np.ndarray:
        """The day [days since 1970] of each row, as printed."""
        return self.at // day_s_of(self.kind)

    def where(self, chosen: np.ndarray | slice) -> ReadingRows:
        """Return the rows of a mask, indices or a slice."""
        return ReadingRows(
            self.kind,
            self.channel[chosen],
            self.line[chosen],
            self.at[chosen],
            self.value[chosen],
            self.quality[chosen],
        )

    @classmethod
    def concat(cls, parts: Sequence[ReadingRows]) -> Self:
        """Concatenate rows of one kind."""
        names = [f.name for f in fields(cls) if f.name != "kind"]
        arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        return cls(parts[0].kind, **arrays)

    @classmethod
    def empty(cls, kind: Kind) -> Self:
        empty = np.empty(0, np.int64)
        return cls(kind, empty.astype(np.int32), empty, empty, empty.astype(float), empty.astype(np.int8))


@dataclass(frozen=True, slots=True)
class DayRows:
    """Rows of a day of a channel each, in file order.

    channel int32, line int64, day [days since 1970, int32] : shape (rows,).
    values float64 (NaN = missing), quality int8 : shape (rows, slots). step [minutes].
    by_clock : column k is the clock time k·step; else slot k of the local day.
    turn : columns from here on are of the next line's day (0: none; see shift_days.py).
    """

    channel: np.ndarray
    line: np.ndarray
    day: np.ndarray
    values: np.ndarray
    quality: np.ndarray
    step: int
    by_clock: bool
    turn: int = 0

    def __len__(self) -> int:
        return len(self.channel)

    def where(self, chosen: np.ndarray) -> DayRows:
        """Return the rows of a mask or of indices."""
        return DayRows(
            self.channel[chosen],
            self.line[chosen],
            self.day[chosen],
            self.values[chosen],
            self.quality[chosen],
            self.step,
            self.by_clock,
        )

    def line_of(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Return the line numbers of some cells."""
        return self.line[row + (column >= self.turn)] if self.turn else self.line[row]

    def as_rows(self, kind: Kind) -> ReadingRows:
        """Return the cells with a value one by one: column k is at k·step of its day."""
        row, column = np.nonzero(~np.isnan(self.values))
        at = self.day[row].astype(np.int64) * day_s_of(kind) + column * (self.step * 60)
        return ReadingRows(
            kind, self.channel[row], self.line[row], at, self.values[row, column], self.quality[row, column]
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """Some rows of ``days``, by index, without a copy of their values."""

    days: DayRows
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def channel(self) -> np.ndarray:
        return self.days.channel[self.rows]

    @property
    def day(self) -> np.ndarray:
        return self.days.day[self.rows]

    @property
    def line(self) -> np.ndarray:
        return self.days.line[self.rows]

    def where(self, mask: np.ndarray) -> Selection:
        return self if mask.all() else Selection(self.days, self.rows[mask])

    def to_day_rows(self) -> DayRows:
        """Return the rows with a copy of their values."""
        return self.days.where(self.rows)
