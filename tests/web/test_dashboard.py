from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import Client

from eclectyc.estate.models import Meter
from tests.analytics.filling import fill, flat_days
from tests.factories import World, make_meter, make_series, make_site
from tests.web.conftest import TODAY
from tests.web.pages import chart, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]
MONDAY = date(2025, 6, 30)


def test_an_empty_estate_says_what_to_do_first(viewer: Client, world: World) -> None:
    Meter.objects.filter(organisation=world.org).delete()
    said = text_of(viewer.get("/"))
    assert "No data yet. Upload your first file" in said


def test_meters_without_readings_are_counted_and_nothing_is_made_up(viewer: Client) -> None:
    said = text_of(viewer.get("/"))
    assert "1 meter, no readings yet." in said
    assert "No energy readings in the last 30 days." in said


def test_the_first_sentence_is_the_week_against_the_last(viewer: Client, world: World) -> None:
    days = flat_days(MONDAY - timedelta(days=14), MONDAY, 1000.0) | flat_days(MONDAY, TODAY, 900.0)
    fill(make_series(world.meter), days)
    # two days of 48 half-hours of 900 kWh against the same two of 1,000 kWh
    sentence = "86.4 MWh in the week to 1 July, 10% less than the week before. Every meter has reported."
    assert sentence in text_of(viewer.get("/"))


def test_figures_carry_their_coverage_and_what_they_were_compared_on(viewer: Client, world: World) -> None:
    days = flat_days(MONDAY - timedelta(days=7), TODAY, 1.0)
    days[MONDAY] = [None] * 12 + [1.0] * 36
    fill(make_series(world.meter), days)
    said = text_of(viewer.get("/"))
    assert "88% complete" in said  # 84 of 96 half-hours
    assert "84 of 96 readings; 12 missing." in said
    assert "compares only what is complete in both periods, 1 of 2 meter days" in said


def test_estimates_are_shown_as_a_share(viewer: Client, world: World) -> None:
    series = make_series(world.meter)
    fill(series, flat_days(date(2025, 7, 1), TODAY, 1.0), quality=2)
    assert "100 % of this month's readings" in text_of(viewer.get("/"))


def test_thirty_days_are_drawn_against_the_same_weekdays_of_last_year(viewer: Client, world: World) -> None:
    first, year = date(2025, 6, 2), timedelta(days=364)
    fill(make_series(world.meter), flat_days(first, TODAY, 2.0) | flat_days(first - year, TODAY - year, 1.0))
    data = chart(viewer.get("/"), "trend")
    assert data["spans"][0] == "Mon 2 Jun 2025"
    assert data["spans"][-1] == "Tue 1 Jul 2025"
    assert [series["values"] for series in data["series"]] == [[96.0] * 30, [48.0] * 30]


def test_water_is_never_added_to_energy(viewer: Client, world: World) -> None:
    fill(make_series(world.meter), flat_days(MONDAY, TODAY, 1.0))
    water = make_meter(world.site, utility="water", unit="m3")
    fill(make_series(water), flat_days(MONDAY, TODAY, 7.0))
    page = viewer.get("/")
    assert "96 kWh in the week to 1 July" in text_of(page)
    assert "336 m³" in text_of(page)  # yesterday's 48 half-hours of 7 m³: July has one day


def test_silent_meters_are_named_first_and_lead_to_their_page(viewer: Client, world: World) -> None:
    fill(make_series(world.meter), flat_days(MONDAY - timedelta(days=30), MONDAY - timedelta(days=10), 1.0))
    other = make_meter(make_site(world.org, "Quay Works"), name="Boiler house")
    fill(make_series(other), flat_days(MONDAY - timedelta(days=30), TODAY, 1.0))
    page = viewer.get("/")
    assert "1 meter has stopped reporting." in text_of(page)
    assert "Main incomer at Harbour House has not reported since 19 June 2025." in text_of(page)
    assert f'href="/meters/{world.meter.pk}"' in page.content.decode()


def test_the_largest_sites_come_first_and_lead_to_their_page(viewer: Client, world: World) -> None:
    fill(make_series(world.meter), flat_days(MONDAY, TODAY, 1.0))
    works = make_site(world.org, "Quay Works")
    fill(make_series(make_meter(works)), flat_days(MONDAY, TODAY, 4.0))
    page = viewer.get("/").content.decode()
    ranked = page[page.index('class="ranked"') :]
    assert 0 < ranked.index("Quay Works") < ranked.index("Harbour House")
    assert f'href="/sites/{works.pk}"' in ranked
    assert 'width="25"' in ranked


def test_an_export_point_is_not_silent_while_it_exports_and_is_never_netted(viewer: Client, world: World) -> None:
    fill(make_series(world.meter), flat_days(MONDAY, TODAY, 1.0))
    roof = make_meter(world.site, "EXP-1", name="Roof", direction="export")
    fill(make_series(roof, quantity="export"), flat_days(MONDAY, TODAY, 0.5))
    said = text_of(viewer.get("/"))
    assert "96 kWh in the week to 1 July. Every meter has reported." in said
    assert "Electricity, export 1 24 kWh" in said
    assert "48 kWh" in text_of(viewer.get("/meters?q=EXP-1"))
    assert "Electricity, export by month" in text_of(viewer.get(f"/sites/{world.site.pk}"))
    assert chart(viewer.get(f"/meters/{roof.pk}"), "day-chart")["values"] == [0.5] * 48
