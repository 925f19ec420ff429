from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import Client

from eclectyc.estate.models import Region
from tests.analytics.filling import fill, flat_days
from tests.factories import World, make_meter, make_series, make_site
from tests.web.conftest import TODAY
from tests.web.pages import chart, rows_of, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]
YEAR = timedelta(days=364)


def test_a_site_shows_its_use_for_each_square_metre(viewer: Client, world: World) -> None:
    fill(make_series(world.meter), flat_days(TODAY - YEAR, TODAY, 2.0))
    said = text_of(viewer.get(f"/sites/{world.site.pk}"))
    # 364 days of 48 half-hours of 2 kWh on 1,200 m²; the two clock changes cancel
    assert "29.12 kWh/m²" in said
    assert "34.94 MWh in 52 weeks" in said


def test_without_a_floor_area_the_use_is_shown_and_the_area_asked_for(viewer: Client, world: World) -> None:
    works = make_site(world.org, "Quay Works")
    fill(make_series(make_meter(works)), flat_days(TODAY - YEAR, TODAY, 2.0))
    said = text_of(viewer.get(f"/sites/{works.pk}"))
    assert "34.94 MWh" in said
    assert "add a floor area to see it per m²" in said


def test_sub_meters_stand_under_their_main_and_are_not_added_to_it(viewer: Client, world: World) -> None:
    sub = make_meter(world.site, "SUB-1", name="Server room", parent=world.meter)
    subsub = make_meter(world.site, "SUB-2", name="Rack 7", parent=sub)
    for meter, value in ((world.meter, 3.0), (sub, 2.0), (subsub, 1.0)):
        fill(make_series(meter), flat_days(date(2025, 6, 1), TODAY, value))
    page = viewer.get(f"/sites/{world.site.pk}")
    names = [row[0] for row in rows_of(page) if row[0] in ("Main incomer", "Server room", "Rack 7")]
    assert names == ["Main incomer", "Server room", "Rack 7"]
    assert 'class="indent-1"' in page.content.decode()
    assert 'class="indent-2"' in page.content.decode()
    months = chart(page, "months")["series"]
    assert len(months) == 1
    assert months[0]["values"][-2] == 30 * 48 * 3.0


def test_utilities_are_stacked_by_month_and_volumes_apart(viewer: Client, world: World) -> None:
    kinds = (("electricity", "kWh", 1.0), ("gas", "kWh", 2.0), ("water", "m3", 0.5), ("solar", "kWh", 0.25))
    for utility, unit, value in kinds:
        meter = make_meter(world.site, utility=utility, unit=unit)
        fill(make_series(meter), flat_days(date(2025, 6, 1), TODAY, value))
    page = viewer.get(f"/sites/{world.site.pk}")
    assert {s["name"]: s["values"][-2] for s in chart(page, "months")["series"]} == {
        "Electricity": 1440.0,
        "Gas": 2880.0,
    }
    assert chart(page, "water-import-m3")["series"][0]["values"][-2] == 720.0
    assert chart(page, "solar-import-kWh")["series"][0]["values"][-2] == 360.0  # generated here, not brought in


def test_the_map_of_a_year_is_of_one_utility_and_can_be_asked_for_alone(viewer: Client, world: World) -> None:
    fill(make_series(world.meter), flat_days(date(2024, 6, 1), TODAY, 1.0))
    gas = make_meter(world.site, utility="gas")
    fill(make_series(gas), flat_days(date(2024, 6, 1), TODAY, 2.0))
    address = f"/sites/{world.site.pk}"
    headers = {"HX-Request": "true", "HX-Target": "year"}
    assert chart(viewer.get(address, headers=headers), "year-map")["values"][0][0] == 1.0
    assert f'hx-get="{address}"' in viewer.get(address).content.decode()
    part = viewer.get(f"{address}?utility=gas&year=2024", headers=headers)
    data = chart(part, "year-map")
    assert data["days"][0] == "2024-01-01"
    assert data["values"][-1][0] == 2.0
    assert b"<html" not in part.content


def test_a_site_without_meters_says_what_to_do(viewer: Client, world: World) -> None:
    empty = make_site(world.org, "New Yard")
    assert "No data yet. Upload your first file" in text_of(viewer.get(f"/sites/{empty.pk}"))


def test_sites_are_found_by_name_postcode_and_region(viewer: Client, world: World) -> None:
    region = Region.objects.create(organisation=world.org, name="North")
    make_site(world.org, "Quay Works", region=region, postcode="LS1 1AA")
    for words in ("quay", "LS1", "north"):
        assert [row[0] for row in rows_of(viewer.get(f"/sites?q={words}"))][1:] == ["Quay Works"]
    assert "No site matches" in text_of(viewer.get("/sites?q=nowhere"))


def test_sites_are_listed_in_the_order_asked_for_with_their_use(viewer: Client, world: World) -> None:
    fill(make_series(world.meter), flat_days(TODAY - YEAR, TODAY, 2.0))
    make_site(world.org, "Annexe", floor_area_m2=90.0)
    make_site(world.org, "Barn", floor_area_m2=None)

    def names(query: str) -> list[str]:
        return [row[0] for row in rows_of(viewer.get(f"/sites{query}"))][1:]

    assert names("") == ["Annexe", "Barn", "Harbour House"]
    assert names("?sort=-area") == ["Harbour House", "Annexe", "Barn"]  # what is not known comes last
    assert names("?sort=area") == ["Annexe", "Harbour House", "Barn"]
    assert names("?sort=password") == ["Annexe", "Barn", "Harbour House"]
    row = next(row for row in rows_of(viewer.get("/sites")) if row[0] == "Harbour House")
    assert row[1:4] == ["34.94 MWh", "29.1", "100%"]


def test_meters_are_found_filtered_and_paged(viewer: Client, world: World) -> None:
    for number in range(60):
        make_meter(world.site, f"G{number:04}", utility="gas", name="Boiler")
    first, second = viewer.get("/meters?utility=gas"), viewer.get("/meters?utility=gas&page=2")
    assert "1–50 of 60" in text_of(first)
    assert "51–60 of 60" in text_of(second)
    assert [row[0] for row in rows_of(viewer.get("/meters?q=G0042"))][1:] == ["G0042 Boiler"]
    assert viewer.get("/meters?page=999").status_code == viewer.get("/meters?page=x&q=%00").status_code == 200
    assert "No meter matches" in text_of(viewer.get("/meters?q=%25_%25"))
