from __future__ import annotations

import pytest
from django.db import DatabaseError
from django.test import Client

from eclectyc.operations import health
from tests.api.conftest import Get
from tests.factories import World

pytestmark = pytest.mark.django_db


def report(status: str) -> health.HealthReport:
    return health.HealthReport(status, [health.NamedCheck("disk", status, "Nearly full.", {"free_bytes": 5})])


@pytest.mark.parametrize(("status", "code"), [("healthy", 200), ("degraded", 207), ("critical", 503)])
def test_health_has_its_status_and_code(
    status: str, code: int, world: World, get: Get, visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "report", lambda deep: report(status))
    bare = visitor.get("/api/health")
    assert (bare.status_code, bare.json()) == (code, {"status": status})
    full = get("/api/health", user=world.admin)
    assert full.status_code == code
    assert full.json()["checks"] == [
        {"name": "disk", "status": status, "message": "Nearly full.", "detail": {"free_bytes": 5}}
    ]


@pytest.mark.parametrize("role", ["viewer", "manager"])
def test_only_an_administrator_sees_the_checks(role: str, world: World, get: Get, visitor: Client) -> None:
    assert list(get("/api/health", user=getattr(world, role)).json()) == ["status"]
    visitor.force_login(world.admin)
    assert {check["name"] for check in visitor.get("/api/health").json()["checks"]} >= {"database", "lake", "disk"}


def test_a_visitor_learns_the_status_without_a_query_of_who_they_are(
    world: World, visitor: Client, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: object
) -> None:
    monkeypatch.setattr(health, "report", lambda deep: report("critical"))
    with django_assert_num_queries(0):  # it can still be given when the registry is down
        assert visitor.get("/api/health").status_code == 503


def test_health_takes_no_parameters(visitor: Client) -> None:
    assert visitor.get("/api/health?deep=1").json()["error"]["field"] == "deep"


def test_a_registry_that_is_down_is_critical_not_a_fault(
    world: World, visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.force_login(world.admin)

    def down(*args: object, **kwargs: object) -> None:
        raise DatabaseError("no such host")

    monkeypatch.setattr("eclectyc.accounts.request_actor.Actor.of", down)
    monkeypatch.setattr(health, "report", lambda deep: report("critical"))
    answer = visitor.get("/api/health")
    assert (answer.status_code, answer.json()) == (503, {"status": "critical"})
