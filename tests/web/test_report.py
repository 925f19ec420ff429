from __future__ import annotations

import csv
import io
from datetime import date, timedelta

import pytest
from django.test import Client

from eclectyc.estate.models import Region
from tests.analytics.filling import fill, flat_days
from tests.factories import World, make_meter, make_series, make_site
from tests.web.conftest import TODAY
from tests.web.pages import chart, rows_of, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]
ADDRESS = "/reports/consumption"
JUNE = {"start": "2025-06-01", "end": "2025-06-30"}


@pytest.fixture
def estate(world: World) -> World:
    """Two sites, one with a sub-meter and a water meter, one half covered; June at 48 slots of 30 days."""
    north = Region.objects.create(organisation=world.org, name="North")
    works = make_site(world.org, "Quay Works", region=north, floor_area_m2=500.0)
    june, half = flat_days(date(2025, 6, 1), date(2025, 7, 1), 1.0), flat_days(date(2025, 6, 1), date(2025, 6, 16), 4.0)
    fill(make_series(world.meter), june)
    fill(make_series(make_meter(world.site, "SUB", name="Servers", parent=world.meter)), june)
    fill(make_series(make_meter(world.site, "W1", utility="water", unit="m3")), june)
    fill(make_series(make_meter(works, "GAS1", utility="gas", name="Boiler")), half)
    return world


def table(client: Client, **query: str) -> list[list[str]]:
    return rows_of(client.get(ADDRESS, JUNE | query))


def test_the_last_whole_month_by_site_is_shown_first(manager: Client, estate: World) -> None:
    page = manager.get(ADDRESS)
    assert "Consumption, 1–30 June 2025" in text_of(page)
    assert [row[:3] for row in rows_of(page)[1:3]] == [
        ["Quay Works", "2,880", "kWh"],
        ["Harbour House", "1,440", "kWh"],
    ]


def test_units_are_totalled_apart_and_coverage_comes_last(manager: Client, estate: World) -> None:
    rows = table(manager)
    assert [row[:3] for row in rows[-2:]] == [["Total in kWh", "4,320", "kWh"], ["Total in m³", "1,440", "m³"]]
    assert rows[-2][-1] == "75%"  # 2,160 of 2,880 half-hours
    assert rows[-1][-1] == "100%"


@pytest.mark.parametrize(
    ("by", "first"), [("meter", "Boiler Quay Works"), ("region", "North"), ("utility", "Gas"), ("site", "Quay Works")]
)
def test_use_is_grouped_as_asked(by: str, first: str, manager: Client, estate: World) -> None:
    assert table(manager, by=by)[1][:2] == [first, "2,880"]


def test_sub_meters_are_shown_by_meter_but_not_counted_twice(manager: Client, estate: World) -> None:
    rows = table(manager, by="meter")
    assert "Servers Harbour House" in [row[0] for row in rows]
    assert rows[-2][1] == "4,320"


def test_per_square_metre_orders_and_draws_by_it(manager: Client, estate: World) -> None:
    page = manager.get(ADDRESS, JUNE | {"per_m2": "on"})
    data = chart(page, "groups")
    assert data["labels"] == ["Quay Works", "Harbour House"]
    assert data["values"] == [5.76, 1.2]
    assert data["unit"] == "kWh/m²"


def test_the_chart_has_the_tables_numbers_and_one_unit(manager: Client, estate: World) -> None:
    page = manager.get(ADDRESS, JUNE)
    data = chart(page, "groups")
    assert data["values"] == [2880.0, 1440.0]
    assert data["coverage"] == [0.5, 1.0]
    assert data["links"][1] == f"/sites/{estate.site.pk}"
    water = chart(manager.get(ADDRESS, JUNE | {"utility": "water"}), "groups")
    assert (water["values"], water["unit"]) == ([1440.0], "m³")


def test_a_span_is_compared_like_for_like(manager: Client, estate: World) -> None:
    series = estate.meter.series.get()
    fill(series, flat_days(date(2025, 6, 1) - timedelta(days=364), date(2025, 7, 1) - timedelta(days=364), 0.8))
    page = manager.get(ADDRESS, JUNE | {"against": "last_year"})
    house = next(row for row in rows_of(page) if row[0] == "Harbour House" and row[2] == "kWh")
    works = next(row for row in rows_of(page) if row[0] == "Quay Works")
    assert house[4] == "▲ +25%"
    assert works[4] == "–"  # a previous of nothing gives no percentage


def test_the_csv_has_the_same_numbers_plain(manager: Client, estate: World) -> None:
    answer = manager.get(ADDRESS, JUNE | {"format": "csv"})
    assert answer.headers["Content-Disposition"] == (
        'attachment; filename="consumption-by-site-2025-06-01-to-2025-06-30.csv"'
    )
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row["site"], row["unit"], float(row["use"])) for row in rows[:2]] == [
        ("Quay Works", "kWh", 2880.0),
        ("Harbour House", "kWh", 1440.0),
    ]
    assert [(row["site"], row["unit"], float(row["use"])) for row in rows[-2:]] == [
        ("Total", "kWh", 4320.0),
        ("Total", "m3", 1440.0),
    ]
    assert (rows[0]["readings_present"], rows[0]["readings_expected"]) == ("720", "1440")


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "\t=1", " =1"])
def test_a_spreadsheet_runs_nothing_that_a_name_says(name: str, manager: Client, world: World) -> None:
    site = make_site(world.org, name)
    fill(make_series(make_meter(site)), flat_days(date(2025, 6, 1), date(2025, 6, 2), 1.0))
    answer = manager.get(ADDRESS, JUNE | {"format": "csv"})
    cells = [cell for row in csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))) for cell in row]
    assert f"'{name}" in cells
    assert name not in cells


def test_the_address_carries_the_whole_state(manager: Client, estate: World) -> None:
    page = manager.get(ADDRESS, JUNE | {"by": "utility", "utility": "gas", "against": "before", "per_m2": "on"})
    html = page.content.decode()
    assert 'value="2025-06-01"' in html
    assert '<option value="utility" selected>' in html
    assert '<option value="gas" selected>' in html
    assert '<option value="before" selected>' in html
    assert "format=csv" in html
    assert "by=utility&amp;utility=gas" in html  # the ready spans keep the filters


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"start": "2025-06-30", "end": "2025-06-01"}, "The end is before the start."),
        ({"start": "2025-02-30"}, "Write the date as 2025-06-30."),
        ({"start": "1800-01-01"}, "Choose a date from 1990 onwards."),
        ({"start": "1995-01-01"}, "Choose at most ten years."),
        ({"by": "colour"}, "not one of the available choices"),
    ],
)
def test_a_filter_that_makes_no_sense_says_so_beside_its_field(
    query: dict[str, str], says: str, manager: Client, estate: World
) -> None:
    page = manager.get(ADDRESS, JUNE | query)
    assert page.status_code == 400
    assert says in text_of(page)


def test_an_estate_without_meters_has_nothing_to_report(manager: Client, world: World) -> None:
    world.meter.delete()
    assert "Nothing to report" in text_of(manager.get(ADDRESS))


def test_today_is_not_expected_yet(manager: Client, world: World) -> None:
    fill(make_series(world.meter), flat_days(date(2025, 7, 1), TODAY, 1.0))
    rows = table(manager, start="2025-07-01", end="2025-07-31")
    assert rows[1][-1] == "100%"
