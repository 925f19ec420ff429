"""The audit's chain: what is sealed stays as it was, and every change of it shows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils.timezone import now

from eclectyc.audit.actor import AuditActor
from eclectyc.audit.models import Event, Head, Person, Personal, Seal
from eclectyc.audit.record import record
from eclectyc.audit.sealed_chain import deletion_allowed, drop_before, forget_person, problems, seal_pending

KEY = b"a key of this test"
BY = AuditActor(user_id=7, label="ann@harbour.example", origin="192.0.2.7")

pytestmark = pytest.mark.django_db


def tampered(statement: str) -> None:
    """Change the books behind the triggers' back, as somebody with the database in their hands could."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(statement)
            cursor.execute("SET LOCAL session_replication_role = DEFAULT")
            return
        names = ["audit_event_no_update", "audit_event_no_delete", "audit_seal_no_update", "audit_seal_no_delete"]
        for name in names:
            cursor.execute(f"DROP TRIGGER {name}")
        cursor.execute(statement)


def three_events() -> list[Event]:
    events = [record(BY, "meter.moved", before={"site": 1}, after={"site": n}) for n in (2, 3, 4)]
    seal_pending(KEY)
    return events


def test_sealed_events_verify():
    three_events()
    assert list(problems(KEY)) == []
    assert list(Seal.objects.values_list("sequence", flat=True)) == [1, 2, 3]


def test_sealing_again_changes_nothing():
    three_events()
    before = list(Seal.objects.values_list("hash", flat=True))
    assert seal_pending(KEY) == 0
    assert list(Seal.objects.values_list("hash", flat=True)) == before


@pytest.mark.parametrize(
    ("statement", "sign"),
    [
        ("UPDATE audit_event SET action = 'meter.kept' WHERE id = {1}", "was changed after it was sealed"),
        (
            "UPDATE audit_event SET actor = '00000000000000000000000000000001' WHERE id = {1}",
            "was changed after it was sealed",
        ),
        ("UPDATE audit_event SET organisation_id = 99 WHERE id = {0}", "was changed after it was sealed"),
        ("DELETE FROM audit_seal WHERE event_id = {1}", "are missing"),
        ("DELETE FROM audit_seal WHERE event_id = {2}", "The chain ends at 2"),
        ("DELETE FROM audit_seal WHERE event_id = {0}", "Events 1 to 1"),
        ("UPDATE audit_head SET last = 2", "head was not written"),
        ("DELETE FROM audit_head", "no head"),
        ("UPDATE audit_person SET user_id = 99", "no longer belongs to the person it was given to"),
        ("UPDATE audit_person SET user_id = 99, mac = ''", "no longer belongs to the person it was given to"),
        ("UPDATE audit_personal SET origin = '203.0.113.1'", "The personal text of event"),
        ("UPDATE audit_personal SET person = NULL, text = '{{}}', mac = ''", "The personal text of event"),
    ],
)
def test_tampering_shows(statement: str, sign: str):
    ids = [event.pk for event in three_events()]
    tampered(statement.format(*ids))
    assert any(sign in problem for problem in problems(KEY))


def test_another_key_does_not_verify():
    three_events()
    assert list(problems(b"another key"))


@pytest.mark.parametrize("table", ["audit_event", "audit_seal"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET {column} = {column}"])
def test_the_database_refuses_to_change_events(table: str, statement: str):
    three_events()
    column = {"audit_event": "action", "audit_seal": "hash"}[table]
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table, column=column))
    assert Event.objects.count() == 3


def test_erasing_a_person_leaves_books_that_verify():
    record(BY, "user.renamed", personal={"name": "Ann"})
    record(AuditActor(user_id=8, label="bob@harbour.example"), "user.edited", person_id=7, personal={"name": "Ann B"})
    seal_pending(KEY)
    assert forget_person(7) == 2
    assert not Personal.objects.exclude(text={}).exists()
    assert not Person.objects.filter(label__contains="ann").exists()
    assert Event.objects.count() == 2
    assert list(problems(KEY)) == []


def test_retention_drops_the_oldest_and_the_rest_verifies():
    events = three_events()
    tampered(f"UPDATE audit_event SET at = '2019-01-01 00:00:00' WHERE id = {events[0].pk}")
    seal = Seal.objects.get(event=events[0])
    assert seal.sequence == 1
    assert drop_before(KEY, now() - timedelta(days=365)) == 1
    assert Head.objects.get().first == 2
    assert list(problems(KEY)) == []
    record(BY, "meter.moved")
    seal_pending(KEY)
    assert list(problems(KEY)) == []


def test_deletion_is_allowed_only_inside_a_retention_run():
    three_events()
    with transaction.atomic(), deletion_allowed():
        pass
    with pytest.raises(DatabaseError), transaction.atomic():
        Seal.objects.all().delete()


def test_an_event_of_a_rolled_back_change_is_not_kept():
    with transaction.atomic():
        record(BY, "meter.moved")
        transaction.set_rollback(True)
    assert not Event.objects.exists()
