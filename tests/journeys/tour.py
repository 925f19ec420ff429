"""A walk through the pages with a camera, for people to look at: ``python -m tests.journeys.tour URL EMAIL FOLDER``.

The password is read from standard input. Every page is taken at 1400 and 380 px, light and dark; what the console
says and how far a page overflows is printed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests import needs
from tests.browsing import FLAGS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTHS = (1400, 380)
SCHEMES = ("light", "dark")
PAGES = {
    "dashboard": "/",
    "sites": "/sites",
    "meters": "/meters",
    "consumption": "/reports/consumption",
    "design": "/design",
    "missing": "/meters/999999999",
}


@contextmanager
def visitor(browser: Browser, width: int, scheme: str) -> Iterator[Page]:
    """Open a page of a width, in light or dark; print what its console says."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        locale="en-GB",
        timezone_id="Europe/London",  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.on("console", lambda message: print(f"  console {message.type}: {message.text}"))
    page.on("pageerror", lambda error: print(f"  page error: {error}"))
    yield page
    context.close()


def sign_in(page: Page, url: str, email: str, password: str) -> None:
    """Sign in, and arrive at the dashboard."""
    page.goto(f"{url}/login")
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{url}/")


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def take(page: Page, url: str, name: str, folder: Path) -> None:
    """Take a page as a whole."""
    page.goto(url, wait_until="networkidle")
    page.screenshot(path=folder / f"{name}.png", full_page=True)
    print(f"{name}: overflow {overflow(page)} px")


def first_of(page: Page, url: str, listed: str) -> str | None:
    """Return the address of the first site or meter of a list."""
    page.goto(url + listed)
    link = page.locator(f"main table tbody th a[href^='{listed}/']").first
    return link.get_attribute("href") if link.count() else None


def tour(url: str, email: str, password: str, folder: Path, only: set[str]) -> None:
    """Take every page at every width and scheme."""
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(needs.chromium()), args=FLAGS)
        for width in WIDTHS:
            for scheme in SCHEMES:
                with visitor(browser, width, scheme) as page:
                    take(page, f"{url}/login", f"signin-{width}-{scheme}", folder)
                    sign_in(page, url, email, password)
                    found = {"site": first_of(page, url, "/sites"), "meter": first_of(page, url, "/meters")}
                    for name, address in (PAGES | found).items():
                        if address and (not only or name in only):
                            take(page, url + address, f"{name}-{width}-{scheme}", folder)
        browser.close()


if __name__ == "__main__":
    tour(sys.argv[1].rstrip("/"), sys.argv[2], sys.stdin.readline().strip(), Path(sys.argv[3]), set(sys.argv[4:]))


def until(page: Page, expression: str, within_s: float = 20) -> None:
    """Wait until an expression holds. Playwright's own waiting evaluates text in the page, which the policy forbids."""
    ends = time.monotonic() + within_s
    while not page.evaluate(expression):
        assert time.monotonic() < ends, f"{expression} did not come to hold"
        page.wait_for_timeout(50)
