"""Stark DF2: outstations, sensors, and stamps that mark period ends in UTC."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.files import raw_file
from tests.factories import World, make_meter
from tests.intake.import_calls import bring, held, starts_of, truth_of, values_of
from tests.readers.formats.golden import golden
from tests.readers.formats.read_cells import cells_of, cut_off, read_or_refused
from tests.readers.reading import Read, read_text

MPAN, OTHER = "1200023305967", "2248274887874"  # the first is the meter of everybody's world
GOLDEN = golden()["stark.df2"].content
ROW = "01/06/2024,00:30,1.5,A"


def read(folder: Path, *lines: str) -> Read:
    return read_text(folder, "\n".join(["#F2", *lines]) + "\n", name="file.df2")


@pytest.mark.parametrize(
    ("sensor", "quantity", "unit"),
    [
        ("1", None, "kWh"), ("2", None, "kWh"), ("3", "reactive_import", "kVArh"), ("4", "reactive_export", "kVArh"),
        ("01", None, "kWh"), (" 3 ", "reactive_import", "kVArh"),
    ],
)  # fmt: skip
def test_a_sensor_is_a_quantity(tmp_path: Path, sensor: str, quantity: str | None, unit: str) -> None:
    found = read(tmp_path, f"#O {MPAN}-2", f"#S {sensor}", ROW)
    assert (found.recognition.format, found.recognition.timezone, found.recognition.stamps) == (
        "Stark DF2",
        "UTC",
        "end",
    )
    assert (found.errors, found.column("meter")) == ([], [MPAN])
    assert (found.column("quantity"), found.column("unit"), found.column("value")) == ([quantity], [unit], [1.5])
    assert found.column("stamp") == [datetime(2024, 6, 1, 0, 30)]


@pytest.mark.parametrize(("flag", "quality"), [("A", 1), ("E", 2), ("e", 2), ("Actual", 1), ("Estimated", 2)])
def test_a_flag_is_a_quality(tmp_path: Path, flag: str, quality: int) -> None:
    assert read(tmp_path, f"#O {MPAN}", "#S 1", f"01/06/2024,00:30,1.5,{flag}").column("quality") == [quality]


def test_an_outstation_named_in_any_print_is_the_same_meter(tmp_path: Path) -> None:
    spellings = [f"#O {MPAN}", f"#o{MPAN}", "#O 12 0002 3305 967", f"#O 00801100{MPAN}-A1", f"#O {MPAN},,"]
    lines = [line for n, named in enumerate(spellings) for line in (named, "#S 1", f"0{n + 1}/06/2024,00:30,1,A")]
    assert read(tmp_path, *lines).column("meter") == [MPAN] * len(spellings)


@pytest.mark.parametrize(
    ("lines", "rejected", "reason"),
    [
        ([ROW], [2], "No #O line"),
        (["#S 1", ROW], [3], "No #O line"),
        ([f"#O {MPAN}", ROW], [3], "No #S line"),
        ([f"#O {MPAN}", "#S 1", ROW, f"#O {OTHER}", ROW], [6], "No #S line"),
        ([f"#O {MPAN}", "#S 5", ROW], [4], "not one of 1 to 4"),
        ([f"#O {MPAN}", "#S one", ROW], [4], "not one of 1 to 4"),
        (["#O", "#S 1", ROW], [4], "names no meter"),
        (["#O 1.20E+12", "#S 1", ROW], [4], "names no meter"),
        ([f"#O {MPAN}", "#S 1", "01/06/2024,00:30,1.5"], [4], "has 3 fields"),
        ([f"#O {MPAN}", "#S 1", ROW + ",x"], [4], "has 5 fields"),
        ([f"#O {MPAN}", "#S 1", "01/06/2024,00:30,1.5,"], [4], "no flag"),
        ([f"#O {MPAN}", "#S 1", "01/06/2024,00:30,1.5, "], [4], "no flag"),
        ([f"#O {MPAN}", "#S 1", "01/06/2024,00:30,1.5,X"], [4], "'X' is not a known flag"),
        ([f"#O {MPAN}", "#S 1", "31/06/2024,00:30,1.5,A"], [4], "31/06/2024"),
        ([f"#O {MPAN}", "#S 1", "01/06/2024,25:30,1.5,A"], [4], "25:30"),
        ([f"#O {MPAN}", "#S 1", "01/06/2024,,1.5,A"], [4], "no time"),
        ([f"#O {MPAN}", "#S 1", "01/06/2024,00:30,=1+1,A"], [4], "'=1+1' is"),
        ([f"#O {MPAN}", "#S 1", "01/06/2024,00:30,inf,A"], [4], "not a number"),
        ([f"#O {MPAN}", "#S 1", "something"], [4], "has 1 field"),
    ],
)
def test_a_line_that_makes_no_sense_is_rejected_where_it_stands(
    tmp_path: Path, lines: list[str], rejected: list[int], reason: str
) -> None:
    found = read(tmp_path, *lines)
    assert found.lines == rejected
    assert all(reason in error.reason and error.remedy for error in found.errors)


def test_both_active_sensors_of_a_meter_are_pointed_out(tmp_path: Path) -> None:
    lines = [f"#O {MPAN}", "#S 1", ROW, "#S 2", ROW]
    assert MPAN in read(tmp_path, *lines).recognition.warnings[0]
    assert read(tmp_path, *lines[:3], f"#O {OTHER}", "#S 2", ROW).recognition.warnings == []


@pytest.mark.parametrize("block_bytes", [60, 1 << 20])
@pytest.mark.parametrize(
    "changed",
    [
        lambda text: text, lambda text: text.replace(b"\n", b"\r\n"), lambda text: text.decode().encode("utf-16"),
        gzip.compress, lambda text: b"\xef\xbb\xbf" + text, lambda text: b"\n \n" + text.replace(b"\n", b"\n\n"),
        lambda text: text.replace(b",0.5,", b", 0.5 ,"),
    ],
)  # fmt: skip
def test_encodings_line_ends_and_blocks_change_nothing(tmp_path: Path, changed, block_bytes: int) -> None:
    found = read_text(tmp_path, changed(GOLDEN), name="file.df2", block_bytes=block_bytes)
    assert (found.errors, found.rows, cells_of(found)) == ([], 96, cells_of(read_text(tmp_path, GOLDEN)))


def test_a_file_cut_off_anywhere_says_nothing_that_the_whole_does_not(tmp_path: Path) -> None:
    truth = cells_of(read_text(tmp_path, GOLDEN))
    for part in (*cut_off(GOLDEN, 60), *cut_off(GOLDEN, 1500, every=37)):
        found = read_or_refused(tmp_path, part)
        if found is not None:
            assert cells_of(found).items() <= truth.items()


@pytest.mark.parametrize("text", ["#F1\n", "x\n#F2\n"])
def test_a_file_that_does_not_begin_with_f2_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnreadableFile):
        read_text(tmp_path, text + f"#O {MPAN}\n#S 1\n{ROW}\n", "stark")


@pytest.mark.parametrize(
    "content",
    [GOLDEN + b"\0", GOLDEN + b"#" * (2 << 20), gzip.compress(GOLDEN + b"\n" * (8 << 20))],
    ids=["zero bytes", "endless line", "gzip bomb"],
)
def test_what_is_out_of_all_bounds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(raw_file, "RATIO_FROM_BYTES", 1 << 20)
    assert read_or_refused(tmp_path, content) is None


@pytest.mark.django_db
@pytest.mark.parametrize("midnight", ["00:00", "24:00"])
@pytest.mark.parametrize("change", [date(2025, 3, 30), date(2025, 10, 26)])
def test_ends_in_utc_find_their_slots_on_change_days(world: World, tmp_path: Path, change: date, midnight: str) -> None:
    truth = truth_of(starts_of([change + timedelta(days=n) for n in (-1, 0, 1)], "Europe/London"))
    lines = ["#F2", f"#O {MPAN}", "#S 1"]
    for start, value in truth.items():
        end = start.astimezone(UTC) + timedelta(minutes=30)
        printed = f"{end:%d/%m/%Y,%H:%M}"
        if (end.hour, end.minute, midnight) == (0, 0, "24:00"):
            printed = f"{end - timedelta(days=1):%d/%m/%Y},24:00"
        lines.append(f"{printed},{value:.3f},A")
    report = bring(world, tmp_path / "a.df2", "\n".join(lines) + "\n")
    assert (report.errors, report.timezone, report.stamps, report.sure) == ([], "UTC", "end", 1.0)
    assert values_of(held(world.meter)) == truth


@pytest.mark.django_db
def test_a_single_reading_is_a_half_hour_and_goes_where_its_meter_points(world: World, tmp_path: Path) -> None:
    exports = make_meter(world.site, OTHER, direction="export")
    lines = [f"#O {MPAN}", "#S 1", ROW, f"#O {OTHER}", "#S 2", ROW]
    report = bring(world, tmp_path / "a.df2", "\n".join(["#F2", *lines]) + "\n")
    assert [(one.meter, one.quantity, one.step) for one in report.series] == [
        (MPAN, "import", 30), (OTHER, "export", 30)
    ]  # fmt: skip
    assert list(held(world.meter)) == list(held(exports, "export")) == [datetime(2024, 6, 1, 0, 0, tzinfo=UTC)]


@pytest.mark.django_db
def test_an_unknown_unit_is_refused_before_anything_is_read(world: World, tmp_path: Path) -> None:
    from eclectyc.kernel.errors import Invalid

    with pytest.raises(Invalid, match="furlongs"):
        bring(world, tmp_path / "a.df2", f"#F2\n#O {MPAN}\n#S 1\n{ROW}\n", unit="furlongs")
