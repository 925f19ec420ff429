"""Merge many pushes into one value for each slot, with the same effect as storing them one after another. Pure.

The effect of a push can depend on stored readings. Two pushes of one slot become one value if that value has the same
effect on any stored reading; if there is no such value (an estimate, then the same value without a flag), the later
push waits for the next batch, and with it all later ones of its series.

    then →       actual w     no flag w                   estimate w
    actual v     actual w     actual w                    actual v
    no flag v    actual w     actual w (equal: no flag)   none (equal: no flag)
    estimate v   actual w     actual w (equal: none)      estimate w
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
    """One value for each slot, sorted by series, day and slot: parallel arrays. ``late`` pushes, by index, wait for the
    next batch."""

    series: np.ndarray
    slots: PushedSlots
    late: frozenset[int]


@dataclass(frozen=True, slots=True)
class _SlotEntries:
    """Values in order of slot, then of push. ``nth`` : index of the push."""

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
    """Return the merged pushes. pushes : series and slots, in order of arrival."""
    series = np.array([number for number, _ in pushes], np.int64)
    entries, late = _sorted(series, pushes), frozenset[int]()
    while True:
        merged, conflicts = _merge_entries(entries)
        if not conflicts:
            return _merged(merged, late)
        first: dict[int, int] = {}
        for nth in sorted(conflicts, reverse=True):
            first[int(series[nth])] = nth
        late |= {nth for nth in range(len(series)) if nth >= first.get(int(series[nth]), len(series))}
        entries = entries.where(~np.isin(entries.nth, list(late)))


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


def _merge_entries(entries: _SlotEntries) -> tuple[_SlotEntries, set[int]]:
    """Return one value for each slot, and the pushes that cannot be merged."""
    is_first = entries.is_first
    if is_first.all():
        return entries, set()
    is_repeat = np.r_[False, (entries.value[1:] == entries.value[:-1]) & (entries.quality[1:] == entries.quality[:-1])]
    entries = entries.where(is_first | ~is_repeat)
    starts = np.flatnonzero(entries.is_first)
    sizes = np.diff(np.append(starts, len(entries.key)))
    last = starts + sizes - 1
    value, quality = entries.value[last], entries.quality[last]
    has_actual, has_flagless, has_estimate = (
        np.bitwise_or.reduceat(entries.quality == kind, starts) for kind in (ACTUAL, UNFLAGGED, ESTIMATED)
    )
    quality = np.where((sizes > 1) & ~has_estimate, np.int8(ACTUAL), quality)  # the last of several that count
    conflicts: set[int] = set()
    for at in np.flatnonzero((sizes > 1) & has_estimate & (has_actual | has_flagless)).tolist():
        rows = range(int(starts[at]), int(last[at]) + 1)
        value[at], quality[at] = _one_after_another(entries, rows, conflicts)
    return _SlotEntries(entries.key[starts], entries.nth[starts], value, quality), conflicts


def _one_after_another(entries: _SlotEntries, rows: range, conflicts: set[int]) -> tuple[float, int]:
    value, quality = float(entries.value[rows[0]]), int(entries.quality[rows[0]])
    for row in rows[1:]:
        then, kind = float(entries.value[row]), int(entries.quality[row])
        if {quality, kind} == {UNFLAGGED, ESTIMATED} and (then == value) == (quality == ESTIMATED):
            conflicts.add(int(entries.nth[row]))
            break
        if kind == ESTIMATED:
            if quality == ESTIMATED:
                value = then
        elif kind == ACTUAL or then != value:
            value, quality = then, ACTUAL
    return value, quality


def _merged(entries: _SlotEntries, late: frozenset[int]) -> MergedPushes:
    day = (entries.key >> SLOT_BITS & ((1 << _DAY_BITS) - 1)) - _BIAS
    slot = entries.key & ((1 << SLOT_BITS) - 1)
    slots = PushedSlots(day.astype(np.int32), slot.astype(np.int16), entries.value, entries.quality)
    return MergedPushes((entries.key >> _SERIES_SHIFT).astype(np.int32), slots, late)
