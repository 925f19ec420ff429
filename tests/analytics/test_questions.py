"""The questions of pages and programs, asked of a lake that was filled through its own door."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from django.test.utils import CaptureQueriesContext

from eclectyc.accounts.actor import Actor
from eclectyc.analytics.estate import (
    ConsumptionFilter,
    consumption,
    consumption_over_time,
    estate_overview,
    monthly,
    totals,
)
from eclectyc.analytics.periods import BUCKETS
from eclectyc.analytics.readings import (
    compare_days,
    meter_day,
    meter_readings,
    meter_year,
    point_of,
    readings_in_parts,
    readings_of,
    window_of,
)
from eclectyc.analytics.sites import site_summary, site_year, sparklines
from eclectyc.estate.models import Region
from eclectyc.kernel.errors import NotFound
from tests.analytics.filling import Day, fill, flat_days
from tests.factories import World, make_meter, make_series, make_site

pytestmark = pytest.mark.django_db
START, TODAY = date(2025, 3, 1), date(2025, 7, 2)  # a Wednesday


@pytest.fixture
def actor(world: World) -> Actor:
    return Actor.of(world.viewer)


def test_a_meters_readings_have_one_total_however_they_are_bucketed(world: World, actor: Actor) -> None:
    days = {day: [k / 7 for k in range(len(values))] for day, values in flat_days(START, TODAY, 1.0).items()}
    fill(make_series(world.meter), days)
    wanted = sum(sum(values) for values in days.values())
    for by in BUCKETS:
        readings = meter_readings(actor, world.meter, start=START, end=TODAY, by=by, today=TODAY)
        assert readings.total == pytest.approx(wanted, abs=1e-6)
        assert readings.frame["present"].sum() == readings.frame["expected"].sum() == sum(map(len, days.values()))


def test_a_window_of_instants_counts_the_slots_that_start_in_it(world: World, actor: Actor) -> None:
    fill(make_series(world.meter), flat_days(START, TODAY, 0.25))
    start, end = datetime(2025, 3, 29, 22, 30, tzinfo=UTC), datetime(2025, 3, 31, 5, 30, tzinfo=UTC)
    for by in BUCKETS:
        readings = meter_readings(actor, world.meter, start=start, end=end, by=by, today=TODAY)
        assert readings.total == 31 * 2 * 0.25  # 31 hours by any clock
        assert readings.frame["start"][0] == start
        assert readings.frame["end"][-1] == end


def test_without_ends_the_window_is_that_of_the_readings(world: World, actor: Actor) -> None:
    assert meter_readings(actor, world.meter, today=TODAY).frame.is_empty()
    fill(make_series(world.meter), flat_days(date(2025, 4, 2), date(2025, 4, 9), 1.0))
    readings = meter_readings(actor, world.meter, by="month", today=TODAY)
    assert readings.frame["present"].to_list() == [7 * 48]
    assert readings.frame["start"][0].date() == date(2025, 4, 2)


def test_parts_of_an_answer_are_the_answer(world: World, actor: Actor) -> None:
    fill(make_series(world.meter), flat_days(date(2023, 11, 20), date(2025, 2, 10), 1.0))
    point = point_of(actor, world.meter, today=TODAY)
    window = window_of(point, date(2023, 11, 20), datetime(2025, 2, 9, 11, tzinfo=UTC))
    assert window is not None
    for by in BUCKETS:
        whole = readings_of(point, window, by).frame
        parts = [readings.frame for readings in readings_in_parts(point, window, by)]
        assert len(parts) in (2, 3)
        assert [row for part in parts for row in part.rows()] == whole.rows()


def test_each_day_counts_its_best_step(world: World, actor: Actor) -> None:
    half_hourly, daily = make_series(world.meter), make_series(world.meter, step_minutes=1440)
    first, second, third = (date(2025, 6, 2) + timedelta(days=n) for n in range(3))
    fill(half_hourly, {first: [1.0] * 48, second: [1.0] * 47 + [None]})
    fill(daily, {first: [50.0], second: [49.5], third: [52.0]})
    readings = meter_readings(actor, world.meter, by="day", today=date(2025, 6, 5))
    assert readings.frame.select("value", "present", "expected").rows() == [
        (48.0, 48, 48),  # both complete: the finest
        (49.5, 1, 1),  # the half-hours have a gap
        (52.0, 1, 1),
    ]


def test_what_is_not_primary_is_not_counted(world: World, actor: Actor) -> None:
    fill(make_series(world.meter), flat_days(date(2025, 6, 1), date(2025, 6, 2), 1.0))
    fill(make_series(world.meter, source="check", is_primary=False), flat_days(date(2025, 6, 1), date(2025, 6, 2), 9.0))
    assert meter_readings(actor, world.meter, today=TODAY).total == 48.0


def test_a_temperature_is_averaged_not_summed(world: World, actor: Actor) -> None:
    series = make_series(world.meter, quantity="temperature", unit="degC")
    fill(series, {date(2025, 6, 1): [10.0] * 24 + [20.0] * 24})
    readings = meter_readings(actor, world.meter, quantity="temperature", by="month", today=TODAY)
    assert (readings.frame["value"].to_list(), readings.unit) == ([15.0], "degC")


def test_another_organisations_meter_is_not_there(world: World) -> None:
    outsider = Actor.of(world.outsider)
    for question in (
        lambda: meter_readings(outsider, world.meter, today=TODAY),
        lambda: meter_day(outsider, world.meter, START, today=TODAY),
        lambda: meter_year(outsider, world.meter, 2025, today=TODAY),
        lambda: compare_days(outsider, world.meter, START, TODAY, today=TODAY),
    ):
        with pytest.raises(NotFound):
            question()
    assert sparklines(outsider, [world.meter], TODAY) == {}
    assert site_summary(outsider, world.site, TODAY).sparklines == {}
    assert monthly(outsider, [world.meter], START, TODAY, today=TODAY).is_empty()
    assert estate_overview(outsider, TODAY).meters == 1  # their own
    assert estate_overview(Actor.anonymous(), TODAY).meters == 0


def test_a_day_shows_its_slots_their_quality_and_what_is_usual(world: World, actor: Actor) -> None:
    series = make_series(world.meter)
    usual = {day: [float(day.day)] * len(v) for day, v in flat_days(date(2025, 5, 1), date(2025, 6, 30), 0).items()}
    fill(series, usual)
    day = date(2025, 6, 30)
    fill(series, {day: [5.0] * 20 + [None] * 28}, quality=2)
    view = meter_day(actor, world.meter, day, today=TODAY)
    assert (view.slots, view.step, view.unit) == (48, 30, "kWh")
    assert view.quality.tolist() == [2] * 20 + [0] * 28
    assert np.isnan(view.values[20:]).all()
    assert (view.total.value, view.total.present, view.total.expected, view.total.estimated) == (100.0, 20, 48, 20)
    assert view.starts[1].isoformat() == "2025-06-30T00:30:00+01:00"
    weekdays = [other.day for other in usual if other >= date(2025, 5, 5) and other.weekday() < 5]
    assert view.band is not None
    assert view.band.days == len(weekdays)
    assert view.band.middle[0] == np.median(weekdays)
    assert view.band.high[0] == np.percentile(weekdays, 90)


def test_a_clock_change_day_has_its_own_slots(world: World, actor: Actor) -> None:
    fill(make_series(world.meter), flat_days(date(2025, 10, 20), date(2025, 10, 28), 1.0))
    view = meter_day(actor, world.meter, date(2025, 10, 26), today=date(2025, 11, 1))
    assert view.slots == 50
    assert [start.strftime("%H:%M%z") for start in view.starts[2:6]] == [
        "01:00+0100", "01:30+0100", "01:00+0000", "01:30+0000",
    ]  # fmt: skip
    day, other, pairs = compare_days(
        actor, world.meter, date(2025, 10, 26), date(2025, 10, 25), today=date(2025, 11, 1)
    )
    assert (day.slots, other.slots, pairs.pairs, pairs.possible) == (50, 48, 48, 50)


def test_a_year_is_a_matrix_and_its_days(world: World, actor: Actor) -> None:
    fill(make_series(world.meter), flat_days(START, TODAY, 0.5))
    year = meter_year(actor, world.meter, 2025, today=TODAY)
    assert year.heat.value.shape == (365, 50)
    assert np.nansum(year.heat.value) == pytest.approx(year.days["value"].sum())
    assert year.days["value"].null_count() == 365 - (TODAY - START).days


def test_the_overview_compares_like_for_like_and_says_what_it_rests_on(world: World, actor: Actor) -> None:
    this_year = flat_days(date(2025, 4, 20), TODAY, 2.0)
    last_year = flat_days(date(2024, 4, 1), date(2024, 8, 1), 1.0)
    fill(make_series(world.meter), last_year | this_year)
    overview = estate_overview(actor, TODAY)
    week, month = overview.week, overview.month
    assert (week.start, week.end) == (date(2025, 6, 30), TODAY)
    assert (week.total.value, week.total.coverage) == (192.0, 1.0)
    assert (week.previous.percent, week.last_year.percent) == (0.0, 100.0)
    assert (month.start, month.total.value, month.last_year.percent) == (date(2025, 7, 1), 96.0, 100.0)
    assert month.previous.pairs == 1  # the first of July against the first of June
    assert overview.latest == date(2025, 7, 1)
    assert overview.trend.select("value", "last_year").rows() == [(96.0, 48.0)] * 30
    assert overview.sites.select("site_name", "value", "change_percent").rows() == [("Harbour House", 96.0, 100.0)]
    assert [remark.kind for remark in overview.remarks] == ["change"]


def test_on_a_monday_the_overview_shows_the_week_that_has_ended(world: World, actor: Actor) -> None:
    monday = date(2025, 6, 30)
    fill(make_series(world.meter), flat_days(date(2025, 6, 1), monday, 1.0))
    week = estate_overview(actor, monday).week
    assert (week.start, week.total.present) == (date(2025, 6, 23), 7 * 48)


def test_export_volume_and_submeters_are_never_summed_into_energy(world: World, actor: Actor) -> None:
    day = flat_days(date(2025, 7, 1), TODAY, 1.0)
    others = {
        "export": make_meter(world.site, direction="export"),
        "water": make_meter(world.site, utility="water", unit="m3"),
        "sub": make_meter(world.site, parent=world.meter),
        "solar": make_meter(world.site, utility="solar"),
        "gas": make_meter(world.site, utility="gas"),
    }
    for meter in (world.meter, *others.values()):
        fill(make_series(meter), day)
    fill(make_series(world.meter, quantity="reactive_import", unit="kVArh"), day)
    overview = estate_overview(actor, TODAY)
    assert overview.month.total.value == 96.0  # electricity and gas
    assert overview.sites["value"].to_list() == [96.0]
    shown = overview.utilities.sort("utility", "direction").select("utility", "direction", "unit", "value").rows()
    assert shown == [
        ("electricity", "export", "kWh", 48.0),
        ("electricity", "import", "kWh", 48.0),
        ("gas", "import", "kWh", 48.0),
        ("solar", "import", "kWh", 48.0),
        ("water", "import", "m3", 48.0),
    ]
    by_site = consumption(actor, start=date(2025, 7, 1), end=TODAY, today=TODAY)
    assert by_site.select("unit", "value").rows() == [("kWh", 96.0), ("m3", 48.0)]
    by_meter = consumption(actor, start=date(2025, 7, 1), end=TODAY, group_by="meter", today=TODAY)
    assert by_meter.filter(~by_meter["counted"])["key"].to_list() == [others["sub"].pk]
    assert others["export"].pk not in by_meter["key"]
    assert totals(by_meter).select("unit", "value").rows() == [("kWh", 144.0), ("m3", 48.0)]  # solar by itself


def test_silent_meters_are_those_in_use_that_stopped(world: World, actor: Actor) -> None:
    def meter_until(last: date | None, **fields: object) -> int:
        meter = make_meter(world.site, **fields)
        series = make_series(meter)
        if last:
            fill(series, flat_days(last, last + timedelta(days=1), 1.0))
        return meter.pk

    newest = TODAY - timedelta(days=1)
    meter_until(newest - timedelta(days=2))  # late, not silent
    stopped = meter_until(newest - timedelta(days=3))
    meter_until(date(2025, 1, 1), is_active=False)
    meter_until(date(2025, 1, 1), removed=date(2025, 1, 2))
    meter_until(None, installed=TODAY)
    silent = estate_overview(actor, TODAY).silent
    assert [(meter.meter, meter.silent_days) for meter in silent] == [(stopped, 3), (world.meter.pk, None)]


def test_consumption_by_group_has_areas_coverage_and_change(world: World, actor: Actor) -> None:
    north = Region.objects.create(organisation=world.org, name="North")
    second = make_site(world.org, "Mill", floor_area_m2=100.0, region=north)
    meters = [world.meter, make_meter(second), make_meter(second, utility="gas")]
    for number, meter in enumerate(meters, start=1):
        span = flat_days(date(2025, 5, 1), date(2025, 6, 1), 1.0) | flat_days(date(2025, 6, 1), date(2025, 6, 16), 2.0)
        fill(make_series(meter), {day: [number * v for v in values] for day, values in span.items()})
    asked = {"start": date(2025, 6, 1), "end": date(2025, 7, 1), "today": TODAY}
    sites = consumption(actor, against="last_month", **asked)
    assert sites.select("label", "kwh", "floor_area_m2", "meters").rows() == [
        ("Mill", 15 * 48 * 2.0 * 5, 100.0, 2),
        ("Harbour House", 15 * 48 * 2.0, 1200.0, 1),
    ]
    assert sites.select("present", "expected", "change_percent", "pairs").rows() == [
        (2 * 15 * 48, 2 * 30 * 48, 100.0, 30),
        (15 * 48, 30 * 48, 100.0, 15),
    ]
    assert sites["per_m2"].to_list() == [72.0, 1.2]
    assert consumption(actor, group_by="region", **asked)["label"].to_list() == ["North", "No region"]
    by_utility = consumption(actor, group_by="utility", **asked)
    assert by_utility.select("key", "kwh").rows() == [("electricity", 4320.0), ("gas", 4320.0)]
    assert by_utility["floor_area_m2"].to_list() == [1300.0, 100.0]
    only = consumption(actor, narrowed=ConsumptionFilter(utilities=("gas",)), **asked)
    assert only["label"].to_list() == ["Mill"]
    months = consumption_over_time(actor, start=date(2025, 5, 1), end=date(2025, 7, 1), today=TODAY)
    assert months.select("start", "utility", "value").rows() == [
        (date(2025, 5, 1), "electricity", 31 * 48 * 3.0),
        (date(2025, 5, 1), "gas", 31 * 48 * 3.0),
        (date(2025, 6, 1), "electricity", 4320.0),
        (date(2025, 6, 1), "gas", 4320.0),
    ]


def test_a_site_shows_months_area_and_every_meters_last_days(world: World, actor: Actor) -> None:
    fill(make_series(world.meter), flat_days(date(2024, 7, 3), TODAY, 1.0))
    never = make_meter(world.site)
    summary = site_summary(actor, world.site, TODAY)
    assert summary.year.select("utility", "value", "per_m2").rows() == [("electricity", 364 * 48.0, 364 * 48 / 1200)]
    june = summary.monthly.filter(summary.monthly["start"] == date(2025, 6, 1))
    assert june.select("value", "present", "expected").rows() == [(30 * 48.0, 30 * 48, 30 * 48)]
    spark = summary.sparklines[world.meter.pk]
    assert (spark.values, spark.last_day) == ([48.0] * 30, date(2025, 7, 1))
    assert summary.sparklines[never.pk].last_day is None
    assert sparklines(actor, [never], TODAY, days=2)[never.pk].values == [None, None]


def test_a_sites_heat_map_never_shows_a_part_as_a_low(world: World, actor: Actor) -> None:
    second, daily = make_meter(world.site), make_meter(world.site, step_minutes=1440)
    day = date(2025, 6, 1)
    partial: Day = [None] * 24 + [1.0] * 24
    fill(make_series(world.meter), {day: [2.0] * 48})
    fill(make_series(second), {day: partial})
    fill(make_series(daily), {day: [9.0]})
    heat = site_year(actor, world.site, 2025, today=TODAY)
    row = heat.rows()[day.timetuple().tm_yday - 1]
    assert row == [None] * 24 + [3.0] * 24 + [None, None]
    assert heat.left_out == (daily.pk,)


def test_questions_cost_the_same_number_of_queries_however_many_meters(
    world: World, actor: Actor, django_assert_num_queries: CaptureQueriesContext
) -> None:
    for _ in range(30):
        series = make_series(make_meter(world.site))
    fill(series, flat_days(START, TODAY, 1.0))
    span = {"start": date(2025, 6, 1), "end": TODAY, "today": TODAY}
    for queries, question in (  # the second asks who has moved
        (2, lambda: estate_overview(actor, TODAY)),
        (1, lambda: consumption(actor, group_by="meter", against="last_year", **span)),
        (2, lambda: consumption(actor, group_by="site", against="last_year", **span)),
        (1, lambda: consumption_over_time(actor, **span)),
        (2, lambda: site_summary(actor, world.site, TODAY)),
        (2, lambda: site_year(actor, world.site, 2025, today=TODAY)),
        (1, lambda: meter_readings(actor, world.meter, today=TODAY)),
        (1, lambda: meter_day(actor, world.meter, START, today=TODAY)),
    ):
        with django_assert_num_queries(queries):
            question()
