"""Metering points by placement: use before a move stays with the former site. Pure.

A meter that never moved is one row; one that has moved has a row per placement, and each day counts in one of them.
``until`` = NEVER marks the current one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from eclectyc.analytics.day_grid import DayGrid
from eclectyc.analytics.expected_slots import NEVER

ALWAYS: Final = np.datetime64("0001-01-01", "D")
WHERE: Final[dict[str, Any]] = {
    "site": pl.Int64,
    "site_name": pl.String,
    "floor_area_m2": pl.Float64,
    "region": pl.Int64,
    "region_name": pl.String,
}
MOVES: Final[dict[str, Any]] = {"meter": pl.Int64, **WHERE, "since": pl.Date, "until": pl.Date}


@dataclass(frozen=True, slots=True)
class PointPlacements:
    """Points by placement.

    meters : the points' columns with those of ``WHERE`` as they were then. source : the point of each row.
    since, until : datetime64[D], the half-open span of each row; None if no meter has moved.
    """

    meters: pl.DataFrame
    source: np.ndarray
    since: np.ndarray | None = None
    until: np.ndarray | None = None

    def grid(self, grid: DayGrid) -> DayGrid:
        """Return the days of the points as days of the rows: nothing is present or expected outside a placement."""
        if self.since is None or self.until is None:
            return grid
        here = self.days(grid.days)
        return DayGrid(
            grid.days,
            np.where(here, grid.total[self.source], np.nan),
            np.where(here, grid.present[self.source], 0),
            np.where(here, grid.expected[self.source], 0),
            np.where(here, grid.estimated[self.source], 0),
        )

    def days(self, days: np.ndarray) -> np.ndarray:
        """Return which days each row holds: shape (rows, days)."""
        if self.since is None or self.until is None:
            return np.ones((len(self.source), len(days)), dtype=bool)
        here: np.ndarray = (days >= self.since[:, None]) & (days < self.until[:, None])
        return here


def by_placement(meters: pl.DataFrame, moves: pl.DataFrame) -> PointPlacements:
    """Return points by placement.

    meters : see fetch.MeterSet. moves : the columns of ``MOVES``, the placements of those that have moved; a null end
    is open.
    """
    numbered = meters.with_row_index("source")
    if not len(moves):
        return PointPlacements(meters, numbered["source"].to_numpy())
    then = moves.rename({name: f"{name}_then" for name in WHERE}).with_columns(pl.lit(value=True).alias("has_moved"))
    rows = numbered.join(then, on="meter", how="left", maintain_order="left_right")
    rows = rows.with_columns(
        pl.when(pl.col("has_moved")).then(f"{name}_then").otherwise(name).alias(name) for name in WHERE
    )
    return PointPlacements(
        rows.select(meters.columns),
        rows["source"].to_numpy(),
        _edges(rows["since"], ALWAYS),
        _edges(rows["until"], NEVER),
    )


def _edges(column: pl.Series, without: np.datetime64) -> np.ndarray:
    days = column.to_numpy().astype("datetime64[D]")
    return np.where(np.isnat(days), without, days)
