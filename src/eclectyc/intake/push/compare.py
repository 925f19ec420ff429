"""Compare a push with stored readings and with earlier pushes in the inbox, by the lake's own rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from eclectyc.intake.push import inbox
from eclectyc.intake.push.encoding import PushedSlots, unpack
from eclectyc.lake.precedence import merge_slots
from eclectyc.lake.slot_arrays import Slots
from eclectyc.lake.store import connect

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class PushComparison:
    """The effect of a push. ``newest`` is the last push of the same days that was considered."""

    added: int
    changed: int
    unchanged: int
    kept: int
    newest: int


def days_of(pushed: PushedSlots) -> tuple[date, date]:
    """Return the first and the last day of a push."""
    return _EPOCH + timedelta(days=int(pushed.day[0])), _EPOCH + timedelta(days=int(pushed.day[-1]))


def compare(series: int, pushed: PushedSlots) -> PushComparison:
    """Return the effect of a push on stored readings and on those of earlier pushes.

    The inbox is read before the lake, so that a push that is stored meanwhile is not missed.
    """
    first, last = days_of(pushed)
    waiting = inbox.pending_pushes(series, first, last)
    stored = connect().slots_of(series, first, last + timedelta(days=1))
    value, quality = stored.at(pushed.day, pushed.slot)
    for push in waiting:
        if push.batch is None or push.batch > stored.last_batch:
            _merge_earlier(unpack(push.data), pushed, value, quality)
    merged = merge_slots(_as_day(value, quality), _as_day(pushed.value, pushed.quality))
    added, changed, unchanged, kept = merged.counts[0].tolist()
    return PushComparison(added, changed, unchanged, kept, newest=waiting[-1].pk if waiting else 0)


def _as_day(value: np.ndarray, quality: np.ndarray) -> Slots:
    return Slots(value, quality, np.array([len(value)], np.int64))


def _merge_earlier(earlier: PushedSlots, pushed: PushedSlots, value: np.ndarray, quality: np.ndarray) -> None:
    """Merge the same slots of an earlier push into ``value`` and ``quality``."""
    key, own_key = earlier.key, pushed.key
    where = np.minimum(np.searchsorted(key, own_key), len(key) - 1)
    both = key[where] == own_key
    if not both.any():
        return
    rows = where[both]
    merged = merge_slots(_as_day(value[both], quality[both]), _as_day(earlier.value[rows], earlier.quality[rows])).slots
    value[both], quality[both] = merged.values, merged.quality
