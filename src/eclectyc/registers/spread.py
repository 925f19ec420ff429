"""Spread use between moments over day rows: slots if the reads are near enough, else whole days by elapsed time. Pure.

A slot is *measured* if there are reads at both its edges and no reads further apart affect it. Everything else is
spread evenly over the time between two reads, and the part on a local day – of 23, 24 or 25 hours – is that day's use,
flagged *derived*. A day with such use gets one value for the whole day, its measured slots included, unless the use of
some of its time is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl

from eclectyc.kernel.days import WHOLE_DAY
from eclectyc.kernel.quality import DERIVED, ESTIMATED
from eclectyc.lake.schema import BATCH_COLUMNS
from eclectyc.lake.slot_arrays import Slots
from eclectyc.registers.advances import Advances, quality_of
from eclectyc.registers.calendar import LocalDays

AT_ONCE: Final = 500_000  # days that are spread at one time


@dataclass(frozen=True, slots=True)
class DayUse:
    """Use by local day. target, day [days since 1970], value, quality : shape (days,), sorted by target and day."""

    target: np.ndarray
    day: np.ndarray
    value: np.ndarray
    quality: np.ndarray

    def __len__(self) -> int:
        return len(self.target)

    def where(self, chosen: np.ndarray) -> DayUse:
        return DayUse(self.target[chosen], self.day[chosen], self.value[chosen], self.quality[chosen])

    @classmethod
    def concatenate(cls, parts: Sequence[DayUse]) -> DayUse:
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))

    def joined(self, other: DayUse) -> DayUse:
        return DayUse.concatenate([self, other]) if len(self) else other

    def frame(self, series: np.ndarray) -> pl.DataFrame:
        """Return rows for the lake. series : of each target."""
        step = np.full(len(self), WHOLE_DAY, np.int16)
        return _frame(series[self.target], self.day, step, self.value, self.quality, np.ones(len(self), np.int64))


@dataclass(frozen=True, slots=True)
class SlotUse:
    """Measured slots. target, day, slot, value, quality : shape (slots,), sorted. step [minutes], slots : of each
    target and of each row's day."""

    target: np.ndarray
    day: np.ndarray
    slot: np.ndarray
    value: np.ndarray
    quality: np.ndarray
    slots: np.ndarray  # how many the row's day has

    def __len__(self) -> int:
        return len(self.target)

    def where(self, chosen: np.ndarray) -> SlotUse:
        return SlotUse(*(getattr(self, name)[chosen] for name in self.__slots__))

    @classmethod
    def concatenate(cls, parts: Sequence[SlotUse]) -> SlotUse:
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))

    def joined(self, other: SlotUse) -> SlotUse:
        return SlotUse.concatenate([self, other]) if len(self) else other

    def frame(self, series: np.ndarray, step: np.ndarray) -> pl.DataFrame:
        """Return rows for the lake, one a day. series, step [minutes] : of each target."""
        if not len(self):
            return pl.DataFrame(schema=BATCH_COLUMNS)
        opens = np.flatnonzero(np.r_[True, (self.target[1:] != self.target[:-1]) | (self.day[1:] != self.day[:-1])])
        lengths = self.slots[opens]
        starts = np.cumsum(lengths) - lengths
        at = np.repeat(starts, np.diff(np.r_[opens, len(self)])) + self.slot
        values, quality = np.full(int(lengths.sum()), np.nan), np.zeros(int(lengths.sum()), np.int8)
        values[at], quality[at] = self.value, self.quality
        target = self.target[opens]
        return _frame(series[target], self.day[opens], step[target].astype(np.int16), values, quality, lengths)


def _frame(
    series: np.ndarray, day: np.ndarray, step: np.ndarray, values: np.ndarray, quality: np.ndarray, lengths: np.ndarray
) -> pl.DataFrame:
    days = pl.Series(day.astype(np.int32)).cast(pl.Date)
    frame = pl.DataFrame({"series": pl.Series(series.astype(np.int32)), "day": days, "step": step})
    return frame.with_columns(**Slots(values, quality, lengths).columns()).select(BATCH_COLUMNS.keys())


def spread(advances: Advances, days: LocalDays, step: np.ndarray) -> tuple[DayUse, SlotUse]:
    """Spread the use of targets over days and slots.

    advances : of targets, disjoint, sorted by owner and start. step : of each target [minutes]; 1440 for whole days.
    """
    parts = [_spread(some, days, step) for some in _by_owner(advances, days)]
    whole, slots = [part for part, _ in parts], [part for _, part in parts]
    return DayUse.concatenate(whole), SlotUse.concatenate(slots)


def _by_owner(advances: Advances, days: LocalDays) -> Iterator[Advances]:
    """Split advances between owners, so that not too many days are spread at one time."""
    ends = np.cumsum(days.ending_at(advances.end) - days.index_of(advances.start) + 1)
    begins = np.flatnonzero(np.r_[True, advances.owner[1:] != advances.owner[:-1]])[: len(advances)]
    if not len(begins) or ends[-1] <= AT_ONCE:
        yield advances
        return
    before = np.r_[0, ends][begins] // AT_ONCE
    cuts = [*begins[np.flatnonzero(np.r_[True, before[1:] != before[:-1]])].tolist(), len(advances)]
    for start, end in pairwise(cuts):
        yield advances.where(np.arange(start, end))


def _spread(advances: Advances, days: LocalDays, step: np.ndarray) -> tuple[DayUse, SlotUse]:
    target, day, opens, closes, rows = by_day(advances, days)
    share = advances.use[rows] * ((closes - opens) / (advances.end - advances.start)[rows])
    known, estimated = advances.is_known[rows], advances.is_estimated[rows]
    slot_s = step[target] * np.int64(60)
    is_fine = slot_s < WHOLE_DAY * 60
    slot = np.where(is_fine, (opens - days.opens[day]) // slot_s, 0)
    begins = days.opens[day] + np.where(is_fine, slot * slot_s, 0)
    length = np.where(is_fine, np.minimum(begins + slot_s, days.opens[day + 1]), days.opens[day + 1]) - begins
    runs = _runs(target, day, slot)
    whole = np.add.reduceat(closes - opens, runs) == length[runs] if len(runs) else np.zeros(0, bool)
    whole &= _all(advances.is_in_one_slot[rows] & known, runs)
    value, some_estimated = _sum(share, runs), _any(estimated, runs)
    in_measured = np.repeat(whole, np.diff(np.r_[runs, len(rows)]))
    fine = np.flatnonzero(whole & is_fine[runs])
    at = runs[fine]
    counts = -(-(days.opens[day[at] + 1] - days.opens[day[at]]) // slot_s[at])
    slots = SlotUse(target[at], day[at] + days.first, slot[at], value[fine], quality_of(some_estimated[fine]), counts)
    return _whole_days(target, day + days.first, share, known, estimated, in_measured & is_fine, in_measured), slots


def by_day(advances: Advances, days: LocalDays) -> tuple[np.ndarray, ...]:
    """Split advances at local midnights: owner, day (index into ``days``), start, end [s], index of the advance."""
    first, last = days.index_of(advances.start), days.ending_at(advances.end)
    count = last - first + 1
    rows = np.repeat(np.arange(len(advances)), count)
    day = np.repeat(first - np.cumsum(count) + count, count) + np.arange(len(rows))
    opens = np.maximum(advances.start[rows], days.opens[day])
    closes = np.minimum(advances.end[rows], days.opens[day + 1])
    return advances.owner[rows], day, opens, closes, rows


def _whole_days(
    target: np.ndarray,
    day: np.ndarray,
    share: np.ndarray,
    known: np.ndarray,
    estimated: np.ndarray,
    in_slot: np.ndarray,
    measured: np.ndarray,
) -> DayUse:
    """Return the days with use outside measured slots, if the use of the whole day is known."""
    runs = _runs(target, day)
    is_given = ~_all(in_slot, runs) & _all(known, runs)
    exact = np.where(_any(estimated, runs), np.int8(ESTIMATED), quality_of(np.zeros(len(runs), bool)))
    quality = np.where(_all(measured & ~in_slot, runs), exact, np.int8(DERIVED))
    return DayUse(target[runs], day[runs], _sum(share, runs), quality).where(is_given)


def _runs(*keys: np.ndarray) -> np.ndarray:
    """Return the indices at which runs of equal keys begin."""
    differs = np.zeros(len(keys[0]), dtype=bool)
    differs[:1] = True
    for key in keys:
        differs[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(differs)


def _sum(values: np.ndarray, runs: np.ndarray) -> np.ndarray:
    return np.add.reduceat(values, runs) if len(runs) else np.zeros(0)


def _all(flags: np.ndarray, runs: np.ndarray) -> np.ndarray:
    return np.logical_and.reduceat(flags, runs) if len(runs) else np.zeros(0, bool)


def _any(flags: np.ndarray, runs: np.ndarray) -> np.ndarray:
    return np.logical_or.reduceat(flags, runs) if len(runs) else np.zeros(0, bool)


def no_days() -> DayUse:
    whole = np.zeros(0, np.int64)
    return DayUse(whole, whole, np.zeros(0), whole.astype(np.int8))


def no_slots() -> SlotUse:
    whole = np.zeros(0, np.int64)
    return SlotUse(whole, whole, whole, np.zeros(0), whole.astype(np.int8), whole)
