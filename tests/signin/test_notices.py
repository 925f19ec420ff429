"""A change to a person's sign-in is emailed to them: what, when, from where, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client

from eclectyc.accounts import organisations, people, second_factor
from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Membership, User
from tests.factories import World
from tests.mail.test_letters import Post, certificate, post  # noqa: F401 - fixtures
from tests.signin.people import Person
from tests.signin.test_passwords import NEW, choose, sent_link

pytestmark = pytest.mark.django_db(transaction=True)
SYSTEM = Actor.system()
REMOVED = "Your second factor was removed: signing in now needs only your password"
READDRESSED = "An operator changed the email address that you sign in with"
SET = "An administrator set a new password for you"


def sent() -> list[tuple[list[str], str]]:
    """Return the recipients and subjects of the emails since the last call."""
    found = [(message.to, message.subject) for message in mail.outbox]
    mail.outbox.clear()
    return found


def test_a_changed_password_is_notified_with_time_and_origin(viewer: Person) -> None:
    with time_machine.travel("2026-07-01T11:05:00Z", tick=False):
        client = viewer.enter(viewer.browser(REMOTE_ADDR="198.51.100.7"))
        form = {"oldpassword": viewer.password, "password1": NEW, "password2": NEW}
        assert client.post("/account/password", form).status_code == 302
    [message] = mail.outbox
    assert message.to == [viewer.user.email]
    body = str(message.body)
    assert "Your password was changed." in body
    assert "1 Jul 2026 12:05 (BST), from 198.51.100.7, Firefox on Linux" in body
    assert "http://localhost:8000/account/password/reset" in body
    assert NEW not in str(message.message())


def test_a_password_that_was_not_changed_is_not_notified(viewer: Person) -> None:
    client = viewer.enter()
    client.post("/account/password", {"oldpassword": "wrong", "password1": NEW, "password2": NEW})
    assert sent() == []


def test_a_reset_is_notified_once_it_is_done(viewer: Person) -> None:
    client = viewer.browser()
    link = sent_link(client, viewer.user.email)
    assert [subject for _, subject in sent()] == ["Choose a new password"]
    choose(client, link)
    assert sent() == [([viewer.user.email], "Your password was reset through a link sent to this address")]


def test_every_change_of_the_second_factor_is_notified(viewer: Person) -> None:
    client = viewer.enter()
    viewer.set_up(client)
    assert [subject for _, subject in sent()] == ["A second factor was set up: signing in now needs a code as well"]
    client.post("/account/recovery-codes/new")
    assert [subject for _, subject in sent()] == ["New recovery codes were created; the old ones no longer work"]
    client.post("/account/second-factor/remove")
    assert sent() == [([viewer.user.email], REMOVED)]


def remove_factor(user: User) -> None:
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={})
    second_factor.remove(SYSTEM, user=user)


@pytest.mark.parametrize(
    ("deed", "subject"),
    [
        (lambda user: people.set_password(SYSTEM, user=user, password=NEW), SET),
        (remove_factor, REMOVED),
        (lambda user: people.change_email(SYSTEM, user=user, email="new@harbour.example"), READDRESSED),
    ],
)
def test_changes_by_others_are_notified_to_the_person_too(
    deed: Callable[[User], Any], subject: str, world: World
) -> None:
    deed(world.viewer)
    assert sent() == [(["viewer@harbour.example"], subject)]  # a changed address: to the one before


def test_the_letter_looks_like_the_one_organisation_of_its_person(world: World, viewer: Person) -> None:
    organisations.update(SYSTEM, organisation=world.org, brand_name="Harbour", brand_colour="#123456")
    sent_link(Client(), viewer.user.email)
    people.set_password(SYSTEM, user=world.viewer, password=NEW)
    for message in mail.outbox:
        assert message.from_email.startswith("Harbour <")
        assert "background: #123456" in str(message.alternatives[0][0])
    Membership.objects.create(user=world.viewer, organisation=world.other_org, role="viewer")
    mail.outbox.clear()
    people.set_password(SYSTEM, user=world.viewer, password=viewer.password)
    assert "Harbour" not in str(mail.outbox[0].message())


def test_a_slow_mail_server_does_not_delay_the_request(world: World, post: Post) -> None:  # noqa: F811
    import threading

    people.set_password(SYSTEM, user=world.viewer, password=NEW)
    for thread in threading.enumerate():
        if thread.name == "mail":
            thread.join(10)
    [(_, readers, message)] = post.mails
    assert readers == ["viewer@harbour.example"]
    assert message["Subject"] == SET
    post.refuses = True
    people.set_password(SYSTEM, user=world.viewer, password=NEW)  # is done all the same
    for thread in threading.enumerate():
        if thread.name == "mail":
            thread.join(10)
    assert len(post.mails) == 1
