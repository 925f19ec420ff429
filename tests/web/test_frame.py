"""What holds for every page: the policy, nothing inline, landmarks, a title."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.analytics.filling import fill, flat_days
from tests.factories import World, make_meter, make_series, make_site
from tests.web.conftest import TODAY
from tests.web.test_access import addresses

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]


@pytest.fixture
def estate(world: World) -> World:
    """The world's meter with ten weeks of readings, some of them missing."""
    days = flat_days(TODAY - timedelta(weeks=10), TODAY, 0.5)
    days[TODAY - timedelta(days=3)] = [None] * 6 + [1.0] * 42
    fill(make_series(world.meter), days)
    return world


def pages(client: Client, world: World) -> dict[str, str]:
    found = {name: client.get(address) for name, address in addresses(world.site.pk, world.meter.pk).items()}
    found["signin"] = Client().get("/login")
    found["nothing"] = client.get("/nothing")
    return {name: answer.content.decode() for name, answer in found.items()}


def test_no_page_has_anything_inline(admin: Client, estate: World) -> None:
    for name, page in pages(admin, estate).items():
        scripts = re.findall(r"<script(?![^>]*(?:src=|application/json))", page)
        assert not scripts, name
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page), name


def test_nothing_is_fetched_from_elsewhere(admin: Client, estate: World) -> None:
    for name, page in pages(admin, estate).items():
        assert not re.findall(r'(?:src|href|action|hx-get)="(?:https?:)?//[^"]*', page), name


def test_every_page_has_a_title_a_heading_landmarks_and_a_way_past_them(admin: Client, estate: World) -> None:
    for name, page in pages(admin, estate).items():
        assert re.search(r"<title>[^<]+Eclectyc Energy</title>", page), name
        assert page.count("<h1") == 1, name
        assert '<html lang="en-GB">' in page, name
        assert '<a class="skip" href="#main">' in page, name
        assert all(f"<{tag}" in page for tag in ("header", "main", "footer")), name


def test_every_control_has_a_name(admin: Client, estate: World) -> None:
    for name, page in pages(admin, estate).items():
        for field in re.findall(r"<(?:input|select)[^>]*>", page):
            if 'type="hidden"' in field:
                continue
            found = re.search(r'\sid="([^"]+)"', field)
            assert found, (name, field)
            assert f'for="{found[1]}"' in page or re.search(rf"<label[^>]*>\s*{re.escape(field)}", page), (name, field)
        ids = re.findall(r'\sid="([^"]+)"', page)
        assert len(ids) == len(set(ids)), name


def test_every_chart_has_a_summary_and_a_table(admin: Client, estate: World) -> None:
    for name, page in pages(admin, estate).items():
        drawn = page.count('type="application/json"')
        assert page.count("data-chart-canvas") == page.count("data-chart-rows") == drawn, name
        assert page.count("data-chart-table") == page.count("data-chart-csv") == page.count("data-chart-png") == drawn
        assert not re.search(r'role="img" aria-label="\s*Arrow', page), name


def test_the_policy_allows_nothing_inline_and_no_other_place(admin: Client) -> None:
    policy = admin.get("/").headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize("address", ["/", "/sites", "/meters", "/reports/consumption", "/reports/consumption?by=meter"])
def test_a_page_asks_no_more_of_the_registry_for_a_larger_estate(address: str, admin: Client, estate: World) -> None:
    from django.db import connection

    admin.get(address)
    with CaptureQueriesContext(connection) as few:
        admin.get(address)
    for number in range(12):
        site = make_site(estate.org, f"Quay {number}")
        make_series(make_meter(site))
    with CaptureQueriesContext(connection) as many:
        assert admin.get(address).status_code == 200
    assert len(many) == len(few)
