"""Readings in the slots of local days: every slot of both clock-change days, and what is off the grid."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclectyc.intake.push.columns import ReadingColumns, read_columns
from eclectyc.intake.push.to_slots import PushAlignment, align, clock_at, stated_step
from eclectyc.kernel.quality import ACTUAL, ESTIMATED, UNFLAGGED
from tests.intake.import_calls import starts_of
from tests.intake.push.pushing import at, reading

EPOCH = date(1970, 1, 1)


def columns_of(readings: list[dict[str, Any]]) -> ReadingColumns:
    columns, rejected = read_columns(readings)
    assert rejected == []
    return columns


def placed(
    readings: list[dict[str, Any]], zone: str = "Europe/London", step: int = 30, factor: float = 1.0
) -> PushAlignment:
    columns = columns_of(readings)
    return align(columns, clock=clock_at(zone, columns.start), step=step, factor=factor)


def slots(done: PushAlignment) -> dict[tuple[date, int], tuple[float, int]]:
    """Day and slot → value and quality."""
    pushed = done.pushed
    each = zip(pushed.day.tolist(), pushed.slot.tolist(), pushed.value.tolist(), pushed.quality.tolist(), strict=True)
    return {(EPOCH + timedelta(days=day), slot): (value, quality) for day, slot, value, quality in each}


@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"])
@pytest.mark.parametrize("step", [5, 15, 30, 60])
@pytest.mark.parametrize("day", [date(2025, 3, 30), date(2025, 10, 26), date(2025, 4, 6), date(2025, 6, 1)])
def test_every_slot_of_a_day_has_its_place_whatever_the_clocks_do(zone: str, step: int, day: date) -> None:
    starts = starts_of([day], zone, step)
    done = placed([reading(start, n) for n, start in reversed(list(enumerate(starts)))], zone, step)
    assert done.rejected == []
    assert slots(done) == {(day, n): (float(n), UNFLAGGED) for n in range(len(starts))}


@pytest.mark.parametrize(("day", "hours"), [(date(2025, 3, 30), 23), (date(2025, 6, 1), 24), (date(2025, 10, 26), 25)])
def test_a_whole_day_is_one_slot_from_midnight_to_midnight(day: date, hours: int) -> None:
    zone = ZoneInfo("Europe/London")
    start = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    end = start + timedelta(hours=hours)
    columns = columns_of([reading(start, 5, end=end.isoformat())])
    assert stated_step(columns) == 1440
    assert slots(placed([reading(start, 5, end=end.isoformat())], step=1440)) == {(day, 0): (5.0, UNFLAGGED)}
    wrong = placed([reading(start, 5, end=(start + timedelta(hours=hours - 1)).isoformat())], step=1440)
    assert "its local day" in wrong.rejected[0].reason


@pytest.mark.parametrize(
    ("start", "step", "says"),
    [
        ("2025-06-01T10:10:00Z", 30, "not the start of a 30-minute slot"),
        ("2025-06-01T10:30:00Z", 60, "not the start of a 60-minute slot"),
        ("2025-06-01T10:00:01Z", 1, "not the start of a 1-minute slot"),
        ("2025-06-01T00:00:00Z", 1440, "not the start of a local day"),  # one o'clock in summer
    ],
)
def test_what_is_off_the_grid_is_rejected_and_never_shared_out(start: str, step: int, says: str) -> None:
    done = placed([reading("2025-06-02T23:00:00Z", 1), reading(start, 2)], step=step)
    assert len(done.pushed) == 1
    (one,) = done.rejected
    assert (one.index, says in one.reason) == (1, True)
    assert one.remedy


def test_a_zone_of_half_hours_has_its_hours_on_its_own_clock() -> None:
    done = placed([reading("2025-06-01T10:30:00Z", 1), reading("2025-06-01T10:00:00Z", 2)], "Asia/Kolkata", 60)
    assert slots(done) == {(date(2025, 6, 1), 16): (1.0, UNFLAGGED)}
    assert [one.index for one in done.rejected] == [1]


@pytest.mark.parametrize("minutes", [29, 60, 0, -30])
def test_a_length_that_is_not_the_slots_is_rejected(minutes: int) -> None:
    start = at("2025-06-01 10:00")
    done = placed([reading(start, 1, end=(start + timedelta(minutes=minutes)).isoformat())])
    assert (len(done.pushed), done.rejected[0].reason) == (0, f"The reading lasts {minutes} minutes, not 30 minutes.")


def test_the_step_is_that_of_most_ends() -> None:
    def lasting(*minutes: int) -> int | None:
        readings = []
        for hour, length in enumerate(minutes):
            start = at("2025-06-01 10:00") + timedelta(hours=hour)
            readings.append(reading(start, 1, end=(start + timedelta(minutes=length)).isoformat()))
        return stated_step(columns_of(readings))

    assert lasting(15, 60, 15) == 15
    assert lasting(60, 15) == 15
    assert lasting(7, 60) == 60
    assert lasting(7) is None
    assert stated_step(columns_of([reading(at("2025-06-01 10:00"), 1)])) is None


def test_values_take_the_factor() -> None:
    assert slots(placed([reading(at("2025-06-01 10:00"), 1500)], factor=0.001)) == {
        (date(2025, 6, 1), 22): (1.5, UNFLAGGED)
    }


HALF_PAST = at("2025-06-01 10:30")
OTHERS = [reading(at("2025-06-01 10:00"), 1), reading(at("2025-06-01 11:00"), 3)]


@pytest.mark.parametrize(
    ("twice", "held", "again", "kept", "rejected"),
    [
        ([(2, None), (2, None)], (2.0, UNFLAGGED), 1, 0, []),
        ([(2, None), (2, False), (2, True)], (2.0, ACTUAL), 2, 0, []),
        ([(2, True), (2, True)], (2.0, ESTIMATED), 1, 0, []),
        ([(2, True), (5, False)], (5.0, ACTUAL), 0, 1, []),
        ([(5, None), (2, True), (4, True)], (5.0, UNFLAGGED), 0, 2, []),
        ([(2, None), (5, None)], None, 0, 0, [2, 3]),
        ([(2, False), (5, None), (7, True)], None, 0, 0, [2, 3, 4]),
        ([(2, True), (5, True)], None, 0, 0, [2, 3]),
    ],
)
def test_a_slot_that_comes_twice_counts_once_or_not_at_all(
    twice: list[tuple[float, bool | None]],
    held: tuple[float, int] | None,
    again: int,
    kept: int,
    rejected: list[int],
) -> None:
    done = placed([*OTHERS, *(reading(HALF_PAST, value, estimated=flag) for value, flag in twice)])
    assert slots(done).get((date(2025, 6, 1), 23)) == held
    assert len(done.pushed) == (3 if held else 2)
    assert (done.repeats, done.kept, [one.index for one in done.rejected]) == (again, kept, rejected)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 2), st.sampled_from([True, False, None])), max_size=12))
def test_every_reading_is_counted_once(sent: list[tuple[int, int, bool | None]]) -> None:
    readings = [reading(HALF_PAST + timedelta(minutes=30 * n), v, estimated=flag) for n, v, flag in sent]
    if readings:
        done = placed(readings)
        assert len(done.pushed) + done.repeats + done.kept + len(done.rejected) == len(readings)
        assert done.pushed.key.tolist() == sorted(set(done.pushed.key.tolist()))
