"""From standing reads to the use between them: rollover, declared resets, multipliers with dates. Pure.

The use between two neighbouring reads of one register is their difference. A register that fell has rolled over at its
width, if that explains the fall with less than half the width used; or it was set back in a declared window. A fall
that neither explains is a finding, and the time between the two reads has no use.
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

DIGITS: Final = 6  # behind the point: differences of doubles are no finer


@dataclass(frozen=True, slots=True)
class Advances:
    """Use between moments; every array has shape (pieces,).

    owner : a group, a device or a target by number, int64. start, end : UTC [s]. use : [canonical unit], NaN where it
    is not known. is_estimated : a read at either end was. is_known : bool. fits : it lies within one slot, bool.
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
        """Return some of the pieces: a mask or indices."""
        return Advances(*(getattr(self, part.name)[chosen] for part in fields(self)))

    def with_owner(self, owner: np.ndarray) -> Advances:
        """Return the same pieces with other owners."""
        return Advances(owner, self.start, self.end, self.use, self.is_estimated, self.is_known, self.is_in_one_slot)

    def sorted(self) -> Advances:
        """Return the pieces sorted by owner and start."""
        order = np.lexsort((self.start, self.owner))
        return self if (order[1:] > order[:-1]).all() else self.where(order)

    @classmethod
    def joined(cls, parts: list[Advances]) -> Self:
        """Put pieces behind each other."""
        return cls(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)))


class Fall(NamedTuple):
    """A register that fell, unexplained – or showed more than its digits can (both moments the same)."""

    group: int
    start_s: int
    end_s: int
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class ReadSequences:
    """The standing reads of counting groups, sorted by group and moment; arrays of shape (reads,).

    at_s : UTC [s], moved to the edge of a slot where that is near. read : which read each is.
    """

    group: np.ndarray
    at_s: np.ndarray
    value: np.ndarray
    is_estimated: np.ndarray
    read: np.ndarray

    def where(self, chosen: np.ndarray) -> ReadSequences:
        """Return some of them: a mask or indices."""
        return ReadSequences(*(getattr(self, part.name)[chosen] for part in fields(self)))


def read_sequences(groups: Groups, days: LocalDays, slot_s: np.ndarray) -> tuple[ReadSequences, list[Fall]]:
    """Return the standing reads of counting groups, and the reads that cannot be.

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


def _one_a_moment(every: ReadSequences, told_s: np.ndarray) -> ReadSequences:
    """Of reads that were moved to one edge keep the nearest."""
    same = (every.group[1:] == every.group[:-1]) & (every.at_s[1:] == every.at_s[:-1])
    if not same.any():
        return every
    off = np.abs(every.at_s - told_s)
    order = np.lexsort((off, every.at_s, every.group))
    first = np.r_[True, (every.group[order][1:] != every.group[order][:-1])
                  | (every.at_s[order][1:] != every.at_s[order][:-1])]  # fmt: skip
    return every.where(order[first])


def _widths(groups: Groups) -> np.ndarray:
    return np.array([10.0**register.digits if register.digits else np.inf for register in groups.registers])


def advances_between_reads(
    groups: Groups, points: list[PointFacts], of: ReadSequences, days: LocalDays, slot_s: np.ndarray
) -> tuple[Advances, np.ndarray, list[Fall]]:
    """Return the use between neighbouring reads, multiplied; for each piece the later of its two reads (an index into
    ``of``); and the falls that nothing explains. slot_s : the length of each group's slots [s]."""
    later = np.flatnonzero(of.group[1:] == of.group[:-1]) + 1
    group = of.group[later]
    use = np.round(of.value[later] - of.value[later - 1], DIGITS)
    width = _widths(groups)[group] if len(groups.registers) else np.zeros(0)
    rolled = use + width
    use = np.where((use < 0) & (rolled < width / 2), np.round(rolled, DIGITS), use)
    estimated = of.is_estimated[later] | of.is_estimated[later - 1]
    start, end = of.at_s[later - 1], of.at_s[later]
    fits = days.is_in_one_slot(start, end, slot_s[group])
    whole = Advances(group, start, end, use, estimated, use >= 0, fits)
    resets, reset, falls = _split_at_resets(groups, of, later, whole)
    kept = np.ones(len(later), bool)
    kept[resets] = False
    pieces = Advances.joined([whole.where(kept), reset])
    parent = np.r_[later[kept], np.repeat(later[resets], 2) if len(reset) else later[:0]]
    use = np.where(pieces.is_known, pieces.use, np.nan)
    pieces = Advances(
        pieces.owner, pieces.start, pieces.end, use, pieces.is_estimated, pieces.is_known, pieces.is_in_one_slot
    )
    pieces, origin = _multiply(groups, points, pieces)
    return pieces, parent[origin], falls


def _split_at_resets(
    groups: Groups, of: ReadSequences, later: np.ndarray, pieces: Advances
) -> tuple[np.ndarray, Advances, list[Fall]]:
    """Return the falling pieces that a declared window explains, two pieces for each instead, and the other falls."""
    resets: list[int] = []
    made: list[tuple[int, int, int, float, bool, bool]] = []
    falls: list[Fall] = []
    for n in np.flatnonzero(~pieces.is_known).tolist():
        group, before, after = int(pieces.owner[n]), of.value[later[n] - 1], of.value[later[n]]
        start, end, flag = int(pieces.start[n]), int(pieces.end[n]), bool(pieces.is_estimated[n])
        window = next((w for w in groups.registers[group].resets if w.since_s <= end and w.until_s >= start), None)
        if window is None or after < window.first_read:
            falls.append(Fall(group, start, end, float(before), float(after)))
            continue
        turn = min(max(window.since_s, start), end)
        lost = window.last_read is None or window.last_read < before
        use = np.nan if lost or window.last_read is None else window.last_read - before
        resets.append(n)
        made.append((group, start, turn, use, flag, not lost))
        made.append((group, turn, end, after - window.first_read, flag, True))
    owner, opens, closes = (np.array([one[k] for one in made], dtype=np.int64) for k in range(3))
    estimated, is_known = (np.array([one[k] for one in made], dtype=bool) for k in (4, 5))
    used = np.array([one[3] for one in made], dtype=float)
    reset = Advances(owner, opens, closes, used, estimated, is_known, np.zeros(len(made), bool))
    return np.array(resets, dtype=np.int64), reset, falls


def _multiply(groups: Groups, points: list[PointFacts], pieces: Advances) -> tuple[Advances, np.ndarray]:
    """Multiply each piece by what held at its time, cut where that changes; and say which piece each comes from."""
    factor = np.array([register.factor * points[register.point].epochs[0].factor for register in groups.registers])
    changing = {n for n, register in enumerate(groups.registers) if len(points[register.point].epochs) > 1}
    use = pieces.use * factor[pieces.owner] if len(pieces) else pieces.use
    every = Advances(
        pieces.owner, pieces.start, pieces.end, use, pieces.is_estimated, pieces.is_known, pieces.is_in_one_slot
    )
    place = np.arange(len(pieces))
    if not changing:
        lasting = every.end > every.start
        return every.where(lasting), place[lasting]
    cut = np.isin(every.owner, list(changing))
    parts, origins = [every.where(~cut)], [place[~cut]]
    for n in np.flatnonzero(cut).tolist():
        register = groups.registers[int(every.owner[n])]
        one = pieces.where(np.array([n]))
        for part in _cut_by_epoch(one, points[register.point].epochs, register.factor):
            parts.append(part)
            origins.append(np.array([n]))
    joined, origin = Advances.joined(parts), np.concatenate(origins)
    lasting = joined.end > joined.start
    return joined.where(lasting), origin[lasting]


def _cut_by_epoch(piece: Advances, epochs: Sequence[Epoch], unit: float) -> list[Advances]:
    """Cut one piece where its multiplier changes: its register ran evenly, so far as anybody knows."""
    start, end = int(piece.start[0]), int(piece.end[0])
    parts = []
    for n, epoch in enumerate(epochs):
        opens = max(start, epoch.since_s) if n else start
        closes = min(end, epochs[n + 1].since_s) if n + 1 < len(epochs) else end
        if closes > opens:
            use = piece.use * (closes - opens) / (end - start) * epoch.factor * unit
            parts.append(Advances(piece.owner, np.array([opens]), np.array([closes]), use, piece.is_estimated,
                                piece.is_known, piece.is_in_one_slot))  # fmt: skip
    return parts


def quality_of(is_estimated: np.ndarray) -> np.ndarray:
    """Return the quality of measured use: estimated where a read at either end was."""
    return np.where(is_estimated, np.int8(ESTIMATED), np.int8(ACTUAL))
