"""One of a thing is named in the singular on every page."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from tests.analytics.filling import fill
from tests.factories import World, make_series
from tests.web.conftest import TODAY
from tests.web.pages import text_of
from tests.web.test_access import addresses

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]

THINGS = (
    "readings|meters|sites|sub-meters|slots|days|half-hours|months|minutes|hours|rows|regions|suppliers|people|users|"
    "utilities|events|tokens|meter days|roles|files|organisations|others|things|changes|reports"
)
A_PLURAL_OF_ONE = re.compile(rf"(?<![\d.,\u202f])(?<!\d )1 (?:more )?(?:{THINGS})\b")


def test_one_of_a_thing_is_named_in_the_singular(admin: Client, world: World) -> None:
    day = TODAY - timedelta(days=1)
    fill(make_series(world.meter), {day: [1.0] + [None] * 47})
    pages = addresses(world.site.pk, world.meter.pk)
    asked = [*pages.values(), f"{pages['meter']}?day={day}", f"{pages['meter']}?day={day}&compare=week",
             f"{pages['site']}?year={day.year}", "/reports/consumption?from=2025-07-01&to=2025-07-02"]  # fmt: skip
    for address in asked:
        answer = admin.get(address)
        said = text_of(answer) + " ".join(re.findall(r'aria-label="([^"]*)"', answer.content.decode()))
        assert not A_PLURAL_OF_ONE.findall(said), (address, A_PLURAL_OF_ONE.search(said), said)
