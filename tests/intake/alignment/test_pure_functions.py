"""The pure parts by themselves: clocks, intervals and grids, the same slot twice."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclectyc.intake.alignment.clocks import Clock, clock_for
from eclectyc.intake.alignment.day_rows import merge_days
from eclectyc.intake.alignment.interval_detection import ChannelStamps, StampCensus, grid_of, interval_of
from eclectyc.intake.alignment.reading_arrays import ReadingRows
from eclectyc.intake.alignment.to_slots import SlotValues
from eclectyc.kernel.days import slot_counts

ZONES = ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Beirut", "America/Santiago", "UTC"]
HOUR = 3600


@given(st.sampled_from(ZONES), st.integers(0, 4_000_000_000))
def test_a_clock_shows_what_the_time_zone_shows_and_back(zone: str, instant: int) -> None:
    seconds = np.array([instant])
    clock = clock_for(zone, seconds)
    local = datetime.fromtimestamp(instant, ZoneInfo(zone))
    wall = int(local.replace(tzinfo=UTC).timestamp())
    assert clock.to_wall(seconds).tolist() == [wall]
    assert clock.to_instants(np.array([wall]), np.array([bool(local.fold)])).tolist() == [instant]
    assert not clock.skipped(np.array([wall]))[0]


@given(st.sampled_from(ZONES), st.integers(0, 40_000))
def test_a_clocks_midnights_give_each_day_the_slots_the_kernel_gives_it(zone: str, day: int) -> None:
    days = np.array([day, day + 1])
    opens, closes = clock_for(zone, days * 86_400).to_instants(days * 86_400).tolist()
    assert (closes - opens) // 1800 == slot_counts(days[:1].astype("datetime64[D]"), ZoneInfo(zone), 30)[0]


def test_skipped_and_repeated_times_of_london() -> None:
    def wall(text: str) -> int:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())

    spring = np.array([wall(f"2025-03-30T{t}") for t in ("00:59:59", "01:00:00", "01:59:59", "02:00:00")])
    autumn = np.array([wall(f"2025-10-26T{t}") for t in ("00:59:59", "01:00:00", "01:59:59", "02:00:00")])
    clock = clock_for("Europe/London", spring)
    assert clock.skipped(spring).tolist() == clock.repeated(autumn).tolist() == [False, True, True, False]
    change = wall("2025-03-30T01:00:00")  # in UTC
    assert clock.to_instants(spring).tolist() == [change - 1, change, change, change]
    assert Clock.fixed(-5 * HOUR).name == "UTC-05:00"


def stamps(gaps: dict[int, int], minutes: tuple[int, ...] = (0,)) -> ChannelStamps:
    return ChannelStamps(gaps=Counter(gaps), minutes=Counter(dict.fromkeys(minutes, 1)))


@pytest.mark.parametrize(
    ("gaps", "minutes", "held", "common", "expected"),
    [
        ({1800: 40, 3600: 5}, (0, 1800), [], None, 1800),  # many speak for themselves, with gaps
        ({3600: 40}, (0,), [30], None, 3600),  # even against what is held
        ({3600: 2, 7200: 1}, (0,), [30], None, 1800),  # a few corrections do not
        ({1800: 4, 5400: 4, 9000: 4}, (0, 1800), [30], None, 1800),  # nor do scattered ones
        ({900: 2}, (0, 900), [30], None, 900),  # what does not fit the held step has its own
        ({}, (0,), [60], None, 3600),
        ({}, (0,), [], 900, 900),  # the rest of the file
        ({}, (0,), [], None, 1800),  # what is usual
        ({}, (900,), [], None, 1800),  # one stamp fits any grid that starts with it
        ({10: 50}, (0, 10, 20), [], None, 10),
        ({7200: 30}, (0,), [], None, 7200),
    ],
)
def test_the_interval_of_a_channel(
    gaps: dict[int, int], minutes: tuple[int, ...], held: list[int], common: int | None, expected: int
) -> None:
    found = interval_of(stamps(gaps, minutes), declared=None, stored_steps=held, common_s=common, usual=30)
    assert found == expected


@pytest.mark.parametrize(
    ("interval", "residue", "shifts", "step"),
    [
        (1800, 0, {0}, 30),
        (3600, 0, {0, 3600}, 60),
        (3600, 0, {19_800}, 30),  # hourly UTC data in India
        (3600, 0, {20_700}, 15),  # and in Nepal
        (86_400, 0, {0}, 1440),
        (86_400, 5 * HOUR, {0}, 60),  # gas days
        (86_400, 0, {0, 3600}, 60),  # days of UTC at a London site
        (7200, 0, {0}, 60),
        (5400, 0, {0}, 30),
        (1800, 420, {0}, 1),
        (10, 0, {0}, 1),
        (2 * 86_400, 0, {0}, None),
        (3000, 0, {0}, None),
        (1800, 30, {0}, None),
    ],
)
def test_the_grid_that_holds_whole_intervals(interval: int, residue: int, shifts: set[int], step: int | None) -> None:
    assert grid_of(interval, residue, shifts) == step


def rows(*at: int) -> ReadingRows:
    size = len(at)
    return ReadingRows(
        "clock", np.zeros(size, np.int32), np.arange(size), np.array(at), np.ones(size), np.ones(size, np.int8)
    )


@pytest.mark.parametrize(("order", "is_newest_first"), [(1, False), (-1, True)])
def test_a_census_knows_the_direction_of_the_rows(order: int, is_newest_first: bool) -> None:
    census = StampCensus()
    census.add(rows(*range(0, 18_000, 1800)[::order]))
    assert census.channels[0].is_newest_first is is_newest_first
    assert census.channels[0].interval_s == 1800


def test_rows_in_no_order_show_the_interval_of_their_sorted_stamps() -> None:
    shuffled = np.random.default_rng(3).permutation(np.arange(0, 180_000, 1800))
    census = StampCensus()
    census.add(rows(*shuffled.tolist()))
    assert census.channels[0].interval_s == 1800


def slots(*told: tuple[int, float, int, int]) -> SlotValues:
    """Slots of one day of one target: slot, value, quality, line."""
    slot, value, quality, line = (np.array(column) for column in zip(*told, strict=True))
    zeros = np.zeros(len(told), np.int32)
    return SlotValues(zeros, zeros, slot.astype(np.int32), value.astype(float), quality.astype(np.int8), line)


@pytest.mark.parametrize(
    ("told", "value", "quality", "refused"),
    [
        ([(0, 1, 1, 2), (0, 1, 1, 3)], 1, 1, []),
        ([(0, 1, 2, 2), (0, 1, 1, 3)], 1, 1, []),  # equal: the better flag
        ([(0, 5, 2, 2), (0, 1, 1, 3)], 1, 1, []),  # the actual one
        ([(0, 5, 2, 2), (0, 1, 1, 3), (0, 1, 5, 4)], 1, 1, []),
        ([(0, 5, 1, 2), (0, 1, 1, 3)], np.nan, 0, [2, 3]),
        ([(0, 5, 2, 2), (0, 1, 2, 3)], np.nan, 0, [2, 3]),
        ([(0, 5, 1, 2), (0, 1, 5, 3), (0, 5, 2, 4)], np.nan, 0, [2, 3, 4]),
    ],
)
def test_the_same_slot_twice(
    told: list[tuple[int, float, int, int]], value: float, quality: int, refused: list[int]
) -> None:
    laid = merge_days(slots(*told, (1, 7, 1, 9)), [])
    assert laid.days.values[0].tolist() == pytest.approx([value, 7], nan_ok=True)
    assert laid.days.quality[0].tolist() == [quality, 1]
    assert [line for refusal in laid.refusals for line in refusal.lines.tolist()] == refused
