"""How long a period is."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from eclectyc.estate.models import Series
from eclectyc.lake.store import connect
from tests.factories import World, make_series
from tests.intake.import_calls import bring, held, values_of
from tests.intake.make_files import METER, START, at, long

pytestmark = pytest.mark.django_db


def test_a_few_corrections_are_read_by_the_step_the_meter_has(world: World, tmp_path: Path) -> None:
    make_series(world.meter)
    report = bring(world, tmp_path / "a.csv", long((0, 1), (24, 2), (48, 3)))
    assert values_of(held(world.meter)) == {at(0): 1, at(24): 2, at(48): 3}
    assert [series.step for series in report.series] == [30]


def test_hourly_and_half_hourly_series_of_one_meter_are_primary_together(world: World, tmp_path: Path) -> None:
    bring(world, tmp_path / "a.csv", long(*((k, 1) for k in range(48))))
    bring(world, tmp_path / "b.csv", long(*((k * 2, 2) for k in range(48))))
    assert dict(Series.objects.values_list("step_minutes", "is_primary")) == {30: True, 60: True}


def test_readings_finer_than_a_minute_are_summed_to_the_minute(world: World, tmp_path: Path) -> None:
    rows = [f"{METER},{START + timedelta(seconds=10 * k):%Y-%m-%d %H:%M:%S},0.001" for k in range(60)]
    report = bring(world, tmp_path / "a.csv", "\n".join(["MPAN,Start,kWh", *rows]) + "\n", stamps="start")
    values = values_of(held(world.meter))
    assert [series.step for series in report.series] == [1]
    assert len(values) == 10
    assert {round(v, 9) for v in values.values()} == {0.006}


def test_readings_finer_than_a_minute_of_a_power_are_averaged(world: World, tmp_path: Path) -> None:
    rows = [f"{METER},{START + timedelta(seconds=30 * k):%Y-%m-%d %H:%M:%S},{6 if k % 2 else 12}" for k in range(40)]
    bring(world, tmp_path / "a.csv", "\n".join(["MPAN,Start,kW", *rows]) + "\n", stamps="start")
    assert {round(v, 9) for v in values_of(held(world.meter)).values()} == {0.15}  # 9 kW for a minute


def test_a_stamp_off_the_grid_is_rejected_by_line(world: World, tmp_path: Path) -> None:
    text = long(*((k, 1) for k in range(20))) + f"{METER},{at(30) + timedelta(minutes=7):%d/%m/%Y %H:%M},5\n"
    report = bring(world, tmp_path / "a.csv", text)
    assert [(error.line, "30-minute interval" in error.reason) for error in report.errors] == [(22, True)]
    assert report.readings == 20


def test_monthly_rows_are_no_readings(world: World, tmp_path: Path) -> None:
    rows = [f"{METER},{date(2025, 1 + k % 12, 1):%d/%m/%Y} 09:00,{k}" for k in range(12)]
    report = bring(world, tmp_path / "a.csv", "\n".join(["MPAN,Start,kWh", *rows]) + "\n")
    assert report.exit_code == 2
    assert "apart" in report.errors[0].reason


def test_a_mean_power_of_a_day_is_taken_times_its_hours(world: World, tmp_path: Path) -> None:
    days = [date(2025, 3, 29), date(2025, 3, 30), date(2025, 3, 31), date(2025, 10, 26)]
    rows = [f"{METER},{day:%d/%m/%Y},2" for day in days]
    bring(world, tmp_path / "a.csv", "\n".join(["MPAN,Date,kW", *rows]) + "\n")
    held_days = connect().days(None, date(2025, 1, 1), date(2026, 1, 1))
    assert dict(held_days.select("day", "total").iter_rows()) == dict(zip(days, [48, 46, 48, 50], strict=True))


@pytest.mark.parametrize(
    ("form", "expected"),
    [("%Y-%m-%dT06:00:00Z", 46), ("%d/%m/%Y 06:00", 46), ("%d/%m/%Y 00:00", 46)],
    ids=["utc", "local at six", "local midnight"],
)
def test_a_mean_power_of_a_day_is_the_power_of_each_of_its_hours(
    world: World, tmp_path: Path, form: str, expected: float
) -> None:
    """Also where the days open at another hour, and are shared out over finer slots."""
    days = [date(2025, 3, 20) + timedelta(days=k) for k in range(20)]
    rows = [f"{METER},{day:{form}},2" for day in days]
    bring(world, tmp_path / "a.csv", "\n".join(["MPAN,Start,kW", *rows]) + "\n", stamps="start")
    found = connect().days(None, date(2025, 3, 28), date(2025, 4, 2))
    totals = dict(found.select("day", "total").iter_rows())
    assert totals[date(2025, 3, 30)] == pytest.approx(expected)
    assert totals[date(2025, 3, 29)] == totals[date(2025, 4, 1)] == pytest.approx(48)


def test_a_mean_power_and_an_energy_of_days_are_stored_side_by_side(world: World, tmp_path: Path) -> None:
    rows = [f"{METER},{date(2025, 3, 25) + timedelta(days=k):%d/%m/%Y},2,kW" for k in range(9)]
    rows.append(f"{METER},03/04/2025,48,kWh")
    bring(world, tmp_path / "a.csv", "\n".join(["MPAN,Date,Value,Unit", *rows]) + "\n")
    totals = dict(connect().days(None, date(2025, 1, 1), date(2026, 1, 1)).select("day", "total").iter_rows())
    assert [totals[date(2025, 3, 29)], totals[date(2025, 3, 30)], totals[date(2025, 4, 3)]] == [48, 46, 48]


def test_a_file_of_days_is_stored_as_days(world: World, tmp_path: Path) -> None:
    rows = [f"{METER},{date(2025, 3, 28) + timedelta(days=k):%d/%m/%Y},{k + 1}" for k in range(5)]
    report = bring(world, tmp_path / "a.csv", "\n".join(["MPAN,Date,kWh", *rows]) + "\n")
    assert [series.step for series in report.series] == [1440]
    days = connect().days(None, date(2025, 1, 1), date(2026, 1, 1))
    assert days["total"].to_list() == [1, 2, 3, 4, 5]
    assert days["slots"].to_list() == [1] * 5
