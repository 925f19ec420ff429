"""Whose readings they are, and in what unit."""

from __future__ import annotations

from pathlib import Path

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.batches.models import Batch
from eclectyc.estate.models import Meter, Series, Site
from eclectyc.intake.service import import_file
from eclectyc.kernel.errors import Forbidden, Invalid
from tests.factories import World, make_meter
from tests.intake.import_calls import bring, held, values_of
from tests.intake.make_files import METER, at, long

pytestmark = pytest.mark.django_db


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


def test_a_serial_identifies_the_only_meter_that_has_it(world: World, tmp_path: Path) -> None:
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


def test_the_unit_option_replaces_a_missing_unit(world: World, tmp_path: Path) -> None:
    text = long((0, 500), header="MPAN,Start,Reading").replace("Reading", "Value")
    bring(world, tmp_path / "a.csv", text, unit="Wh")
    assert values_of(held(world.meter)) == {at(0): 0.5}


def test_a_water_meter_in_cubic_metres_takes_litres(world: World, tmp_path: Path) -> None:
    water = make_meter(world.site, "W1", utility="water", unit="m3")
    text = "\n".join(["Meter,Start,Value,Unit", *(f"W1,{at(k):%d/%m/%Y %H:%M},250,litre" for k in range(4))]) + "\n"
    report = bring(world, tmp_path / "a.csv", text)
    assert set(values_of(held(water)).values()) == {0.25}
    assert (report.series[0].unit, report.kwh) == ("m3", 0)


def test_another_unit_of_a_quantity_is_stored_beside_the_primary_one(world: World, tmp_path: Path) -> None:
    heat = make_meter(world.site, "7654321", utility="heat", unit="kWh")
    header = "Meter,Start,Value,Unit"
    for unit in ("kWh", "m3"):
        bring(world, tmp_path / f"{unit}.csv", f"{header}\n7654321,{at(0):%d/%m/%Y %H:%M},2,{unit}\n")
    made = dict(Series.objects.filter(meter=heat).values_list("unit", "is_primary"))
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
