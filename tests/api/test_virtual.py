"""Virtual meters over the API and in exported files."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.test import Client

from eclectyc.accounts.actor import Actor
from eclectyc.estate import meters
from eclectyc.estate.models import Meter
from eclectyc.reports.registry import meter_rows
from tests.api.conftest import bearer
from tests.estate.conftest import narrow
from tests.factories import World, make_meter, make_site

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(world: World) -> Client:
    """The administrator's program."""
    return Client(raise_request_exception=False, headers=bearer(world.admin, scope="manage"))


def send(client: Client, method: str, path: str, body: dict[str, Any]) -> Any:
    return getattr(client, method)(f"/api{path}", body, content_type="application/json")


def test_a_formula_goes_in_and_comes_out(client: Client, world: World) -> None:
    make_meter(world.site, "SUB-1")
    body = {"site": world.site.pk, "identifier": "REST", "formula": '1200023305967 - 0.5 * "SUB-1"'}
    made = send(client, "post", "/meters", body)
    assert made.status_code == 201, made.content
    assert {k: made.json()[k] for k in ("is_virtual", "formula", "hidden_parts", "step")} == {
        "is_virtual": True, "formula": body["formula"], "hidden_parts": 0, "step": 30,
    }  # fmt: skip
    assert [(p["identifier"], p["quantity"], p["factor"]) for p in made.json()["parts"]] == [
        ("1200023305967", "import", "1"), ("SUB-1", "import", "-0.5"),
    ]  # fmt: skip
    changed = send(client, "patch", "/meters/REST", {"formula": '1200023305967 + "SUB-1"'})
    assert (changed.status_code, changed["ETag"]) == (200, '"2"')
    only = client.get("/api/meters", {"is_virtual": "true"}).json()
    assert [(m["identifier"], m["formula"]) for m in only["items"]] == [("REST", '1200023305967 + "SUB-1"')]


@pytest.mark.parametrize(
    ("formula", "status", "said"),
    [("A +", 422, "At character 4: the formula ends too early"), ("1200023305967 + NOBODY", 422, "There is no meter"),
     ("1200023305967 + 1000000000040", 422, "There is no meter '1000000000040'"), (None, 422, "cannot be null")],
)  # fmt: skip
def test_what_cannot_be_taken_names_the_formula(formula, status, said, client: Client, world: World) -> None:
    answer = send(client, "post", "/meters", {"site": world.site.pk, "identifier": "REST", "formula": formula})
    assert answer.status_code == status, answer.content
    assert answer.json()["error"]["field"] == "formula" or formula is None
    assert said in answer.json()["error"]["message"]


def test_readings_are_not_pushed_into_a_virtual_meter(client: Client, world: World) -> None:
    meters.create_meter(Actor.system(), site=world.site, identifier="REST", formula="1200023305967")
    readings = [{"start": "2025-06-01T00:00:00Z", "value": 1}]
    answer = send(client, "post", "/meters/REST/readings", {"quantity": "import", "unit": "kWh", "readings": readings})
    assert answer.status_code == 422
    assert "is a virtual meter: it has no readings of its own" in answer.json()["error"]["message"]


def test_the_file_of_meters_has_formulas_and_no_names_out_of_sight(client: Client, world: World) -> None:
    make_meter(make_site(world.org, "Annexe"), "OUT-1")
    meters.create_meter(Actor.system(), site=world.site, identifier="REST", formula='-1200023305967 + "OUT-1"')
    answer = client.get("/api/exports/meters", {"format": "csv"})
    text = b"".join(answer.streaming_content).decode("utf-8-sig") if answer.streaming else answer.content.decode()
    rows = {row["identifier"]: row["formula"] for row in csv.DictReader(io.StringIO(text))}
    assert rows == {"1200023305967": "", "OUT-1": "", "REST": '\'-1200023305967 + "OUT-1"'}  # as spreadsheets need it
    head, *seen = meter_rows(narrow(world.org.pk, sites={world.site.pk}))
    at = list(head).index("formula")
    assert {row[0]: row[at] for row in seen} == {"1200023305967": "", "REST": "-1200023305967 + [hidden]"}
    assert Meter.objects.get(identifier="REST").formula == '-1200023305967 + "OUT-1"'
