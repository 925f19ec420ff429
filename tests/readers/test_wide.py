"""Wide files: one day a line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from eclectyc.readers.blocks import DayBlock, UnreadableFile
from tests.readers.reading import Read, read_text


def clock(minutes: int, text: str = "{h:02}:{m:02}") -> str:
    return text.format(h=minutes // 60, m=minutes % 60)


SPELLINGS = {
    "HH01": [f"HH{n:02}" for n in range(1, 49)],
    "HH1": [f"HH{n}" for n in range(1, 49)],
    "hh_1": [f"hh_{n}" for n in range(1, 49)],
    "P1": [f"P{n}" for n in range(1, 49)],
    "Period 1": [f"Period {n}" for n in range(1, 49)],
    "SP01": [f"SP{n:02}" for n in range(1, 49)],
    "1": [str(n) for n in range(1, 49)],
    "01": [f"{n:02}" for n in range(1, 49)],
    "HH01 (kWh)": [f"HH{n:02} (kWh)" for n in range(1, 49)],
    "kWh_1": [f"kWh_{n}" for n in range(1, 49)],
    "46": [f"HH{n:02}" for n in range(1, 47)],
    "50": [f"HH{n:02}" for n in range(1, 51)],
    "P50": [f"P{n}" for n in range(1, 51)],
    "00:00": [clock(n * 30) for n in range(48)],
    "0:00": [clock(n * 30, "{h}:{m:02}") for n in range(48)],
    "00:00:00": [clock(n * 30) + ":00" for n in range(48)],
    "0000": [clock(n * 30, "{h:02}{m:02}") for n in range(48)],
    "00:30": [clock(n * 30 + 30) for n in range(48)],
    "00:30-00:00": [clock((n * 30 + 30) % 1440) for n in range(48)],
    "00:00 - 00:30": [f"{clock(n * 30)} - {clock(n * 30 + 30)}" for n in range(48)],
    "00:00-24:30": [clock(n * 30) for n in range(50)],
    "00:30-25:00": [clock(n * 30 + 30) for n in range(50)],
    "spring clock": [clock(n * 30) for n in range(48) if n not in (2, 3)],
    "hourly": [clock(n * 60) for n in range(24)],
    "quarters": [clock(n * 15) for n in range(96)],
}
PLACED_BY_CLOCK = {"00:00", "0:00", "00:00:00", "0000", "00:30", "00:30-00:00", "00:00 - 00:30", "spring clock",
                   "hourly", "quarters"}  # fmt: skip
ENDING = {"00:30", "00:30-00:00", "00:30-25:00"}


def wide(names: list[str], *lines: list[object], before: str = "mpan,date", delimiter: str = ",") -> str:
    header = delimiter.join([*before.split(","), *names])
    return "\n".join([header, *(delimiter.join(map(str, line)) for line in lines)]) + "\n"


def block(read: Read) -> DayBlock:
    [one] = read.blocks
    assert isinstance(one, DayBlock)
    return one


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_the_slots_is_understood(tmp_path: Path, spelling: str) -> None:
    names = SPELLINGS[spelling]
    numbers = [n + 0.5 for n in range(len(names))]
    read = read_text(tmp_path, wide(names, ["A", "01/02/2024", *numbers]))
    one = block(read)
    assert (read.recognition.format, read.errors, one.rows) == ("wide", [], 1)
    assert one.placing == ("clock" if spelling in PLACED_BY_CLOCK else "position")
    assert one.step == {"hourly": 60, "quarters": 15}.get(spelling, 30)
    assert read.recognition.stamps == ("end" if spelling in ENDING else "start")
    if spelling == "spring clock":
        assert np.isnan(one.values[0, 2:4]).all()
        numbers[2:2] = [np.nan, np.nan]
    assert np.array_equal(one.values[0], numbers, equal_nan=True)
    assert one.frame["day"].to_list() == [date(2024, 2, 1)]
    assert one.frame.columns == ["line", "meter", "quantity", "unit", "day"]
    assert one.values.dtype == np.float64
    assert one.quality.dtype == np.int8


def test_columns_in_another_order_still_go_to_their_slots(tmp_path: Path) -> None:
    names = SPELLINGS["HH01"][::-1]
    one = block(read_text(tmp_path, wide(names, ["A", "01/02/2024", *range(48)])))
    assert one.values[0].tolist() == list(range(47, -1, -1))


def test_a_heading_names_the_unit_of_all(tmp_path: Path) -> None:
    one = block(read_text(tmp_path, wide(SPELLINGS["HH01 (kWh)"], ["A", "01/02/2024", *range(48)])))
    assert one.frame["unit"].to_list() == ["kWh"]


FLAGGED = {
    "F01": [f"F{n:02}" for n in range(1, 49)],
    "HH01 flag": [f"HH{n:02} flag" for n in range(1, 49)],
    "HH01_Status": [f"HH{n:02}_Status" for n in range(1, 49)],
    "Flag 1": [f"Flag {n}" for n in range(1, 49)],
    "00:00_Act_Est": [f"{clock(n * 30)}_Act_Est" for n in range(48)],
    "flag": ["flag"] * 48,
}


@pytest.mark.parametrize("spelling", FLAGGED)
@pytest.mark.parametrize("order", ["after", "between"])
def test_flags_of_every_spelling_go_to_their_slots(tmp_path: Path, spelling: str, order: str) -> None:
    names = SPELLINGS["00:00" if "Act_Est" in spelling else "HH01"]
    flags: list[object] = ["A", "E", "", "Actual", "Estimated", "e", *[""] * 42]
    numbers: list[object] = [*range(47), ""]
    if order == "after":
        if spelling == "flag":
            return  # columns of one name can only belong to the column before them
        headings, cells = [*names, *FLAGGED[spelling]], [*numbers, *flags]
    else:
        headings = [name for pair in zip(names, FLAGGED[spelling], strict=True) for name in pair]
        cells = [cell for pair in zip(numbers, flags, strict=True) for cell in pair]
    read = read_text(tmp_path, wide(headings, ["A", "01/02/2024", *cells]))
    one = block(read)
    assert read.errors == []
    assert one.quality[0].tolist() == [1, 2, 1, 1, 2, 2, *[1] * 41, 0]


def test_one_flag_for_the_row_holds_for_all_its_slots(tmp_path: Path) -> None:
    text = wide(SPELLINGS["HH01"], ["A", "01/02/2024", "E", *range(47), ""], before="mpan,date,status")
    assert block(read_text(tmp_path, text)).quality[0].tolist() == [2] * 47 + [0]


def test_an_unknown_flag_rejects_its_line(tmp_path: Path) -> None:
    headings = [*SPELLINGS["HH01"], *FLAGGED["F01"]]
    good: list[object] = ["A", "01/02/2024", *range(48), *["A"] * 48]
    bad: list[object] = ["A", "02/02/2024", *range(48), "A", "Q", *["A"] * 46]
    read = read_text(tmp_path, wide(headings, good, bad))
    assert read.rows == 1
    assert [(error.line, error.column) for error in read.errors] == [(3, "F02")]


def test_the_edf_portal_has_50_values_50_flags_and_dashes(tmp_path: Path) -> None:
    times = [clock(n * 30) for n in range(50)]
    names = ["Month", "MPAN", "Measurement Type", "Settlement Date", *times, *(f"{t}_Act_Est" for t in times)]
    cells = ["Oct-24", "1200023305967", "AI", "26-10-2024", *("0.5" for _ in range(48)), "-", "-",
             *("A" for _ in range(47)), "E", "-", "-"]  # fmt: skip
    reactive = [*cells[:2], "RI", *cells[3:]]
    text = "\n".join(",".join(f'"{cell}"' for cell in line) for line in (names, cells, reactive)) + "\n"
    one = block(read := read_text(tmp_path, text))
    assert read.errors == []
    assert one.placing == "position"
    assert one.values.shape == (2, 50)
    assert np.isnan(one.values[:, 48:]).all()
    assert one.quality[0].tolist() == [1] * 47 + [2, 0, 0]
    assert one.frame["quantity"].to_list() == ["import", "reactive_import"]
    assert one.frame["day"].to_list() == [date(2024, 10, 26)] * 2


def test_a_total_is_a_check_and_never_a_slot(tmp_path: Path) -> None:
    right, wrong = ["A", "01/02/2024", *["0.333"] * 48, "15.98"], ["A", "02/02/2024", *["0.333"] * 48, "17.5"]
    read = read_text(tmp_path, wide([*SPELLINGS["HH01"], "Total"], right, wrong, right))
    assert block(read).values.shape == (3, 48)
    assert read.errors == []
    [warning] = read.recognition.warnings
    assert "1 line " in warning
    assert "line 3" in warning


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (SPELLINGS["HH01"][:29] + SPELLINGS["HH01"][30:], "number 30 is missing"),
        (SPELLINGS["HH01"][:40], "40 columns"),
        ([*SPELLINGS["HH01"][:-1], "HH01"], "two columns for the same slot: HH01"),
        ([*SPELLINGS["HH01"], *(f"kWh_{n}" for n in range(1, 49))], "'HH01', 'kWh_1'"),
        ([*SPELLINGS["HH01"], *FLAGGED["F01"][:24]], "48 columns of values and 24 of flags"),
    ],
)
def test_an_incomplete_or_double_set_of_slots_is_refused(tmp_path: Path, names: list[str], says: str) -> None:
    with pytest.raises(UnreadableFile) as error:
        read_text(tmp_path, wide(names, ["A", "01/02/2024", *[1] * len(names)]))
    assert says in str(error.value)


@pytest.mark.parametrize(("fields", "taken"), [(50, True), (48, True), (46, True), (47, True), (45, False), (1, False)])
def test_a_line_may_end_after_a_whole_shorter_day_and_nowhere_else(tmp_path: Path, fields: int, taken: bool) -> None:
    full: list[object] = ["A", "01/02/2024", *[1] * 50]
    read = read_text(tmp_path, wide(SPELLINGS["50"], full, ["A", "31/03/2024", *[2] * fields]))
    assert read.rows == 1 + taken
    if taken:
        assert np.count_nonzero(~np.isnan(read.values[1])) == fields
    else:
        assert "may be cut off" in read.errors[0].remedy


@pytest.mark.parametrize("cell", ["x", "nan", "1,5"])
def test_a_bad_slot_rejects_the_line_and_names_its_column(tmp_path: Path, cell: str) -> None:
    good: list[object] = ["A", "01/02/2024", *[1] * 48]
    bad: list[object] = ["A", "02/02/2024", *[1] * 6, cell, *[1] * 41]
    read = read_text(
        tmp_path,
        wide(SPELLINGS["HH01"], good, bad, delimiter=";", before="mpan,date").replace("mpan;date", "mpan;date"),
    )
    assert read.rows == 1
    assert [(error.line, error.column) for error in read.errors] == [(3, "HH07")]


def test_a_blank_slot_is_missing_and_not_nothing(tmp_path: Path) -> None:
    one = block(read_text(tmp_path, wide(SPELLINGS["HH01"], ["A", "01/02/2024", "", 0, *[1] * 46])))
    assert np.isnan(one.values[0, 0])
    assert one.values[0, 1] == 0
    assert one.quality[0, :2].tolist() == [0, 5]
