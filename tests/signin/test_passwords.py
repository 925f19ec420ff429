from __future__ import annotations

import re
import threading

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from eclectyc.accounts.models import Organisation
from eclectyc.audit.models import Event
from tests.factories import World
from tests.signin.people import Person
from tests.web.pages import text_of

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "lanterns over the quay at dusk"


def sent_link(client: Client, email: str) -> str:
    """Ask for a reset and return the path of the link that was sent; empty where none was."""
    mail.outbox.clear()
    answer = client.post("/account/password/reset", {"email": email})
    assert answer.headers["Location"] == "/account/password/reset/sent"
    for thread in threading.enumerate():
        if thread.name == "reset-mail":
            thread.join(5)
    found = re.search(r"http://localhost:8000(/account/password/reset/\S+)", str(mail.outbox[0].body)) \
        if mail.outbox else None  # fmt: skip
    return found[1] if found else ""


def choose(client: Client, link: str, password: str = NEW, again: str | None = None) -> object:
    """Open a link and choose a password."""
    form = client.get(link)
    assert form.status_code == 302, "the key stays in the address"
    return client.post(form.headers["Location"], {"password1": password, "password2": again or password})


def test_a_forgotten_password_is_replaced_by_mail(viewer: Person) -> None:
    open_session = viewer.enter()
    client = viewer.browser()
    link = sent_link(client, viewer.user.email.upper())
    assert mail.outbox[0].to == [viewer.user.email]
    assert choose(client, link).headers["Location"] == "/"
    assert client.get("/").status_code == 200
    assert open_session.get("/").status_code == 302
    assert viewer.knock(viewer.browser()).status_code == 200
    assert viewer.knock(viewer.browser(), NEW).status_code == 302
    assert Event.objects.filter(action="password.changed", after={"how": "reset by mail"}).count() == 1


def test_a_link_works_once(viewer: Person) -> None:
    link = sent_link(viewer.browser(), viewer.user.email)
    choose(viewer.browser(), link)
    assert "This link has already been used or has expired." in text_of(viewer.browser().get(link))


def test_a_reset_does_not_go_past_the_second_factor(viewer: Person) -> None:
    viewer.set_up(viewer.enter())
    client = viewer.browser()
    assert choose(client, sent_link(client, viewer.user.email)).headers["Location"] == "/login/code"
    assert client.get("/").status_code == 302


@pytest.mark.parametrize("is_used", [False, True])
def test_a_reset_leaves_the_address_as_it_is_and_the_second_factor_can_be_set_up(viewer: Person, is_used: bool) -> None:
    """A stranger asks for the link; the person signs in as usual, or uses the link."""
    Organisation.objects.update(requires_second_factor=True)
    link = sent_link(viewer.browser(), viewer.user.email)
    client = viewer.browser()
    if is_used:
        choose(client, link)
    else:
        viewer.enter(client)
    assert client.get("/").headers["Location"] == "/account/second-factor/set-up"
    assert viewer.set_up(client).headers["Location"] == "/account/recovery-codes"
    assert client.get("/").status_code == 200
    assert not EmailAddress.objects.exists()


def test_an_unverified_address_of_an_earlier_reset_does_not_prevent_a_second_factor(viewer: Person) -> None:
    EmailAddress.objects.create(user=viewer.user, email=viewer.user.email, primary=False, verified=False)
    Organisation.objects.update(requires_second_factor=True)
    assert viewer.set_up(viewer.enter()).headers["Location"] == "/account/recovery-codes"


def test_a_reset_does_not_reveal_whether_there_is_an_account(visitor: Client, world: World) -> None:
    assert sent_link(visitor, "nobody@harbour.example") == ""
    unknown = text_of(visitor.get("/account/password/reset/sent"))
    sent_link(visitor, world.viewer.email)
    assert text_of(visitor.get("/account/password/reset/sent")) == unknown


def test_the_link_leads_to_the_configured_address_whatever_the_request_says(viewer: Person, settings: object) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    sent_link(Client(headers={"Host": "evil.example"}), viewer.user.email)
    assert "evil.example" not in str(mail.outbox[0].message())


@pytest.mark.parametrize(
    ("password", "why"),
    [("short", "too short"), ("1234567890", "too common"), ("viewer@harbour", "too similar to the email")],
)
def test_the_policy_holds(password: str, why: str, viewer: Person) -> None:
    client = viewer.enter()
    answer = client.post(
        "/account/password", {"oldpassword": viewer.password, "password1": password, "password2": password}
    )
    assert why in text_of(answer)
    link = sent_link(viewer.browser(), viewer.user.email)
    assert why in text_of(choose(viewer.browser(), link, password))


def test_a_changed_password_ends_sessions_elsewhere_and_not_this_one(viewer: Person) -> None:
    here, there = viewer.enter(), viewer.enter()
    answer = here.post("/account/password", {"oldpassword": viewer.password, "password1": NEW, "password2": NEW})
    assert answer.headers["Location"] == "/account?done=password"
    assert here.get("/").status_code == 200
    assert there.get("/").status_code == 302
    assert "Firefox" in text_of(here.get("/account"))


def test_changing_needs_the_current_password_and_two_equal_new_ones(viewer: Person) -> None:
    client = viewer.enter()
    wrong = client.post("/account/password", {"oldpassword": "x", "password1": NEW, "password2": NEW})
    assert "Wrong password. Passwords are case-sensitive." in text_of(wrong)
    slip = client.post("/account/password", {"oldpassword": viewer.password, "password1": NEW, "password2": NEW + "."})
    assert "the same password each time" in text_of(slip)
    assert viewer.knock(viewer.browser()).status_code == 302


def test_there_is_no_sign_up(visitor: Client) -> None:
    assert visitor.get("/account/signup").headers["Location"] == "/login"
