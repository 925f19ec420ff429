"""Every page at the width of a phone and of a desk, in light and dark: nothing overflows, nothing complains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eclectyc.accounts.models import Organisation
from eclectyc.accounts.roles import MANAGER
from tests.factories import make_user
from tests.journeys.conftest import Estate
from tests.journeys.tour import overflow

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.chromium, pytest.mark.django_db(transaction=True)]
CONTROLS = "main button, main .button, main .chip, main input, main select, .bar a, .bar button"
SMALL_TARGETS = f"""() => [...document.querySelectorAll('{CONTROLS}')]
  .filter((e) => e.offsetParent && !['checkbox', 'hidden'].includes(e.type))
  .filter((e) => e.getBoundingClientRect().height < 43.5)
  .map((e) => e.outerHTML.slice(0, 90))"""


def addresses(estate: Estate) -> list[str]:
    meter, site = estate.world.meter.pk, estate.world.site.pk
    works = estate.world.org.sites.exclude(pk=site).get().pk
    new = estate.world.org.meters.get(identifier="NEW-1").pk
    return [
        "/",
        "/sites",
        "/meters",
        f"/sites/{site}",
        f"/sites/{works}",
        f"/meters/{meter}",
        f"/meters/{meter}?compare=year",
        f"/meters/{new}",
        "/reports/consumption",
        "/reports/consumption?by=meter&against=last_year",
        "/design",
        "/logout",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 380])
def test_no_page_is_wider_than_its_window(width: int, scheme: str, page: Page, estate: Estate) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    estate.enter(page)
    for address in addresses(estate):
        page.goto(estate.url + address, wait_until="networkidle")
        assert overflow(page) == 0, address
        charts = page.locator("[data-chart-canvas]").count()
        if charts:
            page.locator("[data-chart-canvas]:has(canvas)").nth(charts - 1).wait_for(state="attached", timeout=20_000)


def test_an_empty_estate_fits_a_phone_too(page: Page, estate: Estate) -> None:
    page.set_viewport_size({"width": 380, "height": 800})
    make_user("new@new.example", Organisation.objects.create(name="New Ltd"), MANAGER)
    estate.enter_as(page, "new@new.example")
    for address in ("/", "/sites", "/meters", "/reports/consumption", "/nothing/here"):
        page.goto(estate.url + address)
        assert overflow(page) == 0, address


def test_a_finger_hits_every_control_on_a_phone(page: Page, estate: Estate) -> None:
    page.set_viewport_size({"width": 380, "height": 800})
    estate.enter(page)
    for address in addresses(estate):
        page.goto(estate.url + address)
        assert page.evaluate(SMALL_TARGETS) == [], address


def test_the_first_column_stays_while_a_table_is_scrolled(page: Page, estate: Estate) -> None:
    page.set_viewport_size({"width": 380, "height": 800})
    estate.enter(page)
    page.goto(f"{estate.url}/meters")
    wrap, first = page.locator(".table-wrap").first, page.locator("tbody th").first
    before = first.bounding_box()
    wrap.evaluate("(e) => { e.scrollLeft = 200; }")
    after = first.bounding_box()
    assert before
    assert after
    assert wrap.evaluate("(e) => e.scrollLeft") == 200
    assert after["x"] == pytest.approx(before["x"], abs=1)


def test_the_menu_of_a_phone_opens_and_leads_on(page: Page, estate: Estate) -> None:
    page.set_viewport_size({"width": 380, "height": 800})
    estate.enter(page)
    pages = page.get_by_role("navigation", name="Pages")
    assert not pages.is_visible()
    page.get_by_role("button", name="Menu").click()
    pages.get_by_role("link", name="Sites").click()
    page.wait_for_url(f"{estate.url}/sites")


def test_the_first_tab_leads_past_the_navigation(page: Page, estate: Estate) -> None:
    estate.enter(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_what_moves_stands_still_for_who_asks(page: Page, estate: Estate) -> None:
    page.emulate_media(reduced_motion="reduce")
    estate.enter(page)
    page.goto(f"{estate.url}/design")
    assert page.evaluate("getComputedStyle(document.querySelector('.is-busy'), '::before').animationName") == "none"
