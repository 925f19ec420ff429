"""A process that writes one batch and may be killed on its way: ``python -m tests.lake.writer LAKE BATCH VALUE``."""

from __future__ import annotations

import sys
from datetime import date, timedelta

import polars as pl

SERIES = 40
DAYS = [date(2025, 1, 1) + timedelta(days=n) for n in range(0, 120, 3)]


def frames(value: float) -> list[pl.DataFrame]:
    """Four months of some series, every slot the same value."""
    from tests.lake.rows import frame

    months = sorted({day.month for day in DAYS})
    return [
        frame(
            (series, day, 60, [value] * 24, [1] * 24)
            for series in range(1, SERIES + 1)
            for day in DAYS
            if day.month == month
        )
        for month in months
    ]


def main(url: str, batch: int, value: float) -> None:
    """Write, or take back where the value is 0."""
    import django

    django.setup()
    from eclectyc.lake.files import Storage
    from eclectyc.lake.store import Lake
    from tests.lake.rows import Turn

    lake, turn = Lake(Storage.from_url(url)), Turn(fence=batch)
    if value:
        lake.write(frames(value), lease=turn, batch=batch)
    else:
        lake.undo(batch - 1, lease=turn, by=batch)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
