"""Regions, suppliers and sites: what is taken, what is refused, and what the audit keeps of it."""

from __future__ import annotations

from typing import Any

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Membership
from eclectyc.audit.models import Event
from eclectyc.estate import changes, meters, placements, regions, sites, suppliers
from eclectyc.estate.models import Region, Supplier
from eclectyc.kernel.errors import Conflict, EclectycError, Forbidden, Invalid, NotFound
from tests.estate.conftest import narrow
from tests.factories import World, make_meter, make_series, make_site

pytestmark = pytest.mark.django_db


def test_a_region_is_made_renamed_and_deleted_with_an_event_each(editor: Actor, world: World) -> None:
    region = regions.create_region(editor, organisation=world.org, name="  The   North ")
    assert region.name == "The North"
    regions.update_region(editor, region=region, name="North")
    assert region.version == 2
    regions.delete_region(editor, region=region)
    events = list(Event.objects.order_by("id").values_list("action", "before", "after"))
    assert events == [
        ("region.created", {}, {"name": "The North"}),
        ("region.changed", {"name": "The North"}, {"name": "North"}),
        ("region.deleted", {"name": "North"}, {}),
    ]
    assert not Region.objects.exists()


def test_a_change_that_changes_nothing_leaves_no_trace(editor: Actor, world: World) -> None:
    sites.update_site(editor, site=world.site, name="Harbour House", floor_area_m2="1200.0", postcode=" BS1 4RN ")
    assert world.site.version == 1
    assert not Event.objects.exists()


@pytest.mark.parametrize("name", ["NORTH", "north", " North "])
def test_a_name_is_unique_ignoring_case(name: str, editor: Actor, world: World) -> None:
    for make in (regions.create_region, suppliers.create_supplier, sites.create_site):
        make(editor, organisation=world.org, name="North")
        with pytest.raises(Invalid, match=r"There is already a \w+ '(?i:north)'\. Choose another\."):
            make(editor, organisation=world.org, name=name)
        make(Actor.system(), organisation=world.other_org, name=name)  # another organisation's names are its own


def test_a_region_that_holds_sites_is_not_deleted(editor: Actor, world: World) -> None:
    region = regions.create_region(editor, organisation=world.org, name="North")
    sites.update_site(editor, site=world.site, region="north")
    with pytest.raises(Conflict, match=r"North has 1 site. Move them to another region first."):
        regions.delete_region(editor, region=region)


def test_a_place_at_which_people_have_roles_is_not_deleted(editor: Actor, world: World) -> None:
    region = regions.create_region(editor, organisation=world.org, name="North")
    site = make_site(world.org, "Mill")
    for thing, delete in ((region, regions.delete_region), (site, sites.delete_site)):
        scope = {type(thing).__name__.lower(): thing}
        held = Membership.objects.create(user=world.viewer, organisation=world.org, role="viewer", **scope)
        with pytest.raises(Conflict, match=r"People have roles at"):
            delete(editor, **scope)
        held.delete()
        delete(editor, **scope)


def test_a_supplier_of_meters_is_not_deleted_but_made_inactive(editor: Actor, world: World) -> None:
    meters.update_meter(editor, meter=world.meter, supplier="Pennine Gas")
    supplier = Supplier.objects.get()
    with pytest.raises(Conflict, match=r"Pennine Gas supplies 1 meter. .* make this one inactive."):
        suppliers.delete_supplier(editor, supplier=supplier)
    suppliers.update_supplier(editor, supplier=supplier, is_active=False)
    meters.update_meter(editor, meter=world.meter, supplier=None)
    suppliers.delete_supplier(editor, supplier=supplier)
    assert not Supplier.objects.exists()


def test_a_suppliers_contact_is_kept_out_of_what_cannot_be_erased(editor: Actor, world: World) -> None:
    supplier = suppliers.create_supplier(
        editor,
        organisation=world.org,
        name="Vale Water",
        account="A-1",
        contact_name="Jo Bloggs",
        contact_email="jo@vale.example",
        contact_phone="+44 117 496 0000",
        notes="ask Jo",
        website="https://vale.example",
    )
    suppliers.delete_supplier(editor, supplier=supplier)
    for event in Event.objects.all():
        assert "Jo" not in f"{event.before} {event.after}"
        assert "vale.example'" not in f"{event.before} {event.after}" or "jo@" not in f"{event.before}{event.after}"
    assert Event.objects.order_by("id")[0].personal.text["contact_name"] == "Jo Bloggs"


def test_a_site_keeps_all_its_fields(editor: Actor, world: World) -> None:
    site = sites.create_site(
        editor,
        organisation=world.org,
        name="Ward 7",
        region="North",
        company="Trust",
        address="1 Road\n Bristol ",
        postcode="BS1 1AA",
        site_type="Healthcare",
        floor_area_m2=10.5,
        latitude=51.5,
        longitude=-2.6,
        timezone="Europe/London",
        opening_hours="Mon-Sun 00:00-24:00",
        outside_references={"site_id": "7"},
        properties={"Beds": 24, "Opened": {"kind": "date", "value": "1999-12-31"}, "Listed": False, "Note": "x"},
    )
    site.refresh_from_db()
    assert site.region is not None
    assert site.region.name == "North"
    assert site.address == "1 Road, Bristol"
    assert site.site_type == "healthcare"
    assert site.opening_hours == [[["00:00", "24:00"]]] * 7
    assert site.properties == {
        "Beds": {"kind": "number", "value": 24},
        "Opened": {"kind": "date", "value": "1999-12-31"},
        "Listed": {"kind": "yes_no", "value": False},
        "Note": {"kind": "text", "value": "x"},
    }
    assert make_site(world.org).opening_hours == [[["07:00", "19:00"]]] * 5 + [[], []]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name"),
    ({"name": "x" * 201}, "name"),
    ({"name": "a\x00b"}, "name"),
    ({"name": "\ud800"}, "name"),
    ({"name": 7}, "name"),
    ({"latitude": 91, "longitude": 0}, "latitude"),
    ({"latitude": 51}, "longitude"),
    ({"longitude": "nan", "latitude": 1}, "longitude"),
    ({"floor_area_m2": -1}, "floor_area_m2"),
    ({"floor_area_m2": 1e400}, "floor_area_m2"),
    ({"timezone": "Europe/Bristol"}, "timezone"),
    ({"timezone": "../etc/passwd"}, "timezone"),
    ({"site_type": "castle"}, "site_type"),
    ({"postcode": "x" * 21}, "postcode"),
    ({"is_active": "perhaps"}, "is_active"),
    ({"opening_hours": "always"}, "opening_hours"),
    ({"properties": {"a": {"kind": "money", "value": 1}}}, "properties"),
    ({"properties": [1]}, "properties"),
    ({"properties": {"a": {"kind": "number", "value": "many"}}}, "properties"),
    ({"properties": {"a": 1, "A": 2}}, "properties"),
    ({"properties": {str(n): n for n in range(51)}}, "properties"),
    ({"colour": "red"}, "colour"),
    ({"outside_references": "x"}, "outside_references"),
    ({"created_at": "31/02/2025"}, "created_at"),
]


@pytest.mark.parametrize(("fields", "field"), BAD)
def test_a_site_is_refused_by_the_field_that_is_wrong(
    fields: dict[str, Any], field: str, editor: Actor, world: World
) -> None:
    for attempt in (
        lambda: sites.update_site(editor, site=world.site, **fields),
        lambda: sites.create_site(editor, organisation=world.org, **({"name": "New"} | fields)),
    ):
        with pytest.raises(Invalid) as refused:
            attempt()
        assert refused.value.field == field
    assert not Event.objects.exists()


def test_a_site_with_meters_is_not_deleted_and_says_what_to_do(editor: Actor, world: World) -> None:
    with pytest.raises(Conflict, match=r"Harbour House has 1 meter. Move them first, or make the site inactive."):
        sites.delete_site(editor, site=world.site)
    sites.update_site(editor, site=world.site, is_active=False)
    sites.update_site(editor, site=world.site, is_active=True)
    assert [e.after for e in Event.objects.order_by("id")] == [{"is_active": False}, {"is_active": True}]


def test_a_sites_time_zone_stays_once_it_has_readings(editor: Actor, world: World) -> None:
    sites.update_site(editor, site=world.site, timezone="UTC")
    make_series(world.meter)
    with pytest.raises(Invalid, match=r"Harbour House has readings in days of UTC"):
        sites.update_site(editor, site=world.site, timezone="Europe/London")


def test_two_editors_do_not_overwrite_each_other(editor: Actor, world: World) -> None:
    read = world.site.version
    sites.update_site(editor, site=world.site, name="First", version=read)
    with pytest.raises(changes.Changed, match=r"changed by another user. Reload it"):
        sites.update_site(editor, site=world.site, company="Second", version=read)
    with pytest.raises(changes.Changed):
        sites.delete_site(editor, site=world.site, version=read)
    sites.update_site(editor, site=world.site, company="Second", version=read + 1)
    world.site.refresh_from_db()
    assert (world.site.name, world.site.company, world.site.version) == ("First", "Second", 3)


def test_what_was_deleted_meanwhile_is_not_found(editor: Actor, world: World) -> None:
    site = make_site(world.org, "Mill")
    type(site).objects.filter(pk=site.pk).delete()
    with pytest.raises(NotFound, match=r"Mill has been deleted"):
        sites.update_site(editor, site=site, name="Other")


def test_an_editor_of_a_region_works_there_and_nowhere_else(world: World) -> None:
    north, south = (Region.objects.create(organisation=world.org, name=n) for n in ("North", "South"))
    regional = narrow(world.org.pk, regions={north.pk})
    mill = sites.create_site(regional, organisation=world.org, name="Mill", region=north)
    sites.update_site(regional, site=mill, company="Tenant")
    meters.create_meter(regional, site=mill, identifier="1")
    for attempt in (
        lambda: sites.create_site(regional, organisation=world.org, name="Nowhere"),
        lambda: sites.create_site(regional, organisation=world.org, name="There", region=south),
        lambda: sites.update_site(regional, site=mill, region=south),  # out of their own reach
        lambda: sites.update_site(regional, site=mill, region=None),
        lambda: sites.update_site(regional, site=world.site, company="x"),
        lambda: meters.create_meter(regional, site=world.site, identifier="2"),
        lambda: regions.create_region(regional, organisation=world.org, name="West"),
        lambda: suppliers.create_supplier(regional, organisation=world.org, name="Any"),
        lambda: sites.delete_site(regional, site=world.site),
    ):
        with pytest.raises(Forbidden):
            attempt()
    with pytest.raises(Invalid, match=r"There is no region 'West'"):  # names make nothing where one may not
        sites.update_site(regional, site=mill, region="West")
    mill.refresh_from_db()
    assert (mill.region_id, mill.company) == (north.pk, "Tenant")


def test_no_one_without_the_permission_changes_anything(world: World) -> None:
    region = Region.objects.create(organisation=world.org, name="North")
    supplier = Supplier.objects.create(organisation=world.org, name="Pennine")
    for person in (world.viewer, world.manager, world.outsider):
        actor = Actor.of(person)
        for attempt in (
            lambda actor=actor: sites.create_site(actor, organisation=world.org, name="New"),
            lambda actor=actor: sites.update_site(actor, site=world.site, name="New"),
            lambda actor=actor: sites.delete_site(actor, site=world.site),
            lambda actor=actor: regions.create_region(actor, organisation=world.org, name="New"),
            lambda actor=actor: regions.update_region(actor, region=region, name="New"),
            lambda actor=actor: regions.delete_region(actor, region=region),
            lambda actor=actor: suppliers.update_supplier(actor, supplier=supplier, name="New"),
            lambda actor=actor: suppliers.delete_supplier(actor, supplier=supplier),
            lambda actor=actor: meters.update_meter(actor, meter=world.meter, name="New"),
            lambda actor=actor: meters.delete_meter(actor, meter=world.meter),
            lambda actor=actor: meters.create_meter(actor, site=world.site, identifier="2"),
        ):
            with pytest.raises(Forbidden):
                attempt()
    assert not Event.objects.exists()


def test_things_of_two_organisations_are_never_joined(world: World) -> None:
    both = Actor.system()
    theirs = Region.objects.create(organisation=world.other_org, name="Theirs")
    supplier = Supplier.objects.create(organisation=world.other_org, name="Theirs")
    for attempt in (
        lambda: sites.update_site(both, site=world.site, region=theirs),
        lambda: meters.update_meter(both, meter=world.meter, site=world.other_site),
        lambda: meters.update_meter(both, meter=world.meter, parent=world.other_meter),
        lambda: meters.update_meter(both, meter=world.meter, supplier=supplier),
        lambda: placements.move_meter(both, meter=world.meter, to=world.other_site, on="2025-06-01"),
    ):
        with pytest.raises(EclectycError):
            attempt()
    sites.update_site(both, site=world.site, region="theirs")  # a name is looked for at home, and made there
    assert Region.objects.filter(organisation=world.org, name="theirs").exists()
    assert make_meter(world.site).organisation_id == world.org.pk
