"""Resolve slots that occur repeatedly in a push: equal values count once; else the actual one; else none. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from eclectyc.intake.push.columns import Rejection
from eclectyc.intake.push.encoding import PushedSlots
from eclectyc.kernel.quality import ACTUAL, ESTIMATED


@dataclass(slots=True)
class DistinctSlots:
    """Each slot once, sorted. The counts are those of :class:`eclectyc.intake.push.to_slots.PushAlignment`."""

    pushed: PushedSlots
    repeats: int = 0
    kept: int = 0
    rejected: list[Rejection] = field(default_factory=list)


def deduplicate(pushed: PushedSlots, index: np.ndarray) -> DistinctSlots:
    """Return each slot once. ``index`` is each slot's reading in the push, in the order of ``pushed``."""
    key = pushed.key
    if len(key) > 1 and not (key[1:] > key[:-1]).all():
        order = np.argsort(key, kind="stable")
        pushed, key, index = pushed.where(order), key[order], index[order]
    starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else np.zeros(0, np.int64)
    if len(starts) == len(key):
        return DistinctSlots(pushed)
    distinct = DistinctSlots(pushed)
    ends = np.r_[starts[1:], len(key)]
    keep = np.zeros(len(key), bool)
    keep[starts] = True
    quality = pushed.quality.copy()
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if end - start > 1:
            keep[start:end] = False
            _decide(distinct, np.arange(start, end), index, quality, keep)
    distinct.pushed = PushedSlots(pushed.day, pushed.slot, pushed.value, quality).where(keep)
    return distinct


def _decide(
    distinct: DistinctSlots, rows: np.ndarray, index: np.ndarray, quality: np.ndarray, keep: np.ndarray
) -> None:
    """Choose one of the readings of one slot, or none."""
    value = distinct.pushed.value
    is_estimate = quality[rows] == ESTIMATED
    counting = rows if is_estimate.all() else rows[~is_estimate]
    if len(np.unique(value[counting])) > 1:
        reason = "This slot occurs more than once with different values, and no flag shows which one is actual."
        distinct.rejected += [Rejection(int(index[row]), reason, "Send one value for each slot.") for row in rows]
        return
    chosen = int(counting[0])
    if (quality[counting] == ACTUAL).any():
        quality[chosen] = ACTUAL
    keep[chosen] = True
    is_equal = value[rows] == value[chosen]
    distinct.repeats += int(is_equal.sum()) - 1
    distinct.kept += int((~is_equal).sum())
