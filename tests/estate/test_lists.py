from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.reach import Reach
from eclectyc.estate import lists
from eclectyc.estate.lists import METER_SORTS, SITE_SORTS, ListPart, MeterFilter, NameFilter, SiteFilter
from eclectyc.estate.models import Meter, Region, Supplier
from tests.estate.conftest import narrow
from tests.factories import World, make_meter, make_site

pytestmark = pytest.mark.django_db


@pytest.fixture
def estate(world: World) -> dict[str, Any]:
    north = Region.objects.create(organisation=world.org, name="North")
    pennine = Supplier.objects.create(organisation=world.org, name="Pennine Gas")
    mill = make_site(
        world.org, "Old Mill", region=north, postcode="LS1 4AB", site_type="industrial", company="Tenant Ltd"
    )
    gas = make_meter(mill, "7000001", utility="gas", serial="G4 77", supplier=pennine, name="Boiler house")
    sub = make_meter(mill, "SUB", parent=gas, direction="export", is_active=False)
    return {"north": north, "pennine": pennine, "mill": mill, "gas": gas, "sub": sub}


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("7000001", ["7000001"]),
        ("boiler", ["7000001"]),
        ("G4 77", ["7000001"]),
        ("old MILL", ["7000001", "SUB"]),
        ("ls1 4ab", ["7000001", "SUB"]),
        ("ls14ab", ["7000001", "SUB"]),
        ("tenant", ["7000001", "SUB"]),
        ("mill sub", ["SUB"]),
        ("12 0002 3305 967", ["1200023305967"]),
        ("%", []),
        ("_", []),
        ("nothing", []),
        ("", ["1200023305967", "7000001", "SUB"]),
        ("1000000000040", []),
    ],
)
def test_every_word_of_a_search_is_found(search: str, found: list[str], estate: dict, editor: Actor) -> None:
    listed = lists.meters(editor, MeterFilter(search=search))
    assert [meter.identifier for meter in listed.items] == found
    assert listed.count == len(found)


def test_filters_narrow_together(estate: dict, editor: Actor) -> None:
    north, pennine, mill, gas = (estate[name] for name in ("north", "pennine", "mill", "gas"))
    for narrowed, found in (
        ({"utility": "gas"}, ["7000001"]),
        ({"regions": (north.pk,)}, ["7000001", "SUB"]),
        ({"sites": (mill.pk,)}, ["7000001", "SUB"]),
        ({"suppliers": (pennine.pk,)}, ["7000001"]),
        ({"is_active": False}, ["SUB"]),
        ({"direction": "export"}, ["SUB"]),
        ({"site_type": "industrial"}, ["7000001", "SUB"]),
        ({"parents": (gas.pk,)}, ["SUB"]),
        ({"is_sub": True}, ["SUB"]),
        ({"is_sub": False, "regions": (north.pk,)}, ["7000001"]),
        ({"sites": ()}, []),
        ({"utility": "gas", "is_active": False}, []),
    ):
        assert [m.identifier for m in lists.meters(editor, MeterFilter(**narrowed)).items] == found, narrowed
    assert lists.meters(editor, MeterFilter(utility="gas")).counts == {gas.pk: 1}
    assert lists.sites(editor, SiteFilter(utility="gas")).counts == {mill.pk: 2}
    assert [s.name for s in lists.sites(editor, SiteFilter(search="ls1 old")).items] == ["Old Mill"]
    assert lists.regions(editor).counts == {north.pk: 1}
    assert lists.suppliers(editor, NameFilter(search="gas")).counts == {pennine.pk: 1}
    assert lists.suppliers(editor, NameFilter(is_active=False)).items == []


@pytest.mark.parametrize("sort", METER_SORTS)
def test_meters_are_sorted_by_any_column_and_back(sort: str, estate: dict, editor: Actor) -> None:
    up = lists.meters(editor, part=ListPart(sort)).items
    down = lists.meters(editor, part=ListPart(f"-{sort}")).items
    assert {m.pk for m in up} == {m.pk for m in down}
    values = [_column(meter, METER_SORTS[sort]) for meter in up]
    known = [value for value in values if value is not None]
    assert values == sorted(known) + [None] * (len(values) - len(known))  # what is not known comes last
    reverse = [_column(meter, METER_SORTS[sort]) for meter in down]
    assert reverse == sorted(known, reverse=True) + [None] * (len(values) - len(known))


@pytest.mark.parametrize("sort", SITE_SORTS)
def test_sites_are_sorted_by_any_column(sort: str, estate: dict, editor: Actor) -> None:
    values = [_column(site, SITE_SORTS[sort]) for site in lists.sites(editor, part=ListPart(sort)).items]
    known = [value for value in values if value is not None]
    assert values == sorted(known) + [None] * (len(values) - len(known))


def _column(thing: Any, path: str) -> Any:
    for name in path.split("__"):
        thing = getattr(thing, name) if thing is not None else None
    return thing


def test_pages_together_are_the_list(editor: Actor, world: World) -> None:
    for _ in range(25):
        make_meter(world.site, name="same")
    pages = [lists.meters(editor, part=ListPart("name", offset=at, limit=10)) for at in range(0, 40, 10)]
    seen = [meter.pk for page in pages for meter in page.items]
    assert sorted(seen) == sorted(Meter.objects.filter(organisation=world.org).values_list("pk", flat=True))
    assert {page.count for page in pages} == {26}


def test_a_list_costs_the_same_however_long(
    world: World, editor: Actor, django_assert_num_queries: CaptureQueriesContext
) -> None:
    for n in range(30):
        make_meter(make_site(world.org), parent=world.meter)
        Region.objects.create(organisation=world.org, name=f"R{n}")
        Supplier.objects.create(organisation=world.org, name=f"S{n}")
    for asked in (lists.meters, lists.sites, lists.regions, lists.suppliers):
        for limit, queries in ((10, 4), (29, 4), (50, 3)):  # the last page says itself how many there are
            with django_assert_num_queries(queries):
                for thing in asked(editor, part=ListPart(limit=limit)).items:
                    str(thing.organisation)


PARTS = ("organisations", "regions", "sites", "meters")


@pytest.mark.parametrize("given", [(one,) for one in PARTS] + [("regions", "meters"), ("sites", "meters")])
@pytest.mark.parametrize("narrowed", [None, *PARTS])
def test_a_search_finds_what_a_slow_reading_finds_whatever_one_sees(
    given: tuple[str, ...], narrowed: str | None, estate: dict, world: World
) -> None:
    pks = {"organisations": world.org.pk, "regions": estate["north"].pk, "sites": estate["mill"].pk,
           "meters": estate["gas"].pk}  # fmt: skip
    actor = narrow(world.org.pk, **{part: {pks[part]} for part in given})
    if narrowed is not None:
        actor = replace(actor, narrowed=Reach(**{narrowed: frozenset({pks[narrowed]})}))
    for word in ("mill", "ls1", "tenant", "sub", "boiler", "harbour", "elsewhere"):
        wanted = set()
        for meter in Meter.objects.select_related("site__region"):
            words = " ".join(meter.search_words()) + " " + meter.site.name
            if all(limit.covers(meter.site.place) for limit in actor.limits()):
                words += " " + " ".join(meter.site.search_words())
            if actor.may("estate.view", meter.place) and word in words.casefold():
                wanted.add(meter.identifier)
        assert {m.identifier for m in lists.meters(actor, MeterFilter(search=word)).items} == wanted, word


def test_a_search_finds_only_what_the_user_sees(estate: dict, world: World) -> None:
    gas, mill = estate["gas"], estate["mill"]
    of_one_meter = narrow(world.org.pk, meters={gas.pk})
    found = lambda **narrowed: [m.pk for m in lists.meters(of_one_meter, MeterFilter(**narrowed)).items]  # noqa: E731
    assert found(search="mill") == [gas.pk]  # the site's name is shown with the meter
    assert found(search="ls1") == found(search="tenant") == found(site_type="industrial") == []
    assert lists.sites(of_one_meter).count == 0
    assert lists.sites(of_one_meter, SiteFilter(sites=(mill.pk,))).items == []
    assert lists.meters(of_one_meter).counts == {}
    outsider = Actor.of(world.outsider)
    for asked in (
        lists.meters(outsider, MeterFilter(search="7000001")),
        lists.suppliers(outsider),
        lists.regions(outsider),
    ):
        assert (asked.items, asked.count, asked.counts) == ([], 0, {})
