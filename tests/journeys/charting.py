"""Charts as a browser shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def chart_in(page: Page, place: str) -> Locator:
    """Return a chart that is drawn. Its box comes a moment earlier: keys that are pressed then are heard by nobody."""
    canvas = page.locator(f"{place} [data-chart-canvas]").first
    canvas.locator("canvas").first.wait_for()
    return canvas


def drag(page: Page, canvas: Locator, start: float, end: float) -> None:
    """Drag across a chart, from one share of its width to another."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    at = [(box["x"] + box["width"] * share, box["y"] + box["height"] * 0.5) for share in (start, end)]
    page.mouse.move(*at[0])
    page.mouse.down()
    page.mouse.move(*at[1], steps=6)
    page.mouse.up()
