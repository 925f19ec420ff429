"""Charts are zoomed by dragging and by keys, on a desk and on a phone, and shown whole again."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from tests.journeys.charting import chart_in, drag
from tests.journeys.conftest import Estate

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.chromium, pytest.mark.django_db(transaction=True)]
SHOWN = """(canvas) => {
  const {startValue, endValue} = echarts.getInstanceByDom(canvas).getOption().dataZoom[0];
  return [startValue, endValue];
}"""


@pytest.mark.parametrize("width", [1400, 380])
def test_a_chart_is_zoomed_by_dragging_and_shown_whole_again(page: Page, estate: Estate, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    estate.enter(page)
    page.goto(f"{estate.url}/meters/{estate.world.meter.pk}")
    here, whole_day = page.url, 0
    for place in ("#day", "#year"):
        canvas = chart_in(page, place)
        whole = canvas.evaluate(SHOWN)
        assert whole[0] == 0
        button = page.locator(f"{place} [data-chart-whole]").first
        assert button.is_hidden()
        drag(page, canvas, 0.4, 0.7)
        first, end = canvas.evaluate(SHOWN)
        assert whole[0] < first < end < whole[1], place
        assert 0.2 < (end - first + 1) / (whole[1] + 1) < 0.4
        assert page.url == here, "a drag is no click"
        button.click()
        assert canvas.evaluate(SHOWN) == whole
        whole_day = whole[1] if place == "#day" else whole_day
        assert button.is_hidden()
    canvas = chart_in(page, "#day")
    drag(page, canvas, 0.4, 0.7)
    canvas.dblclick(position={"x": 200, "y": 60})
    assert canvas.evaluate(SHOWN) == [0, whole_day]
    assert page.url == here


def test_a_chart_is_zoomed_with_keys_around_the_value_that_is_read(page: Page, estate: Estate) -> None:
    estate.enter(page)
    page.goto(f"{estate.url}/meters/{estate.world.meter.pk}")
    canvas = chart_in(page, "#day")
    canvas.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    whole = canvas.evaluate(SHOWN)
    page.keyboard.press("+")
    page.keyboard.press("+")
    first, end = canvas.evaluate(SHOWN)
    assert first <= 9 <= end
    assert end - first + 1 == 12
    page.locator("#announce").get_by_text("Zoomed").wait_for()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    moved = canvas.evaluate(SHOWN)
    assert moved[0] <= 21 <= moved[1], "what is read stays in sight"
    assert moved[1] - moved[0] == 11
    page.keyboard.press("-")
    first, end = canvas.evaluate(SHOWN)
    assert end - first + 1 == 24
    page.keyboard.press("0")
    assert canvas.evaluate(SHOWN) == whole
    page.keyboard.press("+")
    page.keyboard.press("Escape")
    assert canvas.evaluate(SHOWN) == whole


def test_a_zoomed_chart_draws_each_slot_where_it_belongs_and_a_click_opens_a_day(page: Page, estate: Estate) -> None:
    estate.enter(page)
    page.goto(f"{estate.url}/meters/{estate.world.meter.pk}")
    canvas = chart_in(page, "#day")
    drag(page, canvas, 0.4, 0.6)
    page.locator("#day").get_by_role("button", name="Table").click()
    assert page.locator("#day tbody tr").count() >= 46, "the table stays whole"
    page.locator("#day").get_by_role("button", name="Table").click()
    year = chart_in(page, "#year")
    drag(page, year, 0.5, 0.55)
    box = year.bounding_box()
    assert box
    labels = "(canvas) => echarts.getInstanceByDom(canvas).getModel().getComponent('xAxis').axis.getViewLabels()"
    said = [label["formattedLabel"] for label in year.evaluate(labels)]
    days = "JSON.parse(document.getElementById('year-map-data').textContent).days"
    first, end = year.evaluate(SHOWN)
    year.click(position={"x": box["width"] / 2, "y": 60})
    page.wait_for_url("**day=*")
    opened = page.url.rpartition("day=")[2][:10]
    shown = page.evaluate(days)[first : end + 1]
    assert opened in shown
    dates = [date.fromisoformat(day) for day in shown]
    assert said
    assert set(said) <= {f"{day.day} {day:%b}" for day in dates}, "what is shown is named by its own dates"
