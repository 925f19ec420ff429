"""POST /api/meters/{mpan}/readings: what it answers, who may, and what it refuses with which status."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from eclectyc.accounts.models import Membership, Role, User
from eclectyc.api.push import MOST_BYTES
from eclectyc.intake.push.drain import drain_inbox
from eclectyc.intake.push.models import Push
from eclectyc.jobs.worker import run_waiting
from tests.api.conftest import Get, bearer
from tests.factories import World, make_meter, make_user

pytestmark = pytest.mark.django_db
BODY: dict[str, Any] = {
    "quantity": "import",
    "unit": "kWh",
    "readings": [
        {"start": "2025-06-01T10:00:00Z", "value": 1.5},
        {"start": "2025-06-01T11:30:00+01:00", "end": "2025-06-01T12:00:00+01:00", "value": 2, "estimated": True},
    ],
}


def send(
    user: User | None, body: object = BODY, *, mpan: str = "1200023305967", query: str = "", **token: Any
) -> HttpResponse:
    headers = bearer(user, scope="push", **token) if user else {}
    data = body if isinstance(body, str | bytes) else json.dumps(body)
    url = f"/api/meters/{mpan}/readings{query}"
    return Client(raise_request_exception=False).post(url, data, content_type="application/json", headers=headers)


def error_of(answer: HttpResponse) -> tuple[int, str, str]:
    error = json.loads(answer.content)["error"]
    return answer.status_code, error["code"], error.get("field", "")


def test_a_push_is_answered_with_what_it_did_and_shows_in_readings_once_folded(world: World, get: Get) -> None:
    answer = send(world.admin)
    assert (answer.status_code, json.loads(answer.content)) == (
        200,
        {
            "meter": "1200023305967",
            "quantity": "import",
            "unit": "kWh",
            "step": 30,
            "added": 2,
            "changed": 0,
            "unchanged": 0,
            "kept": 0,
            "rejected": [],
            "warnings": [],
        },
    )
    again = json.loads(send(world.admin).content)
    assert (again["added"], again["unchanged"]) == (0, 2)
    assert run_waiting() == 1
    window = {"from": "2025-06-01T11:00:00+01:00", "to": "2025-06-01T12:30:00+01:00", "by": "slot"}
    rows = get("/api/meters/1200023305967/readings", window).json()["readings"]
    assert [(row["start"], row["value"], row["estimated"]) for row in rows] == [
        ("2025-06-01T11:00:00+01:00", 1.5, 0),
        ("2025-06-01T11:30:00+01:00", 2.0, 1),
        ("2025-06-01T12:00:00+01:00", None, 0),
    ]
    assert json.loads(send(world.admin).content)["unchanged"] == 2


def test_what_is_rejected_is_listed_and_the_others_are_in(world: World) -> None:
    naive = {"start": "2025-06-01T13:00:00", "value": 1}
    answer = send(world.admin, BODY | {"readings": [naive, *BODY["readings"]]})
    found = json.loads(answer.content)
    assert (answer.status_code, found["added"]) == (200, 2)
    (rejected,) = found["rejected"]
    assert rejected["index"] == 0
    assert "no offset" in rejected["reason"]
    assert "+01:00" in rejected["remedy"]


def test_where_nothing_can_be_taken_the_answer_is_an_error_that_lists_all(world: World) -> None:
    answer = send(world.admin, BODY | {"readings": [{"start": "2025-06-01T13:00:00", "value": 1}] * 2})
    assert error_of(answer) == (422, "invalid", "readings")
    assert [one["index"] for one in json.loads(answer.content)["rejected"]] == [0, 1]
    assert Push.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("", (400, "bad_request", "")),
        ("{", (400, "bad_request", "")),
        (b"\xff\xfe", (400, "bad_request", "")),
        ('{"quantity": "import", "unit": "kWh", "readings": [{"start": "", "value": NaN}]}', (400, "bad_request", "")),
        ("[" * 100_000, (400, "bad_request", "")),
        ([], (422, "invalid", "")),
        (BODY | {"unit": "parsec"}, (422, "invalid", "unit")),
        (BODY | {"quantity": "gold"}, (422, "invalid", "quantity")),
        (BODY | {"step": 31}, (422, "invalid", "step")),
        (BODY | {"more": 1}, (422, "invalid", "more")),
        (BODY | {"readings": [BODY["readings"][0]] * 10_001}, (422, "invalid", "readings")),
        (b" " * (MOST_BYTES + 1), (413, "request_entity_too_large", "")),
    ],
)
def test_what_cannot_be_taken_at_all_is_refused_in_the_usual_form(
    world: World, body: object, wanted: tuple[int, str, str]
) -> None:
    assert error_of(send(world.admin, body)) == wanted
    assert Push.objects.count() == 0


def test_the_most_readings_at_once_are_taken(world: World) -> None:
    starts = [f"2025-{month:02}-{day:02}T{hour:02}:{minute:02}:00Z" for month in range(1, 13) for day in range(1, 29)
              for hour in range(24) for minute in (0, 30)][:10_000]  # fmt: skip
    answer = send(world.admin, BODY | {"readings": [{"start": start, "value": 1} for start in starts]})
    assert json.loads(answer.content)["added"] == 10_000
    assert drain_inbox().readings == 10_000


def test_who_pushes_may_do_so_where_their_role_and_their_token_reach(world: World) -> None:
    other = make_meter(world.site, "2248274887874")
    assert send(world.admin, meter=world.meter).status_code == 200
    assert send(world.admin, site=world.site).status_code == 200
    for narrowed in ({"meter": other}, {"site": None, "meter": other}):
        assert error_of(send(world.admin, **narrowed))[:2] == (404, "not_found")
    assert error_of(send(world.outsider))[:2] == (404, "not_found")
    assert error_of(send(world.admin, mpan="1000000000068"))[:2] == (404, "not_found")
    assert error_of(send(None))[:2] == (401, "unauthenticated")
    manage, read = (bearer(world.admin, scope=scope) for scope in ("manage", "read"))
    for headers, wanted in ((manage, 200), (read, 403), (bearer(world.viewer, scope="manage"), 403)):
        answer = Client().post(
            "/api/meters/1200023305967/readings", json.dumps(BODY), content_type="application/json", headers=headers
        )
        assert answer.status_code == wanted


def test_a_person_who_imports_files_may_push_and_a_session_needs_its_token(world: World) -> None:
    role = Role.objects.create(organisation=world.org, name="Importer", permissions=["imports.run"])
    importer = make_user("importer@harbour.example", world.org)
    Membership.objects.filter(user=importer).update(role="", custom_role=role)
    url = "/api/meters/1200023305967/readings"
    client = Client()
    client.force_login(importer)
    assert client.post(url, json.dumps(BODY), content_type="application/json").status_code == 200
    strict = Client(enforce_csrf_checks=True, raise_request_exception=False)
    strict.force_login(importer)
    assert strict.post(url, json.dumps(BODY), content_type="application/json").status_code == 403


def test_a_meter_is_found_by_its_serial_and_told_apart_by_organisation(world: World) -> None:
    make_meter(world.site, "2248274887874", serial="E1 S2")
    assert json.loads(send(world.admin, mpan="E1%20S2").content)["meter"] == "2248274887874"
    twin = make_meter(world.other_site, "1200023305967")
    operator = make_user("op@platform.example", world.org, "admin")
    User.objects.filter(pk=operator.pk).update(is_operator=True)
    operator.refresh_from_db()
    assert error_of(send(operator))[:2] == (409, "ambiguous")
    assert send(operator, query=f"?organisation={world.other_org.pk}").status_code == 200
    assert send(operator, query="?organisation=Nobody").status_code == 404
    assert error_of(send(operator, query="?organization=1"))[0] == 422
    assert [push.series.meter.identifier for push in Push.objects.order_by("pk")] == ["2248274887874", twin.identifier]
    assert Push.objects.filter(series__meter=twin).count() == 1


def test_a_key_that_is_used_too_often_is_told_to_wait(world: World, settings: Any) -> None:
    settings.TOKEN_REQUESTS_PER_MINUTE = 2
    headers = bearer(world.admin, scope="push")
    codes = [
        Client()
        .post("/api/meters/1200023305967/readings", json.dumps(BODY), content_type="application/json", headers=headers)
        .status_code
        for _ in range(3)
    ]
    assert codes == [200, 200, 429]


def test_a_push_asks_the_registry_little(world: World, django_assert_max_num_queries: Any) -> None:
    headers = bearer(world.admin, scope="push")
    send(world.admin)
    with django_assert_max_num_queries(16):
        Client().post(
            "/api/meters/1200023305967/readings", json.dumps(BODY), content_type="application/json", headers=headers
        )
