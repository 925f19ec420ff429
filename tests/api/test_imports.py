"""Files sent to the API: kept, imported in the background, listed, cancelled, tried again and taken back."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Membership, Role
from eclectyc.batches.models import Batch
from eclectyc.intake.service import import_file
from eclectyc.intake.uploads.models import Upload
from eclectyc.jobs.worker import run_waiting
from tests.factories import World

pytestmark = pytest.mark.django_db(transaction=True)

DAY = date(2025, 6, 3)


def file_of(meter: str, value: str = "1.5") -> bytes:
    heads = ",".join(f"HH{n:02}" for n in range(1, 49))
    return f"MPAN,Date,{heads}\n{meter},{DAY},{','.join([value] * 48)}\n".encode()


@pytest.fixture
def admin(world: World, client: Client) -> Client:
    client.force_login(world.admin)
    return client


def send(client: Client, data: bytes, status: int = 202, **form: object) -> dict[str, Any]:
    answer = client.post("/api/imports", {"file": SimpleUploadedFile("june.csv", data), **form})
    assert answer.status_code == status, answer.content
    return dict(answer.json())


def day_total(client: Client, world: World) -> float | None:
    url = f"/api/meters/{world.meter.identifier}/readings?from={DAY}&to=2025-06-04&by=day"
    found = client.get(url).json()["readings"]
    return found[0]["value"] if found else None


def test_a_file_that_is_sent_is_answered_with_a_job_and_imported_by_it(world: World, admin: Client) -> None:
    sent = send(admin, file_of(world.meter.identifier))
    assert (sent["state"], sent["batch"], sent["file"]) == ("waiting", None, "june.csv")
    run_waiting()
    found = admin.get(f"/api/import/jobs/{sent['id']}").json()
    assert (found["state"], found["added"], found["error_count"]) == ("done", 48, 0)
    assert day_total(admin, world) == pytest.approx(72.0)
    assert admin.get(f"/api/import/jobs/{found['batch']}").json()["id"] == sent["id"]


def test_what_came_in_can_be_taken_back(world: World, admin: Client) -> None:
    sent = send(admin, file_of(world.meter.identifier))
    run_waiting()
    undone = admin.post(f"/api/import/jobs/{sent['id']}/undo").json()
    assert undone["removed"] == 48
    assert admin.get(f"/api/import/jobs/{sent['id']}").json()["state"] == "undone"
    assert not day_total(admin, world)
    assert admin.post(f"/api/import/jobs/{sent['id']}/undo").status_code == 422


def test_what_waits_is_cancelled_and_can_be_tried_again(world: World, admin: Client) -> None:
    sent = send(admin, file_of(world.meter.identifier))
    assert admin.post(f"/api/import/jobs/{sent['id']}/cancel").json()["state"] == "cancelled"
    run_waiting()
    assert Batch.objects.count() == 0
    assert admin.post(f"/api/import/jobs/{sent['id']}/undo").status_code == 409
    assert admin.post(f"/api/import/jobs/{sent['id']}/retry").json()["state"] == "waiting"
    run_waiting()
    assert admin.get(f"/api/import/jobs/{sent['id']}").json()["state"] == "done"


def test_a_trial_stores_nothing(world: World, admin: Client) -> None:
    sent = send(admin, file_of(world.meter.identifier), dry_run="true")
    run_waiting()
    found = admin.get(f"/api/import/jobs/{sent['id']}").json()
    assert (found["state"], found["dry_run"], found["added"], found["batch"]) == ("done", True, 48, None)
    assert not day_total(admin, world)


def test_anothers_meter_is_as_unknown_as_one_that_nobody_has(world: World, admin: Client) -> None:
    told = []
    for meter in (world.other_meter.identifier, "NO-SUCH-METER"):
        sent = send(admin, b"Date,Time,kWh\n2025-06-03,00:00,1\n2025-06-03,00:30,1\n2025-06-03,01:00,1\n", meter=meter)
        run_waiting()
        found = admin.get(f"/api/import/jobs/{sent['id']}").json()
        told.append((found["state"], found["error"].replace(meter, "…"), found["unknown_meters"] == [meter]))
    assert told[0] == told[1]
    assert told[0][0] == "failed"
    assert told[0][2]


@pytest.mark.parametrize(
    ("form", "field"),
    [({"stamps": "sometimes"}, "stamps"), ({"unit": "furlong"}, "unit"), ({"timezone": "Mars/Olympus"}, "timezone"),
     ({"colour": "red"}, "colour")],
)  # fmt: skip
def test_an_option_that_cannot_be_taken_is_refused_by_name(
    world: World, admin: Client, form: dict[str, str], field: str
) -> None:
    refused = send(admin, file_of(world.meter.identifier), 422, **form)
    assert refused["error"]["field"] == field
    assert admin.get("/api/import/jobs").json()["count"] == 0


def test_a_file_that_may_not_be_imported_is_not_kept(world: World, client: Client) -> None:
    """Somebody who runs imports, and may make no meters."""
    only = Role.objects.create(organisation=world.org, name="Sender", permissions=["estate.view", "imports.run"])
    Membership.objects.filter(user=world.manager).update(role="", custom_role=only)
    client.force_login(world.manager)
    refused = send(client, file_of("2248274887874"), 403, create_meters="true", site="Depot")
    assert refused["error"]["code"] == "forbidden"
    assert not Upload.objects.exists()
    send(client, file_of(world.meter.identifier))


def test_an_empty_file_is_refused(world: World, admin: Client) -> None:
    assert send(admin, b"", 422)["error"]["field"] == "file"


def test_the_list_has_imports_of_every_kind_the_newest_first(world: World, admin: Client, tmp_path: Path) -> None:
    path = tmp_path / "typed.csv"
    path.write_bytes(file_of(world.meter.identifier, "2"))
    import_file(Actor.system(), organisation=world.org, path=path)
    bad = send(admin, b"\x00 no table")
    good = send(admin, file_of(world.meter.identifier))
    run_waiting()
    listed = admin.get("/api/import/jobs").json()
    assert [(one["file"], one["state"]) for one in listed["items"]] == [
        ("june.csv", "done"), ("june.csv", "failed"), ("typed.csv", "done"),
    ]  # fmt: skip
    assert listed["count"] == 3
    for state, wanted in (("failed", [bad["id"]]), ("waiting", []), ("done", [good["id"], listed["items"][2]["id"]])):
        found = admin.get(f"/api/import/jobs?state={state}").json()
        assert ([one["id"] for one in found["items"]], found["count"]) == (wanted, len(wanted))
    assert [one["file"] for one in admin.get("/api/import/jobs?search=TYPED").json()["items"]] == ["typed.csv"]
    assert [one["id"] for one in admin.get("/api/import/jobs?limit=1&offset=1").json()["items"]] == [bad["id"]]
    status = admin.get("/api/import/status").json()
    assert (status["waiting"], status["running"], status["failed"], status["done"]) == (0, 0, 1, 2)


def test_the_list_takes_as_many_queries_for_many_as_for_few(
    world: World, admin: Client, django_assert_num_queries: Any
) -> None:
    def count() -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as seen:
            assert admin.get("/api/import/jobs").status_code == 200
        return len(seen)

    send(admin, file_of(world.meter.identifier))
    few = count()
    for _ in range(4):
        send(admin, file_of(world.meter.identifier))
    assert count() == few
