"""What leaves a trace: imports, undoing, exports, backups, and reads of what is held about people."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.tokens import create_token
from eclectyc.audit import read_log_queue
from eclectyc.audit.models import Event, Person, Personal
from eclectyc.intake.undo import undo_batch
from tests.factories import World, make_user
from tests.intake.import_calls import bring

pytestmark = pytest.mark.django_db
LONG = "meter,start,end,value,unit\n1200023305967,2025-06-01T00:00+01:00,2025-06-01T00:30+01:00,1.5,kWh\n"


@pytest.fixture
def admin(world: World) -> Client:
    client = Client()
    client.force_login(world.admin)
    return client


def last(action: str) -> Event:
    return Event.objects.filter(action=action).latest("pk")


def test_an_import_and_its_undo_are_recorded_from_beginning_to_end(world: World, tmp_path: Path):
    report = bring(world, tmp_path / "june of ann.csv", LONG)
    undo_batch(Actor.of(world.admin), batch=report.batch)
    told = list(Event.objects.filter(subject_type="batch").order_by("pk").values_list("action", flat=True))
    assert told == ["import.started", "import.done", "undo.started", "undo.done"]
    done = last("import.done")
    assert done.organisation_id == world.org.pk
    assert done.after["added"] == 1
    assert Person.objects.get(pk=done.actor).label == "admin@harbour.example"
    assert "june" not in str(done.after)  # a file's name can name a person: it stands apart
    assert Personal.objects.get(event=done).text == {"file": "june of ann.csv"}


def test_a_dry_run_changes_nothing_and_leaves_no_trace(world: World, tmp_path: Path):
    bring(world, tmp_path / "june.csv", LONG, dry_run=True)
    assert not Event.objects.filter(subject_type="batch").exists()


def test_readings_given_out_as_csv_are_an_export(world: World, tmp_path: Path, admin: Client):
    bring(world, tmp_path / "june.csv", LONG)
    address = f"/api/meters/{world.meter.identifier}/readings?from=2025-06-01&to=2025-06-02"
    assert admin.get(address).status_code == 200
    assert not Event.objects.filter(action__startswith="export").exists()
    assert admin.get(address, headers={"Accept": "text/csv"}).status_code == 200
    event = last("export.readings")
    assert (event.subject_type, event.subject_id) == ("meter", str(world.meter.pk))
    assert event.organisation_id == world.org.pk


def test_the_consumption_report_as_csv_is_an_export(world: World, admin: Client):
    assert admin.get("/reports/consumption?format=csv").status_code == 200
    assert last("export.consumption").organisation_id == world.org.pk


def test_a_file_exported_on_the_command_line_is_an_export(world: World, capsys: pytest.CaptureFixture[str]):
    from eclectyc.cli import main

    assert main(["export", "meters", "--organisation", world.org.name]) == 0
    assert last("export.file").after == {"kind": "meters", "meters": "all"}


def test_people_who_are_shown_are_noted_with_their_numbers(world: World, admin: Client):
    assert admin.get("/api/users").status_code == 200
    read_log_queue.store_waiting()
    event = last("person.read")
    assert event.organisation_id == world.org.pk
    assert event.after == {"people": sorted([world.viewer.pk, world.manager.pk])}  # the admin's own self is not


def test_each_of_two_organisations_reads_only_of_its_own_people(world: World):
    operator = make_user("operator@harbour.example", world.org)
    operator.is_operator = True
    operator.save()
    client = Client()
    client.force_login(operator)
    client.get("/api/users")
    read_log_queue.store_waiting()
    told = {e.organisation_id: e.after["people"] for e in Event.objects.filter(action="person.read")}
    assert told[world.other_org.pk] == [world.outsider.pk]
    assert world.outsider.pk not in told[world.org.pk]


def test_ones_own_page_is_no_reading_of_anothers_data(world: World):
    client = Client()
    client.force_login(world.viewer)
    assert client.get(f"/api/users/{world.viewer.pk}").status_code == 200
    assert read_log_queue.store_waiting() == 0


def test_memberships_and_invitations_shown_are_noted(world: World, admin: Client):
    from eclectyc.accounts.invitations import invite

    invitation = invite(Actor.of(world.admin), email="guest@harbour.example", organisation=world.org, role="viewer")
    admin.get("/api/memberships")
    admin.get("/api/invitations")
    read_log_queue.store_waiting()
    assert last("person.read").organisation_id == world.org.pk
    assert last("invitation.read").after == {"invitations": [invitation.pk]}


def test_what_a_token_reads_is_its_persons_reading(world: World):
    _, secret = create_token(Actor.of(world.admin), user=world.admin, name="reader", scope="read")
    assert Client().get("/api/users", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    read_log_queue.store_waiting()
    assert Person.objects.get(pk=last("person.read").actor).user_id == world.admin.pk
