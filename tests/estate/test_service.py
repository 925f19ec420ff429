"""Sites, meters and series: the same checks for every caller."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from eclectyc.accounts.actor import Actor
from eclectyc.estate.meters import create_meter, create_meters, update_meter
from eclectyc.estate.models import Meter, Region, Series, Site
from eclectyc.estate.series import SeriesKey, ensure_series, rows_of, series_for
from eclectyc.estate.sites import create_site, update_site
from eclectyc.kernel.errors import Forbidden, Invalid
from tests.factories import World, make_meter, make_series, make_site

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(world: World) -> Actor:
    return Actor.of(world.admin)


def test_a_site_is_made_with_its_fields_in_their_stored_form(world: World, admin: Actor) -> None:
    site = create_site(
        admin, organisation=world.org, name="  New   works ", region="North", site_type="Office", floor_area_m2="12.5",
        timezone="Europe/Lisbon", is_active="no", outside_references={"company_id": 7},
    )  # fmt: skip
    site.refresh_from_db()
    assert (site.name, site.site_type, site.floor_area_m2, site.timezone) == (
        "New works",
        "office",
        12.5,
        "Europe/Lisbon",
    )
    assert (site.is_active, site.region.name, site.outside_references) == (False, "North", {"company_id": "7"})
    create_site(admin, organisation=world.org, name="Another", region="north")
    assert Region.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "harbour house"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "zero\x00"}, "name"),
        ({"name": 7}, "name"),
        ({"site_type": "palace"}, "site_type"),
        ({"floor_area_m2": -1}, "floor_area_m2"),
        ({"floor_area_m2": "wide"}, "floor_area_m2"),
        ({"floor_area_m2": float("nan")}, "floor_area_m2"),
        ({"latitude": 91}, "latitude"),
        ({"longitude": True}, "longitude"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"is_active": "perhaps"}, "is_active"),
        ({"created_at": "yesterday"}, "created_at"),
        ({"outside_references": "x"}, "outside_references"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_site_that_cannot_be_is_refused_with_its_field_named(
    world: World, admin: Actor, fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        create_site(admin, organisation=world.org, **({"name": "Fine"} | fields))
    assert caught.value.field == field
    assert Site.objects.filter(organisation=world.org).count() == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"identifier": ""}, "identifier"),
        ({"identifier": "1200023305967"}, "identifier"),
        ({"identifier": "1.20E+12"}, "identifier"),
        ({"identifier": "x" * 65}, "identifier"),
        ({"utility": "magic"}, "utility"),
        ({"direction": "up"}, "direction"),
        ({"unit": "furlong"}, "unit"),
        ({"step_minutes": 7}, "step_minutes"),
        ({"step_minutes": "often"}, "step_minutes"),
        ({"multiplier": 0}, "multiplier"),
        ({"multiplier": "two"}, "multiplier"),
        ({"parent": "unknown"}, "parent"),
        ({"installed": "31/02/2025"}, "installed"),
        ({"installed": date(2025, 2, 1), "removed": date(2025, 1, 1)}, "removed"),
        ({"organisation": 1}, "organisation"),
    ],
)
def test_a_meter_that_cannot_be_is_refused_with_its_field_named(
    world: World, admin: Actor, fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        create_meter(admin, site=world.site, **({"identifier": "M1"} | fields))
    assert caught.value.field == field
    assert Meter.objects.filter(organisation=world.org).count() == 1


def test_a_meter_is_made_with_its_fields_in_their_stored_form(world: World, admin: Actor) -> None:
    meter = create_meter(
        admin, site=world.site, identifier="'22 48 274 887 874.0", unit="m³", step_minutes="60", multiplier="2.5",
        parent="1200023305967", installed="2020-02-01", utility="Gas",
    )  # fmt: skip
    meter.refresh_from_db()
    assert (meter.identifier, meter.unit, meter.step_minutes) == ("2248274887874", "m3", 60)
    assert (meter.multiplier, meter.parent, meter.installed) == (Decimal("2.5"), world.meter, date(2020, 2, 1))


def test_a_meter_is_never_above_itself(world: World, admin: Actor) -> None:
    sub = create_meter(admin, site=world.site, identifier="S1", parent=world.meter)
    with pytest.raises(Invalid, match="its own parent"):
        update_meter(admin, meter=world.meter, parent="S1")
    with pytest.raises(Invalid, match="its own parent"):
        update_meter(admin, meter=sub, parent=sub)


def test_nothing_of_another_organisation_is_accepted(world: World, admin: Actor) -> None:
    theirs = Region.objects.create(organisation=world.other_org, name="Theirs")
    with pytest.raises(Invalid):
        update_site(admin, site=world.site, region=theirs)
    with pytest.raises(Invalid):
        update_meter(admin, meter=world.meter, site=world.other_site)
    with pytest.raises(Invalid):
        update_meter(admin, meter=world.meter, site=world.other_site.name)
    with pytest.raises(Invalid):
        update_meter(admin, meter=world.meter, parent=world.other_meter)


def test_only_those_who_keep_the_estate_change_it(world: World) -> None:
    for user in (world.viewer, world.manager, world.outsider):
        actor = Actor.of(user)
        with pytest.raises(Forbidden):
            create_site(actor, organisation=world.org, name="X")
        with pytest.raises(Forbidden):
            update_site(actor, site=world.site, name="X")
        with pytest.raises(Forbidden):
            create_meter(actor, site=world.site, identifier="X")
        with pytest.raises(Forbidden):
            update_meter(actor, meter=world.meter, name="X")
        with pytest.raises(Forbidden):
            create_meters(actor, site=world.site, identifiers=["X"])
        with pytest.raises(Forbidden):
            series_for(actor, meter=world.meter)


def test_a_sites_zone_is_fixed_once_readings_lie_in_its_days(world: World, admin: Actor) -> None:
    update_site(admin, site=world.site, timezone="Europe/Lisbon")
    make_series(world.meter)
    with pytest.raises(Invalid, match="readings in days of Europe/Lisbon"):
        update_site(admin, site=world.site, timezone="UTC")
    update_site(admin, site=world.site, timezone="Europe/Lisbon", name="Renamed")
    with pytest.raises(Invalid, match="Create a new meter there"):
        update_meter(admin, meter=world.meter, site=make_site(world.org, "London"))
    update_meter(admin, meter=world.meter, site=make_site(world.org, "Porto", timezone="Europe/Lisbon"))


def test_references_of_other_systems_are_added_to(world: World, admin: Actor) -> None:
    update_site(admin, site=world.site, outside_references={"a_id": "1"})
    update_site(admin, site=world.site, outside_references={"b_id": "2"})
    assert world.site.outside_references == {"a_id": "1", "b_id": "2"}


def test_the_first_unit_and_source_of_a_quantity_are_primary_in_all_steps(world: World, admin: Actor) -> None:
    first = series_for(admin, meter=world.meter)
    again = series_for(admin, meter=world.meter)
    hourly = series_for(admin, meter=world.meter, step_minutes=60)
    metres = series_for(admin, meter=world.meter, unit="m3")
    other = series_for(admin, meter=world.meter, source="collector")
    export = series_for(admin, meter=world.meter, quantity="export")
    assert first == again
    assert [s.is_primary for s in (first, hourly, metres, other, export)] == [True, True, False, False, True]


def test_many_series_are_created_at_once_and_only_the_missing_ones(world: World) -> None:
    meters = [make_meter(world.site) for _ in range(3)]
    held = make_series(meters[0])
    keys = [SeriesKey(meter.pk, "import", "kWh", 30) for meter in meters]
    series, made = ensure_series([*keys, *keys])
    assert set(series) == set(keys)
    assert series[keys[0]] == held
    assert [s.meter_id for s in made] == [meters[1].pk, meters[2].pk]
    assert Series.objects.count() == 3


def test_many_meters_alike_are_made_at_once(world: World, admin: Actor) -> None:
    made = create_meters(admin, site=world.site, identifiers=["M1", "'M 2"], utility="gas", unit="m3", step_minutes=60)
    assert [meter.identifier for meter in made] == ["M1", "M2"]
    assert {(m.utility, m.unit, m.step_minutes, m.organisation) for m in Meter.objects.filter(utility="gas")} == {
        ("gas", "m3", 60, world.org)
    }
    for fields in ({"identifiers": ["x" * 65]}, {"identifiers": [""]}, {"identifiers": ["M3"], "utility": "magic"}):
        with pytest.raises(Invalid):
            create_meters(admin, site=world.site, **fields)


def test_series_are_found_by_number_however_far_apart(world: World) -> None:
    meters = [make_meter(world.site, f"M{n}") for n in range(130)]
    numbers = {meter.pk: make_series(meter).pk for meter in meters}
    near, apart, few = [meter.pk for meter in meters[3:]], [meters[0].pk, meters[-1].pk], [meters[5].pk]
    holed = near[:50] + near[60:]  # what lies in between is asked for as well, and is not among them
    for wanted in (near, holed, near[::2], apart, few, []):
        found = list(rows_of(Series.objects.all(), "meter", wanted, "meter", "pk"))
        assert sorted(found) == [(meter, numbers[meter]) for meter in sorted(wanted)]
    with CaptureQueriesContext(connection) as asked:
        list(rows_of(Series.objects.all(), "meter", near, "pk"))
    assert len(asked) == 1
    assert asked[0]["sql"].count(",") < 20  # a span, not a list of numbers
