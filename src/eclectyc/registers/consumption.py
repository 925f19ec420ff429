"""Calculate consumption from the effective reads of registers, for the days that changed reads affect. Pure."""

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
    """The consumption that one file gives for one register. readings : days or slots with a value. step [minutes]."""

    readings: int
    total: float
    step: int


@dataclass(slots=True)
class Consumption:
    """Calculated consumption. targets : (point, quantity, unit) of each series. step : of each [minutes].

    first, end : of each target the days [since 1970] to be replaced, half-open; equal if there are none. shares : of
    registers, by number. notes : warnings for the report.
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
        """Yield the rows for the lake month by month. day_series, slot_series : the series of each target."""
        days, slots = _month(self.days.day), _month(self.slots.day)
        for month in np.unique(np.r_[days, slots]).tolist():
            whole = self.days.where(np.flatnonzero(days == month)).frame(day_series)
            fine = self.slots.where(np.flatnonzero(slots == month)).frame(slot_series, self.step)
            yield pl.concat([whole, fine]).sort("series", "day")

    def spans(self, series: Sequence[tuple[np.ndarray, np.ndarray]]) -> pl.DataFrame:
        """Return the days of some series to be replaced: series, start, end.

        series : targets and the numbers of their series, as parallel arrays.
        """
        target = np.concatenate([targets for targets, _ in series])
        number = np.concatenate([numbers for _, numbers in series])
        has = (number != NO_SERIES) & (self.end > self.first)[target]
        days = {name: at[target[has]].astype(np.int32) for name, at in (("start", self.first), ("end", self.end))}
        frame = pl.DataFrame({"series": number[has].astype(np.int32), **days})
        return frame.cast({"start": pl.Date, "end": pl.Date}).unique("series")


def calculate_consumption(
    config: RegisterConfig, reads: Reads, touched: Reads, is_new: np.ndarray | None = None
) -> Consumption:
    """Calculate the consumption that some reads affect.

    reads : all reads of the points concerned – of the registers in ``touched`` at least from the read before the day of
    the first touched read to the one after that of the last. touched : the reads that were added or withdrawn.
    is_new : which of ``reads`` come from a file, shape (reads,), for the shares; None for no shares.
    """
    groups = group_reads(config, reads)
    steps = np.array([config.points[target[0]].step for target in groups.targets], dtype=np.int64)
    first, end = np.zeros(len(groups.targets), np.int64), np.zeros(len(groups.targets), np.int64)
    consumption = Consumption(groups.targets, steps, first, end, no_days(), no_slots(), notes=list(groups.notes))
    new = np.zeros(len(groups.reads), bool)
    new[: len(reads)] = is_new if is_new is not None else False
    zone_of = np.array([config.points[target[0]].zone for target in groups.targets], dtype=object)
    for zone in dict.fromkeys(zone_of.tolist()):
        here = zone_of == zone
        mine = here[groups.target[groups.of_read]]
        part = replace(groups, reads=groups.reads.where(mine), of_read=groups.of_read[mine])
        of_register = groups.target[touched.register]
        _calculate_zone(config, part, touched.where(here[of_register]), str(zone), consumption, new[mine])
    return consumption


def _calculate_zone(
    config: RegisterConfig, groups: Groups, touched: Reads, zone: str, consumption: Consumption, is_new: np.ndarray
) -> None:
    """Calculate the targets of one time zone; ``groups`` has only their reads."""
    days = LocalDays.covering(zone, np.r_[groups.reads.at_s, touched.at_s])
    slot_s = consumption.step[groups.target] * 60
    sequences, impossible = read_sequences(groups, days, slot_s)
    tolerance_s = groups.each("tolerance_s")[touched.register]
    moved = replace(touched, at_s=days.snap_to_slots(touched.at_s, slot_s[touched.register], tolerance_s))
    _set_spans(groups, sequences, moved, days, consumption)
    advances, later, falls = advances_between_reads(groups, config.points, sequences, days, slot_s)
    combined, overlaps = combine_devices(groups, config.points, advances, sequences)
    whole, slots = spread(combined, days, consumption.step)
    replaced = RecalculatedDays(days, consumption.first, consumption.end)
    consumption.days = consumption.days.joined(whole.where(replaced.contains(whole.target, whole.day)))
    consumption.slots = consumption.slots.joined(slots.where(replaced.contains(slots.target, slots.day)))
    consumption.notes += describe_falls(config, groups, impossible + falls, replaced)
    consumption.notes += describe_overlaps(config, groups, overlaps, replaced)
    consumption.notes += describe_lagging(config, groups, sequences, replaced)
    if is_new.any():
        _add_shares(groups, sequences, advances, later, days, consumption, is_new)


def _month(day: np.ndarray) -> np.ndarray:
    """Return the month [since 1970] of days [since 1970]."""
    return day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _set_spans(
    groups: Groups, sequences: ReadSequences, touched: Reads, days: LocalDays, consumption: Consumption
) -> None:
    """Set the days that the touched reads affect: from the read before them to the one after them."""
    low, high = _moments(groups, touched)
    concerned = np.flatnonzero(high > START)
    before, after = low[concerned], high[concerned]
    keys = _key(sequences.group, sequences.at_s)
    if len(keys):
        at = np.searchsorted(keys, _key(concerned, before)) - 1
        there = (at >= 0) & (sequences.group[at] == concerned)
        before = np.where(there, sequences.at_s[at], before)
        at = np.minimum(np.searchsorted(keys, _key(concerned, after), side="right"), len(keys) - 1)
        there = (sequences.group[at] == concerned) & (sequences.at_s[at] > after)
        after = np.where(there, sequences.at_s[at], after)
    target = groups.target[concerned]
    first, last = np.full(len(groups.targets), END), np.full(len(groups.targets), START)
    np.minimum.at(first, target, days.index_of(before))
    np.maximum.at(last, target, days.index_of(after))
    has = np.flatnonzero(last > START)
    consumption.first[has], consumption.end[has] = first[has] + days.first, last[has] + days.first + 1


def _moments(groups: Groups, touched: Reads) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and last touched moment of every group [s]; ``END`` and ``START`` if it has none.

    Groups that do not count are included: they may have counted before. If the reads of a target are assigned to
    devices one by one, a touched read may belong to any of its groups.
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
    sequences: ReadSequences,
    advances: Advances,
    later: np.ndarray,
    days: LocalDays,
    consumption: Consumption,
    is_new: np.ndarray,
) -> None:
    """Add up the advances that begin or end with a new read, by the register that the file names."""
    if not len(advances):
        return
    after, before = sequences.read[later], sequences.read[later - 1]
    ours = is_new[after] | is_new[before]
    register = np.where(is_new[after], groups.reads.register[after], groups.reads.register[before])[ours]
    own = advances.where(ours).with_owner(register).sorted()
    step = consumption.step[groups.target]
    whole, slots = spread(own, days, step)
    size = len(step)
    used = np.bincount(own.owner, np.where(own.is_known, own.use, 0.0), minlength=size)
    coarse, fine = (np.bincount(part.target, minlength=size) for part in (whole, slots))
    measured = np.bincount(slots.target, slots.value, minlength=size)
    for n in np.unique(register).tolist():
        shares = []
        if coarse[n] or not fine[n]:
            shares.append(RegisterShare(int(coarse[n]), float(used[n] - measured[n]), WHOLE_DAY))
        if fine[n]:
            shares.append(RegisterShare(int(fine[n]), float(measured[n]), int(step[n])))
        consumption.shares[n] = shares
