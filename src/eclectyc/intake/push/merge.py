"""Many pushes as one batch's word on each slot: what is left as if each had come alone, one after another. Pure.

What a push does can depend on what is held. Two pushes of one slot become one word wherever that word does the same
to whatever is held; where no word does (an estimate, then its equal without a flag), the later push waits for the
next batch, and with it all later ones of its series.

    then →       actual w     no flag w                   estimate w
    actual v     actual w     actual w                    actual v
    no flag v    actual w     actual w (equal: no flag)   no word (equal: no flag)
    estimate v   actual w     actual w (equal: no word)   estimate w
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from eclectyc.intake.push.encoding import SLOT_BITS, PushedSlots
from eclectyc.kernel.quality import ACTUAL, ESTIMATED, UNFLAGGED

_DAY_BITS: Final = 17
_BIAS: Final = 2  # [days] west of Greenwich 1970 begins in 1969
_SERIES_SHIFT: Final = SLOT_BITS + _DAY_BITS


@dataclass(frozen=True, slots=True)
class MergedPushes:
    """One word for each slot, sorted by series, day and slot: parallel arrays. ``late`` pushes, by index, have to
    wait for the next batch."""

    series: np.ndarray
    slots: PushedSlots
    late: frozenset[int]


@dataclass(frozen=True, slots=True)
class _SlotEntries:
    """Words in order of slot, then of push. ``nth`` : which push."""

    key: np.ndarray
    nth: np.ndarray
    value: np.ndarray
    quality: np.ndarray

    def where(self, chosen: np.ndarray) -> _SlotEntries:
        return _SlotEntries(self.key[chosen], self.nth[chosen], self.value[chosen], self.quality[chosen])

    @property
    def is_first(self) -> np.ndarray:
        return np.r_[True, self.key[1:] != self.key[:-1]] if len(self.key) else np.zeros(0, bool)


def merge(pushes: Sequence[tuple[int, PushedSlots]]) -> MergedPushes:
    """Return what pushes say together. pushes : series and slots, in the order in which they came."""
    series = np.array([number for number, _ in pushes], np.int64)
    words, late = _sorted(series, pushes), frozenset[int]()
    while True:
        told, conflicts = _together(words)
        if not conflicts:
            return _merged(told, late)
        first: dict[int, int] = {}
        for nth in sorted(conflicts, reverse=True):
            first[int(series[nth])] = nth
        late |= {nth for nth in range(len(series)) if nth >= first.get(int(series[nth]), len(series))}
        words = words.where(~np.isin(words.nth, list(late)))


def _sorted(series: np.ndarray, pushes: Sequence[tuple[int, PushedSlots]]) -> _SlotEntries:
    sizes = [len(slots) for _, slots in pushes]
    nth = np.repeat(np.arange(len(sizes)), sizes)
    every = [slots for _, slots in pushes]
    key = np.concatenate([slots.key for slots in every] or [np.zeros(0, np.int64)])
    key += (series[nth] << _SERIES_SHIFT) + (_BIAS << SLOT_BITS)
    order = np.argsort(key, kind="stable")
    value = np.concatenate([slots.value for slots in every] or [np.zeros(0)])
    quality = np.concatenate([slots.quality for slots in every] or [np.zeros(0, np.int8)])
    return _SlotEntries(key[order], nth[order], value[order], quality[order])


def _together(words: _SlotEntries) -> tuple[_SlotEntries, set[int]]:
    """Return one word for each slot, and the pushes for which there is none."""
    is_first = words.is_first
    if is_first.all():
        return words, set()
    is_repeat = np.r_[False, (words.value[1:] == words.value[:-1]) & (words.quality[1:] == words.quality[:-1])]
    words = words.where(is_first | ~is_repeat)
    starts = np.flatnonzero(words.is_first)
    sizes = np.diff(np.append(starts, len(words.key)))
    last = starts + sizes - 1
    value, quality = words.value[last], words.quality[last]
    has_actual, has_flagless, has_estimate = (
        np.bitwise_or.reduceat(words.quality == kind, starts) for kind in (ACTUAL, UNFLAGGED, ESTIMATED)
    )
    quality = np.where((sizes > 1) & ~has_estimate, np.int8(ACTUAL), quality)  # of several that count, the last
    conflicts: set[int] = set()
    for at in np.flatnonzero((sizes > 1) & has_estimate & (has_actual | has_flagless)).tolist():
        rows = range(int(starts[at]), int(last[at]) + 1)
        value[at], quality[at] = _one_after_another(words, rows, conflicts)
    return _SlotEntries(words.key[starts], words.nth[starts], value, quality), conflicts


def _one_after_another(words: _SlotEntries, rows: range, conflicts: set[int]) -> tuple[float, int]:
    value, quality = float(words.value[rows[0]]), int(words.quality[rows[0]])
    for row in rows[1:]:
        then, kind = float(words.value[row]), int(words.quality[row])
        if {quality, kind} == {UNFLAGGED, ESTIMATED} and (then == value) == (quality == ESTIMATED):
            conflicts.add(int(words.nth[row]))
            break
        if kind == ESTIMATED:
            if quality == ESTIMATED:
                value = then
        elif kind == ACTUAL or then != value:
            value, quality = then, ACTUAL
    return value, quality


def _merged(words: _SlotEntries, late: frozenset[int]) -> MergedPushes:
    day = (words.key >> SLOT_BITS & ((1 << _DAY_BITS) - 1)) - _BIAS
    slot = words.key & ((1 << SLOT_BITS) - 1)
    slots = PushedSlots(day.astype(np.int32), slot.astype(np.int16), words.value, words.quality)
    return MergedPushes((words.key >> _SERIES_SHIFT).astype(np.int32), slots, late)
