"""Use stays with the site where it was used, and a main meter balances with its subs: against a plain reference."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from django.db.models import Q
from hypothesis import given
from hypothesis import strategies as st

from eclectyc.accounts.actor import Actor, Grant
from eclectyc.accounts.reach import Reach
from eclectyc.accounts.roles import ROLE_PERMISSIONS
from eclectyc.analytics.balance import meter_balance
from eclectyc.analytics.day_grid import DayGrid
from eclectyc.analytics.estate import ConsumptionFilter, consumption, consumption_over_time, estate_overview
from eclectyc.analytics.placements import MOVES, by_placement
from eclectyc.analytics.sites import site_summary, site_year
from eclectyc.estate import placements as estate
from eclectyc.estate.models import Meter, Placement, Region, Site
from eclectyc.kernel.days import slots_in_day
from eclectyc.kernel.errors import NotFound
from tests.analytics.filling import LONDON, fill, flat_days
from tests.factories import World, make_meter, make_series, make_site

START, TODAY = date(2025, 3, 1), date(2025, 7, 2)
SPRING = date(2025, 3, 30)  # 46 half-hours


@pytest.fixture
def actor(world: World) -> Actor:
    return Actor.of(world.admin)


def by_label(frame: pl.DataFrame, column: str = "value") -> dict[str, float]:
    return dict(frame.select("label", column).iter_rows())


@pytest.mark.django_db
def test_a_site_keeps_what_was_used_there_on_both_sides_of_the_clock_change(world: World, actor: Actor) -> None:
    mill = make_site(world.org, "Mill", region=Region.objects.create(organisation=world.org, name="North"))
    fill(make_series(world.meter), flat_days(START, TODAY, 1.0))
    estate.move_meter(actor, meter=world.meter, to=mill, on=SPRING)
    span: dict[str, Any] = {"start": SPRING - timedelta(days=1), "end": SPRING + timedelta(days=1), "today": TODAY}
    sites = consumption(actor, **span)
    assert by_label(sites) == {"Harbour House": 48.0, "Mill": 46.0}
    assert by_label(sites, "expected") == {"Harbour House": 48, "Mill": 46}
    assert by_label(sites, "meters") == {"Harbour House": 1, "Mill": 1}
    assert by_label(consumption(actor, group_by="region", **span)) == {"No region": 48.0, "North": 46.0}
    assert by_label(consumption(actor, group_by="meter", **span)) == {"Main incomer": 94.0}
    at_mill = ConsumptionFilter(sites=(mill.pk,))
    assert by_label(consumption(actor, group_by="meter", narrowed=at_mill, **span)) == {"Main incomer": 46.0}
    over_time = consumption_over_time(actor, by="month", narrowed=at_mill, **span)
    assert over_time["value"].to_list() == [46.0]


@pytest.mark.django_db
def test_the_sites_of_the_overview_and_a_sites_own_page_follow_placements(world: World, actor: Actor) -> None:
    mill = make_site(world.org, "Mill")
    fill(make_series(world.meter), flat_days(START, TODAY, 1.0))
    estate.move_meter(actor, meter=world.meter, to=mill, on=date(2025, 7, 1))
    overview = estate_overview(actor, date(2025, 7, 2))
    assert overview.month.total.value == 48.0
    assert {row["site_name"]: row["value"] for row in overview.sites.to_dicts()} == {
        "Mill": 48.0,
        "Harbour House": None,
    }
    assert overview.meters == 1
    assert len(overview.silent) == 0
    house = site_summary(actor, world.site, TODAY)
    june = {row["start"]: row["value"] for row in house.monthly.to_dicts()}
    assert june[date(2025, 6, 1)] == 30 * 48.0
    assert june.get(date(2025, 7, 1)) is None
    assert house.sparklines == {}  # it is there no more
    assert list(site_summary(actor, mill, TODAY).sparklines) == [world.meter.pk]
    heat = site_year(actor, world.site, 2025, today=TODAY)
    days_with_values = heat.days[~np.isnan(heat.value).all(axis=1)]
    assert days_with_values[-1] == np.datetime64("2025-06-30")
    assert site_year(actor, mill, 2025, today=TODAY).days[
        ~np.isnan(site_year(actor, mill, 2025, today=TODAY).value).all(axis=1)
    ].tolist() == [date(2025, 7, 1)]


@pytest.mark.django_db
def test_a_former_site_that_one_may_not_see_is_not_told_of(world: World, actor: Actor) -> None:
    mill = make_site(world.org, "Mill")
    fill(make_series(world.meter), flat_days(START, TODAY, 1.0))
    estate.move_meter(actor, meter=world.meter, to=mill, on=SPRING)
    of_mill = Actor("x", 1, (Grant(ROLE_PERMISSIONS["viewer"], Reach(sites=frozenset({mill.pk})), world.org.pk),))
    span: dict[str, Any] = {"start": START, "end": TODAY, "today": TODAY}
    assert list(by_label(consumption(of_mill, **span))) == ["Mill"]
    assert [row["site_name"] for row in estate_overview(of_mill, TODAY).sites.to_dicts()] == ["Mill"]
    narrowed = ConsumptionFilter(sites=(world.site.pk,))
    assert consumption(of_mill, narrowed=narrowed, **span).is_empty()
    assert consumption_over_time(of_mill, narrowed=narrowed, **span).is_empty()


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(6))
def test_totals_by_site_and_region_equal_a_plain_sum_day_by_day(seed: int, world: World, actor: Actor) -> None:
    rng = random.Random(seed)
    regions = [Region.objects.create(organisation=world.org, name=f"R{n}") for n in range(2)] + [None]
    sites = [make_site(world.org, f"S{n}", region=regions[n % 3]) for n in range(4)]
    where: dict[int, dict[date, Site]] = {}
    values: dict[int, dict[date, list[float | None]]] = {}
    for number in range(5):
        meter = make_meter(sites[rng.randrange(4)], f"M{number}")
        first, last = date(2025, 3, 20) + timedelta(rng.randrange(12)), date(2025, 4, 20) - timedelta(rng.randrange(5))
        days = {
            first + timedelta(n): [
                None if rng.random() < 0.02 else float(rng.randrange(9))
                for _ in range(slots_in_day(first + timedelta(n), LONDON))
            ]
            for n in range((last - first).days)
        }
        fill(make_series(meter), days)
        values[meter.pk] = days
        changes = {date.min: meter.site}
        day = date(2025, 3, 15)
        for _ in range(rng.randrange(4)):
            day += timedelta(rng.randrange(1, 20))
            to = sites[rng.randrange(4)]
            if to != meter.site:
                estate.move_meter(actor, meter=meter, to=to, on=day)
                changes[day] = to
        where[meter.pk] = changes
    start, end = date(2025, 3, 22), date(2025, 4, 18)
    by_site, by_region = _plain(where, values, start, end)
    span: dict[str, Any] = {"start": start, "end": end, "today": date(2025, 5, 1)}
    for group, wanted in (("site", by_site), ("region", by_region)):
        found = consumption(actor, group_by=group, **span)  # type: ignore[arg-type]
        got = {row["key"]: (row["value"], row["present"]) for row in found.to_dicts() if row["present"]}
        assert got == {key: (pytest.approx(total), present) for key, (total, present) in wanted.items()}
    for site in sites:
        narrowed = consumption(actor, group_by="utility", narrowed=ConsumptionFilter(sites=(site.pk,)), **span)
        total = sum(row["value"] or 0 for row in narrowed.to_dicts())
        assert total == pytest.approx(by_site.get(site.pk, (0, 0))[0])


def _plain(where: dict, values: dict, start: date, end: date) -> tuple[dict, dict]:
    """Walk every slot of every meter and put it where its meter was."""
    by_site: dict = defaultdict(lambda: [0.0, 0])
    by_region: dict = defaultdict(lambda: [0.0, 0])
    for meter, days in values.items():
        for day, slots in days.items():
            if not start <= day < end:
                continue
            site = where[meter][max(change for change in where[meter] if change <= day)]
            for value in slots:
                if value is not None:
                    for key, sums in ((site.pk, by_site), (site.region_id, by_region)):
                        sums[key][0] += value
                        sums[key][1] += 1
    return ({k: tuple(v) for k, v in by_site.items()}, {k: tuple(v) for k, v in by_region.items()})


@given(st.data())
def test_placed_rows_add_up_to_the_points_that_they_come_from(data: st.DataObject) -> None:
    count, length = data.draw(st.integers(1, 4)), 30
    first = date(2025, 1, 1)
    days = np.arange(np.datetime64(first), np.datetime64(first) + length)
    present = np.array(data.draw(st.lists(st.lists(st.integers(0, 48), min_size=length, max_size=length),
                                          min_size=count, max_size=count)))  # fmt: skip
    grid = DayGrid(
        days, np.where(present > 0, present * 2.0, np.nan), present, np.full((count, length), 48), present // 2
    )
    rows = []
    for meter in range(count):
        cuts = sorted(data.draw(st.sets(st.integers(1, length - 1), max_size=3)))
        edges = [None, *(first + timedelta(cut) for cut in cuts), None]
        ends = itertools.pairwise(edges) if cuts else ()
        rows += [(meter, n, f"S{n}", None, None, None, since, until) for n, (since, until) in enumerate(ends)]
    meters = pl.DataFrame({"meter": range(count), "site": 9, "site_name": "S9", "floor_area_m2": 1.0, "region": 1,
                           "region_name": "R"})  # fmt: skip
    placed = by_placement(meters, pl.DataFrame(rows, schema=MOVES, orient="row"))
    laid = placed.grid(grid)
    for name in ("present", "expected", "estimated"):
        sums = np.zeros_like(getattr(grid, name))
        np.add.at(sums, placed.source, getattr(laid, name))
        assert (sums == getattr(grid, name)).all()
    for row, source in enumerate(placed.source):
        assert (laid.present[row] <= grid.present[source]).all()
        moved = [r for r in rows if r[0] == source]
        assert placed.meters["site"][row] in ([r[1] for r in moved] or [9])


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(6))
def test_a_balance_equals_a_plain_walk_over_the_days(seed: int, world: World, actor: Actor) -> None:
    rng = random.Random(seed)
    start, end = date(2025, 3, 25), date(2025, 4, 5)
    main = make_meter(world.site, "MAIN")
    held: dict[int, dict[date, list[float | None]]] = {}
    subs = [make_meter(world.site, f"SUB{n}", parent=main, installed=start + timedelta(n)) for n in range(3)]
    for meter in (main, *subs):
        days = {
            start + timedelta(n): [
                None if rng.random() < 0.01 else float(rng.randrange(5))
                for _ in range(slots_in_day(start + timedelta(n), LONDON))
            ]
            for n in range((end - start).days)
            if rng.random() < 0.9 and (meter.installed or start) <= start + timedelta(n)
        }
        fill(make_series(meter), days)
        held[meter.pk] = days
    grandchild = make_meter(world.site, "BELOW", parent=subs[0])  # counted by its own main
    fill(make_series(grandchild), flat_days(start, end, 100.0))
    water = make_meter(world.site, "WATER", parent=main, utility="water", unit="m3")
    balance = meter_balance(actor, main, start, end, by="day", today=TODAY)
    assert balance.left_out == (water.pk,)
    first = min(held[main.pk], default=end)
    for row in balance.periods.to_dicts():
        day = row["start"]
        whole, sums = first <= day and _whole(held[main.pk].get(day)), 0.0
        for sub in subs:
            in_use = sub.installed is not None and sub.installed <= day
            whole = whole and (not in_use or _whole(held[sub.pk].get(day)))
            sums += sum(value or 0.0 for value in held[sub.pk].get(day, ()))
        of_main = sum(value or 0.0 for value in held[main.pk].get(day, ()))
        assert row["compared"] == int(whole)
        assert row["unmetered"] == (pytest.approx(of_main - sums) if whole else None)
    total = balance.total
    assert total["compared"] == balance.periods["compared"].sum()
    assert total["days"] == (end - start).days
    assert total["unmetered"] == pytest.approx(balance.periods["unmetered"].sum()) or not total["compared"]
    by_month = meter_balance(actor, main, start, end, by="month", today=TODAY)
    assert by_month.total == total


def _whole(values: list[float | None] | None) -> bool:
    return values is not None and None not in values


@pytest.mark.django_db
def test_a_balance_is_asked_of_what_one_sees(world: World, actor: Actor) -> None:
    with pytest.raises(NotFound):
        meter_balance(Actor.of(world.outsider), world.meter, START, TODAY, today=TODAY)
    fill(make_series(world.meter), flat_days(START, TODAY, 2.0))
    sub = make_meter(world.site, "SUB", parent=world.meter)
    fill(make_series(sub), flat_days(START, TODAY, 0.5))
    balance = meter_balance(actor, world.meter, START, TODAY, today=TODAY)
    assert balance.unmetered_share == pytest.approx(0.75)
    of_main = Actor(
        "x", 1, (Grant(ROLE_PERMISSIONS["viewer"], Reach(meters=frozenset({world.meter.pk})), world.org.pk),)
    )
    alone = meter_balance(of_main, world.meter, START, TODAY, today=TODAY)
    assert alone.subs.is_empty()
    assert alone.unmetered_share == 1.0


@pytest.mark.django_db
def test_moves_cost_one_query_however_many(world: World, actor: Actor, django_assert_num_queries: Any) -> None:
    mill = make_site(world.org, "Mill")
    for _ in range(20):
        meter = make_meter(world.site)
        series = make_series(meter)
        Placement.objects.create(meter=meter, site=world.site, until=SPRING)
        Placement.objects.create(meter=meter, site=mill, since=SPRING)
        Meter.objects.filter(Q(pk=meter.pk)).update(site=mill)
    fill(series, flat_days(START, TODAY, 1.0))
    with django_assert_num_queries(2):
        consumption(actor, start=START, end=TODAY, today=TODAY)
