"""Sites, meters, regions and suppliers kept in the browser."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from eclectyc.accounts.models import Membership, Role
from eclectyc.estate.models import Meter, Region, Site, Supplier
from tests.factories import World, make_meter, make_series, make_site
from tests.web.conftest import signed_in
from tests.web.pages import rows_of, text_of

pytestmark = pytest.mark.django_db
ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
FORMULA = '=HYPERLINK("http://x","y")'
SITE = {
    "name": "Quay Works", "site_type": "office", "is_active": "true", "timezone": "Europe/London",
    "opening_hours": "Mon-Fri 08:00-18:00", "region": "", "company": "", "floor_area_m2": "", "address": "",
    "postcode": "", "latitude": "", "longitude": "",
}  # fmt: skip
METER = {
    "identifier": "M-1", "name": "", "site": "Harbour House", "utility": "gas", "direction": "import", "unit": "kWh",
    "step_minutes": "30", "multiplier": "1", "serial": "", "supplier": "", "parent": "", "installed": "",
    "removed": "", "is_active": "true",
}  # fmt: skip


def site(world: World, **said: str) -> dict[str, str]:
    return SITE | {"organisation": str(world.org.pk)} | said


def meter(world: World, **said: str) -> dict[str, str]:
    return METER | {"organisation": str(world.org.pk)} | said


def test_a_site_is_made_and_stands_in_the_list(admin: Client, world: World) -> None:
    said = site(world, region="West", floor_area_m2="812.5", latitude="51.45", longitude="-2.58")
    properties = {"property_name": ["Storeys", ""], "property_kind": ["number", "text"], "property_value": ["4", ""]}
    answer = admin.post("/admin/sites/new", said | properties)
    made = Site.objects.get(name="Quay Works")
    assert (answer.status_code, answer.url) == (302, f"/admin/sites/{made.pk}")
    assert made.properties == {"Storeys": {"kind": "number", "value": 4}}
    assert (made.floor_area_m2, made.latitude, made.longitude) == (812.5, 51.45, -2.58)
    page = admin.get(answer.url)
    assert "Quay Works was created." in text_of(page)
    assert 'value="-2.58"' in page.content.decode()
    assert ["Quay Works", "West", "Office", "0", "812.5", "", ""] in [
        row[1:] for row in rows_of(admin.get("/admin/sites"))
    ]


def test_every_wrong_field_is_told_at_once_and_nothing_typed_is_lost(admin: Client, world: World) -> None:
    said = site(world, name=" ", floor_area_m2="twelve", latitude="91", opening_hours="whenever", address="1 High St")
    answer = admin.post("/admin/sites/new", said)
    assert answer.status_code == 422
    page, words = answer.content.decode(), text_of(answer)
    assert "Check these 4 fields:" in words
    for name in ("name", "floor_area_m2", "latitude", "opening_hours"):
        assert f'id="id_{name}_error"' in page
        assert f'aria-describedby="id_{name}_help id_{name}_error"' in page
    for typed in ("twelve", "91", "whenever", "1 High St"):
        assert typed in page
    assert not Site.objects.filter(organisation=world.org, address="1 High St").exists()


def test_a_second_site_of_a_name_is_refused_beside_the_name(admin: Client, world: World) -> None:
    answer = admin.post("/admin/sites/new", site(world, name="harbour house"))
    assert answer.status_code == 422
    assert "There is already a site &#x27;harbour house&#x27;." in answer.content.decode()


def test_a_change_over_somebody_elses_is_refused_and_kept_on_the_page(admin: Client, world: World) -> None:
    here = f"/admin/sites/{world.site.pk}"
    admin.post(here, site(world, name="Harbour House", company="One", version="1"))
    answer = admin.post(here, site(world, name="Harbour House", company="Two", version="1"))
    assert answer.status_code == 409
    assert "has been changed by another user" in text_of(answer)
    assert 'value="Two"' in answer.content.decode()
    world.site.refresh_from_db()
    assert world.site.company == "One"


def test_a_site_with_meters_is_not_deleted_and_says_what_to_do(admin: Client, world: World) -> None:
    answer = admin.post(f"/admin/sites/{world.site.pk}", {"do": "delete"})
    assert answer.status_code == 409
    assert "Harbour House has 1 meter." in text_of(answer)
    assert "make the site inactive" in text_of(answer)
    assert Site.objects.filter(pk=world.site.pk).exists()


def test_an_empty_site_is_deleted(admin: Client, world: World) -> None:
    empty = make_site(world.org, "Empty")
    answer = admin.post(f"/admin/sites/{empty.pk}", {"do": "delete"})
    assert answer.url == "/admin/sites"
    assert not Site.objects.filter(pk=empty.pk).exists()


def test_a_metric_is_added_with_its_dates_and_deleted(admin: Client, world: World) -> None:
    here = f"/admin/sites/{world.site.pk}"
    said = {"do": "set_metric", "name": "Beds", "value": "120", "unit": "", "measure": "level", "since": "2025-01-01"}
    assert admin.post(here, said | {"until": ""}).status_code == 302
    wrong = admin.post(here, said | {"since": "soon", "until": ""})
    assert wrong.status_code == 422
    assert 'id="set_metric_since_error"' in wrong.content.decode()
    assert ["Beds", "120", "Holds throughout", "2025-01-01", "on"] in [row[:5] for row in rows_of(admin.get(here))]
    admin.post(f"{here}?correct=metric-{world.site.metrics.get().pk}", {"do": "take_out"})
    assert not world.site.metrics.exists()


def test_a_meter_is_made_at_a_site_that_is_named(admin: Client, world: World) -> None:
    answer = admin.post("/admin/meters/new", meter(world, parent="1200023305967", supplier="Northern Gas"))
    made = Meter.objects.get(identifier="M-1")
    assert answer.url == f"/admin/meters/{made.pk}"
    assert (made.site, made.parent, str(made.supplier)) == (world.site, world.meter, "Northern Gas")
    assert "M-1" in text_of(admin.get(f"/admin/meters/{world.meter.pk}"))


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("site", "Elsewhere Works", "There is no site"),
        ("parent", "1000000000040", "There is no meter"),
        ("identifier", "1.20002E+12", "has lost its digits"),
        ("multiplier", "-1", "out of range"),
        ("step_minutes", "7", "cannot be stored"),
        ("installed", "2025-02-30", "is not a date"),
    ],
)
def test_a_wrong_field_of_a_meter_is_told_beside_it(
    field: str, typed: str, told: str, admin: Client, world: World
) -> None:
    answer = admin.post("/admin/meters/new", meter(world) | {field: typed})
    assert answer.status_code == 422
    assert told in text_of(answer)
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert typed in answer.content.decode()


def test_a_meter_with_readings_is_not_deleted(admin: Client, world: World) -> None:
    make_series(world.meter)
    answer = admin.post(f"/admin/meters/{world.meter.pk}", {"do": "delete"})
    assert answer.status_code == 409
    assert "has readings. Make it inactive" in text_of(answer)


def test_a_device_a_multiplier_and_a_site_change_from_a_day_on_and_back(admin: Client, world: World) -> None:
    works = make_site(world.org, "Quay Works")
    here = f"/admin/meters/{world.meter.pk}"
    steps: list[tuple[dict[str, Any], str, Any]] = [
        ({"do": "exchange", "on": "2025-03-01", "serial": "E2", "closing_read": "99120", "opening_read": "0",
          "digits": "5", "ct_ratio": "", "multiplier": ""}, "serial", "E2"),
        ({"do": "set_multiplier", "factor": "2", "since": "2025-03-01"}, "multiplier", 2),
        ({"do": "move", "to": "quay works", "on": "2025-04-01"}, "site", works),
        ({"do": "move_back"}, "site", world.site),
        ({"do": "exchange_back"}, "serial", ""),
    ]  # fmt: skip
    for said, field, value in steps:
        assert admin.post(here, said).status_code == 302, said
        world.meter.refresh_from_db()
        assert getattr(world.meter, field) == value
    admin.post(f"{here}?correct=multiplier-{world.meter.multipliers.last().pk}", {"do": "take_out"})
    world.meter.refresh_from_db()
    assert world.meter.multiplier == 1


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"do": "exchange", "on": "2999-01-01", "serial": "E2"}, "exchange_on"),
        ({"do": "exchange", "on": "2025-01-01", "serial": "E2", "digits": "many"}, "exchange_digits"),
        ({"do": "set_multiplier", "factor": "0", "since": "2025-01-01"}, "set_multiplier_factor"),
        ({"do": "move", "to": "Elsewhere Works", "on": "2025-01-01"}, "move_to"),
    ],
)
def test_a_history_refuses_beside_its_field(said: dict[str, str], field: str, admin: Client, world: World) -> None:
    answer = admin.post(f"/admin/meters/{world.meter.pk}", said)
    assert answer.status_code == 422
    assert f'id="{field}_error"' in answer.content.decode()


def test_many_are_changed_at_once_or_none(admin: Client, world: World) -> None:
    sites = [make_site(world.org) for _ in range(3)]
    which = [str(one.pk) for one in sites[:2]]
    admin.post("/admin/sites", {"do": "bulk", "which": which, "company": "Acme", "site_type": "retail"})
    assert [*Site.objects.filter(pk__in=[s.pk for s in sites]).order_by("pk").values_list("company", "site_type")] == [
        ("Acme", "retail"), ("Acme", "retail"), ("", "other")]  # fmt: skip
    foreign = admin.post("/admin/sites", {"do": "bulk", "which": [*which, world.other_site.pk], "company": "Evil"})
    assert foreign.status_code >= 400
    assert not Site.objects.filter(company="Evil").exists()
    wrong = admin.post("/admin/sites", {"do": "bulk", "which": which, "floor_area_m2": "wide"})
    assert wrong.status_code == 422
    assert 'value="wide"' in wrong.content.decode()


def test_all_that_match_are_changed_and_no_others(admin: Client, world: World) -> None:
    make_site(world.org, "Depot 1"), make_site(world.org, "Depot 2")
    admin.post("/admin/sites?q=depot", {"do": "bulk", "all": "true", "company": "Acme"})
    assert {*Site.objects.filter(company="Acme").values_list("name", flat=True)} == {"Depot 1", "Depot 2"}


def test_a_list_is_searched_filtered_sorted_and_paged_in_its_address(admin: Client, world: World) -> None:
    for number in range(60):
        make_site(world.org, f"Depot {number:02}", site_type="retail" if number % 2 else "office")
    names = [row[1] for row in rows_of(admin.get("/admin/sites?q=depot&type=retail&sort=-name&active=yes"))[1:]]
    assert names == [f"Depot {number:02}" for number in range(59, 0, -2)]
    second = admin.get("/admin/sites?q=depot&page=2")
    assert "51–60 of 60" in text_of(second)
    assert "No site matches" in text_of(admin.get("/admin/sites?q=nowhere"))
    for strange in ("page=0", "page=x", "page=99999999999", "sort=organisation__logo", "region=x", "q=%00", "type=%27"):
        assert admin.get(f"/admin/sites?{strange}").status_code == 200


@pytest.mark.parametrize("address", ["/admin/sites", "/admin/meters", "/admin/regions", "/admin/suppliers"])
def test_a_list_asks_no_more_of_the_registry_when_it_is_longer(address: str, admin: Client, world: World) -> None:
    def furnish(number: int) -> None:
        region = Region.objects.create(organisation=world.org, name=f"Region {number}")
        supplier = Supplier.objects.create(organisation=world.org, name=f"Supplier {number}")
        main = make_meter(make_site(world.org, region=region), supplier=supplier)
        make_meter(main.site, parent=main)

    furnish(0)
    admin.get(address)
    with CaptureQueriesContext(connection) as few:
        admin.get(address)
    for number in range(1, 13):
        furnish(number)
    with CaptureQueriesContext(connection) as many:
        assert admin.get(address).status_code == 200
    assert len(many) == len(few)


def test_a_region_and_a_supplier_are_kept(admin: Client, world: World) -> None:
    own = {"organisation": str(world.org.pk)}
    assert admin.post("/admin/regions/new", own | {"name": "West"}).url == "/admin/regions"
    west = Region.objects.get(name="West")
    assert admin.post(f"/admin/regions/{west.pk}", {"name": "North"}).status_code == 302
    world.site.region = west
    world.site.save()
    refused = admin.post(f"/admin/regions/{west.pk}", {"do": "delete"})
    assert refused.status_code == 409
    assert "North has 1 site. Move them to another region first." in text_of(refused)
    wrong = admin.post("/admin/suppliers/new", own | {"name": "Gas Co", "website": "javascript:alert(1)"})
    assert wrong.status_code == 422
    assert 'id="id_website_error"' in wrong.content.decode()
    assert admin.post("/admin/suppliers/new", own | {"name": "Gas Co", "is_active": "true"}).status_code == 302
    gas = Supplier.objects.get(name="Gas Co")
    assert admin.post(f"/admin/suppliers/{gas.pk}", {"do": "delete"}).status_code == 302


def test_text_that_is_typed_is_never_markup(admin: Client, world: World) -> None:
    texts = {name: f"{name} {ATTACK}" for name in ("name", "company", "region", "address")}
    admin.post(
        "/admin/sites/new",
        site(world, **texts, postcode="<b>")
        | {"property_name": [ATTACK[:40]], "property_kind": ["text"], "property_value": [ATTACK]},
    )
    made = Site.objects.get(company__contains="script")
    admin.post(f"/admin/sites/{made.pk}", {"do": "set_metric", "name": ATTACK[:60], "value": "1", "unit": "<b>",
                                          "measure": "level", "since": "2025-01-01", "until": ""})  # fmt: skip
    admin.post("/admin/meters/new", meter(world, identifier="<b>1", name=ATTACK, site=made.name, serial=ATTACK[:60],
                                          supplier=ATTACK))  # fmt: skip
    one = Meter.objects.get(name=ATTACK)
    gas = Supplier.objects.get(name=ATTACK)
    admin.post(f"/admin/suppliers/{gas.pk}", {"name": ATTACK, "account": ATTACK, "contact_name": ATTACK,
                                              "contact_phone": "<b>", "notes": ATTACK,
                                              "is_active": "true"})  # fmt: skip
    refused = admin.post("/admin/sites/new", site(world, name=ATTACK, floor_area_m2=ATTACK, opening_hours=ATTACK))
    pages = [refused] + [
        admin.get(address)
        for address in (
            "/admin/sites", "/admin/meters", "/admin/regions", "/admin/suppliers", f"/admin/sites/{made.pk}",
            f"/admin/meters/{one.pk}", f"/admin/regions/{made.region_id}", f"/admin/suppliers/{gas.pk}", "/sites",
            "/meters", f"/sites/{made.pk}", f"/meters/{one.pk}", "/admin/meters/new", "/admin/sites/new",
            "/admin/suggestions?of=site&field=site&site=script", "/admin/places?place_search=script",
        )
    ]  # fmt: skip
    for page in pages:
        assert page.status_code in (200, 422)
        said = page.content.decode()
        assert "<script>alert" not in said
        assert "<img src=x" not in said
        assert "<b>1" not in said


def test_an_export_holds_the_list_and_no_cell_that_runs(admin: Client, world: World) -> None:
    make_site(world.org, FORMULA, company="@SUM(A1)")
    answer = admin.get("/admin/sites/export?format=csv")
    said = b"".join(answer).decode("utf-8-sig")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="sites.csv"'
    assert "'=HYPERLINK" in said
    assert "'@SUM" in said
    assert "Elsewhere" not in said
    narrowed = b"".join(admin.get("/admin/sites/export?q=Harbour")).decode("utf-8-sig")
    assert narrowed.count("\n") == 2
    book = admin.get("/admin/meters/export?format=xlsx")
    assert book.content.startswith(b"PK")
    assert admin.get("/admin/sites/export?format=exe").status_code == 400


def test_a_file_of_sites_is_tried_out_then_stored(admin: Client, world: World) -> None:
    def sent() -> SimpleUploadedFile:
        return SimpleUploadedFile("../../sites.csv", b"name,postcode,floor_area_m2\nQuay,BS1,100\nPier,BS2,wide\n")

    own = {"organisation": str(world.org.pk)}
    trial = admin.post("/admin/sites/import", own | {"file": sent()})
    assert "Test import, nothing saved: 1 of 2 rows can be imported, 1 rejected" in text_of(trial)
    assert not Site.objects.filter(name="Quay").exists()
    stored = admin.post("/admin/sites/import", own | {"file": sent(), "store": "true"})
    assert "Imported: 1 of 2 rows imported, 1 rejected" in text_of(stored)
    assert "wide" in text_of(stored)
    assert Site.objects.filter(name="Quay", floor_area_m2=100).exists()
    nothing = admin.post("/admin/sites/import", own)
    assert nothing.status_code == 422
    foreign = {"organisation": str(world.other_org.pk), "file": sent(), "store": "true"}
    assert admin.post("/admin/sites/import", foreign).status_code == 422


def test_who_keeps_one_region_changes_its_sites_and_no_others(world: World) -> None:
    west = Region.objects.create(organisation=world.org, name="West")
    role = Role.objects.create(organisation=world.org, name="Keeper", permissions=["estate.view", "estate.edit"])
    Membership.objects.filter(user=world.viewer).delete()
    Membership.objects.create(user=world.viewer, organisation=world.org, region=west, role="", custom_role=role)
    mine = make_site(world.org, "Quay", region=west)
    keeper = signed_in(world.viewer)
    assert keeper.get(f"/admin/sites/{mine.pk}").status_code == 200
    assert keeper.get(f"/admin/sites/{world.site.pk}").status_code == 404
    assert keeper.post("/admin/sites/new", site(world, name="Pier", region="West")).status_code == 302
    refused = keeper.post("/admin/sites/new", site(world, name="Cliff"))
    assert refused.status_code == 403
    assert "Your role does not allow this" in text_of(refused)
    assert not Site.objects.filter(name="Cliff").exists()
