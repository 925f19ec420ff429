"""What a push would change, by the lake's own rule: the lake as it is, then what waits in the inbox, then the push."""

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
    """What becomes of the slots of a push. ``newest`` is the last push of the same days that this knows of."""

    added: int
    changed: int
    unchanged: int
    kept: int
    newest: int


def days_of(pushed: PushedSlots) -> tuple[date, date]:
    """Return the first and the last day of a push."""
    return _EPOCH + timedelta(days=int(pushed.day[0])), _EPOCH + timedelta(days=int(pushed.day[-1]))


def compare(series: int, pushed: PushedSlots) -> PushComparison:
    """Say what a push of a series does to what is held, or is on its way.

    The inbox is read before the lake, so that nothing is missed that goes from the one to the other meanwhile.
    """
    first, last = days_of(pushed)
    waiting = inbox.pending_pushes(series, first, last)
    held = connect().slots_of(series, first, last + timedelta(days=1))
    value, quality = held.at(pushed.day, pushed.slot)
    for push in waiting:
        if push.batch is None or push.batch > held.last_batch:
            _merge_earlier(unpack(push.data), pushed, value, quality)
    laid = merge_slots(_as_day(value, quality), _as_day(pushed.value, pushed.quality))
    added, changed, unchanged, kept = laid.counts[0].tolist()
    return PushComparison(added, changed, unchanged, kept, newest=waiting[-1].pk if waiting else 0)


def _as_day(value: np.ndarray, quality: np.ndarray) -> Slots:
    return Slots(value, quality, np.array([len(value)], np.int64))


def _merge_earlier(earlier: PushedSlots, pushed: PushedSlots, value: np.ndarray, quality: np.ndarray) -> None:
    """Lay what an earlier push says of the same slots over what is held of them."""
    key, wanted = earlier.key, pushed.key
    where = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    both = key[where] == wanted
    if not both.any():
        return
    said = where[both]
    laid = merge_slots(_as_day(value[both], quality[both]), _as_day(earlier.value[said], earlier.quality[said])).slots
    value[both], quality[both] = laid.values, laid.quality
