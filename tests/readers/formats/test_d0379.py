"""D0379: half-hours in order under a day in UTC."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.files import raw_file
from tests.factories import World
from tests.intake.import_calls import bring, held, starts_of, truth_of, values_of
from tests.readers.formats.golden import golden
from tests.readers.formats.read_cells import cells_of, cut_off, read_or_refused
from tests.readers.reading import Read, read_text

MPAN = "1200023305967"  # the meter of everybody's world
GOLDEN = golden()["d0379.txt"].content
METER, DAY = f"25B|{MPAN}|AI|SUPP|", "26B|20240601|"


def advances(values: Sequence[object] = ("1.5",) * 48, flag: str = "A") -> list[str]:
    return [f"66L|{flag}|{value}|" for value in values]


def d0379(*lines: str) -> str:
    header = "ZHV|1719878400|D0379001|X|SUPP|C|UDMS|20240602030405||||OPER|"
    return "\n".join([header, *lines, "ZPT|1719878400|49||1|20240602030405|"]) + "\n"


def read(folder: Path, *lines: str) -> Read:
    return read_text(folder, d0379(*lines), name="file.txt")


@pytest.mark.parametrize(
    ("code", "quantity", "unit"),
    [
        ("AI", "import", "kWh"), ("AE", "export", "kWh"), ("RI", "reactive_import", "kVArh"),
        ("RE", "reactive_export", "kVArh"),
    ],
)  # fmt: skip
def test_48_advances_under_a_day_are_its_half_hours(tmp_path: Path, code: str, quantity: str, unit: str) -> None:
    found = read(tmp_path, f"25B|{MPAN}|{code}|SUPP|", DAY, *advances([k / 10 for k in range(48)]))
    assert (found.recognition.format, found.recognition.timezone, found.errors, found.rows) == ("d0379", "UTC", [], 48)
    assert (found.column("meter"), found.column("quantity"), found.column("unit")) == ([MPAN], [quantity], [unit])
    assert found.column("day") == [date(2024, 6, 1)]
    assert found.values[0].tolist() == [k / 10 for k in range(48)]


def test_flags_are_qualities_and_a_blank_value_is_missing(tmp_path: Path) -> None:
    lines = advances()
    lines[3], lines[4], lines[5] = "66L|E|2|", "66L|A||", "66L||2|"
    found = read(tmp_path, METER, DAY, *lines)
    assert (found.errors, found.rows) == ([], 48)
    assert found.quality[0, 2:6].tolist() == [1, 2, 0, 1]
    assert np.flatnonzero(np.isnan(found.values[0])).tolist() == [4]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("66L|X|1|", "'X' is not a known flag"), ("66L|A|=1+1|", "'=1+1' is"), ("66L|A|nan|", "not a number"),
        ("66L|A|1e300|", "larger than any reading"), ("66L|A|1", "cut off"), ("66L|A|1|2|", "more than a flag"),
        ("66L|", "cut off"),
    ],
)  # fmt: skip
def test_an_advance_that_makes_no_sense_leaves_its_half_hour_empty(tmp_path: Path, bad: str, reason: str) -> None:
    lines = advances()
    lines[10] = bad
    found = read(tmp_path, METER, DAY, *lines)
    assert (found.lines, found.rows) == ([14], 47)
    assert reason in found.errors[0].reason
    assert np.flatnonzero(np.isnan(found.values[0])).tolist() == [10]


@pytest.mark.parametrize(
    ("head", "count", "reason"),
    [
        ([METER, DAY], 47, "has 47 half-hours"),
        ([METER, DAY], 49, "has 49 half-hours"),
        ([METER, DAY], 50, "has 50 half-hours"),
        ([METER, "26B|20240231|"], 48, "no valid date"),
        ([METER, "26B||"], 48, "no valid date"),
        ([METER, "26B|"], 48, "no valid date"),
        ([DAY], 48, "No 25B record"),
        ([METER], 48, "No 26B record"),
        ([], 48, "No 26B record"),
        ([f"25B|{MPAN}|XX|SUPP|", DAY], 48, "unknown quantity: 'XX'"),
        ([f"25B|{MPAN}", DAY], 48, "cut off"),
        (["25B||AI|SUPP|", DAY], 48, "names no meter"),
        (["25B|1.20E+12|AI|SUPP|", DAY], 48, "names no meter"),
    ],
)
def test_a_day_that_cannot_be_placed_is_rejected_line_by_line_and_no_other(
    tmp_path: Path, head: list[str], count: int, reason: str
) -> None:
    good = [METER, "26B|20240605|", *advances()]
    found = read(tmp_path, *head, *advances(["1"] * count), *good)
    assert found.lines == [len(head) + 2 + n for n in range(count)]
    assert all(reason in error.reason and error.remedy for error in found.errors)
    assert (found.rows, found.column("day")) == (48, [date(2024, 6, 5)])


def test_records_that_nobody_knows_are_reported(tmp_path: Path) -> None:
    found = read(tmp_path, METER, DAY, *advances(), "99X|what|")
    assert (found.lines, found.rows) == ([52], 48)
    assert "99X|what|" in found.errors[0].reason


def test_a_file_without_a_header_is_known_by_its_records(tmp_path: Path) -> None:
    found = read_text(tmp_path, "\n".join([METER, DAY, *advances()]) + "\n")
    assert (found.recognition.format, found.rows, found.errors) == ("d0379", 48, [])
    assert "ZPT" in found.recognition.warnings[0]


@pytest.mark.parametrize("header", ["ZHV|1|D0010002|X|S|C|U|20240602030405||||OPER|", "25B|1|AI|S|\n25B|2|AI|S|"])
def test_another_flow_is_not_taken_for_it(tmp_path: Path, header: str) -> None:
    with pytest.raises(UnreadableFile):
        read_text(tmp_path, header + "\n" + "\n".join([METER, DAY, *advances()]) + "\n", "d0379")


@pytest.mark.parametrize("block_bytes", [300, 1 << 20])
@pytest.mark.parametrize(
    "changed",
    [
        lambda text: text, lambda text: text.replace(b"\n", b"\r\n"), lambda text: text.decode().encode("utf-16"),
        gzip.compress, lambda text: b"\xef\xbb\xbf" + text, lambda text: b"\n" + text.replace(b"\n", b"\n\n"),
        lambda text: text.replace(b"|0.125|", b"| 0.125 |"),
    ],
)  # fmt: skip
def test_encodings_line_ends_and_blocks_change_nothing(tmp_path: Path, changed, block_bytes: int) -> None:
    found = read_text(tmp_path, changed(GOLDEN), name="file.txt", block_bytes=block_bytes)
    assert (found.errors, found.rows, found.recognition.warnings) == ([], 144, [])
    assert cells_of(found) == cells_of(read_text(tmp_path, GOLDEN))


def test_a_file_cut_off_anywhere_says_nothing_that_the_whole_does_not(tmp_path: Path) -> None:
    truth = cells_of(read_text(tmp_path, GOLDEN))
    for part in (*cut_off(GOLDEN, 60), *cut_off(GOLDEN, 1500, every=37)):
        found = read_or_refused(tmp_path, part)
        if found is not None:
            assert cells_of(found).items() <= truth.items()
            assert found.recognition.warnings or len(cells_of(found)) == len(truth)


@pytest.mark.parametrize(
    "content",
    [GOLDEN + b"\0", GOLDEN + b"66L|" * (1 << 19), gzip.compress(GOLDEN + b"\n" * (8 << 20))],
    ids=["zero bytes", "endless line", "gzip bomb"],
)
def test_what_is_out_of_all_bounds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(raw_file, "RATIO_FROM_BYTES", 1 << 20)
    assert read_or_refused(tmp_path, content) is None


def test_a_day_without_end_is_not_kept_waiting_for(tmp_path: Path) -> None:
    found = read(tmp_path, METER, DAY, *["66L|A|1|"] * 300_000)
    assert (found.rows, len(found.errors)) == (0, 300_000)


@pytest.mark.django_db
@pytest.mark.parametrize("change", [date(2025, 3, 30), date(2025, 10, 26)])
def test_utc_days_find_their_slots_on_change_days(world: World, tmp_path: Path, change: date) -> None:
    truth = truth_of(starts_of([change + timedelta(days=n) for n in (-1, 0, 1)], "Europe/London"))
    days = sorted({start.date() for start in truth})
    lines = [METER]
    for day in days:
        starts = [datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=30 * k) for k in range(48)]
        lines += [f"26B|{day:%Y%m%d}|", *advances([truth.get(start, "") for start in starts])]
    report = bring(world, tmp_path / "a.txt", d0379(*lines))
    assert (report.errors, report.timezone, report.rows) == ([], "UTC", 48 * len(days))
    assert values_of(held(world.meter)) == truth


@pytest.mark.django_db
def test_an_unknown_unit_is_refused_and_a_known_one_holds(world: World, tmp_path: Path) -> None:
    from eclectyc.kernel.errors import Invalid

    text = d0379(METER, DAY, *advances(["1500"] * 48))
    with pytest.raises(Invalid, match="furlongs"):
        bring(world, tmp_path / "a.txt", text, unit="furlongs")
    bring(world, tmp_path / "a.txt", text, unit="Wh")
    assert set(values_of(held(world.meter)).values()) == {1.5}
