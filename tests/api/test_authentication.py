from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import ApiToken, Membership
from eclectyc.accounts.tokens import create_token, revoke_token
from tests.api.conftest import Get, bearer
from tests.factories import World
from tests.needs import queries_of_a_call

pytestmark = pytest.mark.django_db
MEMBERS = ["viewer", "manager", "admin"]


def test_without_a_token_or_session_there_is_no_answer(world: World, visitor: Client) -> None:
    answer = visitor.get("/api/meters")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["error"]["code"] == "unauthenticated"


@pytest.mark.parametrize("role", MEMBERS)
def test_every_role_reads_its_own_estate_by_token_and_by_session(role: str, world: World, visitor: Client) -> None:
    user = getattr(world, role)
    by_token = visitor.get("/api/meters", headers=bearer(user)).json()
    visitor.force_login(user)
    by_session = visitor.get("/api/meters").json()
    assert by_token == by_session
    assert [meter["identifier"] for meter in by_token["items"]] == [world.meter.identifier]


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer wrong", "Basic dTpw", "ecl_x", "", "Bearer \u00e9", "bearer a b"]
)
def test_a_header_that_does_not_count_is_refused_even_with_a_session(
    header: str, world: World, visitor: Client
) -> None:
    visitor.force_login(world.viewer)
    assert visitor.get("/api/meters", headers={"Authorization": header}).status_code == 401


def test_a_token_ends_when_it_expires_is_revoked_or_its_person_leaves(world: World, visitor: Client) -> None:
    def status(header: dict[str, str]) -> int:
        return visitor.get("/api/meters", headers=header).status_code

    past = bearer(world.viewer, expires_at=timezone.now() - timedelta(seconds=1))
    future = bearer(world.viewer, expires_at=timezone.now() + timedelta(hours=1))
    assert (status(past), status(future)) == (401, 200)
    actor = Actor.of(world.viewer)
    token, secret = create_token(actor, user=world.viewer, name="short")
    revoke_token(actor, token=token)
    assert status({"Authorization": f"Bearer {secret}"}) == 401
    world.viewer.is_active = False
    world.viewer.save()
    assert status(future) == 401


def test_a_person_who_leaves_an_organisation_sees_it_no_more_with_the_same_token(world: World, visitor: Client) -> None:
    header = bearer(world.viewer)
    assert visitor.get("/api/meters", headers=header).json()["count"] == 1
    Membership.objects.filter(user=world.viewer).delete()
    assert visitor.get("/api/meters", headers=header).json()["count"] == 0


@pytest.mark.parametrize(("scope", "status"), [("read", 200), ("manage", 200), ("push", 403)])
def test_a_token_opens_what_its_scope_says(scope: str, status: int, world: World, visitor: Client) -> None:
    assert visitor.get("/api/meters", headers=bearer(world.admin, scope=scope)).status_code == status


def test_use_is_noted_once_a_day_and_reading_writes_nothing_else(
    world: World, visitor: Client, django_assert_num_queries: object
) -> None:
    header = bearer(world.viewer)
    visitor.get("/api/meters", headers=header)
    token = ApiToken.objects.get()
    assert token.last_used_on == datetime.now(UTC).date()
    with django_assert_num_queries(queries_of_a_call(6)) as asked:  # token, roles, below, page in two, count
        visitor.get("/api/meters", headers=header)
    written = [query["sql"] for query in asked.captured_queries if not query["sql"].startswith("SELECT")]
    assert all("INSERT INTO accounts_tally" in sql for sql in written)


def test_a_session_alone_cannot_change_anything(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.admin)
    assert client.post("/api/meters", data={}).status_code == 403
    assert client.get("/api/meters").status_code == 200


def test_the_outsider_gets_their_own_estate_only(get: Get, world: World) -> None:
    items = get("/api/meters", user=world.outsider).json()["items"]
    assert [meter["identifier"] for meter in items] == [world.other_meter.identifier]
