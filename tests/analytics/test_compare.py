from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclectyc.analytics.compare import Comparison, like_for_like, partners, slots_like_for_like
from eclectyc.analytics.day_grid import day_grid
from eclectyc.analytics.periods import days_array
from eclectyc.analytics.slots import SlotSeries, expand_days
from tests.analytics.filling import LONDON, Day, flat_days, points_of, rows_of

TODAY = date(2025, 7, 1)


@given(st.dates(date(2000, 1, 1), date(2060, 1, 1)), st.integers(1, 400))
def test_last_year_meets_the_same_weekday_364_days_back(start: date, length: int) -> None:
    for day, other in partners(start, start + timedelta(days=length), "last_year"):
        assert (day - other).days == 364
        assert day.weekday() == other.weekday()


@given(st.dates(date(2000, 1, 1), date(2060, 1, 1)))
def test_last_month_meets_the_same_day_of_the_month_or_none(day: date) -> None:
    pairs = partners(day, day + timedelta(days=1), "last_month")
    try:
        wanted = day.replace(month=day.month - 1) if day.month > 1 else day.replace(year=day.year - 1, month=12)
    except ValueError:  # 31 April, 30 February
        assert pairs == []
    else:
        assert pairs == [(day, wanted)]


def test_the_span_before_has_the_same_length_and_ends_where_this_one_starts() -> None:
    pairs = partners(date(2025, 6, 8), date(2025, 6, 11), "before")
    assert [other for _, other in pairs] == [date(2025, 6, 5), date(2025, 6, 6), date(2025, 6, 7)]


def test_a_part_of_a_week_is_compared_with_the_same_part_of_the_last() -> None:
    days = flat_days(date(2025, 6, 16), date(2025, 6, 23), 1.0) | flat_days(date(2025, 6, 23), date(2025, 6, 25), 2.0)
    grid = day_grid(rows_of(days), points_of(date(2025, 6, 1), TODAY), date(2025, 6, 16), date(2025, 6, 25))
    found = like_for_like(grid, partners(date(2025, 6, 23), date(2025, 6, 25), "last_week"))
    assert (found.current, found.previous, found.percent) == (192.0, 96.0, 100.0)


def test_only_days_that_both_periods_hold_whole_are_compared() -> None:
    days: dict[date, Day] = {
        date(2025, 6, 16): [1.0] * 48,
        date(2025, 6, 17): [1.0] * 47 + [None],
        date(2025, 6, 23): [3.0] * 48,
        date(2025, 6, 24): [3.0] * 48,
        date(2025, 6, 25): [3.0] * 48,  # no day a week before
    }
    grid = day_grid(rows_of(days), points_of(date(2025, 6, 1), TODAY), date(2025, 6, 16), date(2025, 6, 26))
    found = like_for_like(grid, partners(date(2025, 6, 23), date(2025, 6, 26), "last_week"))
    assert (found.current, found.previous) == (144.0, 48.0)
    assert (found.pairs, found.possible, found.percent) == (1, 3, 200.0)


def test_points_are_paired_with_themselves() -> None:
    """One meter is new this week: its use is no rise of the estate's."""
    old = flat_days(date(2025, 6, 16), date(2025, 6, 25), 1.0)
    new = flat_days(date(2025, 6, 23), date(2025, 6, 25), 9.0)
    rows = pl.concat([rows_of(old), rows_of(new, point=1)])
    grid = day_grid(rows, points_of(date(2025, 6, 1), TODAY, count=2), date(2025, 6, 16), date(2025, 6, 25))
    found = like_for_like(grid, partners(date(2025, 6, 23), date(2025, 6, 25), "last_week"))
    assert found.percent == 0.0
    assert found.share == 0.5


@pytest.mark.parametrize(("current", "previous", "pairs"), [(5.0, 0.0, 3), (0.0, 0.0, 0), (5.0, 0.0, 0)])
def test_a_previous_of_nothing_gives_no_percentage(current: float, previous: float, pairs: int) -> None:
    assert Comparison(current, previous, pairs, 3).percent is None


def laid(day: date, values: Day, step: int = 30) -> SlotSeries:
    rows = rows_of({day: values}, step=step)
    return expand_days(rows, days_array(day, day + timedelta(days=1)), zone=LONDON, step=step, expected=np.array([48]))


def compared(day: date, values: Day, other: date, others: Day, *, step: int = 30, other_step: int = 30) -> Comparison:
    return slots_like_for_like(
        laid(day, values, step), laid(other, others, other_step),
        days=[day], previous_days=[other], partner={day: other}, zone=LONDON,
    )  # fmt: skip


def test_slots_are_compared_where_both_days_have_a_reading() -> None:
    found = compared(date(2025, 6, 2), [2.0] * 40 + [None] * 8, date(2025, 6, 1), [None] * 10 + [1.0] * 38)
    assert (found.current, found.previous, found.pairs, found.possible) == (60.0, 30.0, 30, 40)


def test_a_clock_change_day_is_compared_by_the_clock() -> None:
    spring, autumn, plain = date(2025, 3, 30), date(2025, 10, 26), date(2025, 6, 1)
    by_clock = [float(k) for k in range(48)]
    # In spring 01:00 and 01:30 do not exist; in autumn they come twice, and the second has no counterpart.
    found = compared(spring, by_clock[:2] + by_clock[4:], plain, by_clock)
    assert (found.current, found.previous, found.pairs) == (sum(by_clock) - 5, sum(by_clock) - 5, 46)
    found = compared(autumn, [*by_clock[:4], 100.0, 100.0, *by_clock[4:]], plain, by_clock)
    assert (found.current, found.previous, found.pairs, found.possible) == (sum(by_clock), sum(by_clock), 48, 50)


def test_days_read_at_different_steps_share_no_slots() -> None:
    found = compared(date(2025, 6, 2), [1.0] * 48, date(2025, 6, 1), [2.0] * 24, other_step=60)
    assert (found.pairs, found.percent) == (0, None)
