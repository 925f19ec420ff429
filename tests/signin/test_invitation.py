from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.invitations import invite, withdraw
from eclectyc.accounts.models import Invitation, Membership, Organisation, User
from tests.factories import World
from tests.signin.people import Person, code_of, secret_in
from tests.web.pages import text_of

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "lanterns over the quay at dusk"


def invited(world: World, email: str = "new@harbour.example") -> str:
    """Invite an address as a viewer; return the path of the link that was sent."""
    mail.outbox.clear()
    invite(Actor.of(world.admin), email=email, organisation=world.org, role="viewer")
    found = re.search(r"(/invitation/\S+)", str(mail.outbox[0].body))
    assert found
    return found[1]


def test_a_new_person_chooses_a_password_and_is_signed_in(world: World, visitor: Client) -> None:
    link = invited(world)
    said = text_of(visitor.get(link))
    assert "Admin invites you to Harbour Estates" in said
    answer = visitor.post(link, {"name": "Nia", "password": NEW})
    assert answer.headers["Location"] == "/"
    assert visitor.get("/").status_code == 200
    person = User.objects.get(email="new@harbour.example")
    assert person.name == "Nia"
    assert Membership.objects.get(user=person).role == "viewer"


def test_the_link_works_once_and_then_gives_the_reason(world: World, visitor: Client) -> None:
    link = invited(world)
    visitor.post(link, {"name": "", "password": NEW})
    again = Client().get(link)
    assert again.status_code == 404
    assert "already been accepted" in text_of(again)
    second = invited(world, "other@harbour.example")
    withdraw(Actor.of(world.admin), invitation=Invitation.objects.get(email="other@harbour.example"))
    assert "was withdrawn" in text_of(Client().get(second))


def test_a_weak_password_is_refused_and_no_account_is_created(world: World, visitor: Client) -> None:
    link = invited(world)
    answer = visitor.post(link, {"name": "Nia", "password": "password12"})
    assert "too common" in text_of(answer)
    assert 'value="Nia"' in answer.content.decode()
    assert not User.objects.filter(email="new@harbour.example").exists()


def test_a_person_with_an_account_accepts_it_signed_in(world: World) -> None:
    link = invited(world, world.outsider.email)
    client = Client()
    assert "Sign in to accept" in text_of(client.get(link))
    assert client.post(link, {"name": "x", "password": NEW}).status_code == 200
    assert Membership.objects.filter(user=world.outsider).count() == 1
    person = Person(world.outsider, world.password)
    form = {"username": person.user.email, "password": person.password, "next": link}
    assert client.post("/login", form).headers["Location"] == link
    assert client.post(link).headers["Location"] == "/"
    assert Membership.objects.filter(user=world.outsider).count() == 2


def test_another_person_cannot_accept_it(world: World, viewer: Person) -> None:
    link = invited(world, world.outsider.email)
    client = viewer.enter()
    assert "You are signed in as viewer@harbour.example" in text_of(client.get(link))
    assert "for another address" in text_of(client.post(link))
    assert Membership.objects.filter(user=viewer.user).count() == 1


def test_a_new_person_sets_up_the_second_factor_that_is_required(world: World, visitor: Client) -> None:
    Organisation.objects.filter(pk=world.org.pk).update(requires_second_factor=True)
    visitor.post(invited(world), {"name": "Nia", "password": NEW})
    assert visitor.get("/").headers["Location"] == "/account/second-factor/set-up"
    secret = secret_in(visitor.get("/account/second-factor/set-up").content.decode())
    visitor.post("/account/second-factor/set-up", {"code": code_of(secret)})
    assert visitor.get("/").status_code == 200


def test_the_secret_of_the_link_is_sent_to_no_other_site(world: World, visitor: Client) -> None:
    # Not "no-referrer": a browser then hides where the form comes from, too, and it would be refused.
    assert visitor.get(invited(world)).headers["Referrer-Policy"] == "same-origin"


def test_an_account_without_the_second_factor_it_needs_accepts_nothing_by_password_alone(world: World) -> None:
    link = invited(world, world.outsider.email)
    person = Person(world.outsider, world.password)
    person.set_up(person.enter())
    client = person.browser()
    assert person.knock(client).headers["Location"] == "/login/code"
    client.post(link)
    assert Membership.objects.filter(user=world.outsider).count() == 1
