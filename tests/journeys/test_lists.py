"""Arrow keys go from row to row in every list of every page, and Enter opens one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.journeys.conftest import Estate
from tests.journeys.tour import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.chromium, pytest.mark.django_db(transaction=True)]
LISTS = "main table.table, main ul.things, main ol.ranked"
# The links by which rows are opened, list by list: a row's first link, or that of its heading.
ROWS = f"""() => [...document.querySelectorAll('{LISTS}')]
  .map((list) => [...list.querySelectorAll('tbody tr, :scope > li')]
  .map((row) => row.querySelector('th a[href]') ?? row.querySelector('a[href]')).filter(Boolean))
  .filter((links) => links.length > 1 && links[0].offsetParent)"""
FOCUSED = f"""([list, row]) => {{
  const wanted = ({ROWS})()[list][row];
  return document.activeElement === wanted ? "" : `${{wanted.href}} but ${{document.activeElement.outerHTML}}`;
}}"""


def test_arrows_go_from_row_to_row_in_every_list(page: Page, estate: Estate) -> None:
    site = estate.world.site.pk
    addresses = ["/", "/sites", "/meters", f"/sites/{site}", "/reports/consumption?by=meter", "/admin/meters"]
    addresses += ["/admin/users", "/admin/sites"]
    found = {}
    estate.enter(page, "admin")
    for address in addresses:
        page.goto(estate.url + address)
        lists = page.evaluate(f"({ROWS})().length")
        found[address] = lists
        for number in range(lists):
            page.evaluate(f"({ROWS})()[{number}][0].focus()")
            page.keyboard.press("ArrowDown")
            assert page.evaluate(FOCUSED, [number, 1]) == "", address
            page.keyboard.press("ArrowUp")
            assert page.evaluate(FOCUSED, [number, 0]) == "", address
        if lists:
            leads = page.evaluate(f"({ROWS})()[{lists - 1}][1].href")
            page.evaluate(f"({ROWS})()[{lists - 1}][0].focus()")
            page.keyboard.press("ArrowDown")
            page.keyboard.press("Enter")
            page.wait_for_url(leads)
    assert all(found.values()), found


def test_arrows_elsewhere_are_the_page_s_own(page: Page, estate: Estate) -> None:
    estate.enter(page)
    page.set_viewport_size({"width": 1280, "height": 400})
    page.keyboard.press("ArrowDown")
    until(page, "scrollY > 0")
    assert page.evaluate("document.activeElement === document.body")
    page.goto(f"{estate.url}/meters")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(FOCUSED, [0, 0]) == "", "a list that is the page begins at once"
