"""Compare a file's readings with stored ones, to see whether its timestamps are starts or ends."""

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
    """Return the shift [slots] at which the first meters' readings agree with stored ones; None if none clearly does.

    ``plan`` reads timestamps as starts.
    """
    imported, stored = [], []
    for channel in dict.fromkeys(int(rows.channel[0]) for rows in collected.samples):
        parts = [rows for rows in collected.samples if int(rows.channel[0]) == channel]
        for kind in {rows.kind for rows in parts}:
            pair = _pair(channel, ReadingRows.concat([rows for rows in parts if rows.kind == kind]), collected, plan)
            if pair is not None:
                imported.append(pair[0])
                stored.append(pair[1])
    return agreeing_shift(np.concatenate(imported), np.concatenate(stored)) if imported else None


def _pair(
    channel: int, rows: ReadingRows, collected: FileReadings, plan: FilePlan
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return one channel's values of the file and of the lake on one axis of slots, with a gap at its end."""
    target = int(plan.channels.target[channel])
    if target < 0 or plan.targets[target].step >= 720:
        return None
    expected = plan.targets[target]
    series = [
        s.id
        for s in expected.point.series
        if (s.quantity, s.unit, s.step, s.register)
        == (expected.quantity, expected.unit, expected.step, expected.register)
    ]
    slots = align(rows, plan.channels, plan.convention, collected.census.channels).slots
    if not series or len(slots) == 0:
        return None
    first, last = int(slots.day.min()), int(slots.day.max())
    days = connect().days(series, _EPOCH + timedelta(first), _EPOCH + timedelta(last + 1), values=True)
    width = 1440 // expected.step
    imported, lake_values = np.full((2, (last - first + 1) * width + 1), np.nan)
    usual = slots.slot < width
    imported[((slots.day - first) * width + slots.slot)[usual]] = slots.value[usual]
    for day, values in days.select("day", "values").iter_rows():
        if len(values) == width:  # days of a clock change would not line up
            at = ((day - _EPOCH).days - first) * width
            lake_values[at : at + width] = [np.nan if value is None else value for value in values]
    return imported, lake_values
