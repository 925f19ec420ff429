"""Local days and slots, against a count of the clock's own quarter-hours."""

from __future__ import annotations

import doctest
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclectyc.kernel import days, identifiers, units
from eclectyc.kernel.days import (
    STEPS,
    WHOLE_DAY,
    day_bounds,
    days_between,
    local_day,
    midnight,
    midnights,
    slot_bounds,
    slot_counts,
    slots_in_day,
    zone_of,
)
from eclectyc.kernel.errors import Invalid

LONDON = ZoneInfo("Europe/London")
QUARTER = timedelta(minutes=15)
# Summer time of an hour and of half an hour, offsets off the hour, midnights that the clocks skip or repeat, none.
ZONES = [
    "Europe/London",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Adelaide",
    "Asia/Beirut",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/Havana",
    "Asia/Amman",
    "Atlantic/Azores",
    "America/Godthab",
    "Africa/Casablanca",
    "Pacific/Kiritimati",
    "Pacific/Chatham",
    "UTC",
]
zones = st.sampled_from(ZONES).map(ZoneInfo)
some_days = st.dates(date(1990, 1, 1), date(2036, 12, 31))
steps = st.sampled_from(STEPS)


def quarters_on(day: date, zone: ZoneInfo) -> list[datetime]:
    """Every quarter-hour whose local calendar date is ``day``, found by looking at the clock."""
    first = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=16)
    every = (first + n * QUARTER for n in range(4 * 60))
    return [moment for moment in every if moment.astimezone(zone).date() == day]


@pytest.mark.parametrize("module", [days, identifiers, units])
def test_the_examples_in_the_docstrings_hold(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("zone", "day", "half_hours"),
    [
        ("Europe/London", date(2025, 3, 30), 46),
        ("Europe/London", date(2025, 6, 1), 48),
        ("Europe/London", date(2025, 10, 26), 50),
        ("Europe/London", date(1971, 10, 31), 50),  # the end of British Standard Time
        ("America/New_York", date(2025, 3, 9), 46),
        ("America/New_York", date(2025, 11, 2), 50),
        ("Australia/Lord_Howe", date(2025, 10, 5), 47),  # summer time of half an hour
        ("Australia/Lord_Howe", date(2025, 4, 6), 49),
        ("Asia/Kolkata", date(2025, 3, 30), 48),
        ("America/Santiago", date(2024, 9, 8), 46),  # 24:00 becomes 01:00
        ("Asia/Beirut", date(2024, 3, 31), 46),  # 00:00 becomes 01:00
        ("America/Sao_Paulo", date(2018, 2, 17), 50),  # 24:00 becomes 23:00
        ("Pacific/Apia", date(2011, 12, 30), 0),  # the day that Samoa left out
    ],
)
def test_a_local_day_has_the_half_hours_the_clocks_give_it(zone: str, day: date, half_hours: int) -> None:
    assert slots_in_day(day, ZoneInfo(zone)) == half_hours


@given(some_days, zones)
def test_a_day_is_the_quarter_hours_that_the_clock_dates_so(day: date, zone: ZoneInfo) -> None:
    seen = quarters_on(day, zone)
    start, end = day_bounds(day, zone)
    assert (start, end) == (seen[0], seen[-1] + QUARTER)
    assert slots_in_day(day, zone, 15) == len(seen)


@given(some_days, zones)
def test_consecutive_days_meet_without_gap_or_overlap(day: date, zone: ZoneInfo) -> None:
    assert day_bounds(day, zone)[1] == day_bounds(day + timedelta(days=1), zone)[0]


@given(some_days, zones)
def test_a_days_first_and_last_moment_belong_to_it(day: date, zone: ZoneInfo) -> None:
    start, end = day_bounds(day, zone)
    moment = timedelta(microseconds=1)
    assert local_day(start, zone) == day == local_day(end - moment, zone)
    assert local_day(start - moment, zone) == day - timedelta(days=1)


@given(some_days, zones, steps)
def test_the_slots_of_a_day_cover_it_without_gap_or_overlap(day: date, zone: ZoneInfo, step: int) -> None:
    # In UTC: Python calls no repeated local time equal to any instant, and compares local times by their wall clock.
    bounds = [slot_bounds(day, k, step, zone) for k in range(slots_in_day(day, zone, step))]
    opens, closes = ([moment.astimezone(UTC) for moment in edge] for edge in zip(*bounds, strict=True))
    start, end = day_bounds(day, zone)
    assert (opens[0], closes[-1]) == (start, end)
    assert opens[1:] == closes[:-1]
    lengths = [closed - opened for opened, closed in zip(opens, closes, strict=True)]
    if step != WHOLE_DAY:
        assert set(lengths[:-1]) <= {timedelta(minutes=step)}
        assert timedelta(0) < lengths[-1] <= timedelta(minutes=step)


def test_the_repeated_hour_is_distinguished_by_its_offset() -> None:
    first, second = (slot_bounds(date(2025, 10, 26), k, 30, LONDON)[0].isoformat() for k in (2, 4))
    assert (first, second) == ("2025-10-26T01:00:00+01:00", "2025-10-26T01:00:00+00:00")


def test_a_whole_day_is_one_slot_however_long() -> None:
    opens, closes = slot_bounds(date(2025, 10, 26), 0, WHOLE_DAY, LONDON)
    assert closes.astimezone(UTC) - opens.astimezone(UTC) == timedelta(hours=25)
    assert slots_in_day(date(2025, 10, 26), LONDON, WHOLE_DAY) == 1


@given(st.lists(some_days, max_size=30), zones, steps)
def test_the_vector_forms_equal_the_plain_ones(many: list[date], zone: ZoneInfo, step: int) -> None:
    vector = np.array(many, dtype="datetime64[D]")
    assert midnights(vector, zone).tolist() == [int(midnight(day, zone).timestamp()) for day in many]
    assert slot_counts(vector, zone, step).tolist() == [slots_in_day(day, zone, step) for day in many]


def test_the_vector_forms_keep_the_shape() -> None:
    table = np.array([["2025-03-30", "2024-12-31"], ["2025-10-26", "2025-01-01"]], dtype="datetime64[D]")
    assert slot_counts(table, LONDON, 30).tolist() == [[46, 48], [50, 48]]
    assert midnights(table, LONDON).shape == (2, 2)


@given(some_days, st.integers(0, 800))
def test_a_span_of_days_is_half_open(start: date, length: int) -> None:
    span = days_between(start, start + timedelta(days=length))
    assert len(span) == length
    assert list(span) == sorted(set(span))
    assert not span or (span[0], span[-1]) == (start, start + timedelta(days=length - 1))


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../../etc/passwd", "Europe", "localtime", "right/Europe/London"])
def test_what_is_no_zone_is_refused_with_a_remedy(name: str) -> None:
    with pytest.raises(Invalid, match="IANA") as refusal:
        zone_of(name)
    assert refusal.value.field == "timezone"


@pytest.mark.parametrize("name", ZONES)
def test_every_iana_name_is_a_zone(name: str) -> None:
    assert zone_of(name).key == name
