from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.api.conftest import Get
from tests.factories import World, make_world

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.serving import Served


@pytest.mark.django_db
def test_the_documentation_asks_nobody_elses_server(get: Get) -> None:
    page = get("/api/docs")
    assert page.status_code == 200
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.content.decode())
    assert addresses
    assert all(address.startswith("/static/") for address in addresses)
    assert "'unsafe" not in page["Content-Security-Policy"]


@pytest.mark.chromium
@pytest.mark.django_db(transaction=True)
def test_the_documentation_shows_itself_to_a_person_who_has_signed_in(served: Served, page: Page) -> None:
    world: World = make_world()
    page.goto(f"{served.url}/api/docs")
    page.locator("[name=username]").fill(world.viewer.email)
    page.locator("[name=password]").fill(world.password)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url(f"{served.url}/api/docs")  # sign-in leads back
    outside: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(served.url) else outside.append(request.url))
    page.reload()
    page.locator(".opblock-get").get_by_text("/api/meters/{mpan}/readings").click(timeout=60_000)
    page.get_by_role("button", name="Try it out").click()
    page.get_by_placeholder("mpan").fill(world.meter.identifier)
    page.get_by_role("button", name="Execute").click()
    page.locator(".responses-table.live-responses-table").get_by_text('"readings": []').wait_for()
    assert [address for address in outside if not address.startswith("data:")] == []
