"""Of several steps of one point, one counts on each day."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from eclectyc.lake.arbitrate import best_per_day

DAY = date(2025, 6, 1)


@pytest.mark.parametrize(
    ("rows", "best"),
    [
        ([(1, 30, 48, 48), (2, 1440, 1, 1)], 1),  # the finest complete one
        ([(1, 30, 47, 48), (2, 1440, 1, 1)], 2),  # only the daily one is complete
        ([(1, 30, 47, 48), (2, 60, 24, 24), (3, 1440, 1, 1)], 2),
        ([(1, 30, 24, 48), (2, 60, 23, 24)], 2),  # none complete: the highest coverage
        ([(1, 30, 24, 48), (2, 60, 12, 24)], 1),  # equal coverage: the finest
        ([(1, 30, 0, 48), (2, 1440, 0, 1)], 1),
    ],
)
def test_the_finest_complete_row_counts_then_coverage_then_the_finest(rows: list, best: int) -> None:
    days = pl.DataFrame(rows, schema=["series", "step", "present", "slots"], orient="row").with_columns(day=DAY)
    points = pl.DataFrame({"series": [1, 2, 3], "point": [7, 7, 7]})
    assert best_per_day(days, points).select("point", "day", "series").rows() == [(7, DAY, best)]


def test_points_and_days_are_settled_each_for_itself() -> None:
    other = date(2025, 6, 2)
    days = pl.DataFrame(
        [(1, DAY, 30, 48, 48), (2, DAY, 1440, 1, 1), (2, other, 1440, 1, 1), (9, DAY, 30, 1, 48), (5, DAY, 30, 1, 48)],
        schema=["series", "day", "step", "present", "slots"],
        orient="row",
    )
    points = pl.DataFrame({"series": [1, 2, 9], "point": [7, 7, 3]})
    answer = best_per_day(days, points)
    assert answer.select("point", "day", "series").rows() == [(3, DAY, 9), (7, DAY, 1), (7, other, 2)]
    assert best_per_day(days.clear(), points).is_empty()
