"""The whole way in: files on disk, the registry, the lake, and the report."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection

from eclectyc.accounts.actor import Actor
from eclectyc.estate.models import Meter, Series, Site
from eclectyc.intake.blocks import UnreadableFile
from eclectyc.intake.models import Batch
from eclectyc.intake.service import ImportOptions, import_file
from eclectyc.intake.undo import undo_batch
from eclectyc.kernel.errors import Forbidden, Invalid, NotFound
from eclectyc.lake.errors import OutOfOrder
from eclectyc.lake.store import connect
from tests.factories import World, make_meter, make_series
from tests.intake.core.bringing import bring, held, snapshot, values_of

pytestmark = pytest.mark.django_db

METER = "1200023305967"
START = datetime(2025, 1, 6, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)


def at(slot: int) -> datetime:
    return START + slot * HALF_HOUR


def long(*rows: tuple[int, object], meter: str = METER, header: str = "MPAN,Start,kWh") -> str:
    """Rows of (slot, value) or (slot, "value,flag")."""
    return "\n".join([header, *(f"{meter},{at(slot):%d/%m/%Y %H:%M},{value}" for slot, value in rows)]) + "\n"


FLAGGED = "MPAN,Start,kWh,Flag"


# What replaces what


def test_the_same_file_again_changes_nothing(world: World, tmp_path: Path) -> None:
    text = long(*((k, k / 10) for k in range(100)))
    bring(world, tmp_path / "a.csv", text)
    before = held(world.meter)
    report = bring(world, tmp_path / "a.csv")
    assert (report.added, report.changed, report.unchanged, report.kept) == (0, 0, 100, 0)
    assert held(world.meter) == before
    assert any("came in before" in warning for warning in report.warnings)


def test_a_corrected_file_changes_exactly_what_it_corrects(world: World, tmp_path: Path) -> None:
    bring(world, tmp_path / "a.csv", long(*((k, 1) for k in range(48))))
    report = bring(world, tmp_path / "b.csv", long((3, 7), (4, 1), (50, 9)))
    assert (report.added, report.changed, report.unchanged) == (1, 1, 1)
    assert values_of(held(world.meter)) == {at(k): 1.0 for k in range(48)} | {at(3): 7.0, at(50): 9.0}


def test_an_estimate_never_replaces_an_actual_reading(world: World, tmp_path: Path) -> None:
    bring(world, tmp_path / "a.csv", long((0, "1,A"), (1, "2,E"), (2, "3,A"), header=FLAGGED))
    report = bring(world, tmp_path / "b.csv", long((0, "9,E"), (1, "9,E"), (2, "9,A"), (3, "9,E"), header=FLAGGED))
    assert held(world.meter) == {at(0): (1, 1), at(1): (9, 2), at(2): (9, 1), at(3): (9, 2)}
    assert (report.added, report.changed, report.unchanged, report.kept) == (1, 2, 0, 1)


def test_a_blank_or_dash_never_erases(world: World, tmp_path: Path) -> None:
    bring(world, tmp_path / "a.csv", long((0, 1), (1, 2)))
    report = bring(world, tmp_path / "b.csv", long((0, ""), (1, "-"), (2, 5)))
    assert values_of(held(world.meter)) == {at(0): 1, at(1): 2, at(2): 5}
    assert (report.rows, report.accepted, report.readings) == (3, 3, 1)


def test_undo_brings_back_what_was_before(world: World, tmp_path: Path) -> None:
    bring(world, tmp_path / "a.csv", long((0, 1), (1, 2)))
    before = held(world.meter)
    second = bring(world, tmp_path / "b.csv", long((1, 7), (2, 9)))
    undone = undo_batch(Actor.of(world.admin), batch=second.batch or 0)
    assert held(world.meter) == before
    assert (undone.changed, undone.removed) == (1, 1)
    batch = Batch.objects.get(pk=undone.by)
    assert (batch.kind, batch.state, batch.undoes_id) == ("undo", "done", second.batch)
    assert Batch.objects.get(pk=second.batch).state == "undone"


def test_what_cannot_be_undone_is_refused_clearly(world: World, tmp_path: Path) -> None:
    report = bring(world, tmp_path / "a.csv", long((0, 1)))
    number = report.batch or 0
    undone = undo_batch(Actor.of(world.admin), batch=number)
    with pytest.raises(Invalid, match="undone already"):
        undo_batch(Actor.of(world.admin), batch=number)
    with pytest.raises(Invalid, match="took batch"):
        undo_batch(Actor.of(world.admin), batch=undone.by)
    with pytest.raises(NotFound):
        undo_batch(Actor.of(world.outsider), batch=number)
    with pytest.raises(NotFound):
        undo_batch(Actor.of(world.viewer), batch=number)
    structure = bring(world, tmp_path / "s.csv", "Site name,Postcode\nNew place,BS1 1AA\n")
    with pytest.raises(Invalid, match="sites"):
        undo_batch(Actor.of(world.admin), batch=structure.batch or 0)


# The same slot twice in one file


def test_the_same_slot_twice_with_one_value_counts_once(world: World, tmp_path: Path) -> None:
    report = bring(world, tmp_path / "a.csv", long((0, 1), (1, 2), (1, 2), (2, 3)))
    assert (report.rows, report.accepted, report.readings, report.exit_code) == (4, 4, 3, 0)
    assert report.kwh == 6


def test_of_two_values_for_a_slot_the_actual_one_counts(world: World, tmp_path: Path) -> None:
    report = bring(world, tmp_path / "a.csv", long((0, "5,E"), (0, "1,A"), (1, "1,A"), header=FLAGGED))
    assert held(world.meter)[at(0)] == (1, 1)
    assert report.rejected == 0


def test_two_different_values_leave_the_slot_empty_and_report_both_lines(world: World, tmp_path: Path) -> None:
    report = bring(world, tmp_path / "a.csv", long((0, 1), (1, 2), (1, 3), (2, 4)))
    assert values_of(held(world.meter)) == {at(0): 1, at(2): 4}
    assert [error.line for error in report.errors] == [3, 4]
    assert (report.rows, report.rejected, report.accepted, report.readings, report.exit_code) == (4, 2, 2, 2, 1)


def test_days_that_come_twice_in_a_wide_file_are_joined_slot_by_slot(world: World, tmp_path: Path) -> None:
    header = "MPAN,Date," + ",".join(f"HH{k + 1}" for k in range(48))
    one = ["1"] * 24 + [""] * 24
    two = [""] * 23 + ["1"] + ["2"] * 24
    clash = ["9"] + [""] * 47
    lines = [header, *(f"{METER},06/01/2025,{','.join(cells)}" for cells in (one, two, clash))]
    report = bring(world, tmp_path / "a.csv", "\n".join(lines) + "\n")
    expected = {at(k): 1.0 if k < 24 else 2.0 for k in range(1, 48)}
    assert values_of(held(world.meter)) == expected
    assert [error.line for error in report.errors] == [2, 4]


# Who is it, and in what unit


def test_unknown_meters_are_named_at_once_and_the_known_ones_go_in(world: World, tmp_path: Path) -> None:
    text = long((0, 1), (1, 2)) + "".join(
        line + "\n" for k in (7, 8) for line in long((0, 1), (1, 1), meter=f"M{k}").splitlines()[1:]
    )
    report = bring(world, tmp_path / "a.csv", text)
    assert report.unknown_meters == ["M7", "M8"]
    assert [(error.line, error.column) for error in report.errors] == [(4, "meter"), (6, "meter")]
    assert "--create-meters" in report.errors[0].remedy
    assert (report.rows, report.accepted, report.rejected, report.readings, report.exit_code) == (6, 2, 4, 2, 1)
    assert not Meter.objects.filter(identifier__in=["M7", "M8"]).exists()


def test_a_file_of_unknown_meters_alone_does_nothing(world: World, tmp_path: Path) -> None:
    report = bring(world, tmp_path / "a.csv", long((0, 1), meter="M7"))
    assert (report.batch, report.exit_code, report.unknown_meters) == (None, 2, ["M7"])
    assert Batch.objects.count() == 0


def test_one_unknown_column_of_a_matrix_does_not_reject_its_lines(world: World, tmp_path: Path) -> None:
    rows = [f"{at(k):%Y-%m-%d %H:%M},{k},{k}" for k in range(48)]
    report = bring(world, tmp_path / "a.csv", "\n".join([f"datetime_utc,{METER},b9", *rows]) + "\n")
    assert (report.rows, report.accepted, report.readings, report.exit_code) == (48, 48, 48, 1)
    assert report.unknown_meters == ["b9"]


def test_create_meters_makes_site_and_meters(world: World, tmp_path: Path) -> None:
    options = {"create_meters": True, "site": "New works"}
    report = bring(world, tmp_path / "a.csv", long((0, 1), (1, 2), meter="2248274887874"), **options)
    meter = Meter.objects.get(identifier="2248274887874")
    assert (report.created_meters, report.created_sites) == (1, 1)
    assert (meter.site.name, meter.organisation, meter.utility) == ("New works", world.org, "electricity")
    assert (meter.unit, meter.step_minutes, meter.site.timezone) == ("kWh", 30, "Europe/London")
    again = bring(world, tmp_path / "b.csv", long((2, 1), meter="2248274887874"), **options)
    assert (again.created_meters, again.created_sites) == (0, 0)


def test_new_meters_need_a_site(world: World, tmp_path: Path) -> None:
    Site.objects.create(organisation=world.org, name="Second")
    with pytest.raises(Invalid, match="--site"):
        bring(world, tmp_path / "a.csv", long((0, 1), meter="M7"), create_meters=True)
    assert Batch.objects.filter(state="pending").count() == 0


@pytest.mark.parametrize(
    "printed", ["'1200023305967", "12 0002 3305 967", "1200023305967.0", "00 801 111 1200023305967", " 1200023305967 "]
)
def test_an_mpan_is_known_through_the_dirt_of_spreadsheets(world: World, tmp_path: Path, printed: str) -> None:
    report = bring(world, tmp_path / "a.csv", long((0, 1), meter=printed))
    assert report.series[0].meter == METER


def test_a_serial_stands_for_the_one_meter_that_has_it(world: World, tmp_path: Path) -> None:
    world.meter.serial = "E12Z 055"
    world.meter.save()
    make_meter(world.site, "M7", serial="TWICE")
    make_meter(world.site, "M8", serial="TWICE")
    assert bring(world, tmp_path / "a.csv", long((0, 1), meter="E12Z055")).series[0].meter == METER
    report = bring(world, tmp_path / "b.csv", long((0, 1), meter="TWICE"))
    assert report.exit_code == 2
    assert any("TWICE" in warning for warning in report.warnings)


def test_a_wrong_check_digit_warns_and_refuses_only_when_strict(world: World, tmp_path: Path) -> None:
    make_meter(world.site, "1234567890123")
    text = long((0, 1), (1, 2), meter="1234567890123")
    report = bring(world, tmp_path / "a.csv", text)
    assert [w for w in report.warnings if "check digit" in w] == ["The check digit of MPAN 1234567890123 is wrong."]
    assert (report.exit_code, report.readings) == (0, 2)
    strict = bring(world, tmp_path / "a.csv", text, strict_mpan=True)
    assert (strict.exit_code, strict.readings, strict.rejected) == (2, 0, 2)


def test_another_organisations_meter_is_not_known(world: World, tmp_path: Path) -> None:
    report = bring(world, tmp_path / "a.csv", long((0, 1), meter=world.other_meter.identifier))
    assert report.unknown_meters == [world.other_meter.identifier]


def test_only_an_administrator_imports(world: World, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(long((0, 1)))
    for user in (world.viewer, world.manager, world.outsider):
        with pytest.raises(Forbidden):
            import_file(Actor.of(user), organisation=world.org, path=path)


@pytest.mark.parametrize(
    ("heading", "printed", "stored"), [("Wh", 1500, 1.5), ("MWh", 0.002, 2.0), ("kW", 4, 2.0), ("kWh", 3, 3.0)]
)
def test_units_become_canonical(world: World, tmp_path: Path, heading: str, printed: float, stored: float) -> None:
    text = long(*((k, printed) for k in range(48)), header=f"MPAN,Start,{heading}")
    report = bring(world, tmp_path / "a.csv", text)
    assert set(values_of(held(world.meter)).values()) == {stored}
    assert report.series[0].unit == "kWh"
    assert report.kwh == pytest.approx(48 * stored)


def test_the_unit_option_stands_for_what_the_file_leaves_out(world: World, tmp_path: Path) -> None:
    text = long((0, 500), header="MPAN,Start,Reading").replace("Reading", "Value")
    bring(world, tmp_path / "a.csv", text, unit="Wh")
    assert values_of(held(world.meter)) == {at(0): 0.5}


def test_a_water_meter_in_cubic_metres_takes_litres(world: World, tmp_path: Path) -> None:
    water = make_meter(world.site, "W1", utility="water", unit="m3")
    text = "\n".join(["Meter,Start,Value,Unit", *(f"W1,{at(k):%d/%m/%Y %H:%M},250,litre" for k in range(4))]) + "\n"
    report = bring(world, tmp_path / "a.csv", text)
    assert set(values_of(held(water)).values()) == {0.25}
    assert (report.series[0].unit, report.kwh) == ("m3", 0)


def test_another_unit_of_a_quantity_stands_beside_the_primary_one(world: World, tmp_path: Path) -> None:
    gas = make_meter(world.site, "7654321", utility="gas", unit="kWh")
    header = "Meter,Start,Value,Unit"
    for unit in ("kWh", "m3"):
        bring(world, tmp_path / f"{unit}.csv", f"{header}\n7654321,{at(0):%d/%m/%Y %H:%M},2,{unit}\n")
    made = dict(Series.objects.filter(meter=gas).values_list("unit", "is_primary"))
    assert made == {"kWh": True, "m3": False}


def test_import_export_and_reactive_are_series_of_their_own(world: World, tmp_path: Path) -> None:
    rows = [f"{METER},{at(k):%d/%m/%Y %H:%M},1,2,3" for k in range(4)]
    bring(world, tmp_path / "a.csv", "\n".join(["MPAN,Start,AI,AE,RI", *rows]) + "\n")
    assert set(values_of(held(world.meter, "import")).values()) == {1.0}
    assert set(values_of(held(world.meter, "export")).values()) == {2.0}
    reactive = Series.objects.get(meter=world.meter, quantity="reactive_import")
    assert reactive.unit == "kVArh"


def test_a_file_without_a_meter_needs_one_named(world: World, tmp_path: Path) -> None:
    text = "\n".join(["start,value", *(f"{at(k):%Y-%m-%d %H:%M:%S},1" for k in range(4))]) + "\n"
    with pytest.raises(Invalid, match="--meter"):
        bring(world, tmp_path / "a.csv", text)
    report = bring(world, tmp_path / "a.csv", text, meter=METER)
    assert report.readings == 4


def test_a_named_meter_is_not_for_files_of_several(world: World, tmp_path: Path) -> None:
    text = long((0, 1)) + f"M7,{at(0):%d/%m/%Y %H:%M},1\n"
    with pytest.raises(Invalid, match="several meters"):
        bring(world, tmp_path / "a.csv", text, meter=METER)


# Steps


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
    assert [(error.line, "grid" in error.reason) for error in report.errors] == [(22, True)]
    assert report.readings == 20


def test_monthly_rows_are_no_readings(world: World, tmp_path: Path) -> None:
    rows = [f"{METER},{date(2025, 1 + k % 12, 1):%d/%m/%Y} 09:00,{k}" for k in range(12)]
    report = bring(world, tmp_path / "a.csv", "\n".join(["MPAN,Start,kWh", *rows]) + "\n")
    assert report.exit_code == 2
    assert "apart" in report.errors[0].reason


def test_a_file_of_days_is_stored_as_days(world: World, tmp_path: Path) -> None:
    rows = [f"{METER},{date(2025, 3, 28) + timedelta(days=k):%d/%m/%Y},{k + 1}" for k in range(5)]
    report = bring(world, tmp_path / "a.csv", "\n".join(["MPAN,Date,kWh", *rows]) + "\n")
    assert [series.step for series in report.series] == [1440]
    days = connect().days(None, date(2025, 1, 1), date(2026, 1, 1))
    assert days["total"].to_list() == [1, 2, 3, 4, 5]
    assert days["slots"].to_list() == [1] * 5


# Report, dry run


def test_a_dry_run_tells_all_and_writes_nothing(world: World, home: Path, tmp_path: Path) -> None:
    bring(world, tmp_path / "a.csv", long((0, 1), (1, 2)))
    text = long((1, 7), (2, 3)) + f"M7,{at(0):%d/%m/%Y %H:%M},1\n"
    options = {"create_meters": True, "site": "New works"}
    before = snapshot(home)
    dry = bring(world, tmp_path / "b.csv", text, dry_run=True, **options)
    assert snapshot(home) == before
    wet = bring(world, tmp_path / "b.csv", **options)
    assert dry.batch is None
    for name in ("rows", "accepted", "rejected", "readings", "added", "changed", "unchanged", "kept", "kwh", "series",
                 "created_meters", "created_sites", "stamps", "timezone"):  # fmt: skip
        assert getattr(dry, name) == getattr(wet, name), name
    assert (wet.added, wet.changed, wet.created_meters) == (2, 1, 1)


def test_a_dry_run_in_an_empty_home_makes_no_lake(world: World, home: Path, tmp_path: Path) -> None:
    before = snapshot(home)
    bring(world, tmp_path / "b.csv", long((1, 7), meter="M7"), dry_run=True, create_meters=True, site="X")
    assert snapshot(home) == before


def test_more_than_a_hundred_errors_go_to_a_file_that_no_spreadsheet_runs(world: World, tmp_path: Path) -> None:
    bad = [f"=cmd|{k}" for k in range(150)]
    report = bring(world, tmp_path / "a.csv", long((0, 1), *((k + 1, text) for k, text in enumerate(bad))))
    assert (len(report.errors), report.error_count, report.rejected, report.exit_code) == (100, 150, 150, 1)
    with Path(report.errors_file or "").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["line"]) for row in rows] == list(range(103, 153))
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_the_report_says_what_the_contract_promises(world: World, tmp_path: Path) -> None:
    report = bring(world, tmp_path / "a.csv", long(*((k, "1.5") for k in range(48))))
    plain = json.loads(json.dumps(report.as_dict()))
    promised = {
        "batch", "dry_run", "format", "stamps", "timezone", "rows", "accepted", "rejected", "readings", "added",
        "changed", "unchanged", "kept", "warnings", "kwh", "series", "created_meters", "errors", "errors_file",
    }  # fmt: skip
    assert promised <= set(plain)
    assert plain["series"] == [
        {"meter": METER, "quantity": "import", "unit": "kWh", "step": 30, "readings": 48, "total": 72.0,
         "first": "2025-01-06T00:00:00+00:00", "last": "2025-01-06T23:30:00+00:00"}
    ]  # fmt: skip
    assert (plain["rows"], plain["readings"], plain["added"], plain["kwh"]) == (48, 48, 48, 72.0)
    batch = Batch.objects.get(pk=plain["batch"])
    assert (batch.state, batch.rows, batch.added, batch.report["kwh"]) == ("done", 48, 48, 72.0)
    assert len(batch.sha256) == 64


def test_a_file_that_is_not_understood_is_refused_whole(world: World, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile):
        bring(world, tmp_path / "a.csv", "name,colour\nx,red\n")
    assert Batch.objects.count() == 0


def test_values_survive_to_the_last_digit(world: World, tmp_path: Path) -> None:
    printed = ["1.0369999", "0.1", "123456.789012", "0.000001", "-4.25"]
    report = bring(world, tmp_path / "a.csv", long(*enumerate(printed)))
    assert list(values_of(held(world.meter)).values()) == [float(text) for text in printed]
    assert Decimal(repr(report.kwh)) == pytest.approx(sum(map(Decimal, printed)))


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"stamps": "middle"}, "stamps"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"unit": "furlong"}, "unit"),
        ({"quantity": "joy"}, "quantity"),
        ({"profile": "none"}, "profile"),
        ({"type": "novel"}, "type"),
    ],
)
def test_an_option_that_cannot_be_taken_is_named(
    world: World, tmp_path: Path, options: dict[str, str], field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        bring(world, tmp_path / "a.csv", long((0, 1)), **options)
    assert caught.value.field == field


def test_the_timezone_option_is_the_files_clock_and_days_stay_the_sites(world: World, tmp_path: Path) -> None:
    text = "\n".join(
        ["MPAN,Start,kWh", *(f"{METER},{datetime(2025, 7, 1) + k * HALF_HOUR:%d/%m/%Y %H:%M},{k}" for k in range(48))]
    )
    report = bring(world, tmp_path / "a.csv", text + "\n", timezone="UTC", stamps="start")
    assert report.timezone == "UTC"
    first = datetime(2025, 7, 1, tzinfo=UTC)
    assert values_of(held(world.meter)) == {first + k * HALF_HOUR: float(k) for k in range(48)}
    days = connect().days(None, date(2025, 1, 1), date(2026, 1, 1))
    assert dict(zip(days["day"], days["present"], strict=True)) == {date(2025, 7, 1): 46, date(2025, 7, 2): 2}


def test_readings_that_do_not_fit_in_memory_wait_on_disk(
    world: World, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eclectyc.intake.spool.IN_MEMORY_BYTES", 1)
    rows = [(k, k / 8) for k in range(48 * 70)]
    bring(world, tmp_path / "a.csv", long(*rows))
    assert values_of(held(world.meter)) == {at(k): v for k, v in rows}
    header = "MPAN,Date," + ",".join(f"HH{k + 1}" for k in range(48))
    days = [f"{METER},{date(2024, 1, 1) + timedelta(days=n):%d/%m/%Y},{','.join(['1'] * 48)}" for n in range(80)]
    report = bring(world, tmp_path / "b.csv", "\n".join([header, *days]) + "\n")
    assert report.added == 80 * 48
    assert list((home / "tmp").iterdir()) == []


def test_progress_tells_bytes_and_rows(world: World, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(long((0, 1), (1, 2)))
    seen: list[tuple[str, int, int, int]] = []
    import_file(
        Actor.of(world.admin), organisation=world.org, path=path, options=ImportOptions(),
        progress=lambda p: seen.append((p.phase, p.done, p.total, p.rows)),
    )  # fmt: skip
    size = path.stat().st_size
    assert ("reading", size, size, 2) in seen
    assert [phase for phase, *_ in seen][-1] == "done"


def test_a_wide_file_in_utc_is_laid_in_the_sites_days(world: World, tmp_path: Path) -> None:
    header = "MPAN,Date," + ",".join(f"HH{k + 1}" for k in range(48))
    days = [f"{METER},{day}/07/2025,{','.join(str(day * 100 + k) for k in range(48))}" for day in (1, 2)]
    bring(world, tmp_path / "a.csv", "\n".join([header, *days]) + "\n", timezone="UTC")
    expected = {
        datetime(2025, 7, day, tzinfo=UTC) + k * HALF_HOUR: float(day * 100 + k) for day in (1, 2) for k in range(48)
    }
    assert values_of(held(world.meter)) == expected


# What goes wrong on the way


def test_an_import_that_fails_leaves_nothing_and_the_next_one_works(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = long((0, 1), (1, 2), meter="M7")
    options = {"create_meters": True, "site": "New works"}

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is on fire")

    with monkeypatch.context() as broken:
        broken.setattr("eclectyc.intake.writing.take_result", fail)
        with pytest.raises(RuntimeError):
            bring(world, tmp_path / "a.csv", text, **options)
    assert not Meter.objects.filter(identifier="M7").exists()
    assert not Site.objects.filter(name="New works").exists()
    assert [batch.state for batch in Batch.objects.all()] == ["failed"]
    report = bring(world, tmp_path / "a.csv", text, **options)
    assert (report.added, report.created_meters, report.created_sites) == (2, 1, 1)


def test_a_meter_that_others_use_meanwhile_outlives_the_failed_import_that_made_it(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def use_and_fail(*_: object, **__: object) -> None:
        parent = Meter.objects.get(identifier="M7")
        make_meter(world.site, "SUB", parent=parent)
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr("eclectyc.intake.writing.take_result", use_and_fail)
    with pytest.raises(RuntimeError):
        bring(world, tmp_path / "a.csv", long((0, 1), meter="M7"), create_meters=True, site="New works")
    assert Meter.objects.filter(identifier="M7").exists()


def test_a_file_that_turns_unreadable_halfway_leaves_no_trace(world: World, home: Path, tmp_path: Path) -> None:
    bad = [(k + 1, "=x") for k in range(150)]
    text = long((0, 1), *bad) + f"{METER},13/02/2025 00:00,1\n{METER},02/13/2025 00:00,1\n"
    with pytest.raises(UnreadableFile):
        bring(world, tmp_path / "a.csv", text)
    assert Batch.objects.count() == 0
    assert list(home.glob("reports/*")) == []


def test_a_registry_older_than_its_lake_imports_nothing(world: World, tmp_path: Path) -> None:
    first = bring(world, tmp_path / "a.csv", long((0, 1)))
    bring(world, tmp_path / "b.csv", long((1, 1)))
    Batch.objects.all().delete()
    with connection.cursor() as cursor:  # as a restored copy of the registry would number on
        if connection.vendor == "sqlite":
            cursor.execute("UPDATE sqlite_sequence SET seq = %s WHERE name = 'intake_batch'", [(first.batch or 1) - 1])
        else:
            cursor.execute("SELECT setval('intake_batch_id_seq', %s)", [first.batch])
    with pytest.raises(OutOfOrder, match="restore both"):
        bring(world, tmp_path / "c.csv", long((2, 1)))
    assert Batch.objects.count() == 0
    assert len(held(world.meter)) == 2


def test_an_uploaded_file_goes_by_its_own_name(world: World, tmp_path: Path) -> None:
    path = tmp_path / "upload-1234"
    path.write_text(long((0, 1)))
    report = import_file(Actor.of(world.admin), organisation=world.org, path=path, name="January.csv")
    assert report.file == "January.csv"
    assert Batch.objects.get(pk=report.batch).file_name == "January.csv"


def test_an_export_meter_exports_what_a_file_without_a_quantity_says(world: World, tmp_path: Path) -> None:
    solar = make_meter(world.site, "2248274887874", direction="export")
    report = bring(world, tmp_path / "a.csv", long((0, 1), meter="2248274887874"))
    assert [series.quantity for series in report.series] == ["export"]
    assert values_of(held(solar, "export")) == {at(0): 1.0}
