"""Readings as JSON has them: what is taken, what is rejected and why, the quick way like the careful one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclectyc.intake.push.columns import NO_END, ReadingColumns, at_once, one_by_one, read_columns
from eclectyc.kernel.quality import ACTUAL, ESTIMATED, UNFLAGGED

GOOD: dict[str, Any] = {"start": "2025-06-01T10:00:00Z", "value": 1.5}
START_S = 1_748_772_000


def rows(columns: ReadingColumns) -> list[tuple[object, ...]]:
    each = (columns.index, columns.start, columns.end, columns.value, columns.quality)
    return list(zip(*(array.tolist() for array in each), strict=True))


@pytest.mark.parametrize(
    ("more", "row"),
    [
        ({}, (0, START_S, NO_END, 1.5, UNFLAGGED)),
        ({"estimated": False}, (0, START_S, NO_END, 1.5, ACTUAL)),
        ({"estimated": True}, (0, START_S, NO_END, 1.5, ESTIMATED)),
        ({"estimated": None, "end": None}, (0, START_S, NO_END, 1.5, UNFLAGGED)),
        ({"end": "2025-06-01T12:30:00+02:00"}, (0, START_S, START_S + 1800, 1.5, UNFLAGGED)),
        ({"value": 7}, (0, START_S, NO_END, 7.0, UNFLAGGED)),
        ({"value": -0.25}, (0, START_S, NO_END, -0.25, UNFLAGGED)),
        ({"value": 2**53 + 1}, None),
        ({"value": 0}, (0, START_S, NO_END, 0.0, UNFLAGGED)),
    ],
)
def test_a_sound_reading_is_taken_either_way(more: dict[str, Any], row: tuple[object, ...] | None) -> None:
    careful, rejected = one_by_one([GOOD | more])
    quick = at_once([GOOD | more])
    if row is None:
        assert quick is None
        assert len(rejected) == 1
        return
    assert rejected == []
    assert rows(careful) == [row]
    assert quick is not None
    assert rows(quick) == [row]


@pytest.mark.parametrize(
    ("strange", "says"),
    [
        ("2025-06-01T10:00:00Z", "not an object"),
        (None, "not an object"),
        ({"value": 1}, "start is missing"),
        ({"start": 1748772000, "value": 1}, "start is missing"),
        ({"start": "2025-06-01T10:00:00", "value": 1}, "has no offset"),
        (GOOD | {"end": "2025-06-01T10:30:00"}, "end 2025-06-01T10:30:00 has no offset"),
        (GOOD | {"end": ""}, "is not an instant"),
        ({"start": GOOD["start"]}, "value is missing"),
        (GOOD | {"value": None}, "value is missing"),
        (GOOD | {"value": "1.5"}, "not a number"),
        (GOOD | {"value": True}, "not a number"),
        (GOOD | {"value": [1]}, "not a number"),
        (GOOD | {"value": 1e13}, "larger than any"),
        (GOOD | {"value": float("inf")}, "larger than any"),
        (GOOD | {"value": float("nan")}, "larger than any"),
        (GOOD | {"estimated": 1}, "must be true or false"),
        (GOOD | {"estimated": "A"}, "must be true or false"),
        (GOOD | {"quality": "A"}, "no field 'quality'"),
    ],
)
def test_rejected_readings_have_their_index_and_the_others_are_accepted(strange: object, says: str) -> None:
    columns, rejected = read_columns([GOOD, strange, GOOD])
    assert columns.index.tolist() == [0, 2]
    (one,) = rejected
    assert one.index == 1
    assert says in one.reason
    assert one.remedy


def test_no_readings_are_no_rows() -> None:
    columns, rejected = read_columns([])
    assert (len(columns.index), rejected) == (0, [])


STAMPS = st.sampled_from(
    ["2025-06-01T10:00:00Z", "2025-06-01T11:00:00+01:00", "2025-06-01T10:00Z", "2025-06-01T10:00:00", "x", None, 5]
)
ANYTHING = st.fixed_dictionaries(
    {},
    optional={
        "start": STAMPS,
        "end": STAMPS,
        "value": st.one_of(st.floats(), st.integers(), st.booleans(), st.none(), st.text(max_size=2)),
        "estimated": st.sampled_from([True, False, None, 0, 1, "A"]),
        "other": st.just(1),
    },
)


@given(st.lists(ANYTHING, min_size=1, max_size=4))
def test_the_quick_way_takes_nothing_that_the_careful_one_would_not(readings: list[dict[str, Any]]) -> None:
    quick = at_once(readings)
    careful, rejected = one_by_one(readings)
    if quick is not None:
        assert rejected == []
        assert rows(quick) == rows(careful)
    assert len(careful.index) + len(rejected) == len(readings)
