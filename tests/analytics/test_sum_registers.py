"""Registers that come apart, and their sum as the point's use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.analytics.estate import estate_overview
from eclectyc.analytics.readings import meter_readings
from eclectyc.estate.models import Meter, Series
from tests.analytics.filling import Day, fill, flat_days
from tests.factories import World, make_meter, make_series

pytestmark = pytest.mark.django_db

SPRING, AUTUMN, TODAY = date(2025, 3, 30), date(2025, 10, 26), date(2025, 11, 10)


@pytest.fixture
def actor(world: World) -> Actor:
    return Actor.of(world.admin)


@pytest.fixture
def meter(world: World) -> Meter:
    return make_meter(world.site)


def register(meter: Meter, name: str, days: Mapping[date, Day], *, quality: int = 1, **fields: Any) -> Series:
    series = make_series(meter, register=name, **fields)
    fill(series, days, quality=quality)
    return series


def told(actor: Actor, meter: Meter, first: date, end: date, by: Any = "day") -> list[tuple[Any, ...]]:
    frame = meter_readings(actor, meter, start=first, end=end, by=by, today=TODAY).frame
    return frame.select("value", "present", "expected", "estimated").rows()


@pytest.mark.parametrize(("day", "slots"), [(SPRING, 46), (date(2025, 6, 1), 48), (AUTUMN, 50)])
def test_registers_are_added_up_slot_by_slot(actor: Actor, meter: Meter, day: date, slots: int) -> None:
    register(meter, "E1", {day: [float(k) for k in range(slots)]})
    register(meter, "E2", {day: [k / 2 for k in range(slots)]})
    after = date.fromordinal(day.toordinal() + 1)
    assert told(actor, meter, day, after, "slot") == [(k * 1.5, 1, 1, 0) for k in range(slots)]
    assert told(actor, meter, day, after) == [(1.5 * slots * (slots - 1) / 2, slots, slots, 0)]


def test_a_gap_in_one_register_is_a_gap_in_the_sum_and_never_a_low_value(actor: Actor, meter: Meter) -> None:
    day, after = date(2025, 6, 1), date(2025, 6, 2)
    register(meter, "E1", {day: [1.0] * 48})
    register(meter, "E2", {day: [2.0] * 10 + [None] + [2.0] * 37})
    assert told(actor, meter, day, after, "slot")[9:12] == [(3.0, 1, 1, 0), (None, 0, 1, 0), (3.0, 1, 1, 0)]
    assert told(actor, meter, day, after) == [(47 * 3.0, 47, 48, 0)]


def test_a_day_that_one_register_lacks_is_missing_but_not_before_it_came_or_after_it_went(
    actor: Actor, meter: Meter
) -> None:
    days = [date(2025, 6, n) for n in range(1, 7)]
    register(meter, "E1", flat_days(days[0], date(2025, 6, 7), 1.0))
    register(meter, "E2", flat_days(days[1], days[2], 2.0) | flat_days(days[3], days[5], 2.0))
    sums = [48.0, 144.0, None, 144.0, 144.0, 48.0]
    assert [value for value, *_ in told(actor, meter, days[0], date(2025, 6, 7))] == sums
    assert [present for _, present, *_ in told(actor, meter, days[0], date(2025, 6, 7))] == [48, 48, 0, 48, 48, 48]


def test_a_sum_is_estimated_where_any_of_its_parts_is(actor: Actor, meter: Meter) -> None:
    day, after = date(2025, 6, 1), date(2025, 6, 2)
    register(meter, "E1", {day: [1.0] * 48})
    register(meter, "E2", {day: [1.0] * 48}, quality=2)
    assert told(actor, meter, day, after) == [(96.0, 48, 48, 48)]


@pytest.mark.parametrize(("steps", "common"), [((30, 60), 24), ((15, 30), 48), ((20, 30), 24), ((30, 1440), 1)])
def test_registers_of_different_steps_meet_at_the_least_step_that_both_fit_into(
    actor: Actor, meter: Meter, steps: tuple[int, int], common: int
) -> None:
    day, after = date(2025, 6, 1), date(2025, 6, 2)
    for name, step in zip(("E1", "E2"), steps, strict=True):
        register(meter, name, flat_days(day, after, step / 1440, step=step), step_minutes=step)
    assert [value for value, *_ in told(actor, meter, day, after, "slot")] == pytest.approx([2 / common] * common)
    assert told(actor, meter, day, after)[0][0] == pytest.approx(2.0)


def test_the_whole_and_its_registers_are_never_counted_together(actor: Actor, meter: Meter) -> None:
    first, end = date(2025, 6, 1), date(2025, 6, 4)
    register(meter, "E1", flat_days(first, date(2025, 6, 3), 1.0))
    register(meter, "E2", flat_days(first, date(2025, 6, 3), 2.0))
    register(meter, "", flat_days(date(2025, 6, 2), end, 3.0))
    assert [value for value, *_ in told(actor, meter, first, end)] == [144.0] * 3


def test_a_register_alone_is_the_whole_as_far_as_anybody_knows(actor: Actor, meter: Meter) -> None:
    register(meter, "E1", flat_days(date(2025, 6, 1), date(2025, 6, 3), 1.0))
    assert [value for value, *_ in told(actor, meter, date(2025, 6, 1), date(2025, 6, 3))] == [48.0] * 2


def test_the_estate_counts_the_sum_of_registers_beside_other_meters(actor: Actor, world: World, meter: Meter) -> None:
    first, end = date(2025, 11, 1), date(2025, 11, 4)
    register(meter, "E1", flat_days(first, end, 1.0))
    register(meter, "E2", flat_days(first, end, 2.0))
    fill(make_series(world.meter), flat_days(first, end, 4.0))
    assert estate_overview(actor, date(2025, 11, 4)).month.total.value == pytest.approx(3 * 48 * 7.0)
