"""Day rows for tests, and the lake's answers in the shape of the reference."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import polars as pl

from eclectyc.lake.lease import Lease
from eclectyc.lake.store import Lake
from tests.lake.reference import Claim, Day, Slot

SCHEMA = {
    "series": pl.Int32,
    "day": pl.Date,
    "step": pl.Int16,
    "values": pl.List(pl.Float64),
    "quality": pl.List(pl.Int8),
}
FIRST, LAST = date(1900, 1, 1), date(2100, 1, 1)


class Turn(Lease):
    """The writers' turn of a test that has the lake to itself: no registry needed."""

    def __init__(self, fence: int = 1) -> None:
        super().__init__("test", fence)
        self.is_lost = False

    def renew(self) -> None:
        """Nobody else is there."""

    def is_held(self) -> bool:
        return not self.is_lost


def frame(rows: Iterable[tuple[int, date, int, list[float | None], list[int]]]) -> pl.DataFrame:
    """Make day rows out of tuples."""
    return pl.DataFrame(list(rows), schema=SCHEMA, orient="row")


def months(claim: Claim, steps: dict[int, int]) -> list[pl.DataFrame]:
    """Make a claim's frames, one a month."""
    by_month: dict[tuple[int, int], list] = {}
    for (series, day), slots in claim.items():
        row = (series, day, steps[series], [v for v, _ in slots], [q for _, q in slots])
        by_month.setdefault((day.year, day.month), []).append(row)
    return [frame(rows) for _, rows in sorted(by_month.items())]


def held(lake: Lake, known_at: int | None = None) -> dict[Day, list[Slot]]:
    """Return all that the lake holds as the reference has it."""
    rows = lake.days(None, FIRST, LAST, values=True, known_at=known_at)
    assert rows.select("series", "day").equals(rows.select("series", "day").unique().sort("series", "day"))
    columns = rows.select("series", "day", "values", "quality").iter_rows()
    return {(series, day): list(zip(values, quality, strict=True)) for series, day, values, quality in columns}
