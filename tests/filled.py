"""Readings of a test's own in the lake, written through the same door as imports."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from eclectyc.batches.models import Batch
from eclectyc.estate.models import Series


def write_days(series: Series, first: date, days: int = 2, kwh: float = 1.5, quality: int = 1) -> Batch:
    """Write ordinary days of half-hours of one series, all alike, as one batch that is done."""
    from eclectyc.lake.lease import writer_lease
    from eclectyc.lake.store import connect

    frame = pl.DataFrame(
        {
            "series": pl.Series([series.pk] * days, dtype=pl.Int32),
            "day": [first + timedelta(days=n) for n in range(days)],
            "step": pl.Series([30] * days, dtype=pl.Int16),
            "values": [np.full(48, kwh).tolist()] * days,
            "quality": pl.Series([[quality] * 48] * days, dtype=pl.List(pl.Int8)),
        }
    )
    with writer_lease("test") as lease:
        batch = Batch.objects.create(organisation=series.meter.organisation, fence=lease.fence)
        result = connect().write([frame], lease=lease, batch=batch.pk)
    batch.state, batch.added = Batch.DONE, result.added
    batch.save()
    return batch
