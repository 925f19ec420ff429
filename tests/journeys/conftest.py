from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.analytics.filling import Day, fill, flat_days
from tests.factories import World, make_meter, make_series, make_site, make_world
from tests.serving import Served

if TYPE_CHECKING:
    from playwright.sync_api import Page


@dataclass(frozen=True, slots=True)
class Estate:
    """A small estate behind a running server; ``newest`` is its last day with readings, which has a gap."""

    served: Served
    world: World
    newest: date

    @property
    def url(self) -> str:
        return self.served.url

    def enter(self, page: Page, role: str = "manager") -> None:
        """Sign in as one of the characters, through the door."""
        self.enter_as(page, getattr(self.world, role).email)

    def enter_as(self, page: Page, email: str) -> None:
        """Sign in with an address."""
        page.goto(f"{self.url}/login")
        page.get_by_label("Email address").fill(email)
        page.get_by_label("Password").fill(self.world.password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{self.url}/")


def a_day(day: date, values: Day) -> Day:
    """Return a day's half-hours, low by night."""
    return [(0.5 if 12 <= slot < 38 else 0.125) + day.day / 1000 for slot in range(len(values))]


@pytest.fixture
def estate(served: Served) -> Estate:
    """Fourteen months of a main meter with estimates and a gap, a sub-meter, gas and water."""
    world = make_world()
    today = datetime.now(UTC).date()
    newest = today - timedelta(days=1)
    days = {day: a_day(day, values) for day, values in flat_days(today - timedelta(days=430), today, 0.0).items()}
    days[newest] = [*days[newest][:20], None, None, None, None, *days[newest][24:]]
    main = make_series(world.meter)
    fill(main, days)
    fill(main, {newest: [None] * 20 + [1.0, 1.0] + [None] * (len(days[newest]) - 22)}, quality=2)
    recent = {day: values for day, values in days.items() if day > today - timedelta(days=60)}
    fill(make_series(make_meter(world.site, "SUB-1", name="Server room", parent=world.meter)), recent)
    works = make_site(world.org, "Quay Works, a site with quite a long name to see how that goes", floor_area_m2=900.0)
    fill(make_series(make_meter(works, "87654321", utility="gas", name="Boiler house")), recent)
    fill(make_series(make_meter(works, "W-17", utility="water", unit="m3")), recent)
    make_series(make_meter(works, "NEW-1", name="Not yet reporting"))
    return Estate(served, world, newest)
