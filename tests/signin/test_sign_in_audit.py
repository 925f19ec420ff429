"""Sign-ins are read by the administrators of each organisation of the person, and by no one else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from eclectyc.accounts import people, signin_events, tokens
from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Membership, Organisation, User
from eclectyc.audit.models import Event
from eclectyc.audit.search import EventFilter, find_events
from eclectyc.privacy import consents
from tests.factories import PASSWORD, World, make_user
from tests.signin.people import Person
from tests.web.pages import text_of

pytestmark = pytest.mark.django_db


def told(user: User, action: str) -> list[int | None]:
    """Return the organisations of the events of an action that an actor can read."""
    return sorted(find_events(Actor.of(user), EventFilter(action=action)).values_list("organisation_id", flat=True))


@pytest.fixture
def shared(world: World) -> User:
    """A person with a role at a site of one organisation, and in the other; and, once, in a third."""
    user = make_user("shared@both.example", world.other_org)
    Membership.objects.create(user=user, organisation=world.org, site=world.site, role="viewer")
    third = Organisation.objects.create(name="Left Behind")
    Membership.objects.create(user=user, organisation=third, role="viewer", until=date(2020, 1, 1))
    make_user("admin@left.example", third, "admin")
    return user


def test_a_sign_in_is_recorded_once_in_each_organisation_of_the_person(world: World, shared: User) -> None:
    Person(shared, PASSWORD).enter()
    left = User.objects.get(email="admin@left.example")
    assert told(world.admin, "session.started") == [world.org.pk]
    assert told(world.outsider, "session.started") == [world.other_org.pk]
    assert told(left, "session") == told(world.viewer, "session") == []
    one, other = Event.objects.filter(action="session.started")
    assert one.after == other.after == {"methods": ["password"]}
    page = Client()
    page.force_login(world.admin)
    said = text_of(page.get("/admin/audit?action=session.started"))
    assert shared.email in said
    assert world.other_org.name not in said


def test_wrong_passwords_are_recorded_too_and_of_unknown_accounts_for_operators(world: World, shared: User) -> None:
    Person(shared, "a guess").knock(Client())
    Client().post("/login", {"username": "nobody@harbour.example", "password": "a guess"})
    assert told(world.admin, "session.failed") == [world.org.pk]
    assert told(world.outsider, "session.failed") == [world.other_org.pk]
    assert Event.objects.filter(action="session.failed", organisation_id=None).count() == 1


def test_a_former_members_events_are_recorded_in_their_former_organisations(world: World) -> None:
    Membership.objects.filter(user=world.viewer).update(until=date(2020, 1, 1))
    Person(world.viewer, PASSWORD).enter()
    assert told(world.admin, "session.started") == [world.org.pk]
    Membership.objects.filter(user=world.viewer).delete()
    Person(world.viewer, PASSWORD).enter()
    assert told(world.admin, "session.started") == [world.org.pk]
    assert Event.objects.filter(action="session.started", organisation_id=None).count() == 1


@pytest.mark.parametrize(
    ("action", "deed"),
    [
        ("person.renamed", lambda user: people.rename(Actor.of(user), user=user, name="Sam")),
        ("person.deactivated", lambda user: people.deactivate(Actor.system(), user=user)),
        ("token.created", lambda user: tokens.create_token(Actor.of(user), user=user, name="reader")),
        ("consent.given", lambda user: consents.give(Actor.of(user), what="report_mail")),
    ],
)
def test_events_about_a_person_as_a_whole_are_recorded_in_each(
    action: str, deed: Callable[[User], object], world: World, shared: User
) -> None:
    deed(shared)
    assert told(world.admin, action) == [world.org.pk]
    assert told(world.outsider, action) == [world.other_org.pk]


def test_a_token_for_one_place_is_recorded_in_its_organisation_only(world: World, shared: User) -> None:
    token, _ = tokens.create_token(Actor.of(shared), user=shared, name="reader", site=world.site)
    tokens.revoke_token(Actor.of(shared), token=token)
    assert told(world.admin, "token") == [world.org.pk] * 2
    assert told(world.outsider, "token") == []


def test_a_person_of_many_organisations_takes_no_more_queries(world: World) -> None:
    from django.test import RequestFactory

    request = RequestFactory().post("/login")

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as counted:
            signin_events.record_failure(request, "password", typed=world.viewer.email)
        return len(counted)

    queries()
    few = queries()
    many = Organisation.objects.bulk_create(Organisation(name=f"Client {n}", path=f"/{n + 9000}/") for n in range(50))
    Membership.objects.bulk_create(Membership(user=world.viewer, organisation=one) for one in many)
    assert queries() == few
    assert Event.objects.filter(action="session.failed").count() == 1 + 1 + 51
