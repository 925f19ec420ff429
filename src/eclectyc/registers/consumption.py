"""The use of registers worked out from their standing reads, for the days that some changed reads bear on. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from eclectyc.kernel.days import WHOLE_DAY
from eclectyc.registers.advances import Advances, ReadSequences, advances_between_reads, read_sequences
from eclectyc.registers.calendar import LocalDays
from eclectyc.registers.combine import combine_devices
from eclectyc.registers.devices import Groups, group_reads
from eclectyc.registers.problems import RecalculatedDays, describe_falls, describe_lagging, describe_overlaps
from eclectyc.registers.reads import Reads
from eclectyc.registers.register_config import END, START, RegisterConfig
from eclectyc.registers.spread import DayUse, SlotUse, no_days, no_slots, spread

NO_SERIES = -1
_SHIFT = 41
_HALF = 1 << 40


@dataclass(frozen=True, slots=True)
class RegisterShare:
    """What the reads of one file gave for one register: days and slots with use, and the use itself."""

    readings: int
    total: float
    step: int


@dataclass(slots=True)
class Consumption:
    """Use worked out. targets : (point, quantity, unit) of each series-to-be. step : of each, minutes.

    first, end : of each target the days [since 1970] to be worked out anew, half-open; equal where there are none.
    shares : of registers, by number. notes : findings, in words.
    """

    targets: list[tuple[int, str, str]]
    step: np.ndarray
    first: np.ndarray
    end: np.ndarray
    days: DayUse
    slots: SlotUse
    shares: dict[int, list[RegisterShare]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def months(self, day_series: np.ndarray, slot_series: np.ndarray) -> Iterator[pl.DataFrame]:
        """Yield the rows for the lake month by month; the arrays give each target's series of whole days and slots."""
        days, slots = _month(self.days.day), _month(self.slots.day)
        for month in np.unique(np.r_[days, slots]).tolist():
            whole = self.days.where(np.flatnonzero(days == month)).frame(day_series)
            fine = self.slots.where(np.flatnonzero(slots == month)).frame(slot_series, self.step)
            yield pl.concat([whole, fine]).sort("series", "day")

    def spans(self, series: Sequence[tuple[np.ndarray, np.ndarray]]) -> pl.DataFrame:
        """Return the days to be worked out anew of some series: series, start, end.

        series : targets and the numbers of their series, as parallel arrays.
        """
        target = np.concatenate([targets for targets, _ in series])
        number = np.concatenate([numbers for _, numbers in series])
        has = (number != NO_SERIES) & (self.end > self.first)[target]
        days = {name: at[target[has]].astype(np.int32) for name, at in (("start", self.first), ("end", self.end))}
        frame = pl.DataFrame({"series": number[has].astype(np.int32), **days})
        return frame.cast({"start": pl.Date, "end": pl.Date}).unique("series")


def calculate_consumption(
    facts: RegisterConfig, reads: Reads, touched: Reads, is_new: np.ndarray | None = None
) -> Consumption:
    """Work out the use that some reads bear on.

    reads : all that count of the points concerned – of the registers named by ``touched`` at least from the read before
    the first touched moment's day to the one after the last's. touched : what was added or taken back.
    is_new : which of ``reads`` a file told, shape (reads,), for the shares; none: no shares.
    """
    groups = group_reads(facts, reads)
    steps = np.array([facts.points[target[0]].step for target in groups.targets], dtype=np.int64)
    first, end = np.zeros(len(groups.targets), np.int64), np.zeros(len(groups.targets), np.int64)
    worked = Consumption(groups.targets, steps, first, end, no_days(), no_slots(), notes=list(groups.notes))
    new = np.zeros(len(groups.reads), bool)
    new[: len(reads)] = is_new if is_new is not None else False
    zone_of = np.array([facts.points[target[0]].zone for target in groups.targets], dtype=object)
    for zone in dict.fromkeys(zone_of.tolist()):
        here = zone_of == zone
        mine = here[groups.target[groups.of_read]]
        part = replace(groups, reads=groups.reads.where(mine), of_read=groups.of_read[mine])
        of_register = groups.target[touched.register]
        _calculate_zone(facts, part, touched.where(here[of_register]), str(zone), worked, new[mine])
    return worked


def _calculate_zone(
    facts: RegisterConfig, groups: Groups, touched: Reads, zone: str, worked: Consumption, is_new: np.ndarray
) -> None:
    """Work out the targets of one time zone; ``groups`` has their reads alone."""
    days = LocalDays.covering(zone, np.r_[groups.reads.at_s, touched.at_s])
    slot_s = worked.step[groups.target] * 60
    standing, odd = read_sequences(groups, days, slot_s)
    tolerance_s = groups.each("tolerance_s")[touched.register]
    moved = replace(touched, at_s=days.snap_to_slots(touched.at_s, slot_s[touched.register], tolerance_s))
    _set_spans(groups, standing, moved, days, worked)
    pieces, later, falls = advances_between_reads(groups, facts.points, standing, days, slot_s)
    laid, overlaps = combine_devices(groups, facts.points, pieces, standing)
    whole, slots = spread(laid, days, worked.step)
    inside = RecalculatedDays(days, worked.first, worked.end)
    worked.days = worked.days.joined(whole.where(inside.contains(whole.target, whole.day)))
    worked.slots = worked.slots.joined(slots.where(inside.contains(slots.target, slots.day)))
    worked.notes += describe_falls(facts, groups, odd + falls, inside)
    worked.notes += describe_overlaps(facts, groups, overlaps, inside)
    worked.notes += describe_lagging(facts, groups, standing, inside)
    if is_new.any():
        _add_shares(groups, standing, pieces, later, days, worked, is_new)


def _month(day: np.ndarray) -> np.ndarray:
    """Return the month [since 1970] of days [since 1970]."""
    return day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _set_spans(groups: Groups, standing: ReadSequences, touched: Reads, days: LocalDays, worked: Consumption) -> None:
    """Write down which days the touched reads bear on: from the read before them to the one after them."""
    low, high = _moments(groups, touched)
    concerned = np.flatnonzero(high > START)
    before, after = low[concerned], high[concerned]
    keys = _key(standing.group, standing.at_s)
    if len(keys):
        at = np.searchsorted(keys, _key(concerned, before)) - 1
        there = (at >= 0) & (standing.group[at] == concerned)
        before = np.where(there, standing.at_s[at], before)
        at = np.minimum(np.searchsorted(keys, _key(concerned, after), side="right"), len(keys) - 1)
        there = (standing.group[at] == concerned) & (standing.at_s[at] > after)
        after = np.where(there, standing.at_s[at], after)
    target = groups.target[concerned]
    first, last = np.full(len(groups.targets), END), np.full(len(groups.targets), START)
    np.minimum.at(first, target, days.index_of(before))
    np.maximum.at(last, target, days.index_of(after))
    has = np.flatnonzero(last > START)
    worked.first[has], worked.end[has] = first[has] + days.first, last[has] + days.first + 1


def _moments(groups: Groups, touched: Reads) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and last touched moment of every group [s]; ``END`` and ``START`` where there is none.

    Also of one that does not count: it may have counted before. A read of a target whose reads are handed out one by
    one may have been any of its groups'.
    """
    low, high = np.full(len(groups.registers), END), np.full(len(groups.registers), START)
    np.minimum.at(low, touched.register, touched.at_s)
    np.maximum.at(high, touched.register, touched.at_s)
    for target in np.flatnonzero(groups.is_special).tolist():
        own = groups.target == target
        low[own], high[own] = low[own].min(), high[own].max()
    return low, high


def _key(owner: np.ndarray, at_s: np.ndarray) -> np.ndarray:
    return (owner.astype(np.int64) << _SHIFT) + (at_s + _HALF)


def _add_shares(
    groups: Groups,
    standing: ReadSequences,
    pieces: Advances,
    later: np.ndarray,
    days: LocalDays,
    worked: Consumption,
    is_new: np.ndarray,
) -> None:
    """Say what the pieces that end or begin with a new read give, register by register as they were told."""
    if not len(pieces):
        return
    told, before = standing.read[later], standing.read[later - 1]
    ours = is_new[told] | is_new[before]
    register = np.where(is_new[told], groups.reads.register[told], groups.reads.register[before])[ours]
    own = pieces.where(ours).with_owner(register).sorted()
    step = worked.step[groups.target]
    whole, slots = spread(own, days, step)
    size = len(step)
    used = np.bincount(own.owner, np.where(own.is_known, own.use, 0.0), minlength=size)
    coarse, fine = (np.bincount(part.target, minlength=size) for part in (whole, slots))
    measured = np.bincount(slots.target, slots.value, minlength=size)
    for n in np.unique(register).tolist():
        shares = (
            [RegisterShare(int(coarse[n]), float(used[n] - measured[n]), WHOLE_DAY)] if coarse[n] or not fine[n] else []
        )
        if fine[n]:
            shares.append(RegisterShare(int(fine[n]), float(measured[n]), int(step[n])))
        worked.shares[n] = shares
