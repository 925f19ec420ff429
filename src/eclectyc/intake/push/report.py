"""The report of a batch of pushes, with the same details as that of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from eclectyc.intake.push.merge import MergedPushes
from eclectyc.intake.push.models import Push
from eclectyc.intake.push.month_frames import SeriesFacts
from eclectyc.intake.report import STORED_SERIES, SeriesReport
from eclectyc.kernel.days import slot_bounds, zone_of

_EPOCH = date(1970, 1, 1)


def report_of(rows: Sequence[Push], merged: MergedPushes, known: Mapping[int, SeriesFacts]) -> dict[str, Any]:
    """Return the report of a batch: numbers of pushes and readings, tokens used, and the readings of each series."""
    starts = np.flatnonzero(np.r_[True, merged.series[1:] != merged.series[:-1]])
    ends = np.append(starts[1:], len(merged.series)).tolist()
    totals = np.add.reduceat(merged.slots.value, starts).tolist()
    series = [
        _series_report(known[int(merged.series[start])], merged, start, end, total)
        for start, end, total in zip(starts.tolist(), ends, totals, strict=True)
    ]
    sent = sum(row.readings for row in rows)
    return {
        "format": "push",
        "pushes": len(rows),
        "tokens": sorted({row.token_id for row in rows if row.token_id is not None}),
        "rows": sent,
        "accepted": sent,
        "rejected": 0,
        "readings": len(merged.series),
        "kwh": float(sum(one["total"] for one in series if one["unit"] == "kWh")),
        "series": series[:STORED_SERIES],
    }


def _series_report(known: SeriesFacts, merged: MergedPushes, start: int, end: int, total: float) -> dict[str, Any]:
    first, last = (_local(known, merged, at) for at in (start, end - 1))
    one = SeriesReport(known.meter, known.quantity, known.unit, known.step, end - start, total, first, last)
    return {name: getattr(one, name) for name in one.__slots__}


def _local(known: SeriesFacts, merged: MergedPushes, at: int) -> str:
    day = _EPOCH + timedelta(days=int(merged.slots.day[at]))
    return slot_bounds(day, int(merged.slots.slot[at]), known.step, zone_of(known.zone))[0].isoformat()
