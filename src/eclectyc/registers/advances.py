"""Calculate the use between effective reads: rollover, recorded resets, multipliers with dates. Pure.

The use between two neighbouring reads of one register is their difference: an *advance*. A register that fell has
rolled over, if that explains the fall with less than half of its range used; or it was reset in a recorded window. A
fall without either reason is reported, and the time between the two reads has no use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final, NamedTuple, Self

import numpy as np

from eclectyc.kernel.quality import ACTUAL, ESTIMATED
from eclectyc.registers.calendar import LocalDays
from eclectyc.registers.devices import Groups
from eclectyc.registers.reads import effective_reads
from eclectyc.registers.register_config import Epoch, PointFacts

DIGITS: Final = 6  # after the decimal point: differences of doubles are no finer


@dataclass(frozen=True, slots=True)
class Advances:
    """Use between moments; every array has shape (advances,).

    owner : a group, a device or a target by number, int64. start, end : UTC [s]. use : [canonical unit], NaN if it is
    not known. is_estimated : a read at either end was. is_known : bool. fits : it lies within one slot, bool.
    """

    owner: np.ndarray
    start: np.ndarray
    end: np.ndarray
    use: np.ndarray
    is_estimated: np.ndarray
    is_known: np.ndarray
    is_in_one_slot: np.ndarray

    def __len__(self) -> int:
        return len(self.owner)

    def where(self, chosen: np.ndarray) -> Advances:
        """Select advances. chosen : a mask or indices."""
        return Advances(*(getattr(self, part.name)[chosen] for part in fields(self)))

    def with_owner(self, owner: np.ndarray) -> Advances:
        return Advances(owner, self.start, self.end, self.use, self.is_estimated, self.is_known, self.is_in_one_slot)

    def sorted(self) -> Advances:
        """Sort by owner and start."""
        order = np.lexsort((self.start, self.owner))
        return self if (order[1:] > order[:-1]).all() else self.where(order)

    @classmethod
    def joined(cls, parts: list[Advances]) -> Self:
        return cls(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)))


class Fall(NamedTuple):
    """A register that fell without a known reason, or showed more than its digits can (both moments the same)."""

    group: int
    start_s: int
    end_s: int
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class ReadSequences:
    """Effective reads of the groups that count, sorted by group and moment; arrays of shape (reads,).

    at_s : UTC [s], moved to the edge of a slot if that is near. read : the index of each read.
    """

    group: np.ndarray
    at_s: np.ndarray
    value: np.ndarray
    is_estimated: np.ndarray
    read: np.ndarray

    def where(self, chosen: np.ndarray) -> ReadSequences:
        """Select reads. chosen : a mask or indices."""
        return ReadSequences(*(getattr(self, part.name)[chosen] for part in fields(self)))


def read_sequences(groups: Groups, days: LocalDays, slot_s: np.ndarray) -> tuple[ReadSequences, list[Fall]]:
    """Return the effective reads of the groups that count, and the impossible ones.

    slot_s : the length of each group's slots [s].
    """
    order = effective_reads(groups.reads, groups.of_read)
    order = order[groups.each("counts")[groups.of_read[order]]] if len(order) else order
    group, value = groups.of_read[order], groups.reads.value[order]
    at_s = groups.reads.at_s[order]
    width = _widths(groups)[group]
    impossible = (value < 0) | (value >= width)
    odd = [
        Fall(int(g), int(at), int(at), float(v), float(v))
        for g, at, v in zip(group[impossible], at_s[impossible], value[impossible], strict=True)
    ]
    moved = days.snap_to_slots(at_s, slot_s[group], groups.each("tolerance_s")[group])
    estimated = groups.reads.quality[order] == ESTIMATED
    every = ReadSequences(group, moved, value, estimated, order).where(~impossible)
    return _one_a_moment(every, at_s[~impossible]), odd


def _one_a_moment(every: ReadSequences, read_s: np.ndarray) -> ReadSequences:
    """Keep the nearest of several reads that were moved to the same edge."""
    same = (every.group[1:] == every.group[:-1]) & (every.at_s[1:] == every.at_s[:-1])
    if not same.any():
        return every
    off = np.abs(every.at_s - read_s)
    order = np.lexsort((off, every.at_s, every.group))
    group, at_s = every.group[order], every.at_s[order]
    return every.where(order[np.r_[True, (group[1:] != group[:-1]) | (at_s[1:] != at_s[:-1])]])


def _widths(groups: Groups) -> np.ndarray:
    return np.array([10.0**register.digits if register.digits else np.inf for register in groups.registers])


def advances_between_reads(
    groups: Groups, points: list[PointFacts], sequences: ReadSequences, days: LocalDays, slot_s: np.ndarray
) -> tuple[Advances, np.ndarray, list[Fall]]:
    """Return the use between neighbouring reads, multiplied; for each advance the later of its two reads (an index into
    ``sequences``); and the falls without a known reason. slot_s : the length of each group's slots [s]."""
    later = np.flatnonzero(sequences.group[1:] == sequences.group[:-1]) + 1
    group = sequences.group[later]
    use = np.round(sequences.value[later] - sequences.value[later - 1], DIGITS)
    width = _widths(groups)[group] if len(groups.registers) else np.zeros(0)
    rolled = use + width
    use = np.where((use < 0) & (rolled < width / 2), np.round(rolled, DIGITS), use)
    estimated = sequences.is_estimated[later] | sequences.is_estimated[later - 1]
    start, end = sequences.at_s[later - 1], sequences.at_s[later]
    fits = days.is_in_one_slot(start, end, slot_s[group])
    whole = Advances(group, start, end, use, estimated, use >= 0, fits)
    resets, reset, falls = _split_at_resets(groups, sequences, later, whole)
    kept = np.ones(len(later), bool)
    kept[resets] = False
    advances = Advances.joined([whole.where(kept), reset])
    parent = np.r_[later[kept], np.repeat(later[resets], 2) if len(reset) else later[:0]]
    use = np.where(advances.is_known, advances.use, np.nan)
    advances = Advances(
        advances.owner,
        advances.start,
        advances.end,
        use,
        advances.is_estimated,
        advances.is_known,
        advances.is_in_one_slot,
    )
    advances, origin = _multiply(groups, points, advances)
    return advances, parent[origin], falls


def _split_at_resets(
    groups: Groups, sequences: ReadSequences, later: np.ndarray, advances: Advances
) -> tuple[np.ndarray, Advances, list[Fall]]:
    """Return the falling advances that a recorded reset explains, two in place of each, and the other falls."""
    resets: list[int] = []
    split: list[tuple[int, int, int, float, bool, bool]] = []
    falls: list[Fall] = []
    for n in np.flatnonzero(~advances.is_known).tolist():
        group, before, after = int(advances.owner[n]), sequences.value[later[n] - 1], sequences.value[later[n]]
        start, end, flag = int(advances.start[n]), int(advances.end[n]), bool(advances.is_estimated[n])
        window = next((w for w in groups.registers[group].resets if w.since_s <= end and w.until_s >= start), None)
        if window is None or after < window.first_read:
            falls.append(Fall(group, start, end, float(before), float(after)))
            continue
        turn = min(max(window.since_s, start), end)
        lost = window.last_read is None or window.last_read < before
        use = np.nan if lost or window.last_read is None else window.last_read - before
        resets.append(n)
        split.append((group, start, turn, use, flag, not lost))
        split.append((group, turn, end, after - window.first_read, flag, True))
    owner, opens, closes = (np.array([one[k] for one in split], dtype=np.int64) for k in range(3))
    estimated, is_known = (np.array([one[k] for one in split], dtype=bool) for k in (4, 5))
    used = np.array([one[3] for one in split], dtype=float)
    reset = Advances(owner, opens, closes, used, estimated, is_known, np.zeros(len(split), bool))
    return np.array(resets, dtype=np.int64), reset, falls


def _multiply(groups: Groups, points: list[PointFacts], advances: Advances) -> tuple[Advances, np.ndarray]:
    """Multiply each advance by the multiplier of its time, split where that changes. Return also their origins."""
    factor = np.array([register.factor * points[register.point].epochs[0].factor for register in groups.registers])
    changing = {n for n, register in enumerate(groups.registers) if len(points[register.point].epochs) > 1}
    use = advances.use * factor[advances.owner] if len(advances) else advances.use
    every = Advances(
        advances.owner,
        advances.start,
        advances.end,
        use,
        advances.is_estimated,
        advances.is_known,
        advances.is_in_one_slot,
    )
    place = np.arange(len(advances))
    if not changing:
        lasting = every.end > every.start
        return every.where(lasting), place[lasting]
    cut = np.isin(every.owner, list(changing))
    parts, origins = [every.where(~cut)], [place[~cut]]
    for n in np.flatnonzero(cut).tolist():
        register = groups.registers[int(every.owner[n])]
        one = advances.where(np.array([n]))
        for part in _cut_by_epoch(one, points[register.point].epochs, register.factor):
            parts.append(part)
            origins.append(np.array([n]))
    joined, origin = Advances.joined(parts), np.concatenate(origins)
    lasting = joined.end > joined.start
    return joined.where(lasting), origin[lasting]


def _cut_by_epoch(advance: Advances, epochs: Sequence[Epoch], unit: float) -> list[Advances]:
    """Split one advance where its multiplier changes, as if the register had run evenly."""
    start, end = int(advance.start[0]), int(advance.end[0])
    parts = []
    for n, epoch in enumerate(epochs):
        opens = max(start, epoch.since_s) if n else start
        closes = min(end, epochs[n + 1].since_s) if n + 1 < len(epochs) else end
        if closes > opens:
            use = advance.use * (closes - opens) / (end - start) * epoch.factor * unit
            times = np.array([opens]), np.array([closes])
            parts.append(
                Advances(advance.owner, *times, use, advance.is_estimated, advance.is_known, advance.is_in_one_slot)
            )
    return parts


def quality_of(is_estimated: np.ndarray) -> np.ndarray:
    """Return the quality of measured use: estimated if a read at either end was."""
    return np.where(is_estimated, np.int8(ESTIMATED), np.int8(ACTUAL))
