"""Evaluate a formula over meters slot by slot. Pure.

A day is calculated at the finest step that the day's rows of all parts fit into (30 and 15 minutes: 30; a whole day
with anything: the whole day). Finer slots are summed only if all of them have values. Parts in another time zone are
placed by instants: a slot of theirs that crosses an edge of one of ours is not used.

A slot has a value if every part has one; if one is missing, the result is missing, never low. Before a part's meter was
*installed*, and from the day on which it was *removed*, it counts as zero, unless it has a reading. A part without
these dates is taken as always installed: a missing reading of it is a gap. If no part is installed there is no value.

The quality of a slot is the worst of its parts': actual, estimated, substituted, derived, in this order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from eclectyc.kernel.days import WHOLE_DAY, midnights
from eclectyc.kernel.quality import MISSING
from eclectyc.lake.schema import SLOTS
from eclectyc.lake.slot_arrays import Slots

DIGITS: Final = 9  # of a result: further ones are noise of adding, not of metering
NEVER_S: Final = 2**60  # [s since 1970]
SCHEMA: Final = {"day": pl.Date(), "step": pl.Int16(), **SLOTS}


@dataclass(frozen=True, slots=True)
class PointReadings:
    """The readings of a metering point, all times [s since 1970]: begins, ends and step [minutes] have one entry a day
    row; start, end, value and quality one for each slot that has a value."""

    begins: np.ndarray
    ends: np.ndarray
    step: np.ndarray
    start: np.ndarray
    end: np.ndarray
    value: np.ndarray
    quality: np.ndarray

    @classmethod
    def from_day_rows(cls, rows: pl.DataFrame, zone: ZoneInfo) -> Self:
        """Split day rows into slots: day, step, values, quality; one row a day, in order."""
        days = rows["day"].to_numpy().astype("datetime64[D]")
        begins, ends = midnights(days, zone), midnights(days + 1, zone)
        step = rows["step"].to_numpy().astype(np.int64)
        slots = Slots.from_frame(rows)
        row = np.repeat(np.arange(len(days)), slots.lengths)
        step_s = step[row] * 60
        start = begins[row] + _within(slots.lengths) * step_s
        end = np.where(step[row] == WHOLE_DAY, ends[row], np.minimum(start + step_s, ends[row]))
        held = (slots.quality != MISSING) & ~np.isnan(slots.values)
        return cls(begins, ends, step, start[held], end[held], slots.values[held], slots.quality[held])


NO_READINGS: Final = PointReadings(*(np.zeros(0, kind) for kind in ("i8", "i8", "i8", "i8", "i8", "f8", "i1")))


@dataclass(frozen=True, slots=True)
class FormulaTerm:
    """A part's readings. since, until : when the part is installed [s since 1970], half-open."""

    readings: PointReadings
    factor: float = 1.0
    since: int = -NEVER_S
    until: int = NEVER_S


@dataclass(frozen=True, slots=True)
class FormulaDays:
    """Days of a result: those with at least one value. days : datetime64[D]; step [minutes]."""

    days: np.ndarray
    step: np.ndarray
    slots: Slots

    def frame(self) -> pl.DataFrame:
        """Return them as rows: day, step, values (null = missing) and quality."""
        days, step = pl.Series("day", self.days).cast(pl.Date), pl.Series("step", self.step.astype(np.int16))
        return pl.DataFrame([days, step]).with_columns(**self.slots.columns()).cast(SCHEMA)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class SlotGrid:
    """The slots of some local days [s since 1970]: opens, closes and step have one entry a day; start, end and day
    one a slot, ``day`` being an index."""

    days: np.ndarray
    opens: np.ndarray
    closes: np.ndarray
    step: np.ndarray
    start: np.ndarray
    end: np.ndarray
    day: np.ndarray


@dataclass(frozen=True, slots=True)
class TermSlots:
    """A part on the slots of a grid; arrays of shape (slots,). is_not_installed : no reading; it counts as zero."""

    value: np.ndarray
    quality: np.ndarray
    has_value: np.ndarray
    is_not_installed: np.ndarray


def slot_grid(days: np.ndarray, zone: ZoneInfo, terms: Sequence[FormulaTerm]) -> SlotGrid:
    """Return the slots in which some days can be calculated; a day on which no part has a row has none.

    days : datetime64[D], in order, each once.
    """
    opens, closes = midnights(days, zone), midnights(days + 1, zone)
    step = np.ones(len(days), dtype=np.int64)
    has_rows = np.zeros(len(days), dtype=bool)
    for term in terms:
        first = np.searchsorted(closes, term.readings.begins, side="right")  # the days that each row reaches into
        last = np.searchsorted(opens, term.readings.ends, side="left")
        for ahead in range(int((last - first).max(initial=0))):
            reaches = first + ahead < last
            np.lcm.at(step, (first + ahead)[reaches], term.readings.step[reaches])
            has_rows[(first + ahead)[reaches]] = True
    has_rows &= closes > opens  # a day that the time zone skipped has none
    days, opens, closes, step = days[has_rows], opens[has_rows], closes[has_rows], step[has_rows]
    counts = np.where(step == WHOLE_DAY, 1, -(-(closes - opens) // (step * 60)))
    day = np.repeat(np.arange(len(days)), counts)
    start = opens[day] + _within(counts) * step[day] * 60
    end = np.where(step[day] == WHOLE_DAY, closes[day], np.minimum(start + step[day] * 60, closes[day]))
    return SlotGrid(days, opens, closes, step, start, end, day)


def term_slots(term: FormulaTerm, grid: SlotGrid) -> TermSlots:
    """Sum a part's readings into the slots of a grid."""
    rows, size = term.readings, len(grid.start)
    at = np.searchsorted(grid.start, rows.start, side="right") - 1
    fits = at >= 0
    fits[fits] = rows.end[fits] <= grid.end[at[fits]]
    at, length = at[fits], (rows.end - rows.start)[fits]
    sums = np.bincount(at, rows.value[fits], minlength=size)
    covered = np.bincount(at, length, minlength=size).astype(np.int64)
    least = np.full(size, MISSING, dtype=np.int8)
    np.maximum.at(least, at, rows.quality[fits])
    is_there = covered == grid.end - grid.start
    is_outside = (grid.end <= term.since) | (grid.start >= term.until)
    return TermSlots(sums, least, is_there, is_outside & (covered == 0))


def evaluate(days: np.ndarray, zone: ZoneInfo, terms: Sequence[FormulaTerm]) -> FormulaDays:
    """Return the days of the result that have at least one value.

    days : local days of the virtual meter's zone, datetime64[D], in order, each once.
    """
    grid = slot_grid(days, zone, terms)
    total = np.zeros(len(grid.start))
    quality = np.full(len(grid.start), MISSING, dtype=np.int8)
    is_known = np.ones(len(grid.start), dtype=bool)
    is_any = np.zeros(len(grid.start), dtype=bool)
    for term in terms:
        part = term_slots(term, grid)
        is_known &= part.has_value | part.is_not_installed
        is_any |= part.has_value
        total += np.where(part.has_value, term.factor * part.value, 0.0)
        quality = np.maximum(quality, np.where(part.has_value, part.quality, np.int8(MISSING)))
    has_value = is_known & is_any
    values = np.where(has_value, np.round(total, DIGITS) + 0.0, np.nan)  # zero has no sign
    counts = np.bincount(grid.day, minlength=len(grid.days)).astype(np.int64)
    slots = Slots(values, np.where(has_value, quality, np.int8(MISSING)), counts)
    with_values = np.flatnonzero(np.bincount(grid.day, has_value, minlength=len(grid.days)))
    return FormulaDays(grid.days[with_values], grid.step[with_values], slots.take(with_values))


def _within(counts: np.ndarray) -> np.ndarray:
    """Return 0, 1, 2 … for each group of so many."""
    starts = np.cumsum(counts) - counts
    return np.arange(int(counts.sum())) - np.repeat(starts, counts)
