"""Readings of many lanes as parallel arrays.

A *lane* is one printed combination of meter, quantity and unit: a column of the estate, as the file names it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal, Self

import numpy as np

Kind = Literal["clock", "instant", "position"]


@dataclass(frozen=True, slots=True)
class Rows:
    """Readings in file order; every array has shape (rows,).

    kind : what ``at`` [s since 1970, int64] is: a printed clock time, a UTC instant, or a position (local midnight
        plus time elapsed in the day, which the clocks do not bend).
    lane : int32. line : the file's own line, int64. value : float64, NaN where blank.
    quality : int8 of ``kernel.quality``.
    """

    kind: Kind
    lane: np.ndarray
    line: np.ndarray
    at: np.ndarray
    value: np.ndarray
    quality: np.ndarray

    def __len__(self) -> int:
        return len(self.lane)

    def where(self, chosen: np.ndarray) -> Rows:
        """Return some of the rows: a mask or indices."""
        return Rows(
            self.kind,
            self.lane[chosen],
            self.line[chosen],
            self.at[chosen],
            self.value[chosen],
            self.quality[chosen],
        )

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Self:
        """Put rows of one kind behind each other."""
        names = [f.name for f in fields(cls) if f.name != "kind"]
        arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        return cls(parts[0].kind, **arrays)

    @classmethod
    def none(cls, kind: Kind) -> Self:
        """No rows at all."""
        empty = np.empty(0, np.int64)
        return cls(kind, empty.astype(np.int32), empty, empty, empty.astype(float), empty.astype(np.int8))


@dataclass(frozen=True, slots=True)
class DayRows:
    """Rows that each hold a day of a lane, in file order.

    lane int32, line int64, day [days since 1970, int32] : shape (rows,).
    values float64 (NaN = nothing said), quality int8 : shape (rows, slots). step [minutes].
    by_clock : column k is the clock time k·step; else slot k of the local day.
    """

    lane: np.ndarray
    line: np.ndarray
    day: np.ndarray
    values: np.ndarray
    quality: np.ndarray
    step: int
    by_clock: bool

    def __len__(self) -> int:
        return len(self.lane)

    def where(self, chosen: np.ndarray) -> DayRows:
        """Return some of the rows: a mask or indices."""
        return DayRows(
            self.lane[chosen],
            self.line[chosen],
            self.day[chosen],
            self.values[chosen],
            self.quality[chosen],
            self.step,
            self.by_clock,
        )

    def as_rows(self, kind: Kind) -> Rows:
        """Return the filled slots one by one: column k of day D is at D plus k·step."""
        row, column = np.nonzero(~np.isnan(self.values))
        at = self.day[row].astype(np.int64) * 86_400 + column * (self.step * 60)
        return Rows(kind, self.lane[row], self.line[row], at, self.values[row, column], self.quality[row, column])
