"""Deliveries and dips: fuel used is what was there, and what came, less what is left."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.estate.models import Meter, Utility
from eclectyc.intake.undo import undo_batch
from eclectyc.kernel.quality import DERIVED
from eclectyc.readers.blocks import UnreadableFile
from eclectyc.registers.models import TankEntry
from tests.factories import World, make_meter
from tests.intake.import_calls import bring, held
from tests.readers.formats.read_cells import cut_off, read_or_refused
from tests.readers.reading import read_text
from tests.registers.test_importing import days_of, span

HEAD = "meter,date,kind,litres,reference"


@pytest.fixture
def tank(world: World) -> Meter:
    return make_meter(world.site, "GEN1", utility="diesel", unit="litre", step_minutes=1440)


def table(*rows: str) -> str:
    return "\n".join([HEAD, *(f"GEN1,{row}" for row in rows)]) + "\n"


DIPS = ("2025-03-01,dip,500,", "2025-03-05,delivery,1000,T1", "2025-03-05,delivery,250,T2", "2025-03-11,dip,750,")


@pytest.mark.parametrize(
    ("text", "kinds", "litres"),
    [
        (table("01/03/2025,dip,500,", "05/03/2025,Delivered,1000,T1"), ["dip", "delivery"], [500.0, 1000.0]),
        ("meter,date,Delivered litres,Dip litres\nGEN1,2025-03-01,1000,\nGEN1,2025-03-02,,700\n", ["delivery", "dip"],
         [1000.0, 700.0]),
    ],
)  # fmt: skip
def test_a_table_says_which_are_deliveries_and_which_are_dips(
    tmp_path: Path, text: str, kinds: list[str], litres: list[float]
) -> None:
    found = read_text(tmp_path, text)
    assert (found.recognition.format, found.errors) == ("deliveries", [])
    assert (found.column("kind"), found.column("value")) == (kinds, litres)


def test_litres_alone_are_deliveries_only_when_declared(tmp_path: Path) -> None:
    text = "meter,date,litres\nGEN1,2025-03-01,1000\n"
    assert read_text(tmp_path, text).recognition.format == "daily"
    assert read_text(tmp_path, text, "deliveries").column("kind") == ["delivery"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [("2025-03-02,spill,5,", "neither a delivery nor a dip"), ("2025-03-02,dip,-5,", "or dip cannot be negative"),
     ("2025-03-02,dip,lots,", "not a number"), ("2025-02-31,dip,5,", "There is no date")],
)  # fmt: skip
def test_a_line_that_cannot_be_taken_says_why(tmp_path: Path, row: str, reason: str) -> None:
    found = read_text(tmp_path, table("2025-03-01,dip,500,", row), "deliveries")
    assert found.lines == [3]
    assert reason in found.errors[0].reason


@pytest.mark.parametrize("junk", ["\0", "=1+1", "9" * 400, "," * 3000])
def test_hostile_lines_are_named_or_the_file_is_refused(tmp_path: Path, junk: str) -> None:
    content = table("2025-03-01,dip,500,", f"2025-03-02,dip,{junk},").encode()
    found = read_or_refused(tmp_path, content, kind="deliveries")
    assert found is None or found.lines == [3]
    for cut in cut_off(content, len(content) - 40, every=5):
        read_or_refused(tmp_path, cut, kind="deliveries")
    with pytest.raises(UnreadableFile):
        read_text(tmp_path, b"PK\3\4" + b"\0" * 100)


@pytest.mark.django_db
def test_use_between_dips_is_what_was_there_and_came_less_what_is_left(
    world: World, tank: Meter, tmp_path: Path
) -> None:
    report = bring(world, tmp_path / "t.csv", table(*DIPS))
    assert (report.errors, report.rows, report.reads, report.format) == ([], 4, 4, "deliveries")
    assert days_of(tank) == span("2025-03-01", "2025-03-11", 100)  # (500 + 1000 + 250 − 750) / 10
    assert {quality for _, quality in held(tank).values()} == {DERIVED}
    (series,) = report.series
    assert (series.unit, series.step, series.readings, series.total) == ("litre", 1440, 10, 1000.0)
    again = bring(world, tmp_path / "t.csv", table(*DIPS))
    assert (again.added, again.changed, again.unchanged) == (0, 0, 10)


@pytest.mark.django_db
@pytest.mark.parametrize(("first", "hours"), [(date(2025, 3, 29), [24, 23, 24]), (date(2025, 10, 25), [24, 25, 24])])
def test_days_of_23_and_25_hours_are_counted_as_such(
    world: World, tank: Meter, tmp_path: Path, first: date, hours: list[int]
) -> None:
    rows = (f"{first},dip,{sum(hours)},", f"{first + timedelta(days=3)},dip,0,")
    bring(world, tmp_path / "t.csv", table(*rows))
    assert [value for value, _ in held(tank).values()] == [pytest.approx(float(h)) for h in hours]


@pytest.mark.django_db
def test_without_dips_each_delivery_is_used_up_by_the_next(world: World, tank: Meter, tmp_path: Path) -> None:
    rows = ("2025-03-01,delivery,1000,", "2025-03-11,delivery,600,", "2025-03-21,delivery,900,")
    report = bring(world, tmp_path / "t.csv", table(*rows))
    assert days_of(tank) == span("2025-03-01", "2025-03-11", 100) | span("2025-03-11", "2025-03-21", 60)
    assert any("never dipped: 2 deliveries are taken to be used up by the next" in text for text in report.warnings)
    bring(world, tmp_path / "d.csv", table("2025-03-01,dip,0,", "2025-03-11,dip,300,"))
    assert days_of(tank) == span("2025-03-01", "2025-03-11", 70), "dips tell better"


@pytest.mark.django_db
def test_a_tank_that_gains_without_a_delivery_is_a_finding(world: World, tank: Meter, tmp_path: Path) -> None:
    rows = ("2025-03-01,dip,100,", "2025-03-03,dip,500,", "2025-03-05,dip,300,")
    report = bring(world, tmp_path / "t.csv", table(*rows))
    assert days_of(tank) == span("2025-03-03", "2025-03-05", 100)
    assert any("gained 400 litres without a delivery between 2025-03-01 00:00" in text for text in report.warnings)
    bring(world, tmp_path / "late.csv", table("2025-03-02,delivery,600,"))
    assert days_of(tank) == span("2025-03-01", "2025-03-05", 100)


@pytest.mark.django_db
def test_a_batch_taken_back_takes_its_entries_and_their_use(world: World, tank: Meter, tmp_path: Path) -> None:
    bring(world, tmp_path / "a.csv", table(DIPS[0], DIPS[3]))
    wrong = bring(world, tmp_path / "b.csv", table(*DIPS[1:3])).batch
    assert wrong is not None
    assert days_of(tank) == span("2025-03-01", "2025-03-11", 100)
    undone = undo_batch(Actor.of(world.admin), batch=wrong)
    assert (undone.removed, days_of(tank)) == (10, {})
    assert TankEntry.objects.count() == 4, "what was told is kept"


@pytest.mark.django_db
def test_two_deliveries_at_one_moment_need_their_tickets(world: World, tank: Meter, tmp_path: Path) -> None:
    report = bring(world, tmp_path / "t.csv", table("2025-03-05,delivery,1000,", "2025-03-05,delivery,250,"))
    assert [error.line for error in report.errors] == [2, 3]
    assert "ticket number" in report.errors[0].remedy


@pytest.mark.django_db
def test_units_are_converted_and_an_energy_is_refused(world: World, tank: Meter, tmp_path: Path) -> None:
    bring(world, tmp_path / "t.csv", table("2025-03-01,dip,2,", "2025-03-11,dip,1,"), unit="m3")
    assert days_of(tank) == span("2025-03-01", "2025-03-11", 100)
    report = bring(world, tmp_path / "u.csv", table("2025-03-01,dip,2,"), unit="kWh")
    assert "measured in litres or m³" in report.errors[0].reason


@pytest.mark.django_db
def test_a_meter_without_a_tank_is_named_and_a_new_one_burns_diesel(world: World, tmp_path: Path) -> None:
    text = table(*DIPS).replace("GEN1", "1200023305967")
    report = bring(world, tmp_path / "t.csv", text)
    assert (report.exit_code, report.rejected) == (2, 4)
    assert "is a meter of electricity: it has no tank" in report.errors[0].reason
    bring(world, tmp_path / "n.csv", table(*DIPS), create_meters=True)
    made = Meter.objects.get(organisation=world.org, identifier="GEN1")
    assert (made.utility, made.unit, days_of(made)) == (Utility.DIESEL, "litre", span("2025-03-01", "2025-03-11", 100))


@pytest.mark.django_db
def test_where_a_register_counts_the_tank_gives_no_use_beside_it(world: World, tank: Meter, tmp_path: Path) -> None:
    bring(world, tmp_path / "r.csv", "meter,date,reading\nGEN1,2025-03-01,0\nGEN1,2025-03-11,950\n", type="registers")
    report = bring(world, tmp_path / "t.csv", table(*DIPS))
    assert days_of(tank) == span("2025-03-01", "2025-03-11", 95)
    assert any("has a register that measures its use" in text for text in report.warnings)
