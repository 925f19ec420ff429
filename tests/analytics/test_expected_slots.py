from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from eclectyc.analytics.expected_slots import NEVER, expected_since, expected_slots, expected_until
from eclectyc.analytics.periods import days_array
from tests.analytics.filling import points_of, rows_of

TODAY = date(2025, 7, 1)


@pytest.mark.parametrize(
    ("installed", "first", "since"),
    [
        (date(2025, 1, 1), date(2025, 2, 1), date(2025, 1, 1)),
        (None, date(2025, 2, 1), date(2025, 2, 1)),
        (None, None, NEVER),
    ],
)
def test_a_meter_is_expected_from_its_installation_or_else_its_first_reading(
    installed: date | None, first: date | None, since: date
) -> None:
    found = expected_since(*(np.array([day], dtype="datetime64[D]") for day in (installed, first)))
    assert found == np.datetime64(since, "D")


@pytest.mark.parametrize(
    ("removed", "last", "is_active", "until"),
    [
        (None, date(2025, 3, 1), True, TODAY),  # silent, and expected all the same
        (date(2025, 5, 1), date(2025, 3, 1), True, date(2025, 5, 1)),
        (date(2025, 9, 1), date(2025, 3, 1), True, TODAY),  # the future is not expected
        (None, date(2025, 3, 1), False, date(2025, 3, 2)),
        (None, None, False, date(1970, 1, 1)),
    ],
)
def test_a_meter_is_expected_until_it_is_removed_or_today(
    removed: date | None, last: date | None, is_active: bool, until: date
) -> None:
    known = (np.array([day], dtype="datetime64[D]") for day in (removed, last))
    assert expected_until(*known, np.array([is_active]), TODAY) == np.datetime64(until, "D")


def test_a_day_with_readings_is_expected_whole_at_its_own_step() -> None:
    days = days_array(date(2025, 6, 28), date(2025, 7, 3))
    rows = rows_of({date(2025, 6, 29): [1.0] * 24, date(2025, 7, 1): [None] * 47 + [1.0]}, step=60)
    expected = expected_slots(points_of(date(2025, 6, 29), TODAY), days, rows)
    assert expected.tolist() == [[0, 24, 48, 48, 0]]


def test_expectation_follows_the_clocks_of_each_point() -> None:
    days = days_array(date(2025, 3, 30), date(2025, 3, 31))
    empty = rows_of({})
    for zone, slots in (("Europe/London", 46), ("Asia/Kolkata", 48), ("Africa/Cairo", 48)):
        points = points_of(date(2025, 1, 1), TODAY, zone=zone, count=2)
        assert expected_slots(points, days, empty).tolist() == [[slots], [slots]]
