"""NEM13: 250 rows, suffixes, qualities, market time, the check quantity, and the ways in which it can be broken."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from eclectyc.kernel.quality import ACTUAL, DERIVED, ESTIMATED
from eclectyc.readers.blocks import RegisterBlock, UnreadableFile
from tests.factories import World, make_meter, make_site
from tests.intake.import_calls import bring, held
from tests.readers.formats.golden import golden
from tests.readers.formats.read_cells import cut_off, read_or_refused
from tests.readers.reading import Read, read_text

GOLDEN = golden()["nem13.csv"].content
NMI = "NEM1300001"


def row(**changed: str) -> str:
    """A 250 row: 1,000 kWh in January."""
    cells = {
        "code": "250", "nmi": NMI, "configuration": "E1", "register": "1", "suffix": "E1", "stream": "N1",
        "serial": "METSER 1", "direction": "E", "previous": "4120", "previous_at": "20250101000000",
        "previous_quality": "A", "r1": "", "d1": "", "current": "5120", "current_at": "20250201000000",
        "current_quality": "A", "r2": "", "d2": "", "quantity": "1000", "unit": "kWh", "next": "", "updated": "",
        "loaded": "",
    }  # fmt: skip
    return ",".join((cells | changed).values())


def nem13(*rows: str) -> str:
    return "\n".join(["100,NEM13,202502010000,MDP1,RET1", *rows, "900"]) + "\n"


def read(folder: Path, *rows: str) -> Read:
    return read_text(folder, nem13(*rows))


def test_a_row_is_two_reads_of_a_register(tmp_path: Path) -> None:
    found = read(tmp_path, row())
    assert (found.errors, found.rows, found.column("value")) == ([], 1, [4120.0, 5120.0])
    assert found.column("stamp") == [datetime(2025, 1, 1), datetime(2025, 2, 1)]
    assert (found.column("meter"), found.column("register")) == ([NMI] * 2, ["E1"] * 2)
    assert (found.column("serial"), found.column("line")) == (["METSER 1"] * 2, [2, 2])
    assert found.recognition.timezone == "UTC+10:00"


@pytest.mark.parametrize(
    ("suffix", "unit", "quantity"),
    [
        ("E1", "kWh", "import"),
        ("B1", "MWH", "export"),
        ("Q1", "kVArh", "reactive_import"),
        ("K2", "kvarh", "reactive_export"),
    ],
)
def test_a_suffix_is_a_quantity_and_a_register(tmp_path: Path, suffix: str, unit: str, quantity: str) -> None:
    found = read(tmp_path, row(suffix=suffix, unit=unit))
    assert (found.errors, found.column("quantity")) == ([], [quantity] * 2)
    assert found.column("register") == [suffix] * 2


def test_qualities_are_of_each_read(tmp_path: Path) -> None:
    found = read(tmp_path, row(previous_quality="S14", current_quality="A"), row(previous_quality="N", previous=""))
    assert found.errors == []
    assert found.column("quality") == [ESTIMATED, ACTUAL, ACTUAL]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"nmi": "123"}, "'123' is not an NMI"),
        ({"suffix": "X9"}, "suffix 'X9' is unknown"),
        ({"unit": "m3"}, "does not go with the suffix E1"),
        ({"unit": ""}, "does not go with the suffix E1"),
        ({"current": ""}, "There is no current read."),
        ({"current": "many"}, "'many' is not a number"),
        ({"current_at": "20250231000000"}, "There is no date"),
        ({"current_at": ""}, "The read has no date and time."),
        ({"current_quality": "Z"}, "'Z' is not a known quality"),
    ],
)
def test_a_row_that_cannot_be_taken_says_why(tmp_path: Path, changed: dict[str, str], reason: str) -> None:
    found = read(tmp_path, row(), row(**changed))
    assert (found.rows, found.lines) == (1, [3])
    assert reason in found.errors[0].reason
    assert found.errors[0].remedy


def test_a_quantity_that_is_not_the_difference_is_told(tmp_path: Path) -> None:
    found = read(tmp_path, row(), row(quantity="40000"))
    assert any(
        "not the difference of the two reads: 1 line (the first is line 3)" in t for t in found.recognition.warnings
    )


def test_a_file_without_head_or_end_is_refused_or_told(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no 100 row"):
        read_text(tmp_path, row() + "\n900\n")
    with pytest.raises(UnreadableFile, match="another kind of file"):
        read_text(tmp_path, nem13(row(), "100,NEM12,202502010000,MDP1,RET1"))
    assert "may be cut off" in read_text(tmp_path, nem13(row()).removesuffix("900\n")).recognition.warnings[0]
    short = read(tmp_path, row().rsplit(",", 5)[0])
    assert "18 fields" in short.errors[0].reason


def test_a_file_cut_off_anywhere_gives_only_reads_that_are_whole(tmp_path: Path) -> None:
    whole = set(read_text(tmp_path, GOLDEN).frame.select("line", "value").rows())
    for content in cut_off(GOLDEN, len(GOLDEN) - 30, every=5):
        found = read_or_refused(tmp_path, content)
        if found is not None and found.blocks:
            assert set(found.frame.select("line", "value").rows()) <= whole


@pytest.mark.parametrize("junk", ["\0", "250", "250" + "," * 5000, "251,x", "=1+1,x", "250," + "9" * 3000])
def test_hostile_lines_are_named_or_the_file_is_refused(tmp_path: Path, junk: str) -> None:
    found = read_or_refused(tmp_path, nem13(row(), junk).encode())
    faults = [f for block in found.blocks if isinstance(block, RegisterBlock) for f in block.faults] if found else []
    assert found is None or found.errors or faults


@pytest.mark.django_db
def test_reads_are_on_market_time_and_registers_are_summed(world: World, tmp_path: Path) -> None:
    site = make_site(world.org, "Brisbane", timezone="Australia/Brisbane")
    meter = make_meter(site, NMI)
    report = bring(world, tmp_path / "nem13.csv", GOLDEN.decode())
    assert (report.errors, report.rows, report.timezone, report.kwh) == ([], 2, "UTC+10:00", pytest.approx(1062))
    assert {series.register for series in report.series} == {"E1", "E2"}
    days = held(meter)
    assert len(days) == 31, "a month of market time is a month of Brisbane's"
    assert [value for value, _ in days.values()] == [pytest.approx(1062 / 31)] * 31
    assert {quality for _, quality in days.values()} == {DERIVED}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("first", "last", "hours"),
    [(date(2025, 4, 5), date(2025, 4, 8), [24, 25, 24]), (date(2025, 10, 4), date(2025, 10, 7), [24, 23, 24])],
)
def test_sydneys_clock_changes_have_their_hours(
    world: World, tmp_path: Path, first: date, last: date, hours: list[int]
) -> None:
    site = make_site(world.org, "Sydney", timezone="Australia/Sydney")
    meter = make_meter(site, NMI)
    summer_first, summer_last = (first.month == 4), (first.month == 10)
    before = datetime(first.year, first.month, first.day - summer_first, 23 if summer_first else 0)
    after = datetime(last.year, last.month, last.day - summer_last, 23 if summer_last else 0)
    text = nem13(row(previous="0", previous_at=f"{before:%Y%m%d%H%M%S}", current=str(sum(hours)),
                     current_at=f"{after:%Y%m%d%H%M%S}", quantity=str(sum(hours))))  # fmt: skip
    assert bring(world, tmp_path / "nem13.csv", text).errors == []
    assert [value for value, _ in held(meter).values()] == [pytest.approx(float(h)) for h in hours]
