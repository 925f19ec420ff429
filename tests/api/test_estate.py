"""Regions, suppliers, sites and meters over HTTP: as they are made, changed, listed, moved and refused."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import fastexcel
import pytest
from django.http import HttpResponse
from django.test import Client

from eclectyc.accounts.models import ApiToken, User
from eclectyc.estate.models import Meter, Region, Site, Supplier
from tests.analytics.filling import fill, flat_days
from tests.api.conftest import bearer
from tests.factories import World, make_meter, make_series, make_site

pytestmark = pytest.mark.django_db
Ask = Callable[..., Any]


@pytest.fixture
def ask(world: World) -> Ask:
    """Send a request as the administrator (or ``user``) by a token that manages."""
    headers: dict[tuple[int, str], dict[str, str]] = {}

    def asked(
        method: str,
        path: str,
        body: Any = None,
        *,
        user: User | None = None,
        scope: str = ApiToken.MANAGE,
        tag: str = "",
    ) -> Any:
        key = (user or world.admin).pk, scope
        if key not in headers:
            headers[key] = bearer(user or world.admin, scope=scope)
        more = headers[key] | ({"If-Match": tag} if tag else {})
        data = json.dumps(body) if body is not None else ""
        return Client(raise_request_exception=False).generic(
            method, f"/api{path}", data, content_type="application/json", headers=more
        )

    return asked


def error(answer: HttpResponse) -> dict[str, Any]:
    return json.loads(answer.content)["error"]


def test_a_whole_estate_is_made_over_the_api(ask: Ask, world: World) -> None:
    region = ask("POST", "/regions", {"organisation": world.org.pk, "name": "North"}).json()
    supplier = ask("POST", "/suppliers", {"organisation": world.org.pk, "name": "Vale", "contact_email": "a@b.example"})
    assert supplier.status_code == 201
    made = ask(
        "POST", "/sites",
        {"organisation": world.org.pk, "name": "Mill", "region": region["id"], "opening_hours": "Sat 08:00-12:00",
         "properties": {"Beds": 3}, "latitude": 51.5, "longitude": -2.5},
    )  # fmt: skip
    assert (made.status_code, made["ETag"]) == (201, '"1"')
    site = made.json()
    assert site["opening_hours"] == [[], [], [], [], [], [["08:00", "12:00"]], []]
    assert site["properties"] == {"Beds": {"kind": "number", "value": 3}}
    meter = ask(
        "POST", "/meters",
        {"site": site["id"], "identifier": "1234567890123", "supplier": supplier.json()["id"], "step": 15,
         "multiplier": 0.5, "installed": "2025-01-01", "parent": world.meter.pk},
    )  # fmt: skip
    assert meter.status_code == 201, meter.content
    assert meter.json() | {"id": 0} == {
        "id": 0, "identifier": "1234567890123", "name": "", "organisation": "Harbour Estates",
        "organisation_id": world.org.pk, "site": "Mill", "site_id": site["id"], "region": "North",
        "utility": "electricity", "direction": "import", "unit": "kWh", "step": 15, "multiplier": 0.5,
        "correction": 1.02264, "serial": "",
        "supplier": "Vale", "supplier_id": supplier.json()["id"], "parent": "1200023305967",
        "parent_id": world.meter.pk, "installed": "2025-01-01", "removed": None, "is_active": True,
            "is_virtual": False, "formula": "", "parts": [], "hidden_parts": 0,
        "timezone": "Europe/London", "outside_references": {}, "version": 1,
        "warnings": ["The check digit of MPAN 1234567890123 is wrong."],
    }  # fmt: skip
    assert ask("GET", f"/regions/{region['id']}").json()["sites"] == 1
    assert ask("GET", f"/suppliers/{supplier.json()['id']}").json()["meters"] == 1
    assert ask("GET", f"/sites/{site['id']}").json()["meters"] == 1


def test_a_change_touches_what_it_names(ask: Ask, world: World) -> None:
    answer = ask("PATCH", f"/meters/{world.meter.identifier}", {"serial": "E 1", "supplier": None})
    assert (answer.status_code, answer["ETag"], answer.json()["serial"]) == (200, '"2"', "E 1")
    assert answer.json()["name"] == "Main incomer"
    assert ask("PATCH", f"/sites/{world.site.pk}", {"floor_area_m2": None}).json()["floor_area_m2"] is None
    assert ask("PATCH", f"/sites/{world.site.pk}", {"is_active": False}).json()["is_active"] is False
    assert ask("PATCH", f"/sites/{world.site.pk}", {"is_active": True}).json()["is_active"] is True


@pytest.mark.parametrize("path", ["/sites/{site}", "/meters/{meter}", "/regions/{region}", "/suppliers/{supplier}"])
def test_who_sends_the_version_they_read_overwrites_nobody(path: str, ask: Ask, world: World) -> None:
    region = Region.objects.create(organisation=world.org, name="R")
    supplier = Supplier.objects.create(organisation=world.org, name="S")
    address = path.format(site=world.site.pk, meter=world.meter.identifier, region=region.pk, supplier=supplier.pk)
    read = ask("GET", address)["ETag"]
    assert ask("PATCH", address, {"name": "First"}, tag=read).status_code == 200
    for method, body in (("PATCH", {"name": "Second"}), ("DELETE", None)):
        late = ask(method, address, body, tag=read)
        assert (late.status_code, error(late)["code"]) == (412, "changed")
    assert ask("GET", address).json()["name"] == "First"
    assert ask("PATCH", address, {"name": "Third"}, tag="*").status_code == 200
    assert error(ask("PATCH", address, {"name": "x"}, tag="yesterday"))["field"] == "If-Match"


def test_refusals_say_why_and_what_to_do(ask: Ask, world: World) -> None:
    make_meter(world.site, "SUB", parent=world.meter)
    region = Region.objects.create(organisation=world.org, name="R")
    Site.objects.filter(pk=world.site.pk).update(region=region)
    for path, words in (
        (f"/sites/{world.site.pk}", "Harbour House has 2 meters. Move them first, or make the site inactive."),
        (f"/meters/{world.meter.identifier}", "Main incomer has 1 sub-meter. Give them another main meter first."),
        (f"/regions/{region.pk}", "R has 1 site. Move them to another region first."),
    ):
        answer = ask("DELETE", path)
        assert (answer.status_code, error(answer)) == (409, {"code": "conflict", "message": words})
    make_series(world.meter)
    answer = ask("DELETE", f"/meters/{world.meter.identifier}")
    assert error(answer)["message"] == "Main incomer has readings. Make it inactive, with the day it was removed."
    assert ask("DELETE", "/meters/SUB").status_code == 204
    assert ask("GET", "/meters/SUB").status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("/sites", {"name": "x"}, 422, "organisation"),
        ("/sites", {"organisation": "{org}", "name": "harbour HOUSE"}, 422, "name"),
        ("/sites", {"organisation": "{org}", "name": "x", "colour": "red"}, 422, "colour"),
        ("/sites", {"organisation": "{org}", "name": "x", "latitude": 91, "longitude": 0}, 422, "latitude"),
        ("/sites", {"organisation": "{org}", "name": None}, 422, "name"),
        ("/sites", {"organisation": "{org}", "name": "x", "region": 10**9}, 404, "region"),
        ("/sites", {"organisation": "{other}", "name": "x"}, 404, "organisation"),
        ("/sites", {"organisation": "{org}", "name": "x\x00"}, 422, "name"),
        ("/meters", {"site": "{site}", "identifier": "1200023305967"}, 422, "identifier"),
        ("/meters", {"site": "{other_site}", "identifier": "1"}, 404, "site"),
        ("/meters", {"site": "{site}", "identifier": "1", "parent": "{other_meter}"}, 404, "parent"),
        ("/meters", {"site": "{site}", "identifier": "1", "step": 7}, 422, "step_minutes"),
        ("/meters", {"site": "{site}", "identifier": "1", "multiplier": "NaN"}, 422, "multiplier"),
        ("/meters", {"site": "{site}", "identifier": "1", "utility": None}, 422, "utility"),
        ("/regions", {"organisation": "{org}", "name": " "}, 422, "name"),
        ("/suppliers", {"organisation": "{org}", "name": "x", "contact_email": "nobody"}, 422, "contact_email"),
        ("/suppliers", {"organisation": "{org}", "name": "x", "website": "javascript:alert(1)"}, 422, "website"),
        ("/bulk/meters", {"ids": ["{meter}", "{other_meter}"], "change": {"is_active": False}}, 404, "ids"),
        ("/bulk/meters", {"change": {"is_active": False}}, 422, "ids"),
        ("/bulk/meters", {"filter": {}, "change": {"is_active": False}}, 422, "ids"),
        ("/bulk/meters", {"ids": [], "filter": {"search": "x"}, "change": {"is_active": False}}, 422, "filter"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_its_field(
    path: str, body: dict[str, Any], status: int, field: str, ask: Ask, world: World
) -> None:
    known = {
        "{org}": world.org.pk, "{other}": world.other_org.pk, "{site}": world.site.pk, "{meter}": world.meter.pk,
        "{other_site}": world.other_site.pk, "{other_meter}": world.other_meter.pk,
    }  # fmt: skip

    def put(value: Any) -> Any:
        return (
            [put(v) for v in value]
            if isinstance(value, list)
            else known.get(value, value)
            if isinstance(value, str)
            else value
        )

    answer = ask("POST", path, {name: put(value) for name, value in body.items()})
    assert (answer.status_code, error(answer).get("field")) == (status, field), answer.content


def test_lists_are_searched_narrowed_sorted_and_paged(ask: Ask, world: World) -> None:
    region = Region.objects.create(organisation=world.org, name="North")
    mill = make_site(world.org, "Mill", region=region, postcode="LS1 4AB", site_type="office")
    supplier = Supplier.objects.create(organisation=world.org, name="Vale")
    gas = make_meter(mill, "7", utility="gas", supplier=supplier, parent=world.meter)

    def found(path: str, of: str = "identifier") -> list[Any]:
        answer = ask("GET", path)
        assert answer.status_code == 200, answer.content
        assert answer.json()["count"] >= len(answer.json()["items"])
        return [item[of] for item in answer.json()["items"]]

    assert found("/meters?search=ls1") == found("/meters?supplier=vale") == found("/meters?region=North") == ["7"]
    assert found(f"/meters?parent={world.meter.identifier}") == found("/meters?is_sub=true") == ["7"]
    assert found("/meters?site_type=office") == found(f"/meters?site={mill.pk}") == ["7"]
    assert found("/meters?sort=-site") == ["7", world.meter.identifier]
    assert found("/meters?sort=supplier&limit=1") == ["7"]
    assert found("/meters?sort=supplier&limit=1&offset=1") == [world.meter.identifier]
    assert found("/sites?region=North", "name") == found("/sites?utility=gas", "name") == ["Mill"]
    assert found("/sites?sort=-name", "name") == ["Mill", "Harbour House"]
    assert found("/suppliers?search=va", "name") == ["Vale"]
    assert found("/regions?organisation=Harbour Estates", "sites") == [1]
    assert found("/meters?supplier=nobody") == found("/sites?region=nowhere", "name") == []
    for path in (
        "/meters?sort=colour",
        "/sites?sort=id",
        "/regions?colour=red",
        "/suppliers?limit=0",
        "/sites?region=%00",
    ):
        assert ask("GET", path).status_code == 422, path
    assert gas.pk


def test_a_meter_moves_and_moves_back(ask: Ask, world: World) -> None:
    mill = make_site(world.org, "Mill")
    path = f"/meters/{world.meter.identifier}/placements"
    assert ask("GET", path).json()["items"] == [
        {"id": None, "site": world.site.pk, "site_name": "Harbour House", "since": None, "until": None}
    ]
    assert ask("POST", path, {"site": mill.pk, "on": "2025-03-30"}).status_code == 201
    assert [(p["site_name"], p["since"], p["until"]) for p in ask("GET", path).json()["items"]] == [
        ("Harbour House", None, "2025-03-30"),
        ("Mill", "2025-03-30", None),
    ]
    tomorrow = (date.today() + timedelta(days=2)).isoformat()
    for body, status, field in (
        ({"site": mill.pk, "on": "2025-06-01"}, 422, "to"),
        ({"site": world.site.pk, "on": "2025-03-30"}, 422, "on"),
        ({"site": world.site.pk, "on": tomorrow}, 422, "on"),
        ({"site": world.other_site.pk, "on": "2025-06-01"}, 404, "site"),
    ):
        answer = ask("POST", path, body)
        assert (answer.status_code, error(answer)["field"]) == (status, field)
    assert ask("DELETE", f"{path}/last").status_code == 204
    assert ask("DELETE", f"{path}/last").status_code == 409
    assert ask("GET", f"/meters/{world.meter.identifier}").json()["site"] == "Harbour House"


def test_devices_and_multipliers_have_a_history(ask: Ask, world: World) -> None:
    path = f"/meters/{world.meter.identifier}"
    made = ask(
        "POST", f"{path}/devices",
        {"on": "2025-02-01", "serial": "B 2", "closing_read": "99871.5", "opening_read": 0, "digits": 5,
         "ct_ratio": "200/5", "multiplier": 40},
    )  # fmt: skip
    assert made.status_code == 201, made.content
    devices = ask("GET", f"{path}/devices").json()["items"]
    assert [(d["serial"], d["until"], d["closing_read"], d["ct_ratio"]) for d in devices] == [
        ("", "2025-02-01", 99871.5, ""),
        ("B 2", None, None, "200/5"),
    ]
    assert ask("PATCH", f"{path}/devices/{devices[0]['id']}", {"serial": "A 1"}).json()["serial"] == "A 1"
    assert [m["factor"] for m in ask("GET", f"{path}/multipliers").json()["items"]] == [1.0, 40.0]
    entry = ask("POST", f"{path}/multipliers", {"since": "2025-03-01", "factor": 20}).json()
    assert ask("GET", path).json()["multiplier"] == 20
    assert ask("DELETE", f"{path}/multipliers/{entry['id']}").status_code == 204
    assert ask("GET", path).json()["multiplier"] == 40
    assert ask("DELETE", f"{path}/devices/last").status_code == 204
    assert ask("GET", path).json()["serial"] == "A 1"
    assert ask("PATCH", f"/meters/{world.meter.identifier}/devices/{10**9}", {"serial": "x"}).status_code == 404


def test_what_a_history_says_wrongly_is_mended(ask: Ask, world: World) -> None:
    path = f"/meters/{world.meter.identifier}"
    for on, serial in (("2025-01-01", "B"), ("2025-03-01", "C")):
        ask("POST", f"{path}/devices", {"on": on, "serial": serial})
    middle = ask("GET", f"{path}/devices").json()["items"][1]["id"]
    version = ask("GET", path).headers["ETag"]
    assert ask("DELETE", f"{path}/devices/{middle}", tag='"1"').status_code == 412
    assert ask("DELETE", f"{path}/devices/{middle}", tag=version).status_code == 204
    left = ask("GET", f"{path}/devices").json()["items"]
    assert [(d["serial"], d["since"], d["until"]) for d in left] == [
        ("", None, "2025-03-01"),
        ("C", "2025-03-01", None),
    ]
    entry = ask("POST", f"{path}/multipliers", {"since": "2025-03-01", "factor": 20}).json()
    mended = ask("PATCH", f"{path}/multipliers/{entry['id']}", {"factor": 25, "since": "2025-02-01"}).json()
    assert mended == {"id": entry["id"], "factor": 25.0, "since": "2025-02-01"}
    assert ask("PATCH", f"{path}/multipliers/{entry['id']}", {"since": None}).json()["error"]["field"] == "since"
    assert ask("PATCH", f"{path}/multipliers/{entry['id']}", {"factor": None}).status_code == 422
    moved = ask("POST", f"{path}/placements", {"site": make_site(world.org, "Mill").pk, "on": "2025-04-01"}).json()
    assert ask("PATCH", f"{path}/placements/{moved['id']}", {"on": "2025-04-07"}).json()["since"] == "2025-04-07"
    assert [p["until"] for p in ask("GET", f"{path}/placements").json()["items"]] == ["2025-04-07", None]
    for kind in ("devices", "multipliers", "placements"):
        assert (
            ask("PATCH", f"{path}/{kind}/{10**9}", {"on": "2025-01-01"} if kind == "placements" else {}).status_code
            == 404
        )


def test_metrics_have_dates(ask: Ask, world: World) -> None:
    path = f"/sites/{world.site.pk}/metrics"
    first = ask("POST", path, {"name": "Beds", "value": 20, "since": "2025-01-01", "unit": "beds"})
    assert first.status_code == 201, first.content
    ask("POST", path, {"name": "Beds", "value": "24.5", "since": "2025-07-01", "unit": "beds"})
    assert [(m["value"], m["since"], m["until"]) for m in ask("GET", path).json()["items"]] == [
        (20.0, "2025-01-01", "2025-07-01"),
        (24.5, "2025-07-01", None),
    ]
    one = f"{path}/{first.json()['id']}"
    assert ask("PATCH", one, {"value": 21}).json()["value"] == 21
    assert ask("PATCH", one, {"until": "2025-08-01"}).status_code == 409
    elsewhere = one.replace(f"/sites/{world.site.pk}/", f"/sites/{world.other_site.pk}/")
    assert ask("PATCH", elsewhere, {"value": 1}).status_code == 404
    assert ask("DELETE", one).status_code == 204


def test_a_balance_says_what_it_rests_on(ask: Ask, world: World) -> None:
    sub = make_meter(world.site, "SUB", parent=world.meter)
    start, end = date(2025, 3, 29), date(2025, 4, 1)
    fill(make_series(world.meter), flat_days(start, end, 2.0))
    fill(make_series(sub), flat_days(start, end, 0.5))
    answer = ask("GET", f"/meters/{world.meter.identifier}/balance?from=2025-03-29&to=2025-04-01&by=day")
    assert answer.status_code == 200, answer.content
    said = answer.json()
    assert [(p["main"], p["subs"], p["unmetered"], p["compared"]) for p in said["periods"]] == [
        (96.0, 24.0, 72.0, 1), (92.0, 23.0, 69.0, 1), (96.0, 24.0, 72.0, 1),
    ]  # fmt: skip
    assert said["total"]["unmetered"] == 213.0
    assert (said["unmetered_share"], said["unit"], said["subs"][0]["identifier"]) == (0.75, "kWh", "SUB")
    for query in ("from=2025-01-01&to=2025-01-01", "from=2000-01-01&to=2025-01-01", "from=x&to=y", ""):
        assert ask("GET", f"/meters/{world.meter.identifier}/balance?{query}").status_code == 422


def test_many_change_by_number_or_by_filter(ask: Ask, world: World) -> None:
    meters = [make_meter(world.site, utility="gas", unit="m3") for _ in range(4)]
    supplier = Supplier.objects.create(organisation=world.org, name="Vale")
    ids = [meter.pk for meter in meters[:2]]
    assert ask("POST", "/bulk/meters", {"ids": ids, "change": {"supplier": supplier.pk}}).json() == {
        "changed": 2, "unchanged": 0,
    }  # fmt: skip
    assert ask("POST", "/bulk/meters", {"filter": {"utility": "gas"}, "change": {"supplier": supplier.pk}}).json() == {
        "changed": 2, "unchanged": 2,
    }  # fmt: skip
    done = ask("POST", "/bulk/sites", {"filter": {"search": "harbour"}, "change": {"opening_hours": "Mon 08:00-09:00"}})
    assert done.json() == {"changed": 1, "unchanged": 0}
    assert Meter.objects.filter(supplier=supplier).count() == 4


@pytest.mark.parametrize("kind", ["sites", "meters"])
def test_a_list_goes_out_as_a_file(kind: str, ask: Ask, world: World) -> None:
    text = b"".join(ask("GET", f"/exports/{kind}").streaming_content).decode("utf-8-sig")
    assert len(text.splitlines()) == 2
    book = ask("GET", f"/exports/{kind}?format=xlsx")
    assert fastexcel.read_excel(io.BytesIO(book.content).getvalue()).load_sheet(0).height == 1
    assert book["Content-Disposition"] == f'attachment; filename="{kind}.xlsx"'
    assert ask("GET", f"/exports/{kind}?format=pdf").status_code == 422
    assert ask("GET", f"/exports/{kind}", user=world.viewer).status_code == 403
    empty = b"".join(ask("GET", f"/exports/{kind}?search=nothing").streaming_content).decode("utf-8-sig")
    assert len(empty.splitlines()) == 1


CHANGES: list[tuple[str, str, Any]] = [
    ("POST", "/regions", {"organisation": "{org}", "name": "N"}),
    ("POST", "/sites", {"organisation": "{org}", "name": "N"}),
    ("POST", "/suppliers", {"organisation": "{org}", "name": "N"}),
    ("POST", "/meters", {"site": "{site}", "identifier": "N"}),
    ("PATCH", "/regions/{region}", {"name": "N"}),
    ("DELETE", "/regions/{region}", None),
    ("PATCH", "/suppliers/{supplier}", {"name": "N"}),
    ("DELETE", "/suppliers/{supplier}", None),
    ("PATCH", "/sites/{site}", {"name": "N"}),
    ("DELETE", "/sites/{site}", None),
    ("PATCH", "/meters/{meter}", {"name": "N"}),
    ("DELETE", "/meters/{meter}", None),
    ("POST", "/sites/{site}/metrics", {"name": "x", "value": 1, "since": "2025-01-01"}),
    ("POST", "/meters/{meter}/placements", {"site": "{second}", "on": "2025-01-01"}),
    ("DELETE", "/meters/{meter}/placements/last", None),
    ("DELETE", "/meters/{meter}/devices/last", None),
    ("POST", "/meters/{meter}/devices", {"serial": "x", "on": "2025-01-01"}),
    ("POST", "/meters/{meter}/multipliers", {"factor": 2, "since": "2025-01-01"}),
    ("POST", "/bulk/meters", {"ids": ["{pk}"], "change": {"is_active": False}}),
    ("POST", "/bulk/sites", {"ids": ["{site}"], "change": {"is_active": False}}),
]


@pytest.mark.parametrize(("method", "path", "body"), CHANGES, ids=[f"{c[0]} {c[1]}" for c in CHANGES])
def test_only_an_editor_with_a_managing_token_changes_anything(
    method: str, path: str, body: Any, ask: Ask, world: World
) -> None:
    known = {
        "org": world.org.pk, "site": world.site.pk, "pk": world.meter.pk, "meter": world.meter.identifier,
        "second": make_site(world.org).pk, "region": Region.objects.create(organisation=world.org, name="R").pk,
        "supplier": Supplier.objects.create(organisation=world.org, name="S").pk,
    }  # fmt: skip
    address = path.format(**known)
    sent = json.loads(json.dumps(body), object_hook=lambda said: {
        name: [known[v[1:-1]] for v in value] if isinstance(value, list)
        else known[value[1:-1]] if isinstance(value, str) and value.startswith("{") else value
        for name, value in said.items()
    }) if body is not None else None  # fmt: skip
    held = [*Site.objects.values(), *Meter.objects.values(), *Region.objects.values(), *Supplier.objects.values()]
    assert (
        Client().generic(method, f"/api{address}", json.dumps(sent), content_type="application/json").status_code == 401
    )
    for person in (world.viewer, world.manager):
        assert ask(method, address, sent, user=person).status_code == 403
    for scope in (ApiToken.READ, ApiToken.PUSH):
        assert ask(method, address, sent, scope=scope).status_code == 403
    assert ask(method, address, sent, user=world.outsider).status_code == 404
    by_session = Client(enforce_csrf_checks=True)
    by_session.force_login(world.admin)
    assert (
        by_session.generic(method, f"/api{address}", json.dumps(sent), content_type="application/json").status_code
        == 403
    )
    now = [*Site.objects.values(), *Meter.objects.values(), *Region.objects.values(), *Supplier.objects.values()]
    assert now == held
    assert ask(method, address, sent).status_code < 300 or "last" in address or method == "DELETE"


@pytest.mark.parametrize("path", ["/sites/{}", "/regions/{}", "/suppliers/{}", "/sites/{}/metrics"])
def test_anothers_and_none_are_one_answer(path: str, ask: Ask, world: World, django_assert_num_queries: Any) -> None:
    region = Region.objects.create(organisation=world.other_org, name="R")
    supplier = Supplier.objects.create(organisation=world.other_org, name="S")
    theirs = {"sites": world.other_site, "regions": region, "suppliers": supplier}[path.split("/")[1]]
    answers = [ask("GET", path.format(number)) for number in (theirs.pk, 10**9)]
    assert {answer.status_code for answer in answers} == {404}
    words = [error(a)["message"].replace(str(n), "N") for a, n in zip(answers, (theirs.pk, 10**9), strict=True)]
    assert words[0] == words[1]
