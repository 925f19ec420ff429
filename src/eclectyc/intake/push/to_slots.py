"""Align pushed readings with the slots of the local day, or reject them. Pure.

Pushed readings are never spread over a finer step, as those of files may be: the program knows its slots.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import numpy as np

from eclectyc.intake.alignment.clocks import DAY_S, MINUTE_S, Clock, clock_of
from eclectyc.intake.push.columns import NO_END, ReadingColumns, Rejection, iso_text
from eclectyc.intake.push.deduplicate import deduplicate
from eclectyc.intake.push.encoding import PushedSlots
from eclectyc.kernel.days import STEPS, WHOLE_DAY

_SHORTEST_DAY_S: Final = 22 * 3600
_LONGEST_DAY_S: Final = 26 * 3600


@dataclass(slots=True)
class PushAlignment:
    """Readings with their slots. ``repeats`` : equal values of a slot; ``kept`` : estimates beside an actual value."""

    pushed: PushedSlots
    repeats: int = 0
    kept: int = 0
    rejected: list[Rejection] = field(default_factory=list)


def clock_at(zone: str, instants: np.ndarray) -> Clock:
    """Return a zone's clock over the decades of some instants, so that few clocks are cached."""
    ends = (datetime.fromtimestamp(int(at), UTC).year // 10 * 10 for at in (instants.min(), instants.max()))
    first, last = ends
    return clock_of(zone, first, last + 9)


def stated_step(columns: ReadingColumns) -> int | None:
    """Return the step [minutes] of most readings with an end; None if no length is a step."""
    has_end = columns.end != NO_END
    lengths, counts = np.unique(columns.end[has_end] - columns.start[has_end], return_counts=True)
    counts_by_step: Counter[int] = Counter()
    for length_s, count in zip(lengths.tolist(), counts.tolist(), strict=True):
        minutes = WHOLE_DAY if _SHORTEST_DAY_S <= length_s <= _LONGEST_DAY_S else length_s / MINUTE_S
        if minutes in STEPS:
            counts_by_step[int(minutes)] += count
    return min(counts_by_step, key=lambda step: (-counts_by_step[step], step)) if counts_by_step else None


def align(columns: ReadingColumns, *, clock: Clock, step: int, factor: float) -> PushAlignment:
    """Align readings with the slots of local days.

    clock : of the site. step : of the series [minutes]. factor : from what was sent to the series' unit.
    """
    day = clock.to_wall(columns.start) // DAY_S
    midnight, following = clock.to_instants(day * DAY_S), clock.to_instants((day + 1) * DAY_S)
    within, step_s = columns.start - midnight, step * MINUTE_S
    is_off = within % step_s != 0 if step != WHOLE_DAY else within != 0
    end = following if step == WHOLE_DAY else np.minimum(columns.start + step_s, following)
    is_odd = ~is_off & (columns.end != NO_END) & (columns.end != end)
    rejected = [_off_grid(columns, at, step) for at in np.flatnonzero(is_off).tolist()]
    rejected += [_odd_length(columns, at, step) for at in np.flatnonzero(is_odd).tolist()]
    fits = ~(is_off | is_odd)
    pushed = PushedSlots(
        day[fits].astype(np.int32),
        (within[fits] // step_s).astype(np.int16),
        columns.value[fits] * factor,
        columns.quality[fits],
    )
    distinct = deduplicate(pushed, columns.index[fits])
    return PushAlignment(distinct.pushed, distinct.repeats, distinct.kept, rejected + distinct.rejected)


def _off_grid(columns: ReadingColumns, at: int, step: int) -> Rejection:
    start = iso_text(int(columns.start[at]))
    index = int(columns.index[at])
    if step == WHOLE_DAY:
        return Rejection(index, f"{start} is not the start of a local day.", "Send local midnight, or give the step.")
    remedy = "Send the start of a slot, or give the step if it is different."
    return Rejection(index, f"{start} is not the start of a {step}-minute slot of the local day.", remedy)


def _odd_length(columns: ReadingColumns, at: int, step: int) -> Rejection:
    minutes = (int(columns.end[at]) - int(columns.start[at])) / MINUTE_S
    expected = "its local day" if step == WHOLE_DAY else f"{step} minutes"
    reason = f"The reading lasts {minutes:g} minutes, not {expected}."
    return Rejection(int(columns.index[at]), reason, "Send each length in a separate push, or leave out the end.")
