"""A password set by an administrator allows its person to choose their own, and nothing else."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client

from eclectyc.accounts import invitations, people
from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Membership, User
from eclectyc.cli import main
from eclectyc.kernel.errors import Forbidden
from tests.factories import World
from tests.signin.people import Person
from tests.signin.test_passwords import NEW, choose, sent_link
from tests.web.pages import text_of

pytestmark = pytest.mark.django_db(transaction=True)
GIVEN = "tern over quiet water"


@pytest.fixture
def given(world: World) -> Person:
    """The viewer, whose administrator has set a password."""
    people.set_password(Actor.of(world.admin), user=world.viewer, password=GIVEN)
    return Person(world.viewer, GIVEN)


def change(client: Client, old: str, new: str) -> object:
    return client.post("/account/password", {"oldpassword": old, "password1": new, "password2": new})


def test_nothing_opens_until_the_person_has_chosen_their_own(given: Person, world: World) -> None:
    client = given.enter()
    for address in ("/", "/meters", "/account", f"/meters/{world.meter.pk}"):
        assert client.get(address).headers["Location"] == "/account/password"
    assert client.get("/api/meters").status_code == 401
    assert "An administrator set your current password and knows it." in text_of(client.get("/account/password"))
    same = change(client, GIVEN, GIVEN)
    assert "This is your current password. Choose another one." in text_of(same)
    assert client.get("/").status_code == 302
    assert change(client, GIVEN, NEW).headers["Location"] == "/"
    assert client.get("/").status_code == 200
    assert given.knock(given.browser()).status_code == 200  # what the administrator knows is worth nothing now
    assert Person(given.user, NEW).enter().get("/").status_code == 200


def test_the_second_factor_comes_after_the_password(given: Person, world: World) -> None:
    world.org.requires_second_factor = True
    world.org.save()
    client = given.enter()
    assert client.get("/").headers["Location"] == "/account/password"
    change(client, GIVEN, NEW)
    assert client.get("/").headers["Location"] == "/account/second-factor/set-up"


def test_a_reset_by_mail_is_a_password_of_ones_own(given: Person) -> None:
    client = given.browser()
    assert choose(client, sent_link(client, given.user.email)).headers["Location"] == "/"
    assert client.get("/").status_code == 200


def test_it_cannot_be_used_to_join_another_organisation(given: Person, world: World) -> None:
    mail.outbox.clear()
    invitations.invite(Actor.of(world.outsider), email=given.user.email, organisation=world.other_org)
    found = re.search(r"/invitation/(\S+)", str(mail.outbox[-1].body))
    assert found
    given.user.refresh_from_db()
    with pytest.raises(Forbidden, match="Your password is temporary"):
        invitations.accept(found[1], user=given.user)
    client = given.enter()
    assert "Your password is temporary" in text_of(client.post(f"/invitation/{found[1]}"))
    assert Membership.objects.filter(user=given.user).count() == 1
    change(client, GIVEN, NEW)
    assert client.post(f"/invitation/{found[1]}").status_code == 302
    assert Membership.objects.filter(user=given.user).count() == 2


def test_ones_own_and_an_operators_are_not_temporary_unless_requested(world: World) -> None:
    people.set_password(Actor.of(world.viewer), user=world.viewer, password=GIVEN)
    people.set_password(Actor.system(), user=world.manager, password=GIVEN)
    for user in (world.viewer, world.manager):
        assert Person(user, GIVEN).enter().get("/").status_code == 200
    assert main(["user", "password", world.viewer.email, "--temporary"]) == 0
    assert main(["user", "add", "new@harbour.example", "--organisation", str(world.org.pk), "--temporary"]) == 0
    flagged = User.objects.filter(password_is_temporary=True).values_list("email", flat=True)
    assert set(flagged) == {world.viewer.email, "new@harbour.example"}
