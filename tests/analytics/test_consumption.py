"""Sums by bucket against a plain reference: every slot by itself, in ordinary Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eclectyc.analytics.consumption import by_day_or_longer, by_hour, by_slot
from eclectyc.analytics.periods import BUCKETS, By, Window
from tests.analytics.filling import LONDON, flat_days, points_of, rows_of

# Each with a clock change inside the fortnight from its day: spring and autumn, north and south, half an hour, none.
CHANGES = [
    ("Europe/London", date(2025, 3, 24)),
    ("Europe/London", date(2025, 10, 20)),
    ("America/New_York", date(2025, 3, 3)),
    ("America/New_York", date(2024, 10, 28)),
    ("Australia/Lord_Howe", date(2025, 3, 31)),
    ("Australia/Lord_Howe", date(2025, 9, 29)),
    ("Africa/Cairo", date(2025, 4, 21)),  # the clocks change at midnight
    ("Asia/Kolkata", date(2024, 12, 25)),
]
SPAN = 14


def reference_slots(day: date, zone: ZoneInfo, step: int) -> list[tuple[datetime, datetime]]:
    """Every slot of a local day as UTC instants, counted off one after the other."""
    start = datetime.combine(day, time(), zone).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    if step == 1440:
        return [(start, end)]
    slots = []
    while start < end:
        slots.append((start, min(start + timedelta(minutes=step), end)))
        start += timedelta(minutes=step)
    return slots


KEYS: dict[By, Callable[[date, datetime, datetime, int], object]] = {
    "slot": lambda day, start, opens, step: start,
    "hour": lambda day, start, opens, step: (day, 0 if step == 1440 else (start - opens) // timedelta(hours=1)),
    "day": lambda day, start, opens, step: day,
    "week": lambda day, start, opens, step: day.isocalendar()[:2],
    "month": lambda day, start, opens, step: (day.year, day.month),
    "year": lambda day, start, opens, step: day.year,
}


def answered(rows: pl.DataFrame, points: object, window: Window, by: By) -> list[tuple[object, ...]]:
    """The answer as tuples in UTC."""
    rows = rows.filter((pl.col("day") >= window.first_day) & (pl.col("day") < window.end_day))
    if by == "slot":
        frame = by_slot(rows, points, window)
    elif by == "hour":
        frame = by_hour(rows, points, window)
    else:
        frame = by_day_or_longer(rows, points, window, by)
    utc = frame.with_columns(pl.col("start", "end").dt.convert_time_zone("UTC"))
    return [
        (start, end, None if value is None else round(value, 9), *counts) for start, end, value, *counts in utc.rows()
    ]


@st.composite
def meters(draw: st.DrawFn) -> tuple[str, date, dict[date, tuple[int, list[float | None]]], Window]:
    """A fortnight of a meter with gaps, missing days and days at several steps, and a window by instants or dates."""
    name, first = draw(st.sampled_from(CHANGES))
    zone = ZoneInfo(name)
    held = {}
    for day in (first + timedelta(days=n) for n in range(SPAN)):
        step = draw(st.sampled_from([30, 30, 30, 60, 15, 1440, 0]))
        if step:
            number = draw(st.integers(0, 3))
            length = len(reference_slots(day, zone, step))
            held[day] = (step, [None if (k * 7 + number) % 11 == 0 else k + number / 4 for k in range(length)])
    opens = datetime.combine(first, time(), zone).astimezone(UTC)
    grid = draw(st.sampled_from([1, 10, 470]))  # also windows that begin just before midnight
    minutes = sorted(draw(st.lists(st.integers(0, SPAN * 1440 // grid), min_size=2, max_size=2, unique=True)))
    start, end = (opens + timedelta(minutes=m * grid) for m in minutes)
    if draw(st.booleans()):
        start_day, end_day = start.astimezone(zone).date(), end.astimezone(zone).date() + timedelta(days=1)
        return name, first, held, Window.of(start_day, end_day, zone)
    return name, first, held, Window.of(start, end, zone)


@settings(max_examples=300)
@given(meters(), st.sampled_from(BUCKETS))
def test_every_bucket_is_the_sum_of_its_slots(meter: tuple, by: By) -> None:
    name, first, held, window = meter
    zone = ZoneInfo(name)
    expected_from, expected_to = first + timedelta(days=2), first + timedelta(days=11)
    buckets: dict[object, list[tuple]] = defaultdict(list)
    day = window.first_day
    while day < window.end_day:
        step, values = held.get(day, (30, None))
        slots = reference_slots(day, zone, step)
        is_expected = day in held or expected_from <= day < expected_to
        for k, (start, end) in enumerate(slots):
            if window.start <= start < window.end:
                value = values[k] if values else None
                buckets[KEYS[by](day, start, slots[0][0], step)].append((start, end, value, is_expected))
        day += timedelta(days=1)
    wanted = [
        (
            min(s for s, *_ in slots),
            max(e for _, e, *_ in slots),
            round(sum(v for *_, v, _ in slots if v is not None), 9)
            if any(v is not None for *_, v, _ in slots)
            else None,
            sum(v is not None for *_, v, _ in slots),
            sum(is_expected for *_, is_expected in slots),
            0,
        )
        for slots in buckets.values()
    ]
    rows = pl.concat([rows_of({day: values}, step=step) for day, (step, values) in held.items()] or [rows_of({})])
    found = answered(rows, points_of(expected_from, expected_to, zone=name), window, by)
    assert found == wanted


@pytest.mark.parametrize(
    ("day", "slots", "hours"), [(date(2025, 3, 30), 46, 23), (date(2025, 6, 1), 48, 24), (date(2025, 10, 26), 50, 25)]
)
def test_clock_change_days_have_the_slots_and_hours_the_clocks_give_them(day: date, slots: int, hours: int) -> None:
    window = Window.of(day, day + timedelta(days=1), LONDON)
    rows = rows_of(flat_days(day, day + timedelta(days=1), 0.5))
    points = points_of(day, date(2026, 1, 1))
    assert len(by_slot(rows, points, window)) == slots
    by_the_hour = by_hour(rows, points, window)
    assert len(by_the_hour) == hours
    assert by_the_hour["value"].to_list() == [1.0] * hours
    assert by_day_or_longer(rows, points, window, "day")["value"].to_list() == [slots / 2]


def test_windows_that_meet_count_every_slot_once() -> None:
    rows = rows_of(flat_days(date(2025, 10, 25), date(2025, 10, 28), 1.0))
    points = points_of(date(2025, 10, 25), date(2026, 1, 1))
    whole = Window.of(date(2025, 10, 25), date(2025, 10, 28), LONDON)
    middle = datetime(2025, 10, 26, 0, 47, 13, tzinfo=UTC)
    halves = [Window(whole.start, middle, LONDON), Window(middle, whole.end, LONDON)]
    for by in BUCKETS:
        sums = [sum(row[2] or 0 for row in answered(rows, points, window, by)) for window in (whole, *halves)]
        assert sums[0] == sums[1] + sums[2] == 48 + 50 + 48


def test_a_gap_is_null_and_expected_never_zero() -> None:
    day = date(2025, 6, 2)
    rows = rows_of({day: [None] * 10 + [2.0] * 38})
    points = points_of(date(2025, 6, 1), date(2025, 6, 4))
    window = Window.of(date(2025, 6, 1), date(2025, 6, 5), LONDON)
    days = by_day_or_longer(rows, points, window, "day").select("value", "present", "expected").rows()
    assert days == [(None, 0, 48), (76.0, 38, 48), (None, 0, 48), (None, 0, 0)]  # the last day is not over
    slots = by_slot(rows, points, window)
    assert slots["value"].null_count() == 4 * 48 - 38
    assert slots["expected"].sum() == 3 * 48


def test_a_day_known_only_as_a_total_is_one_slot_and_one_hour() -> None:
    rows = rows_of({date(2025, 6, 1): [24.0]}, step=1440)
    points = points_of(date(2025, 6, 1), date(2025, 6, 3), step=1440)
    window = Window.of(date(2025, 6, 1), date(2025, 6, 3), LONDON)
    for by in ("slot", "hour", "day"):
        rows_out = answered(rows, points, window, by)
        assert [row[2:] for row in rows_out] == [(24.0, 1, 1, 0), (None, 0, 1, 0)]
        assert rows_out[0][1] - rows_out[0][0] == timedelta(hours=24)


def test_estimated_slots_are_counted_beside_the_value() -> None:
    rows = rows_of(flat_days(date(2025, 6, 1), date(2025, 6, 2), 1.0), estimated=True)
    points = points_of(date(2025, 6, 1), date(2025, 6, 3))
    window = Window.of(date(2025, 6, 1), date(2025, 6, 2), LONDON)
    assert by_day_or_longer(rows, points, window, "month")["estimated"].to_list() == [48]
    assert by_hour(rows, points, window)["estimated"].to_list() == [2] * 24
