"""Real files, against plain sums made with the standard library alone."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from eclectyc.estate.models import Series
from eclectyc.lake.store import connect
from tests.factories import World, make_meter
from tests.intake.import_calls import bring, held, values_of

pytestmark = pytest.mark.django_db

DATA = Path(__file__).parents[1] / "data"
LONDON = ZoneInfo("Europe/London")
SPANS: dict[str, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
    "year": lambda day: day.replace(month=1, day=1),
}


@pytest.mark.parametrize("layout", ["wide48_settlement_local.csv", "long_period_ending_local.csv"])
def test_a_real_london_meter_has_288_slots_and_65_kwh_in_both_layouts(world: World, layout: str) -> None:
    meter = make_meter(world.site, "2200000000005")
    report = bring(world, DATA / "hh" / layout)
    slots = held(meter)
    assert len(slots) == report.readings == 288
    assert sum(Decimal(repr(value)) for value, _ in slots.values()) == Decimal("65.1339999")
    assert report.kwh == pytest.approx(65.1339999, abs=1e-9)
    assert sum(quality == 2 for _, quality in slots.values()) == 2
    days = connect().days(None, date(2012, 1, 1), date(2014, 1, 1))
    assert dict(days.select("day", "slots").iter_rows()) | {} == {
        date(2012, 10, 27): 48, date(2012, 10, 28): 50, date(2012, 10, 29): 48,
        date(2013, 3, 30): 48, date(2013, 3, 31): 46, date(2013, 4, 1): 48,
    }  # fmt: skip


def test_both_layouts_say_the_same_slot_by_slot(world: World) -> None:
    meter = make_meter(world.site, "2200000000005")
    bring(world, DATA / "hh" / "wide48_settlement_local.csv")
    before = held(meter)
    report = bring(world, DATA / "hh" / "long_period_ending_local.csv")
    assert (report.added, report.changed, report.unchanged) == (0, 0, 288)
    assert held(meter) == before


def test_nineteen_buildings_total_to_the_watt_hour_by_day_week_month_and_year(world: World) -> None:
    path = DATA / "cambridge" / "electricity_hourly_kwh_2021_2022.csv.gz"
    report = bring(world, path, create_meters=True, site="Estate")
    plain: dict[str, dict[tuple[str, date], Decimal]] = {span: defaultdict(Decimal) for span in SPANS}
    count = 0
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            start = datetime.fromisoformat(row.pop("datetime_utc")).replace(tzinfo=UTC)
            day = start.astimezone(LONDON).date()
            for meter, text in row.items():
                count += bool(text)
                for span, of in SPANS.items():
                    plain[span][meter, of(day)] += Decimal(text or 0)
    assert (report.readings, report.created_meters, report.rejected) == (count, 19, 0)
    days = connect().days(None, date(2020, 1, 1), date(2024, 1, 1))
    names = dict(Series.objects.values_list("pk", "meter__identifier"))
    for span, of in SPANS.items():
        totals: dict[tuple[str, date], float] = defaultdict(float)
        for series, day, total in days.select("series", "day", "total").iter_rows():
            totals[names[series], of(day)] += total
        assert set(totals) == set(plain[span])
        assert all(abs(Decimal(total) - plain[span][key]) < Decimal("0.001") for key, total in totals.items()), span


def test_a_file_in_utc_is_stored_in_local_days(world: World) -> None:
    path = DATA / "cambridge" / "electricity_hourly_kwh_2021_2022.csv.gz"
    bring(world, path, create_meters=True, site="Estate")
    days = connect().days(None, date(2021, 3, 28), date(2021, 3, 29))
    assert days["slots"].unique().to_list() == [23]
    with gzip.open(path, "rt") as file:
        plain = {
            datetime.fromisoformat(row["datetime_utc"]).replace(tzinfo=UTC): float(row["b2"])
            for row in csv.DictReader(file)
        }
    assert values_of(held("b2")) == plain


def test_the_same_file_again_adds_nothing(world: World) -> None:
    path = DATA / "cambridge" / "electricity_hourly_kwh_2021_2022.csv.gz"
    first = bring(world, path, create_meters=True, site="Estate")
    before = connect().days(None, date(2020, 1, 1), date(2024, 1, 1), values=True)
    again = bring(world, path)
    assert (again.added, again.changed, again.unchanged) == (0, 0, first.added)
    after = connect().days(None, date(2020, 1, 1), date(2024, 1, 1), values=True)
    assert after.drop("batch").equals(before.drop("batch"))
    assert isinstance(after, pl.DataFrame)
