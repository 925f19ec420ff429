"""What a person does, in a real browser: everything a page says on its console fails the test."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from eclectyc.web.clock import day_words
from tests.journeys.charting import chart_in
from tests.journeys.conftest import Estate
from tests.journeys.tour import until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.chromium, pytest.mark.django_db(transaction=True)]


def cells(table: Locator, row: int) -> list[str]:
    """Return the cells of a body row, plainly spaced."""
    found = table.locator("tbody tr").nth(row).locator("th, td").all_inner_texts()
    return [re.sub(r"\s+", " ", text) for text in found]


def open_meter(page: Page, estate: Estate) -> None:
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Meters").click()
    page.get_by_role("link", name=estate.world.meter.identifier).click()
    page.wait_for_url(f"{estate.url}/meters/{estate.world.meter.pk}")


def test_sign_in_read_a_number_off_a_chart_change_the_day_sign_out(page: Page, estate: Estate) -> None:
    estate.enter(page)
    open_meter(page, estate)
    day = page.locator("#day")
    day.get_by_role("heading", name=day_words(estate.newest)).wait_for()

    day.get_by_role("button", name="Table").click()
    table = day.locator("table")
    assert cells(table, 0)[0].startswith("00:00–00:30")
    assert cells(table, 0)[1:3] == [f"{0.125 + estate.newest.day / 1000:g}", "actual"]
    assert cells(table, 20)[1:3] == ["1", "estimated"]
    assert cells(table, 22)[1:3] == ["–", "missing"]

    before = estate.newest - timedelta(days=1)
    day.get_by_role("link", name="Show previous day").click()
    day.get_by_role("heading", name=day_words(before)).wait_for()
    assert f"day={before}" in page.url
    day.get_by_role("button", name="Table").click()
    assert cells(day.locator("table"), 0)[1] == f"{0.125 + before.day / 1000:g}"

    page.get_by_role("button", name="Sign out").click()
    page.get_by_text("You have signed out.").wait_for()
    page.goto(f"{estate.url}/meters")
    assert "/login" in page.url


def test_the_arrow_keys_turn_the_days_and_going_back_goes_back(page: Page, estate: Estate) -> None:
    estate.enter(page)
    page.goto(f"{estate.url}/meters/{estate.world.meter.pk}")
    before = estate.newest - timedelta(days=1)
    heading = page.locator("#day h2").first
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(f"**day={before}")
    page.locator("#day").get_by_role("heading", name=day_words(before)).wait_for()
    page.keyboard.press("ArrowRight")
    page.wait_for_url(f"**day={estate.newest}")
    page.go_back()
    page.wait_for_url(f"**day={before}")
    page.locator("#day").get_by_role("heading", name=day_words(before)).wait_for()
    assert heading.inner_text() == day_words(before)


def test_a_chart_is_read_with_the_keyboard(page: Page, estate: Estate) -> None:
    estate.enter(page)
    page.goto(f"{estate.url}/meters/{estate.world.meter.pk}")
    chart_in(page, "#day").focus()
    page.keyboard.press("Home")
    said = page.locator("#announce")
    said.get_by_text(re.compile(r"00:00–00:30 .*actual 0\.\d+ kWh")).wait_for()
    assert page.locator(".tooltip").first.is_visible()
    page.keyboard.press("End")
    said.get_by_text(re.compile(r"23:30–24:00")).wait_for()
    assert f"day={estate.newest}" not in page.url  # the arrows belong to the chart that is in focus


def test_a_day_of_the_year_map_opens(page: Page, estate: Estate) -> None:
    estate.enter(page)
    page.goto(f"{estate.url}/meters/{estate.world.meter.pk}")
    canvas = chart_in(page, "#year")
    canvas.focus()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    first = estate.newest.replace(month=1, day=1)
    page.wait_for_url(f"**day={first}")
    page.locator("#day").get_by_role("heading", name=day_words(first)).wait_for()
    assert canvas.is_visible()


def test_a_picked_day_is_compared_with_the_week_before(page: Page, estate: Estate) -> None:
    estate.enter(page)
    page.goto(f"{estate.url}/meters/{estate.world.meter.pk}")
    page.get_by_role("link", name="Same day last week").click()
    page.wait_for_url("**compare=week**")
    page.locator("#day").get_by_text("on the same day last week").wait_for()
    wanted = estate.newest - timedelta(days=9)
    page.get_by_label("Day", exact=True).fill(wanted.isoformat())
    page.locator("#day").get_by_role("heading", name=day_words(wanted)).wait_for()
    assert "compare=week" in page.url
    assert f"day={wanted}" in page.url
    page.locator("#day").get_by_role("button", name="Table").click()
    assert "the same day last week" in page.locator("#day thead").inner_text()


def test_the_theme_is_remembered_and_charts_follow(page: Page, estate: Estate) -> None:
    estate.enter(page)
    drawn = "document.querySelector('[data-chart-canvas] canvas').toDataURL()"
    page.wait_for_selector("[data-chart-canvas] canvas")
    light = page.evaluate(drawn)
    page.get_by_role("button", name="Dark or light").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 19, 22)"
    until(page, f"{drawn} !== {light!r}")
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_a_charts_numbers_and_picture_can_be_taken_away(page: Page, estate: Estate, tmp_path: Path) -> None:
    estate.enter(page)
    page.goto(f"{estate.url}/meters/{estate.world.meter.pk}")
    with page.expect_download() as numbers:
        page.locator("#day").get_by_role("button", name="CSV").click()
    text = Path(numbers.value.path()).read_text("utf-8-sig")
    assert text.splitlines()[0].startswith("from–to,usage [kWh],quality")
    assert len(text.splitlines()) in (47, 49, 51)
    with page.expect_download() as picture:
        page.locator("#day").get_by_role("button", name="PNG").click()
    assert Path(picture.value.path()).read_bytes().startswith(b"\x89PNG")
    assert numbers.value.suggested_filename == f"meter-{estate.world.meter.identifier}-{estate.newest}.csv"


def test_a_report_is_narrowed_and_taken_away(page: Page, estate: Estate) -> None:
    estate.enter(page)
    page.goto(f"{estate.url}/reports/consumption")
    page.get_by_role("link", name="Last 30 days").click()
    page.get_by_label("By", exact=True).select_option("utility")
    page.wait_for_url("**by=utility**")
    assert page.locator("table tbody th").all_inner_texts() == ["Electricity", "Gas", "Water"]
    with page.expect_download() as taken:
        page.get_by_role("link", name="CSV").click()
    assert Path(taken.value.path()).read_text("utf-8-sig").startswith("utility,unit,use")


def test_a_session_that_ends_while_a_page_is_open_leads_back_to_it(page: Page, estate: Estate) -> None:
    estate.enter(page)
    page.goto(f"{estate.url}/meters/{estate.world.meter.pk}?year={estate.newest.year}")
    page.locator("#year [data-chart-canvas] canvas").first.wait_for()
    page.context.clear_cookies()
    page.get_by_role("link", name="Show previous day").click()
    page.get_by_text("Your session has ended").wait_for()
    page.get_by_label("Email address").fill(estate.world.manager.email)
    page.get_by_label("Password").fill(estate.world.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{estate.url}/meters/{estate.world.meter.pk}?year={estate.newest.year}")


def test_slash_searches_a_list(page: Page, estate: Estate) -> None:
    estate.enter(page)
    page.goto(f"{estate.url}/meters")
    page.keyboard.press("/")
    page.keyboard.type("boiler")
    page.keyboard.press("Enter")
    page.wait_for_url("**/meters?q=boiler")
    assert page.locator("table tbody tr").count() == 1
