from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclectyc.analytics.periods import Window, bucket_ends, bucket_starts, month_after, month_before
from eclectyc.kernel.errors import Invalid

LONDON = ZoneInfo("Europe/London")
days = st.dates(date(1975, 1, 1), date(2080, 1, 1))


def as_array(*some: date) -> np.ndarray:
    return np.array(some, dtype="datetime64[D]")


@given(days)
def test_a_week_starts_on_the_monday_at_or_before_a_day(day: date) -> None:
    start = bucket_starts(as_array(day), "week")[0].item()
    assert start == day - timedelta(days=day.weekday())


@given(days, st.sampled_from(["day", "week", "month", "year"]))
def test_a_bucket_holds_its_day_and_meets_the_next_bucket(day: date, by: str) -> None:
    starts = bucket_starts(as_array(day), by)
    ends = bucket_ends(starts, by)
    assert starts[0].item() <= day < ends[0].item()
    assert bucket_starts(ends, by)[0] == ends[0]


@given(days)
def test_months_before_and_after_are_neighbours(day: date) -> None:
    assert month_after(month_before(day)) == day.replace(day=1)


def test_a_window_of_dates_runs_from_midnight_to_midnight_local() -> None:
    window = Window.of(date(2025, 6, 1), date(2025, 6, 3), LONDON)
    assert window.start == datetime(2025, 5, 31, 23, tzinfo=UTC)
    assert window.end == datetime(2025, 6, 2, 23, tzinfo=UTC)
    assert (window.first_day, window.end_day, window.cut_days) == (date(2025, 6, 1), date(2025, 6, 3), ())


def test_a_window_of_instants_says_which_days_it_cuts() -> None:
    window = Window.of(datetime(2025, 6, 1, 10, tzinfo=UTC), datetime(2025, 6, 2, 23, tzinfo=UTC), LONDON)
    assert window.cut_days == (date(2025, 6, 1),)
    assert window.end_day == date(2025, 6, 3)


def test_a_window_inside_one_day_cuts_it_once() -> None:
    window = Window.of(datetime(2025, 6, 1, 10, tzinfo=UTC), datetime(2025, 6, 1, 11, tzinfo=UTC), LONDON)
    assert window.cut_days == (date(2025, 6, 1),)


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        (date(2025, 6, 2), date(2025, 6, 1), "to"),
        (date(2025, 6, 1), date(2025, 6, 1), "to"),
        (date(1, 1, 1), date(2025, 6, 1), "from"),
        (date(2025, 6, 1), date(9999, 12, 31), "to"),
        (datetime(2025, 6, 1, 10), date(2025, 6, 2), "from"),  # no offset
        (datetime.max.replace(tzinfo=UTC), date(2025, 6, 2), "from"),
    ],
)
def test_a_window_that_is_none_is_refused_with_the_end_that_is_wrong(start: date, end: date, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        Window.of(start, end, LONDON)
    assert refused.value.field == field
    assert refused.value.remedy
