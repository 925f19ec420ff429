"""An invitation, a second factor, a page, and a session that is ended from another browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.invitations import invite
from eclectyc.accounts.models import Organisation
from tests.factories import make_world
from tests.serving import Served
from tests.signin.people import code_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.chromium, pytest.mark.django_db(transaction=True)]
PASSWORD = "lanterns over the quay at dusk"


def give_code(page: Page, secret: str, used: set[str]) -> None:
    """Type a code that was not used yet; the page takes one of a phone that is half a minute fast."""
    import time

    code = next(c for c in (code_of(secret, time.time() + s) for s in (0, 30, -30)) if c not in used)
    used.add(code)
    page.get_by_label("Code", exact=True).fill(code)


def test_invitation_second_factor_a_page_and_the_end_of_a_session(
    page: Page, browser: Browser, served: Served, mailoutbox: list[object]
) -> None:
    world = make_world()
    Organisation.objects.filter(pk=world.org.pk).update(requires_second_factor=True)
    invite(Actor.of(world.admin), email="nia@harbour.example", organisation=world.org, role="viewer")
    link = re.search(r"/invitation/\S+", str(mailoutbox[0].body))
    assert link

    page.goto(served.url + link[0])
    page.get_by_text("invites you to").wait_for()
    page.get_by_label("Your name").fill("Nia")
    page.get_by_label("Choose a password").fill(PASSWORD)
    page.get_by_role("button", name="Accept").click()

    page.get_by_role("heading", name="Set up a second factor").wait_for()
    picture = page.get_by_alt_text("QR code for an authenticator app")
    assert picture.evaluate("image => image.complete && image.naturalWidth > 0")
    secret, used = page.locator(".secret").inner_text().replace(" ", ""), set[str]()
    give_code(page, secret, used)
    page.get_by_role("button", name="Turn on").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    assert page.locator(".codes li").count() == 10
    page.get_by_role("link", name="Done").click()
    page.get_by_role("link", name="Meters").click()
    page.get_by_role("link", name=world.meter.identifier).wait_for()

    elsewhere = browser.new_context(user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 17_5) Version/17.5 Safari/604.1")
    other = elsewhere.new_page()
    other.goto(f"{served.url}/login")
    other.get_by_label("Email address").fill("nia@harbour.example")
    other.get_by_label("Password").fill(PASSWORD)
    other.get_by_role("button", name="Sign in").click()
    other.get_by_role("heading", name="Second factor").wait_for()
    give_code(other, secret, used)
    other.get_by_role("button", name="Sign in").click()
    other.wait_for_url(f"{served.url}/")

    page.get_by_role("link", name="nia@harbour.example").click()
    page.get_by_role("button", name="Sign out on Safari on iPhone").click()
    page.get_by_text("That device was signed out.").wait_for()
    other.goto(f"{served.url}/meters")
    other.get_by_text("Your session has ended").wait_for()
    assert "/login?ended=1" in other.url
    elsewhere.close()
    page.get_by_role("link", name="Meters").click()
    page.get_by_role("link", name=world.meter.identifier).wait_for()
