"""The same slot more than once in one push: equal counts once; else the actual one; else neither. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from eclectyc.intake.push.columns import Rejection
from eclectyc.intake.push.encoding import PushedSlots
from eclectyc.kernel.quality import ACTUAL, ESTIMATED


@dataclass(slots=True)
class DistinctSlots:
    """Each slot once, sorted. See :class:`eclectyc.intake.push.to_slots.PushAlignment`."""

    pushed: PushedSlots
    repeats: int = 0
    kept: int = 0
    rejected: list[Rejection] = field(default_factory=list)


def deduplicate(pushed: PushedSlots, index: np.ndarray) -> DistinctSlots:
    """Return each slot once. ``index`` is which reading of the push each one is, in the order of ``pushed``."""
    key = pushed.key
    if len(key) > 1 and not (key[1:] > key[:-1]).all():
        order = np.argsort(key, kind="stable")
        pushed, key, index = pushed.where(order), key[order], index[order]
    starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else np.zeros(0, np.int64)
    if len(starts) == len(key):
        return DistinctSlots(pushed)
    done = DistinctSlots(pushed)
    ends = np.r_[starts[1:], len(key)]
    keep = np.zeros(len(key), bool)
    keep[starts] = True
    quality = pushed.quality.copy()
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if end - start > 1:
            keep[start:end] = False
            _decide(done, np.arange(start, end), index, quality, keep)
    done.pushed = PushedSlots(pushed.day, pushed.slot, pushed.value, quality).where(keep)
    return done


def _decide(done: DistinctSlots, rows: np.ndarray, index: np.ndarray, quality: np.ndarray, keep: np.ndarray) -> None:
    """Choose one of the readings of one slot, or none."""
    value = done.pushed.value
    is_estimate = quality[rows] == ESTIMATED
    counting = rows if is_estimate.all() else rows[~is_estimate]
    if len(np.unique(value[counting])) > 1:
        reason = "The same slot comes with different values, and the flags do not say which one is actual."
        done.rejected += [Rejection(int(index[row]), reason, "Send one value for each slot.") for row in rows]
        return
    chosen = int(counting[0])
    if (quality[counting] == ACTUAL).any():
        quality[chosen] = ACTUAL
    keep[chosen] = True
    is_equal = value[rows] == value[chosen]
    done.repeats += int(is_equal.sum()) - 1
    done.kept += int((~is_equal).sum())
