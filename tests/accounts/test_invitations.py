from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth import authenticate
from django.core import mail
from django.db import connection

from eclectyc.accounts import invitations, memberships
from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Invitation, Membership, User
from eclectyc.audit.models import Event, Personal
from eclectyc.kernel.errors import Conflict, EclectycError, Forbidden, Invalid, NotFound, TooMany
from tests.factories import World, make_user, make_world

SYSTEM = Actor.system()
GOOD = "tern over quiet water"
pytestmark = pytest.mark.django_db


def token_of(message: Any = None) -> str:
    """Return the token in the last email's link."""
    text = str((message or mail.outbox[-1]).body)
    found = re.search(r"http://localhost:8000/invitation/([\w-]{43})\s", text)
    assert found
    return found[1]


@pytest.fixture
def sent(django_capture_on_commit_callbacks: Any) -> Any:
    """Invite, and run what follows the commit."""

    def send(actor: Actor, **fields: Any) -> Invitation:
        with django_capture_on_commit_callbacks(execute=True):
            return invitations.invite(actor, **fields)

    return send


def test_a_new_person_accepts_with_a_name_and_a_password(world: World, sent: Any) -> None:
    invitation = sent(Actor.of(world.admin), email="New@There.Example", site=world.site, role="manager")
    assert invitation.sent_at is not None
    assert mail.outbox[0].to == ["New@there.example"]
    token = token_of()
    offer = invitations.offer_of(token)
    assert (offer.organisation, offer.place, offer.role) == ("Harbour Estates", "Harbour House", "manager")
    assert (offer.has_account, offer.invited_by) == (False, "Admin")
    person = invitations.accept(token, name="Nell", password=GOOD, origin="10.0.0.9")
    assert authenticate(username="new@there.example", password=GOOD) == person
    assert Actor.of(person).may("reports.view", world.site.place)
    assert not Actor.of(person).may("reports.view", world.org.pk)
    for use in (lambda: invitations.offer_of(token), lambda: invitations.accept(token, password=GOOD)):
        with pytest.raises(NotFound, match="already been accepted"):
            use()
    event = Event.objects.get(action="invitation.accepted")
    assert "there.example" not in str([event.before, event.after])
    assert Personal.objects.get(event=event).origin == "10.0.0.9"


def test_only_the_digest_of_the_link_is_kept(world: World, sent: Any) -> None:
    invitation = sent(SYSTEM, email="a@b.example", organisation=world.org)
    kept = Invitation.objects.get()
    assert token_of() not in str([getattr(kept, f.attname) for f in Invitation._meta.fields])
    assert token_of() not in str([getattr(invitation, f.attname) for f in Invitation._meta.fields])


def test_a_person_with_an_account_accepts_signed_in_as_that_address_only(world: World, sent: Any) -> None:
    sent(Actor.of(world.admin), email=world.outsider.email.upper(), organisation=world.org)
    token = token_of()
    assert invitations.offer_of(token).has_account
    with pytest.raises(Conflict, match="already have an account"):
        invitations.accept(token, name="Thief", password=GOOD)
    with pytest.raises(Forbidden):
        invitations.accept(token, user=world.viewer)
    assert invitations.accept(token, user=world.outsider) == world.outsider
    assert Actor.of(world.outsider).may("estate.view", world.org.pk)
    assert Actor.of(world.outsider).may("people.edit", world.other_org.pk)


def test_a_link_ends_after_seven_days_or_when_withdrawn_or_sent_again(world: World, sent: Any) -> None:
    admin = Actor.of(world.admin)
    with time_machine.travel(datetime(2026, 6, 1, 12, tzinfo=UTC), tick=False) as clock:
        first = sent(admin, email="a@b.example", organisation=world.org)
        old = token_of()
        clock.shift(timedelta(days=7) - timedelta(seconds=1))
        assert invitations.offer_of(old)
        clock.shift(1)
        with pytest.raises(NotFound, match="expired"):
            invitations.accept(old, password=GOOD)
        invitations.resend(admin, invitation=first)
        with pytest.raises(NotFound, match="does not exist"):
            invitations.offer_of(old)
        invitations.withdraw(admin, invitation=first)
        with pytest.raises(Conflict):
            invitations.resend(admin, invitation=first)
        sent(admin, email="a@b.example", organisation=world.org)
        second = token_of()
        sent(admin, email="A@b.example", organisation=world.org, role="manager")  # takes the other's place
        with pytest.raises(NotFound, match="was withdrawn"):
            invitations.offer_of(second)
        assert invitations.offer_of(token_of()).role == "manager"
    assert not User.objects.filter(email="a@b.example").exists()


def test_the_inviter_must_still_be_able_to_grant_the_role_at_acceptance(world: World, sent: Any) -> None:
    second = make_user("second@harbour.example", world.org, "admin")
    sent(Actor.of(second), email="friend@x.example", organisation=world.org, role="admin")
    memberships.change(SYSTEM, membership=second.memberships.get(), role="viewer")
    with pytest.raises(NotFound, match="no longer"):
        invitations.accept(token_of(), password=GOOD)


@pytest.mark.parametrize("who", ["viewer", "manager", "outsider"])
def test_an_invitation_cannot_offer_more_rights_than_its_inviter_has(who: str, world: World, sent: Any) -> None:
    invitation = sent(SYSTEM, email="a@b.example", organisation=world.org)
    actor = Actor.of(getattr(world, who))
    for deed in (
        lambda: invitations.invite(actor, email="x@y.example", organisation=world.org),
        lambda: invitations.resend(actor, invitation=invitation),
        lambda: invitations.withdraw(actor, invitation=invitation),
    ):
        with pytest.raises(Forbidden):
            deed()
    assert not Invitation.objects.visible_to(actor).exists()


@pytest.mark.parametrize("token", ["", "x", "é" * 43, "\ud800", "a\x00b", "x" * 5000])
def test_an_unknown_link_is_refused(token: str, world: World) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        invitations.offer_of(token)


def test_a_weak_password_leaves_the_invitation_open(world: World, sent: Any) -> None:
    sent(SYSTEM, email="a@b.example", organisation=world.org)
    for password in ("", "short", "password1234", "a@b.example"):
        with pytest.raises(Invalid):
            invitations.accept(token_of(), password=password)
    assert invitations.accept(token_of(), password=GOOD).email == "a@b.example"


def test_a_failing_mail_server_shows_in_the_list_and_undoes_nothing(
    world: World, sent: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 1, 1
    invitation = sent(SYSTEM, email="secret.person@b.example", organisation=world.org)
    assert Invitation.objects.get(pk=invitation.pk).sent_at is None
    assert "could not be sent" in caplog.text
    assert "secret.person" not in caplog.text


def test_invitations_are_limited_per_person(world: World) -> None:
    admin = Actor.of(world.admin)
    for n in range(100):
        invitations.invite(admin, email=f"a{n}@b.example", organisation=world.org)
    with pytest.raises(TooMany):
        invitations.invite(admin, email="last@b.example", organisation=world.org)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("known", [True, False])
def test_of_two_who_use_one_link_at_once_one_succeeds(home: object, known: bool) -> None:
    world = make_world()
    email = world.outsider.email if known else "new@there.example"
    invitations.invite(Actor.of(world.admin), email=email, organisation=world.org)
    token, gate, ends = token_of(), threading.Barrier(2), []

    def use() -> None:
        gate.wait()
        try:
            fields = {"user": world.outsider} if known else {"password": GOOD}
            ends.append(invitations.accept(token, **fields) and "in")
        except EclectycError as error:
            ends.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["in", "not_found"]
    assert Membership.objects.filter(user__email__iexact=email, organisation=world.org).count() == 1
