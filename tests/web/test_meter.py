from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.http import HttpResponse
from django.test import Client

from eclectyc.estate.models import Supplier
from tests.analytics.filling import fill, flat_days
from tests.factories import World, make_meter, make_series, make_site
from tests.web.conftest import TODAY
from tests.web.pages import chart, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]
SPRING, AUTUMN = date(2025, 3, 30), date(2024, 10, 27)


def year_of(client: Client, address: str) -> HttpResponse:
    """Return the part of the page that shows the year, as the page itself asks for it."""
    assert f'hx-get="{address}"' in client.get(address).content.decode()
    return client.get(address, headers={"HX-Request": "true", "HX-Target": "year"})


@pytest.fixture
def address(world: World) -> str:
    return f"/meters/{world.meter.pk}"


def test_a_meter_without_readings_says_how_to_bring_some(viewer: Client, address: str, world: World) -> None:
    said = text_of(viewer.get(address))
    assert "No readings for this meter yet" in said
    assert "12 0002 3305 967" in said


def test_it_opens_on_the_newest_day_with_readings(viewer: Client, address: str, world: World) -> None:
    fill(make_series(world.meter), flat_days(date(2025, 6, 1), date(2025, 6, 20), 0.5))
    page = viewer.get(address)
    assert "Thursday 19 June 2025" in text_of(page)
    assert "24 kWh" in text_of(page)


@pytest.mark.parametrize(
    ("day", "slots", "words", "clock"),
    [
        (SPRING, 46, "this day has 23 hours", ["00:30", "02:00", "02:30"]),
        (AUTUMN, 50, "this day has 25 hours", ["00:30", "01:00", "01:30", "01:00", "01:30", "02:00"]),
        (date(2025, 6, 1), 48, "", ["00:30", "01:00"]),
    ],
)
def test_a_day_has_the_slots_the_clocks_give_it(
    day: date, slots: int, words: str, clock: list[str], viewer: Client, address: str, world: World
) -> None:
    fill(make_series(world.meter), {day: [float(n) for n in range(slots)]})
    page = viewer.get(f"{address}?day={day}")
    data = chart(page, "day-chart")
    assert data["values"] == [float(n) for n in range(slots)]
    assert data["labels"][1 : 1 + len(clock)] == clock
    assert len(set(data["spans"])) == slots  # BST and GMT tell the repeated hour apart
    assert words in text_of(page)


def test_actual_estimated_and_missing_are_told_apart(viewer: Client, address: str, world: World) -> None:
    series, day = make_series(world.meter), date(2025, 6, 1)
    fill(series, {day: [1.0] * 10 + [None] * 38})
    fill(series, {day: [None] * 20 + [2.0] * 4 + [None] * 24}, quality=2)
    page = viewer.get(f"{address}?day={day}")
    data = chart(page, "day-chart")
    assert data["quality"] == [1] * 10 + [0] * 10 + [2] * 4 + [0] * 24
    assert data["values"][9:11] == [1.0, None]
    assert "29% complete" in text_of(page)  # 14 of 48
    assert "29% estimated" in text_of(page)  # 4 of 14


def test_the_usual_band_comes_from_days_of_the_same_kind(viewer: Client, address: str, world: World) -> None:
    days = flat_days(date(2025, 5, 1), date(2025, 6, 30), 1.0)
    days |= {day: [5.0] * 48 for day in days if day.weekday() >= 5}
    fill(make_series(world.meter), days)
    workday = chart(viewer.get(f"{address}?day=2025-06-26"), "day-chart")
    weekend = chart(viewer.get(f"{address}?day=2025-06-28"), "day-chart")
    assert (workday["band"]["low"][20], workday["band"]["high"][20]) == (1.0, 1.0)
    assert (weekend["band"]["low"][20], weekend["band"]["high"][20]) == (5.0, 5.0)


def test_days_turn_one_by_one_but_not_into_the_future(viewer: Client, address: str, world: World) -> None:
    fill(make_series(world.meter), flat_days(date(2025, 6, 1), TODAY, 1.0))
    page = viewer.get(f"{address}?day=2025-06-10&compare=week").content.decode()
    assert 'href="?day=2025-06-09&amp;compare=week"' in page
    assert 'href="?day=2025-06-11&amp;compare=week"' in page
    last = viewer.get(f"{address}?day={TODAY}").content.decode()
    assert 'rel="prev"' in last
    assert 'rel="next"' not in last


@pytest.mark.parametrize(
    ("query", "day", "words"),
    [
        ("compare=day", date(2025, 6, 9), "the previous day"),
        ("compare=week", date(2025, 6, 3), "the same day last week"),
        ("compare=year", date(2024, 6, 11), "the same day last year"),  # 52 weeks: a Tuesday meets a Tuesday
        ("other=2025-05-05", date(2025, 5, 5), "Mon 5 May 2025"),
    ],
)
def test_a_day_is_compared_with_another(
    query: str, day: date, words: str, viewer: Client, address: str, world: World
) -> None:
    fill(make_series(world.meter), {date(2025, 6, 10): [3.0] * 48, day: [2.0] * 48})
    page = viewer.get(f"{address}?day=2025-06-10&{query}")
    compare = chart(page, "day-chart")["compare"]
    assert compare == {"name": words, "values": [2.0] * 48}
    assert f"▲ +50% on {words}" in text_of(page)


def test_another_day_is_laid_beside_by_the_clock(viewer: Client, address: str, world: World) -> None:
    plain = SPRING - timedelta(days=7)
    fill(make_series(world.meter), {SPRING: [1.0] * 46, plain: [float(n) for n in range(48)]})
    compare = chart(viewer.get(f"{address}?day={SPRING}&compare=week"), "day-chart")["compare"]
    assert compare["values"] == [0.0, 1.0, *(float(n) for n in range(4, 48))]  # 01:00 to 02:00 is not on this clock


def test_a_part_of_the_page_comes_alone(viewer: Client, address: str, world: World) -> None:
    fill(make_series(world.meter), flat_days(date(2025, 6, 1), TODAY, 1.0))
    for part in ("day", "year"):
        answer = viewer.get(f"{address}?day=2025-06-10", headers={"HX-Request": "true", "HX-Target": part})
        html = answer.content.decode().strip()
        assert html.startswith("<section")
        assert f'id="{part}"' in html
        assert "<html" not in html


def test_a_year_is_a_map_of_its_days_each_leading_to_its_day(viewer: Client, address: str, world: World) -> None:
    fill(make_series(world.meter), flat_days(date(2024, 1, 1), date(2025, 1, 1), 1.5))
    data = chart(year_of(viewer, f"{address}?year=2024"), "year-map")
    assert len(data["values"]) == 366
    assert {len(row) for row in data["values"]} == {50}  # the autumn day's two half-hours more
    rows = {day: [v for v in row if v is not None] for day, row in zip(data["days"], data["values"], strict=True)}
    assert (len(rows["2024-03-31"]), len(rows["2024-06-01"]), len(rows["2024-10-27"])) == (46, 48, 50)
    assert viewer.get(f"{address}{data['link']}2024-03-31").status_code == 200
    assert "&day=" in data["link"]


def test_the_running_year_is_drawn_up_to_yesterday(viewer: Client, address: str, world: World) -> None:
    fill(make_series(world.meter), flat_days(date(2025, 1, 1), TODAY, 1.5))
    data = chart(year_of(viewer, address), "year-map")
    assert (data["days"][0], data["days"][-1]) == ("2025-01-01", "2025-07-01")


def test_months_stand_against_those_of_the_year_before(viewer: Client, address: str, world: World) -> None:
    fill(make_series(world.meter), flat_days(date(2023, 6, 1), TODAY, 1.0))
    data = chart(viewer.get(address), "months")
    use, before = data["series"]
    assert data["spans"][0] == "July 2024"
    assert data["spans"][-1] == "July 2025"
    assert use["values"][0] == 31 * 48.0
    assert use["values"][3] == 31 * 48.0 + 2  # October has an hour more
    assert before["values"][7] == 29 * 48.0  # February 2024


def test_a_meter_of_daily_totals_shows_them_as_such(viewer: Client, world: World) -> None:
    meter = make_meter(world.site, utility="gas", unit="kWh", step_minutes=1440)
    days = {day: [100.0] for day in flat_days(date(2025, 6, 1), TODAY, 1.0)}
    fill(make_series(meter), days)
    page = viewer.get(f"/meters/{meter.pk}")
    assert "This meter has daily totals only" in text_of(page)
    weeks = chart(page, "day-chart")
    assert (weeks["spans"][0], weeks["spans"][-1]) == ("Wed 4 Jun 2025", "Tue 1 Jul 2025")
    assert weeks["series"][0]["values"] == [100.0] * 28
    data = chart(year_of(viewer, f"/meters/{meter.pk}"), "year-map")
    assert data["kind"] == "bars"
    assert [v for v in data["series"][0]["values"] if v is not None] == [100.0] * 31


def test_times_are_those_of_the_site(viewer: Client, world: World) -> None:
    zone = "Europe/Athens"
    meter = make_meter(make_site(world.org, "Piraeus", timezone=zone))
    day = date(2025, 3, 30)
    fill(make_series(meter), flat_days(day, day + timedelta(days=1), 1.0, zone=ZoneInfo(zone)))
    data = chart(viewer.get(f"/meters/{meter.pk}?day={day}"), "day-chart")
    assert data["spans"][5:7] == ["02:30–04:00 EET", "04:00–04:30 EEST"]


@pytest.mark.parametrize(
    "query",
    [
        "day=nonsense",
        "day=2025-02-30",
        "day=0001-01-01",
        "year=abc",
        "year=٢٠٢٥",
        "compare=x",
        "other=1",
        "quantity=x",
        "day=9999-12-31",
        "year=99999999999999999999",
        "day=2025-06-01&year=1990",
    ],
)
def test_an_address_that_makes_no_sense_shows_the_newest_day_and_no_fault(
    query: str, viewer: Client, address: str, world: World
) -> None:
    fill(make_series(world.meter), flat_days(date(2025, 6, 1), TODAY, 1.0))
    assert viewer.get(f"{address}?{query}").status_code == 200


def test_the_facts_of_a_meter_are_there(viewer: Client, address: str, world: World) -> None:
    parent = make_meter(world.site, "1000000000041", name="Ring main")
    supplier = Supplier.objects.create(organisation=world.org, name="Northmoor")
    type(world.meter).objects.filter(pk=world.meter.pk).update(
        parent=parent, serial="E12345", supplier=supplier, installed=date(2020, 4, 1)
    )
    said = text_of(viewer.get(address))
    for fact in ("MPAN 12 0002 3305 967", "E12345", "Northmoor", "Ring main", "1 Apr 2020", "kWh, every 30 minutes"):
        assert fact in said
