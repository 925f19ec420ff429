"""D0010: records, both layouts of an 030, counts, reading types, local time, and the ways in which it can be broken."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from eclectyc.estate.models import Series
from eclectyc.kernel.quality import ACTUAL, DERIVED, ESTIMATED
from eclectyc.readers.blocks import LineError, RegisterBlock, UnreadableFile
from eclectyc.registers.models import RegisterRead
from tests.factories import World
from tests.intake.import_calls import bring, held
from tests.readers.formats.golden import golden
from tests.readers.formats.read_cells import cut_off, read_or_refused
from tests.readers.reading import Read, read_text

GOLDEN = golden()["reads.uff"].content
MPAN = "1200023305967"


def flow(*body: str, count: str = "", points: str = "") -> str:
    """A D0010 with these body lines; the counts of its foot are right unless they are told."""
    said = count or str(len(body)), points or str(sum(line.startswith("026") for line in body))
    head = "ZHV|F1|D0010002|D|UDMS|X|MRCY|20250402153151||||OPER|"
    return "\n".join([head, *body, f"ZPT|F1|{said[0]}||{said[1]}|20250402154650|"]) + "\n"


def point(*reads: str, kind: str = "R", status: str = "V", serial: str = "F75A 00802") -> list[str]:
    return [f"026|{MPAN}|{status}|", f"028|{serial}|{kind}|", *reads]


def record(moment: str = "20250301000000", value: str = "100.0", tail: str = "||T|N|", register: str = "S") -> str:
    return f"030|{register}|{moment}|{value}|{tail}"


def read(folder: Path, *body: str, **counts: str) -> Read:
    return read_text(folder, flow(*body, **counts), name="file.uff")


def faults(found: Read) -> list[LineError]:
    return [fault for block in found.blocks if isinstance(block, RegisterBlock) for fault in block.faults]


def test_each_record_is_a_read_of_a_register_of_a_device(tmp_path: Path) -> None:
    found = read_text(tmp_path, GOLDEN, name="reads.uff")
    assert (found.errors, faults(found), found.rows) == ([], [], 8)
    assert found.column("meter")[0] == MPAN
    assert found.column("serial")[0] == "F75A 00802", "a serial is kept as it is printed"
    assert found.column("register") == ["S", "S", "01", "02", "MD", "01", "02", "MD"]
    assert found.column("stamp")[1] == datetime(2025, 4, 1)
    assert found.column("value")[:2] == [56311.0, 57054.0]
    assert found.column("line")[:3] == [4, 5, 8]
    assert found.column("is_maximum") == [False, False, False, False, True, False, False, True]


@pytest.mark.parametrize(
    ("tail", "doubtful", "maximum"),
    [
        ("||T|N|", False, False), ("||F|N|", True, False), ("|||T|N|", False, False), ("||T|T|N|", False, False),
        ("|||F|N|", True, False), ("20250201000000|3|T|N|", False, True), ("20250201000000|3|T|T|N|", False, True),
        ("20250201000000|3|F|T|P|", False, True), ("|0|T|N|", False, False), ("| |T|N| | |", False, False),
    ],
)  # fmt: skip
def test_both_layouts_of_a_record_are_told_apart(tmp_path: Path, tail: str, doubtful: bool, maximum: bool) -> None:
    found = read(tmp_path, *point(record(tail=tail)))
    assert found.errors == []
    assert (found.column("is_doubtful"), found.column("is_maximum")) == ([doubtful], [maximum])


@pytest.mark.parametrize(("kind", "quality"), [("R", ACTUAL), ("C", ACTUAL), ("A", ACTUAL), ("D", ESTIMATED), ("O", 2)])
def test_reading_types_are_actual_or_estimated(tmp_path: Path, kind: str, quality: int) -> None:
    assert read(tmp_path, *point(record(), kind=kind)).column("quality") == [quality]


def test_withdrawn_reads_are_not_stored_and_failed_ones_are_doubtful(tmp_path: Path) -> None:
    found = read(tmp_path, *point(record(), kind="W"), *point(record(), status="F"))
    assert (found.rows, found.column("is_doubtful")) == (2, [True])
    assert any("Withdrawn (type W): 1 line (the first is line 4)" in text for text in found.recognition.warnings)
    assert any("Failed validation: 1 line (the first is line 7)" in text for text in found.recognition.warnings)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (point(record(), kind="X"), "'X' is not a known reading type"),
        (point(record(moment="20250231000000")), "There is no date '20250231'."),
        (point(record(moment="")), "There is no moment."),
        (point(record(value="1O0")), "'1O0' is not a number"),
        (point(record(value="")), "There is no reading."),
        (point("030|S|20250301000000|100"), "has 4 fields"),
        ([record()], "no MPAN above it"),
        ([f"026|{MPAN}|V|", record()], "no serial above it"),
        ([*point(), "026|1000000000040|V|", record()], "no serial above it"),
    ],
)
def test_a_record_that_cannot_be_taken_says_why(tmp_path: Path, body: list[str], reason: str) -> None:
    found = read(tmp_path, *body)
    assert found.rows == 0
    assert reason in found.errors[0].reason
    assert found.errors[0].remedy
    assert found.lines == [1 + len(body)]


def test_the_counts_of_the_foot_are_checked(tmp_path: Path) -> None:
    assert [f.reason for f in faults(read(tmp_path, *point(record()), count="4", points="2"))] == [
        "The ZPT line counts 4 lines; the file has 3.",
        "The ZPT line counts 2 metering points; the file has 1.",
    ]
    whole = flow(*point(record()))
    assert "no ZPT line" in faults(read_text(tmp_path, whole[: whole.index("ZPT")], name="cut.uff"))[0].reason
    twice = read_text(tmp_path, whole + whole, name="twice.uff")
    assert (faults(twice), twice.rows) == ([], 2)


def test_other_flows_and_stray_lines_are_refused_or_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="begins another flow"):
        read_text(tmp_path, flow(*point(record())) + flow().replace("D0010002", "D0036001"), name="two.uff")
    with pytest.raises(UnreadableFile, match="no ZHV line"):
        read_text(tmp_path, "\n".join(point(record())) + "\n", name="headless.uff")
    assert "is not a D0010 record" in faults(read(tmp_path, *point(record()), "031|x|"))[0].reason


def test_a_file_cut_off_anywhere_gives_only_reads_that_are_whole(tmp_path: Path) -> None:
    whole = set(read_text(tmp_path, GOLDEN, name="whole.uff").frame.select("line", "value").rows())
    for content in cut_off(GOLDEN, len(GOLDEN) - 60, every=7):
        found = read_or_refused(tmp_path, content, name="cut.uff")
        if found is not None and found.blocks:
            assert set(found.frame.select("line", "value").rows()) <= whole
            assert faults(found) or found.errors or b"ZPT|" in content, "a file without its foot is told"


@pytest.mark.parametrize("junk", [b"\0", b"026|" + b"9" * 400, b"|" * 5000, b"030|=1+1|x|y|", b"\xff\xfe"])
def test_hostile_lines_are_named_or_the_file_is_refused(tmp_path: Path, junk: bytes) -> None:
    found = read_or_refused(tmp_path, GOLDEN.replace(b"ZPT", junk + b"\r\nZPT"), name="hostile.uff")
    assert found is None or found.errors or faults(found) or found.rows == 8


@pytest.mark.django_db
@pytest.mark.parametrize(("first", "hours"), [(date(2025, 3, 29), [24, 23, 24]), (date(2025, 10, 25), [24, 25, 24])])
def test_reads_are_in_local_time_on_both_clock_change_days(
    world: World, tmp_path: Path, first: date, hours: list[int]
) -> None:
    moments = [f"{first:%Y%m%d}000000", f"{first + timedelta(days=3):%Y%m%d}000000"]
    text = flow(*point(record(moments[0], "1000"), record(moments[1], str(1000 + sum(hours)))))
    report = bring(world, tmp_path / "clock.uff", text)
    assert (report.errors, report.rows, report.reads, report.readings) == ([], 2, 2, 3)
    assert report.kwh == pytest.approx(sum(hours))
    days = [slot for _, slot in sorted(held(world.meter).items())]
    assert days == [(pytest.approx(float(h)), DERIVED) for h in hours]


@pytest.mark.django_db
def test_one_read_gives_no_use_yet_and_its_register_is_named(world: World, tmp_path: Path) -> None:
    report = bring(world, tmp_path / "one.uff", flow(*point(record())))
    assert (report.exit_code, report.rows, report.accepted, report.readings) == (0, 1, 1, 0)
    (series,) = report.series
    assert (series.meter, series.register, series.serial, series.readings) == (MPAN, "S", "F75A 00802", 0)
    assert series.first == series.last == "2025-03-01T00:00:00+00:00"
    assert Series.objects.filter(meter=world.meter).count() == 1
    bring(world, tmp_path / "two.uff", flow(*point(record("20250303000000", "148"))))
    assert [value for value, _ in held(world.meter).values()] == [pytest.approx(24.0)] * 2


@pytest.mark.django_db
def test_a_failed_read_is_kept_and_gives_no_use(world: World, tmp_path: Path) -> None:
    reads = [record(), record("20250302000000", "999", tail="||F|N|"), record("20250303000000", "148")]
    report = bring(world, tmp_path / "failed.uff", flow(*point(*reads)))
    assert [value for value, _ in held(world.meter).values()] == [pytest.approx(24.0)] * 2
    assert RegisterRead.objects.filter(is_doubtful=True).count() == 1
    assert any("Failed validation: 1 line" in text for text in report.warnings)
    assert report.exit_code == 0


@pytest.mark.django_db
def test_a_wrong_count_is_an_error_and_what_is_there_goes_in(world: World, tmp_path: Path) -> None:
    text = flow(*point(record(), record("20250302000000", "124")), count="9")
    report = bring(world, tmp_path / "short.uff", text)
    assert (report.exit_code, report.rows, report.accepted, report.readings) == (1, 2, 2, 1)
    assert "counts 9 lines; the file has 4" in report.errors[0].reason
    assert report.errors[0].line == 6


@pytest.mark.django_db
def test_a_read_in_the_hour_that_the_clocks_repeat_is_told_by_its_level(world: World, tmp_path: Path) -> None:
    moments = [("20251026003000", "10"), ("20251026013000", "13"), ("20251026013000", "11"), ("20251026020000", "14")]
    bring(world, tmp_path / "autumn.uff", flow(*point(*(record(m, v) for m, v in moments))))
    at = RegisterRead.objects.order_by("at_s").values_list("at_s", "value")
    first = datetime(2025, 10, 25, 23, 30, tzinfo=UTC)
    gone = [
        (int((first + timedelta(hours=h)).timestamp()), v) for h, v in ((0, 10.0), (1, 11.0), (2, 13.0), (2.5, 14.0))
    ]
    assert list(at) == gone


def test_the_reader_holds_columns_not_rows(tmp_path: Path) -> None:
    body = [line for n in range(2000) for line in point(record(value=f"{n}.5"), serial=f"S{n}")]
    found = read_text(tmp_path, flow(*body), name="big.uff", block_bytes=1 << 15)
    assert len(found.blocks) > 1
    assert found.frame.select(pl.col("value").sum()).item() == sum(n + 0.5 for n in range(2000))
    assert (found.frame["serial"].n_unique(), found.errors, faults(found)) == (2000, [], [])
