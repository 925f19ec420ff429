"""The audit as page and as API: what is looked for, and nothing of anybody else's."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.test import Client
from django.utils.timezone import now

from eclectyc.accounts.actor import Actor
from eclectyc.audit import read_log_queue
from eclectyc.audit.actor import AuditActor
from eclectyc.audit.models import Event
from eclectyc.audit.record import record, write
from tests.factories import World, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(world: World) -> World:
    """Two events in our organisation, one in the other, one of nobody's."""
    by = Actor.of(world.admin, origin="192.0.2.7").by
    record(by, "meter.moved", world.meter, organisation_id=world.org.pk, before={"site": 1}, after={"site": 2})
    record(by, "site.changed", world.site, organisation_id=world.org.pk, personal={"contact": "=SUM(A1)"})
    other = Actor.of(world.outsider, origin="203.0.113.9").by
    record(other, "meter.moved", world.other_meter, organisation_id=world.other_org.pk, after={"site": 99})
    record(AuditActor(), "system.started")
    return world


def signed_in(user: object) -> Client:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    return client


def test_an_administrator_sees_their_organisations_events_and_no_others(told: World):
    answer = signed_in(told.admin).get("/api/audit").json()
    assert [item["action"] for item in answer["items"]] == ["site.changed", "meter.moved"]
    assert answer["count"] == 2
    assert "outsider" not in str(answer)
    page = signed_in(told.admin).get("/admin/audit").content.decode()
    assert "meter.moved" in page
    assert "outsider" not in page
    assert "203.0.113.9" not in page


@pytest.mark.parametrize("who", ["viewer", "manager"])
def test_a_person_who_may_not_read_the_audit_is_refused(told: World, who: str):
    client = signed_in(getattr(told, who))
    assert client.get("/api/audit").status_code == 403
    assert client.get("/admin/audit").status_code == 403


def test_a_visitor_is_sent_to_sign_in(told: World):
    assert Client().get("/api/audit").status_code == 401
    assert Client().get("/admin/audit").status_code == 302


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("action=meter", 1),
        ("action=meter.moved", 1),
        ("action=met", 0),
        ("actor=admin@", 1 + 1),
        ("actor=outsider", 0),
        ("subject=meter", 1),
        ("subject=site:{site}", 1),
        ("subject=meter:{other_meter}", 0),
        ("organisation={org}", 2),
        ("organisation={other_org}", 0),
        ("from=2000-01-01&to=2001-01-01", 0),
        ("from=2000-01-01", 2),
    ],
)
def test_filters_narrow_and_never_widen(told: World, query: str, count: int):
    numbers = {name: getattr(told, name).pk for name in ("site", "other_meter", "org", "other_org")}
    query = query.format(**numbers)
    assert signed_in(told.admin).get(f"/api/audit?{query}").json()["count"] == count
    page = signed_in(told.admin).get(f"/admin/audit?{query}")
    assert page.context["page"].paginator.count == count


def test_an_operator_sees_everything(told: World):
    operator = make_user("operator@harbour.example", told.org)
    operator.is_operator = True
    operator.save()
    answer = signed_in(operator).get("/api/audit").json()
    assert answer["count"] == 4
    assert {item["actor"] for item in answer["items"]} == {told.admin.email, told.outsider.email, "system"}


@pytest.mark.parametrize("address", ["/admin/audit?format=csv", "/api/audit"])
def test_csv_runs_no_formula_and_is_an_export(told: World, address: str):
    response = signed_in(told.admin).get(address, headers={"Accept": "text/csv"})
    assert response["Content-Type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert [line["action"] for line in lines][-2:] == ["site.changed", "meter.moved"]
    for line in lines:
        for cell in line.values():
            assert not cell.startswith(("=", "+", "-", "@"))
    assert Event.objects.filter(action="export.audit", organisation_id=told.org.pk).exists()


def test_reading_the_audit_leaves_an_event(told: World):
    signed_in(told.admin).get("/admin/audit?actor=ann")
    read_log_queue.store_waiting()
    event = Event.objects.get(action="audit.read")
    assert event.organisation_id == told.org.pk
    assert event.after == {"filters": ["actor"]}  # not what was typed: it can name a person


def test_the_page_keeps_its_filters_and_pages(told: World):
    for _ in range(60):
        record(Actor.of(told.admin).by, "site.changed", told.site, organisation_id=told.org.pk)
    page = signed_in(told.admin).get("/admin/audit?action=site.changed&page=2")
    assert page.context["page"].number == 2
    assert "action=site.changed" in page.content.decode()


def test_a_wrong_entry_is_reported(told: World):
    assert signed_in(told.admin).get("/admin/audit?from=yesterday").status_code == 400
    assert signed_in(told.admin).get("/api/audit?from=yesterday").status_code == 422
    assert signed_in(told.admin).get("/api/audit?form=2020-01-01").status_code == 422


def test_text_of_a_page_is_escaped(told: World):
    record(
        Actor.of(told.admin).by,
        "site.changed",
        told.site,
        organisation_id=told.org.pk,
        personal={"contact": "<script>alert(1)</script>"},
    )
    assert "<script>alert" not in signed_in(told.admin).get("/admin/audit").content.decode()


def test_a_page_costs_the_same_queries_however_many_events(told: World, django_assert_max_num_queries):
    client = signed_in(told.admin)
    client.get("/admin/audit")
    moment = now() - timedelta(days=1)
    for number in range(40):
        write(
            AuditActor(told.admin.pk, "", "192.0.2.7"),
            "meter.moved",
            "meter",
            str(number),
            organisation_id=told.org.pk,
            at=moment,
        )
    with django_assert_max_num_queries(16):
        client.get("/admin/audit")
