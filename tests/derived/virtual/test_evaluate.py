"""A formula evaluated slot by slot, against the plainest way of doing it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eclectyc.derived.virtual.evaluate import NEVER_S, SCHEMA, PointReadings, evaluate
from eclectyc.derived.virtual.evaluate import FormulaTerm as Given
from eclectyc.kernel.days import slot_bounds, slots_in_day
from eclectyc.kernel.quality import ACTUAL, DERIVED, ESTIMATED, MISSING, SUBSTITUTED

LONDON, PARIS, KOLKATA, HOWE = (
    ZoneInfo(name) for name in ("Europe/London", "Europe/Paris", "Asia/Kolkata", "Australia/Lord_Howe")
)
JUNE, SPRING, AUTUMN = date(2025, 6, 1), date(2025, 3, 30), date(2025, 10, 26)
Row = tuple[date, int, list[float | None], list[int]]


def rows(*days: Row) -> pl.DataFrame:
    return pl.DataFrame(list(days), schema=SCHEMA, orient="row")


def Source(held: pl.DataFrame, zone: ZoneInfo, factor: float = 1.0, **life: int) -> Given:
    return Given(PointReadings.from_day_rows(held, zone), factor, **life)


def flat(day: date, value: float | None, step: int = 30, zone: ZoneInfo = LONDON, quality: int = ACTUAL) -> Row:
    slots = slots_in_day(day, zone, step)
    return day, step, [value] * slots, [quality if value is not None else MISSING] * slots


def with_slot(row: Row, slot: int, value: float | None, quality: int = ACTUAL) -> Row:
    day, step, values, qualities = row
    values, qualities = [*values], [*qualities]
    values[slot], qualities[slot] = value, quality if value is not None else MISSING
    return day, step, values, qualities


def out(sources: list[Given], *days: date, zone: ZoneInfo = LONDON) -> list[Row]:
    found = evaluate(np.array(days, dtype="datetime64[D]"), zone, sources).frame()
    assert found.schema == pl.Schema(SCHEMA)
    return found.rows()


def at(day: date, zone: ZoneInfo = LONDON) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


def test_main_less_subs_is_what_no_sub_meter_counts():
    main = Source(rows(flat(JUNE, 10.3)), LONDON)
    subs = [Source(rows(flat(JUNE, value)), LONDON, -1.0) for value in (5.1, 0.2)]
    assert out([main, *subs], JUNE) == [(JUNE, 30, [5.0] * 48, [ACTUAL] * 48)]  # no dust of binary digits


@pytest.mark.parametrize(("day", "slots"), [(SPRING, 46), (JUNE, 48), (AUTUMN, 50)])
def test_a_day_has_the_slots_that_the_clocks_give_it(day, slots):
    found = out([Source(rows(flat(day, 1.5)), LONDON, 2.0), Source(rows(flat(day, 0.5)), LONDON)], day)
    assert found == [(day, 30, [3.5] * slots, [ACTUAL] * slots)]


def test_a_slot_that_one_part_lacks_is_missing_and_never_low():
    one, other = flat(JUNE, 1.0), with_slot(flat(JUNE, 2.0), 7, None)
    (_, _, values, quality), *_ = out([Source(rows(one), LONDON), Source(rows(other), LONDON)], JUNE)
    assert values == [None if n == 7 else 3.0 for n in range(48)]
    assert quality == [MISSING if n == 7 else ACTUAL for n in range(48)]


def test_a_day_that_one_part_lacks_is_missing_as_a_whole():
    following = JUNE + timedelta(days=1)
    one = Source(rows(flat(JUNE, 1.0), flat(following, 1.0)), LONDON)
    assert [day for day, *_ in out([one, Source(rows(flat(following, 2.0)), LONDON)], JUNE, following)] == [following]


def test_the_quality_is_that_of_the_part_known_least_well():
    order = (ACTUAL, ESTIMATED, SUBSTITUTED, DERIVED)
    for worse in order:
        for better in order[: order.index(worse) + 1]:
            pair = [Source(rows(flat(JUNE, 1.0, quality=q)), LONDON) for q in (better, worse)]
            assert out(pair, JUNE)[0][3] == [worse] * 48


def test_finer_slots_are_summed_where_all_of_them_are_there():
    fine = with_slot(flat(JUNE, 1.0, step=10), 4, None)
    fine = with_slot(fine, 6, 2.0, ESTIMATED)
    ((_, step, values, quality),) = out([Source(rows(fine), LONDON), Source(rows(flat(JUNE, 0.5)), LONDON)], JUNE)
    assert step == 30
    assert values[:4] == [3.5, None, 4.5, 3.5]
    assert quality[:4] == [ACTUAL, MISSING, ESTIMATED, ACTUAL]


def test_steps_that_do_not_divide_each_other_meet_where_both_fit():
    pair = [Source(rows(flat(JUNE, 1.0, step=20)), LONDON), Source(rows(flat(JUNE, 1.0, step=30)), LONDON)]
    assert out(pair, JUNE) == [(JUNE, 60, [5.0] * 24, [ACTUAL] * 24)]


def test_a_day_known_only_as_a_whole_makes_the_result_daily():
    daily = (JUNE, 1440, [100.0], [ACTUAL])
    assert out([Source(rows(daily), LONDON), Source(rows(flat(JUNE, 1.0)), LONDON, -1.0)], JUNE) == [
        (JUNE, 1440, [52.0], [ACTUAL])
    ]
    gap = with_slot(flat(JUNE, 1.0), 3, None)
    assert out([Source(rows(daily), LONDON), Source(rows(gap), LONDON, -1.0)], JUNE) == []


def test_a_meter_that_is_not_installed_yet_counts_nothing_and_a_gap_stays_a_gap():
    days = [JUNE + timedelta(days=n) for n in range(4)]
    main = Source(rows(*(flat(day, 10.0) for day in days)), LONDON)
    held = rows(flat(days[3], 4.0))
    known = Source(held, LONDON, -1.0, since=at(days[2]))  # installed on the third day, first read on the fourth
    unknown = Source(held, LONDON, -1.0)
    assert [(day, values[0]) for day, _, values, _ in out([main, known], *days)] == [
        (days[0], 10.0), (days[1], 10.0), (days[3], 6.0)
    ]  # fmt: skip
    assert [day for day, *_ in out([main, unknown], *days)] == [days[3]]


def test_a_meter_that_is_removed_counts_nothing_from_that_day_on():
    days = [JUNE, JUNE + timedelta(days=1)]
    main = Source(rows(*(flat(day, 10.0) for day in days)), LONDON)
    gone = Source(rows(flat(JUNE, 4.0)), LONDON, -1.0, until=at(days[1]))
    assert [values[47] for _, _, values, _ in out([main, gone], *days)] == [6.0, 10.0]


def test_a_reading_outside_its_life_counts_all_the_same():
    early = with_slot(flat(JUNE, None), 40, 3.0)
    parts = [Source(rows(flat(JUNE, 10.0)), LONDON), Source(rows(early), LONDON, -1.0, since=at(date(2025, 6, 2)))]
    ((_, _, values, _),) = out(parts, JUNE)
    assert values == [7.0 if n == 40 else 10.0 for n in range(48)]


def test_where_every_part_is_away_there_is_no_value():
    later = at(date(2026, 1, 1))
    assert out([Source(rows(), LONDON, since=later), Source(rows(), LONDON, since=later)], JUNE) == []


def test_where_no_part_was_there_a_slot_has_no_value_though_its_day_has_one():
    early = Source(rows(with_slot(flat(JUNE, None), 40, 3.0)), LONDON, since=at(date(2025, 6, 2)))
    ((_, _, values, quality),) = out([early, Source(rows(), LONDON, since=at(date(2025, 6, 2)))], JUNE)
    assert values == [3.0 if n == 40 else None for n in range(48)]
    assert quality == [ACTUAL if n == 40 else MISSING for n in range(48)]


def test_a_slot_into_which_a_life_begins_is_no_slot_without_the_meter():
    days = [JUNE, date(2025, 6, 2)]
    main = Source(rows(*((day, 1440, [10.0], [ACTUAL]) for day in days)), LONDON)
    paris = Source(rows(), PARIS, since=at(days[1], PARIS))  # 23:00 of the first day in London
    assert out([main, paris], *days) == []


@pytest.mark.parametrize("day", [SPRING, JUNE, AUTUMN])
def test_a_whole_day_is_as_long_as_the_clocks_make_it(day):
    daily = Source(rows((day, 1440, [100.0], [ACTUAL])), LONDON)
    assert out([daily, Source(rows(flat(day, 1.0)), LONDON, -1.0)], day) == [
        (day, 1440, [100.0 - slots_in_day(day, LONDON)], [ACTUAL])
    ]


def test_parts_of_another_zone_are_laid_on_by_instants():
    day, before = JUNE, JUNE - timedelta(days=1)
    counting = [(d, 30, [100.0 * n + slot for slot in range(48)], [ACTUAL] * 48) for n, d in enumerate((before, day))]
    following = (JUNE + timedelta(days=1), 30, [200.0 + slot for slot in range(48)], [ACTUAL] * 48)
    paris = Source(rows(*counting, following), PARIS)
    ((_, _, values, _),) = out([Source(rows(flat(day, 0.0)), LONDON), paris], day)
    assert values == [*(100.0 + slot for slot in range(2, 48)), 200.0, 201.0]


def test_slots_that_reach_over_our_edges_are_of_no_use():
    kolkata = [flat(JUNE + timedelta(days=n), 1.0, 60, KOLKATA) for n in (-1, 0, 1)]
    assert out([Source(rows(flat(JUNE, 0.0, 60)), LONDON), Source(rows(*kolkata), KOLKATA)], JUNE) == []
    paris_daily = [(JUNE + timedelta(days=n), 1440, [24.0], [ACTUAL]) for n in (-1, 0, 1)]
    assert out([Source(rows(flat(JUNE, 0.0)), LONDON), Source(rows(*paris_daily), PARIS)], JUNE) == []


def test_a_part_of_one_slot_may_be_nought_without_a_sign():
    ((_, _, values, _),) = out([Source(rows(flat(JUNE, 0.0)), LONDON, -1.0)], JUNE)
    assert str(values[0]) == "0.0"


def test_no_days_and_no_parts_give_nothing():
    assert out([Source(rows(), LONDON)], JUNE) == []
    assert out([Source(rows(flat(JUNE, 1.0)), LONDON)]) == []
    assert out([], JUNE) == []


# The plain way: every slot of the result looks for what lies in it.
def plainly(days: list[date], zone: ZoneInfo, parts: list[tuple[Fraction, ZoneInfo, list[Row], date | None]]):
    said = []
    for day in days:
        opens, closes = (edge.astimezone(UTC) for edge in slot_bounds(day, 0, 1440, zone))
        by_part = [[slot for row in held for slot in slots_of(row, of)] for _, of, held, _ in parts]
        steps = [
            row[1]
            for _, of, held, _ in parts
            for row in held
            if (b := slot_bounds(row[0], 0, 1440, of))[0] < closes and b[1] > opens
        ]
        step = 1440 if 1440 in steps else int(np.lcm.reduce([1, *steps]))
        values = []
        for slot in range(slots_in_day(day, zone, step)):
            start, end = (edge.astimezone(UTC) for edge in slot_bounds(day, slot, step, zone))
            total, is_known, is_any = Fraction(0), True, False
            for (factor, of, _, since), slots in zip(parts, by_part, strict=True):
                inside = [(s, e, v) for s, e, v in slots if s >= start and e <= end]
                if sum(((e - s) for s, e, _ in inside), timedelta()) == end - start:
                    total += factor * sum(Fraction(v) for _, _, v in inside)
                    is_any = True
                elif inside or since is None or end > datetime(*since.timetuple()[:3], tzinfo=of):
                    is_known = False
            values.append(round(float(total), 9) if is_known and is_any else None)
        if any(value is not None for value in values):
            said.append((day, step, values))
    return said


def slots_of(row: Row, zone: ZoneInfo) -> list[tuple[datetime, datetime, float]]:
    day, step, values, _ = row
    bounds = [slot_bounds(day, n, step, zone) for n in range(len(values))]
    return [
        (s.astimezone(UTC), e.astimezone(UTC), v) for (s, e), v in zip(bounds, values, strict=True) if v is not None
    ]


@st.composite
def worlds(draw: st.DrawFn):
    zone = draw(st.sampled_from([LONDON, PARIS, KOLKATA, HOWE]))
    middle = draw(st.sampled_from([JUNE, SPRING, AUTUMN, date(2025, 4, 6), date(2025, 10, 5)]))
    days = [middle + timedelta(days=n) for n in range(-1, 2)]
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        of = draw(st.sampled_from([zone, zone, LONDON, PARIS]))
        held: list[Row] = []
        for day in [days[0] - timedelta(days=1), *days, days[-1] + timedelta(days=1)]:
            step = draw(st.sampled_from([None, 60, 60, 30, 20, 1440]))
            if step is not None:
                count = slots_in_day(day, of, step)
                level = draw(st.integers(-8, 8))
                gap = draw(st.integers(-count, count - 1))
                values: list[float | None] = [None if n == gap else level + n / 4 for n in range(count)]
                held.append((day, step, values, [MISSING if v is None else ACTUAL for v in values]))
        since = draw(st.sampled_from([None, None, days[1], days[2]]))
        parts.append((Fraction(draw(st.sampled_from(["1", "-1", "1/2", "3"]))), of, held, since))
    return zone, days, parts


@settings(max_examples=30)
@given(worlds())
def test_the_quick_way_says_what_the_plain_way_says(world):
    zone, days, parts = world
    sources = [
        Source(rows(*held), of, float(factor), since=at(since, of) if since else -NEVER_S)
        for factor, of, held, since in parts
    ]
    assert [(day, step, values) for day, step, values, _ in out(sources, *days, zone=zone)] == plainly(
        days, zone, parts
    )
