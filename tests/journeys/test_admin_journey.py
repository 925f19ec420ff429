"""An administrator's morning, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eclectyc.accounts.models import Invitation
from tests.journeys.conftest import Estate
from tests.journeys.tour import overflow

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.chromium, pytest.mark.django_db(transaction=True)]


def test_an_administrator_invites_somebody_and_makes_a_site_that_is_not_deleted(page: Page, estate: Estate) -> None:
    estate.enter(page, "admin")
    page.get_by_role("link", name="Administration").click()
    page.get_by_role("navigation", name="Administration").get_by_role("link", name="People").click()
    page.get_by_role("link", name="Invite a person").click()
    page.get_by_label("Email address").fill("rae@contractor.example")
    page.get_by_label("From").fill("2026-12-01")
    page.get_by_label("Ends before").fill("2027-12-01")
    page.get_by_label("Search for a place").fill("harbour hou")
    page.get_by_role("radio", name="Harbour House site of").check()
    page.get_by_role("button", name="Send invitation").click()
    page.get_by_text("rae@contractor.example was invited as viewer.").wait_for()
    made = Invitation.objects.get()
    assert (made.site, str(made.since), str(made.until)) == (estate.world.site, "2026-12-01", "2027-12-01")

    page.get_by_role("navigation", name="Administration").get_by_role("link", name="Sites").click()
    page.get_by_role("link", name="New site").click()
    page.get_by_label("Name (required)").fill("Pier Head")
    page.get_by_label("Floor area").fill("wide")
    page.get_by_role("button", name="Create site").click()
    page.get_by_text("Check this field:").wait_for()
    assert page.get_by_label("Name (required)").input_value() == "Pier Head"
    page.get_by_role("link", name="Floor area").click()
    page.keyboard.type("1")  # the summary leads into the field
    page.get_by_label("Floor area").fill("640")
    page.get_by_role("button", name="Create site").click()
    page.get_by_text("Pier Head was created.").wait_for()

    page.get_by_role("link", name="Add meter").click()
    page.get_by_label("Identifier").fill("PIER-1")
    page.get_by_role("button", name="Create meter").click()
    page.get_by_text("PIER-1 was created.").wait_for()

    page.get_by_role("navigation", name="Administration").get_by_role("link", name="Sites").click()
    page.get_by_role("heading", name="Sites").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("pier")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/sites?q=pier")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent") == "Pier Head"
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Delete Pier Head").click()
    page.get_by_text("Pier Head has 1 meter.").wait_for()
    page.get_by_text("Move them first, or make the site inactive.").wait_for()


def test_a_formula_says_what_it_means_while_it_is_typed(page: Page, estate: Estate) -> None:
    estate.enter(page, "admin")
    page.goto(f"{estate.url}/admin/meters")
    page.get_by_role("link", name="New virtual meter").click()
    page.get_by_label("Site (required)").fill("Harbour House")
    page.get_by_label("Identifier (required)").fill("HALF")
    formula = page.get_by_label("Formula (required)")
    formula.fill("1200023305967 / 2 +")
    page.get_by_text("the formula ends too early").wait_for()
    formula.fill("1200023305967 / 2 + NOBODY")
    page.get_by_text("There is no meter 'NOBODY'.").wait_for()
    formula.fill("1200023305967 / 2")
    page.get_by_text("0.5 × Main incomer, every 30 minutes.").wait_for()
    assert page.locator("#id_formula_check tbody tr").count() == 7
    page.get_by_role("button", name="Create virtual meter").click()
    page.get_by_text("Not calculated yet").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 380])
def test_no_page_of_the_administration_is_wider_than_its_window(
    width: int, scheme: str, page: Page, estate: Estate
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    estate.enter(page, "admin")
    world = estate.world
    for address in (
        "/admin/sites", "/admin/sites/new", f"/admin/sites/{world.site.pk}", "/admin/meters", "/admin/meters/new",
        "/admin/meters/new-virtual", f"/admin/meters/{world.meter.pk}", "/admin/regions", "/admin/regions/new",
        "/admin/suppliers", "/admin/suppliers/new", "/admin/users", "/admin/users/invite",
        f"/admin/users/{world.viewer.pk}", "/admin/roles", "/admin/roles/new", "/admin/organisation",
        "/admin/sites/import", "/account/tokens",
        "/admin/imports", "/admin/imports/history", "/admin/imports/profiles", "/admin/feeds", "/admin/jobs",
    ):  # fmt: skip
        page.goto(estate.url + address)
        assert overflow(page) == 0, address
