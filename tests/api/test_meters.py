from __future__ import annotations

from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext

from eclectyc.accounts.models import Membership
from eclectyc.estate.models import Region
from tests.api.conftest import Get
from tests.factories import World, make_meter, make_site
from tests.needs import queries_of_a_call

pytestmark = pytest.mark.django_db


def identifiers(answer: Any) -> list[str]:
    return [meter["identifier"] for meter in answer.json()["items"]]


def test_a_meter_is_shown_with_its_facts(get: Get, world: World) -> None:
    sub = make_meter(world.site, "SUB 7", parent=world.meter, utility="gas", unit="m3", serial="E6S 1", step_minutes=60)
    assert get(f"/api/meters/{sub.identifier}").json() == {
        "id": sub.pk,
        "identifier": "SUB 7",
        "name": "",
        "organisation": "Harbour Estates",
        "organisation_id": world.org.pk,
        "site": "Harbour House",
        "site_id": world.site.pk,
        "region": None,
        "utility": "gas",
        "direction": "import",
        "unit": "m3",
        "step": 60,
        "multiplier": 1.0,
        "correction": 1.02264,
        "serial": "E6S 1",
        "supplier": "",
        "supplier_id": None,
        "parent": "1200023305967",
        "parent_id": world.meter.pk,
        "installed": None,
        "removed": None,
        "is_active": True,
        "is_virtual": False,
        "formula": "",
        "parts": [],
        "hidden_parts": 0,
        "timezone": "Europe/London",
        "outside_references": {},
        "version": 1,
        "warnings": [],
    }


@pytest.mark.parametrize(
    "written", ["1200023305967", "12 0002 3305 967", "'1200023305967", "00801123" + "1200023305967"]
)
def test_a_meter_is_found_as_its_number_is_printed(written: str, get: Get, world: World) -> None:
    assert get(f"/api/meters/{written}").json()["id"] == world.meter.pk


def test_a_meter_is_found_by_its_serial_where_no_identifier_matches(get: Get, world: World) -> None:
    by_serial = make_meter(world.site, "9", serial="K85 A/01")
    assert get("/api/meters/K85 A/01").json()["id"] == by_serial.pk
    assert get("/api/meters/k85 a/01/readings").status_code == 200
    make_meter(world.site, "10", serial="9")  # a serial never hides an identifier
    assert get("/api/meters/9").json()["id"] == by_serial.pk


def test_two_meters_with_one_serial_are_named(get: Get, world: World) -> None:
    for identifier in ("A1", "A2"):
        make_meter(world.site, identifier, serial="SAME")
    answer = get("/api/meters/SAME")
    assert answer.status_code == 409
    assert "A1, A2" in answer.json()["error"]["message"]


def test_a_number_in_two_organisations_needs_the_organisation(get: Get, world: World) -> None:
    twin = make_meter(world.other_site, world.meter.identifier)
    path = f"/api/meters/{world.meter.identifier}"
    assert get(path).json()["id"] == world.meter.pk  # the viewer knows of one only
    Membership.objects.create(user=world.viewer, organisation=world.other_org, role="viewer")
    for address in (path, f"{path}/readings"):
        answer = get(address)
        assert answer.status_code == 409
        assert answer.json()["error"] == {
            "code": "ambiguous",
            "message": f"Several organisations have a meter '{world.meter.identifier}': Elsewhere Ltd, "
            "Harbour Estates. Name one with ?organisation=.",
            "field": "organisation",
        }
    assert get(path, {"organisation": "elsewhere ltd"}).json()["id"] == twin.pk
    assert get(path, {"organisation": world.org.pk}).json()["id"] == world.meter.pk
    assert get(f"{path}/readings", {"organisation": "Elsewhere Ltd"}).status_code == 200
    assert get(path, {"organisation": "Nowhere"}).status_code == 404


def test_another_organisations_meter_and_a_missing_one_get_the_same_answer(get: Get, world: World) -> None:
    def answers(identifier: str) -> list[tuple[int, str]]:
        found = []
        for tail in ("", "/readings", "?organisation=Elsewhere+Ltd", "/readings?from=2025-01-01&to=2025-01-02&by=slot"):
            answer = get(f"/api/meters/{identifier}{tail}")
            found.append((answer.status_code, answer.content.decode().replace(identifier, "…")))
        return found

    missing = "1000000000068"
    assert answers(world.other_meter.identifier) == answers(missing)
    assert {status for status, _ in answers(missing)} == {404}
    assert get(f"/api/meters/{world.other_meter.identifier}", user=world.outsider).status_code == 200


def test_a_list_comes_in_pages_in_a_steady_order(get: Get, world: World) -> None:
    made = sorted([make_meter(world.site).identifier for _ in range(7)] + [world.meter.identifier])
    pages = [get("/api/meters", {"limit": 3, "offset": offset}) for offset in (0, 3, 6, 9)]
    assert [identifiers(page) for page in pages] == [made[:3], made[3:6], made[6:], []]
    assert {page.json()["count"] for page in pages} == {8}


def test_a_list_costs_the_same_however_long_it_is(
    get: Get, world: World, django_assert_num_queries: CaptureQueriesContext
) -> None:
    get("/api/meters")
    for _ in range(20):
        make_meter(make_site(world.org), parent=world.meter)
    with django_assert_num_queries(queries_of_a_call(6)):
        assert len(get("/api/meters").json()["items"]) == 21


def test_filters_narrow_and_never_widen(get: Get, world: World) -> None:
    north = Region.objects.create(organisation=world.org, name="North")
    mill = make_site(world.org, "Mill", region=north)
    gas = make_meter(mill, "7000001", utility="gas", serial="G4")
    old = make_meter(mill, "OLD", is_active=False, direction="export")
    for params, wanted in (
        ({"site": "mill"}, [gas, old]),
        ({"site": mill.pk}, [gas, old]),
        ({"region": "North", "utility": "gas"}, [gas]),
        ({"direction": "export"}, [old]),
        ({"is_active": "true"}, [world.meter, gas]),
        ({"search": "g4"}, [gas]),
        ({"search": "harbour"}, [world.meter]),
        ({"organisation": "Harbour Estates", "search": "OLD"}, [old]),
        ({"site": "Elsewhere Works"}, []),
        ({"search": world.other_meter.identifier}, []),
    ):
        assert identifiers(get("/api/meters", params)) == sorted(meter.identifier for meter in wanted)
    assert get("/api/meters", {"organisation": "Elsewhere Ltd"}).status_code == 404


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"limits": 3}, "limits"),
        ({"limit": 0}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"offset": -1}, "offset"),
        ({"offset": 10**30}, "offset"),
        ({"utility": "steam engine"}, "utility"),
        ({"search": "a\x00b"}, "search"),
        ({"site": "x" * 201}, "site"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused_by_name(params: dict[str, Any], field: str, get: Get) -> None:
    answer = get("/api/meters", params)
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == field
    assert answer.json()["error"]["message"]
