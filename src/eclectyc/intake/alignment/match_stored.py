"""Do a file's stamps agree with readings already held, as they stand or moved by one slot?"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from eclectyc.intake.alignment.collect import FileReadings
from eclectyc.intake.alignment.interpretation import FilePlan
from eclectyc.intake.alignment.reading_arrays import ReadingRows
from eclectyc.intake.alignment.stamp_convention import agreeing_shift
from eclectyc.intake.alignment.to_slots import align
from eclectyc.lake.store import connect

_EPOCH = date(1970, 1, 1)


def shift_to_stored(collected: FileReadings, plan: FilePlan) -> int | None:
    """Return the shift, in slots, by which the first meters' readings agree with what the lake holds; None if
    nothing plain is to be seen. ``plan`` reads stamps as starts."""
    said, held = [], []
    for channel in dict.fromkeys(int(rows.channel[0]) for rows in collected.samples):
        parts = [rows for rows in collected.samples if int(rows.channel[0]) == channel]
        for kind in {rows.kind for rows in parts}:
            pair = _pair(channel, ReadingRows.concat([rows for rows in parts if rows.kind == kind]), collected, plan)
            if pair is not None:
                said.append(pair[0])
                held.append(pair[1])
    return agreeing_shift(np.concatenate(said), np.concatenate(held)) if said else None


def _pair(
    channel: int, rows: ReadingRows, collected: FileReadings, plan: FilePlan
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return what the file and the lake say of one channel on one axis of slots, with a gap at its end."""
    target = int(plan.channels.target[channel])
    if target < 0 or plan.targets[target].step >= 720:
        return None
    wanted = plan.targets[target]
    series = [
        s.id
        for s in wanted.point.series
        if (s.quantity, s.unit, s.step, s.register) == (wanted.quantity, wanted.unit, wanted.step, wanted.register)
    ]
    slots = align(rows, plan.channels, plan.convention, collected.census.channels).slots
    if not series or len(slots) == 0:
        return None
    first, last = int(slots.day.min()), int(slots.day.max())
    days = connect().days(series, _EPOCH + timedelta(first), _EPOCH + timedelta(last + 1), values=True)
    width = 1440 // wanted.step
    said, there = np.full((2, (last - first + 1) * width + 1), np.nan)
    usual = slots.slot < width
    said[((slots.day - first) * width + slots.slot)[usual]] = slots.value[usual]
    for day, values in days.select("day", "values").iter_rows():
        if len(values) == width:  # days of a clock change would not line up
            at = ((day - _EPOCH).days - first) * width
            there[at : at + width] = [np.nan if value is None else value for value in values]
    return said, there
