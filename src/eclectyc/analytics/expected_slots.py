"""How many slots a metering point should have: the denominator of every coverage.

A point is expected to report every slot of every local day from the day its meter was *installed* (if unknown,
of its first reading) until it was *removed* (exclusive; an inactive meter without that date: until its
last reading) – and only on days that are over: nothing is expected of today and the future. A day with readings is
expected in full, whatever these dates are, so that there is never more present than expected.

A day with readings expects the slots of the step it was read at; a day without any expects those of the point's
finest step. A gap is thus expected and not present: it is missing, not zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from eclectyc.kernel.days import slot_counts

NEVER = np.datetime64("2262-01-01", "D")


@dataclass(frozen=True, slots=True)
class Points:
    """Metering points of one quantity, one row each; ``point`` in a frame of day rows is the index in here.

    zone : IANA names. step : the finest step [minutes]. since, until : datetime64[D], the half-open span of days
    expected; ``since`` = NEVER if nothing is.
    """

    zone: np.ndarray
    step: np.ndarray
    since: np.ndarray
    until: np.ndarray

    def __len__(self) -> int:
        return len(self.step)

    def select(self, which: np.ndarray) -> Points:
        """Return some of the points, by index or by mask."""
        return Points(self.zone[which], self.step[which], self.since[which], self.until[which])


def expected_since(installed: np.ndarray, first_reading: np.ndarray) -> np.ndarray:
    """Return the first day on which each point is expected to report; NEVER if neither date is known.

    installed, first_reading : datetime64[D], NaT if not known.
    """
    known = np.where(np.isnat(installed), first_reading, installed)
    return np.where(np.isnat(known), NEVER, known)


def expected_until(removed: np.ndarray, last_reading: np.ndarray, is_active: np.ndarray, today: date) -> np.ndarray:
    """Return the day from which each point is no longer, or not yet, expected to report.

    removed, last_reading : datetime64[D], NaT if not known. is_active : bool.
    """
    over = np.where(np.isnat(last_reading), np.datetime64("1970-01-01", "D"), last_reading + 1)
    ends = np.where(np.isnat(removed), np.where(is_active, NEVER, over), removed)
    return np.minimum(ends, np.datetime64(today, "D"))


def expected_slots(points: Points, days: np.ndarray, rows: pl.DataFrame) -> np.ndarray:
    """Return the slots expected of each point on each day: shape (points, days), int16.

    days : consecutive, datetime64[D], shape (days,). rows : day rows of these days with columns point, day, slots.
    """
    expected = np.zeros((len(points), len(days)), dtype=np.int16)
    kinds = {(str(zone), int(step)) for zone, step in zip(points.zone, points.step, strict=True)}
    for zone, step in kinds if len(days) else ():
        of_kind = np.flatnonzero((points.zone == zone) & (points.step == step))
        slots = slot_counts(days, ZoneInfo(zone), step)
        on_duty = (days >= points.since[of_kind, None]) & (days < points.until[of_kind, None])
        expected[of_kind] = on_duty * slots
    expected[positions(rows, days)] = rows["slots"].to_numpy()
    return expected


def positions(rows: pl.DataFrame, days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the point and day index of each row."""
    first = 0 if not len(days) else int(days[0].astype(np.int64))
    return rows["point"].to_numpy(), rows["day"].to_physical().to_numpy() - first
