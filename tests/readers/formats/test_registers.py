"""Tables of register reads: columns, clocks, units, doubled and conflicting reads, and never without being declared."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.quality import ACTUAL, DERIVED, ESTIMATED
from eclectyc.readers.blocks import UnreadableFile
from eclectyc.registers.models import Register
from tests.factories import World, make_meter
from tests.intake.import_calls import bring, held
from tests.readers.formats.read_cells import cut_off, read_or_refused
from tests.readers.reading import Read, read_text

MPAN = "1200023305967"
HEAD = "mpan,serial,read_datetime,reading"


def read(folder: Path, text: str) -> Read:
    return read_text(folder, text, "registers")


@pytest.mark.parametrize(
    ("heading", "register"),
    [
        ("Reading", None), ("Meter reading (kWh)", None), ("Register reading", None), ("Cumulative kWh", None),
        ("Totaliser", None), ("Read value", None), ("Index", None),
    ],
)  # fmt: skip
def test_a_column_of_reads_goes_by_many_names(tmp_path: Path, heading: str, register: str | None) -> None:
    found = read(tmp_path, f"mpan,date,{heading}\n{MPAN},01/03/2025,1000\n{MPAN},02/03/2025,1024\n")
    assert (found.errors, found.column("value"), found.column("register")) == ([], [1000.0, 1024.0], [register] * 2)
    assert found.column("stamp") == [datetime(2025, 3, 1), datetime(2025, 3, 2)], "a date is its midnight"


def test_several_columns_of_reads_are_several_registers(tmp_path: Path) -> None:
    found = read(tmp_path, f"mpan,read date,Day reading,Night reading\n{MPAN},2025-03-01,1000,500\n")
    assert (found.rows, found.column("register")) == (1, ["Day reading", "Night reading"])
    named = read(tmp_path, f"mpan,read date,register,reading\n{MPAN},2025-03-01,01,5\n{MPAN},2025-03-01,02,6\n")
    assert named.column("register") == ["01", "02"]


def test_a_meter_named_by_its_serial_is_a_device_as_well(tmp_path: Path) -> None:
    found = read(tmp_path, "serial number,date,reading,unit\nE10A 12345,2025-03-01,1000,m3\n")
    assert (found.column("meter"), found.column("serial")) == (["E10A12345"], ["E10A 12345"])
    assert found.column("unit") == ["m3"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"{MPAN},S,01/13/2025 00:00,5", "month"), (f"{MPAN},S,,5", "There is no date and time."),
        (f"{MPAN},S,01/03/2025 00:00,x5", "'x5' is not a number"), (",S,01/03/2025 00:00,5", "There is no meter."),
        (f"{MPAN},S,01/03/2025 00:00,5,6", "5 fields"),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_taken_says_why(tmp_path: Path, line: str, reason: str) -> None:
    text = f"{HEAD}\n{MPAN},S,28/02/2025 00:00,1\n{line}\n"
    if reason == "month":
        with pytest.raises(UnreadableFile, match=reason):
            read(tmp_path, text)
        return
    found = read(tmp_path, text)
    assert found.lines == [3]
    assert reason in found.errors[0].reason


def test_reads_are_never_turned_into_use_until_that_is_declared(tmp_path: Path) -> None:
    rows = "\n".join(f"{MPAN},S,{day:02}/03/2025 00:00,{1000 + 24 * day}" for day in range(1, 25))
    with pytest.raises(UnreadableFile, match=r"never falls.*-t registers"):
        read_text(tmp_path, f"{HEAD}\n{rows}\n")
    monthly = "\n".join(f"{MPAN},S,01/{month:02}/2025 00:00,{500 * month}" for month in range(1, 5))
    with pytest.raises(UnreadableFile, match="-t registers"):
        read_text(tmp_path, f"{HEAD}\n{monthly}\n")
    with pytest.raises(UnreadableFile, match="-t registers"):
        read_text(tmp_path, f"mpan,date,totaliser\n{MPAN},2025-03-01,7\n")


@pytest.mark.parametrize("junk", ["\0", "=cmd|' /C calc'!A0", "," * 3000, '"' + "x" * 200, "9" * 400])
def test_hostile_files_are_refused_or_their_lines_named(tmp_path: Path, junk: str) -> None:
    text = f"{HEAD}\n{MPAN},S,28/02/2025 00:00,1\n{MPAN},S,01/03/2025 00:00,{junk}\n"
    found = read_or_refused(tmp_path, text.encode(), kind="registers")
    assert found is None or found.lines == [3]


def test_a_header_of_ten_million_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile):
        read(tmp_path, "mpan," + "reading," * 200_000 + "date\n1,2\n")


def test_a_file_cut_off_anywhere_is_read_or_refused(tmp_path: Path) -> None:
    text = f"{HEAD}\n{MPAN},S,28/02/2025 00:00,1\n{MPAN},S,01/03/2025 00:00,25\n".encode()
    for content in cut_off(text, len(text) - 40, every=3):
        found = read_or_refused(tmp_path, content, kind="registers")
        assert found is None or set(found.column("value")) <= {1.0, 25.0, 2.0}, "the last line's number may be cut"


@pytest.mark.django_db
@pytest.mark.parametrize(("first", "hours"), [(date(2025, 3, 29), [24, 23, 24]), (date(2025, 10, 25), [24, 25, 24])])
def test_days_of_23_and_25_hours_are_counted_as_such(
    world: World, tmp_path: Path, first: date, hours: list[int]
) -> None:
    text = f"{HEAD}\n{MPAN},,{first} 00:00,5\n{MPAN},,{first + timedelta(days=3)} 00:00,{5 + sum(hours)}\n"
    report = bring(world, tmp_path / "r.csv", text, type="registers")
    assert (report.errors, report.kwh) == ([], pytest.approx(sum(hours)))
    assert [slot for _, slot in sorted(held(world.meter).items())] == [
        (pytest.approx(float(h)), DERIVED) for h in hours
    ]


@pytest.mark.django_db
def test_an_estimated_read_is_replaced_by_an_actual_one_and_never_the_other_way(world: World, tmp_path: Path) -> None:
    def total(second: str, flag: str) -> float:
        text = f"{HEAD},type\n{MPAN},S,2025-03-01 00:00,0,A\n{MPAN},S,2025-03-02 00:00,{second},{flag}\n"
        bring(world, tmp_path / "r.csv", text, type="registers")
        return sum(value or 0.0 for value, _ in held(world.meter).values())

    assert [total("20", "E"), total("24", "A"), total("30", "E"), total("22", "A")] == [20.0, 24.0, 24.0, 22.0]


@pytest.mark.django_db
def test_half_hourly_reads_are_slots_with_their_flags(world: World, tmp_path: Path) -> None:
    rows = "\n".join(
        f"{MPAN},S,2025-03-01 {n // 2:02}:{n % 2 * 30:02},{100 + n / 4},{'E' if n == 3 else 'A'}" for n in range(48)
    )
    report = bring(world, tmp_path / "r.csv", f"{HEAD},type\n{rows}\n", type="registers")
    assert [(s.step, s.readings, s.total) for s in report.series] == [(30, 47, pytest.approx(11.75))]
    slots = [slot for _, slot in sorted(held(world.meter).items())]
    assert slots == [(pytest.approx(0.25), ESTIMATED if n in {2, 3} else ACTUAL) for n in range(47)]


@pytest.mark.django_db
def test_rows_newest_first_and_repeated_lines_are_taken_once(world: World, tmp_path: Path) -> None:
    rows = [f"{MPAN},S,2025-03-0{day} 00:00,{24 * day}" for day in (3, 3, 2, 1)]
    report = bring(world, tmp_path / "r.csv", "\n".join([HEAD, *rows]) + "\n", type="registers")
    assert (report.errors, report.rows, report.reads, report.kwh) == ([], 4, 3, pytest.approx(48))
    assert any("Repeated with the same value: 1 read" in text for text in report.warnings)


@pytest.mark.django_db
def test_two_different_reads_at_one_moment_are_both_refused(world: World, tmp_path: Path) -> None:
    rows = [f"{MPAN},S,2025-03-01 00:00,{value}" for value in (5, 6)]
    report = bring(
        world, tmp_path / "r.csv", "\n".join([HEAD, *rows, f"{MPAN},S,2025-03-02 00:00,30"]), type="registers"
    )
    assert ([error.line for error in report.errors], report.accepted, report.reads) == ([2, 3], 1, 1)
    assert "One register has the reads 5 and 6 at the same time" in report.errors[0].reason


@pytest.mark.django_db
@pytest.mark.parametrize(("unit", "factor"), [("kWh", 1.0), ("Wh", 0.001), ("MWh", 1000.0)])
def test_units_are_converted_and_a_wrong_one_is_refused(world: World, tmp_path: Path, unit: str, factor: float) -> None:
    text = f"{HEAD}\n{MPAN},S,2025-03-01 00:00,100\n{MPAN},S,2025-03-02 00:00,124\n"
    report = bring(world, tmp_path / "r.csv", text, type="registers", unit=unit)
    assert report.kwh == pytest.approx(24 * factor)
    with pytest.raises(Invalid, match="furlong"):
        bring(world, tmp_path / "r.csv", text, type="registers", unit="furlong")
    assert Register.objects.get().unit == unit


@pytest.mark.django_db
def test_one_register_told_in_two_units_stays_one_register(world: World, tmp_path: Path) -> None:
    bring(world, tmp_path / "a.csv", f"{HEAD},unit\n{MPAN},S,2025-03-01 00:00,100,kWh\n", type="registers")
    bring(world, tmp_path / "b.csv", f"{HEAD},unit\n{MPAN},S,2025-03-02 00:00,0.124,MWh\n", type="registers")
    assert (Register.objects.count(), [value for value, _ in held(world.meter).values()]) == (1, [pytest.approx(24.0)])


@pytest.mark.django_db
def test_a_water_meter_in_litres_adds_to_its_own_unit(world: World, tmp_path: Path) -> None:
    meter = make_meter(world.site, "W1", utility="water", unit="m3")
    text = "meter,date,reading (litres)\nW1,2025-03-01,5000\nW1,2025-03-02,7400\n"
    bring(world, tmp_path / "w.csv", text, type="registers")
    assert [value for value, _ in held(meter).values()] == [pytest.approx(2.4)]
