"""A column for each meter; one value a day."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from eclectyc.readers.blocks import DayBlock, UnreadableFile
from tests.readers.reading import read_text


def test_a_matrix_names_its_meters_in_the_heading(tmp_path: Path) -> None:
    read = read_text(tmp_path, "datetime,b2,1200023305967,Plant (kWh)\n2024-01-01 00:00,1,2,3\n2024-01-01 01:00,4,,6\n")
    assert (read.recognition.format, read.rows) == ("matrix", 2)
    assert read.column("meter") == ["b2", "1200023305967", "Plant"] * 2
    assert read.column("unit") == [None, None, "kWh"] * 2
    assert read.column("value") == [1.0, 2.0, 3.0, 4.0, None, 6.0]
    assert read.column("quality") == [5, 5, 5, 5, 0, 5]
    assert read.column("line") == [2, 2, 2, 3, 3, 3]
    assert read.column("stamp") == [datetime(2024, 1, 1, 0)] * 3 + [datetime(2024, 1, 1, 1)] * 3


def test_a_matrix_takes_date_and_time_apart(tmp_path: Path) -> None:
    read = read_text(tmp_path, "date,time,b2,b3\n01/02/2024,00:30,1,2\n01/02/2024,24:00,3,4\n")
    assert read.column("stamp") == [datetime(2024, 2, 1, 0, 30)] * 2 + [datetime(2024, 2, 2)] * 2
    assert read.recognition.stamps == "end"


def test_a_matrix_of_dates_holds_whole_days(tmp_path: Path) -> None:
    read = read_text(tmp_path, "date,b2,b3\n01/02/2024,1,2\n02/02/2024,3,\n")
    [block] = read.blocks
    assert isinstance(block, DayBlock)
    assert (block.step, block.values.shape, block.rows) == (1440, (4, 1), 2)
    assert read.column("day") == [date(2024, 2, 1)] * 2 + [date(2024, 2, 2)] * 2
    assert read.quality[:, 0].tolist() == [5, 5, 5, 0]


def test_a_bad_cell_of_a_matrix_rejects_its_line_and_names_its_column(tmp_path: Path) -> None:
    read = read_text(tmp_path, "datetime,b2,b3\n2024-01-01 00:00,1,2\n2024-01-01 00:30,1,x\n")
    assert [(error.line, error.column) for error in read.errors] == [(3, "b3")]
    assert read.rows == 1


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("datetime,Electricity Pricing [£/kWh]", "prices, rates or weather"),
        ("datetime,air_temperature [degC],rltv_hum [%]", "prices, rates or weather"),
        ("datetime,b2,b2", "same meter: b2"),
        ("datetime,1.20E+12,b2", "lost its digits"),
    ],
)
def test_headings_that_cannot_be_meters_are_refused(tmp_path: Path, header: str, says: str) -> None:
    cells = ",".join("1.5" for _ in header.split(",")[1:])
    with pytest.raises(UnreadableFile) as error:
        read_text(tmp_path, f"{header}\n2024-01-01 00:00,{cells}\n2024-01-01 00:30,{cells}\n")
    assert says in str(error.value)


def test_a_column_of_words_beside_meters_is_passed_over_and_said(tmp_path: Path) -> None:
    read = read_text(tmp_path, "datetime,b2,notes,Total\n2024-01-01 00:00,1,cold,1\n2024-01-01 00:30,1,,1\n")
    assert set(read.column("meter")) == {"b2"}
    assert len(read.recognition.warnings) == 2


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("mpan,date,kwh", "A,01/02/2024,5"),
        ("mpan,read date,consumption (kWh)", "A,2024-02-01,5"),
        ("mpan,date,Daily Total kWh", "A,1 Feb 2024,5"),
        ("mpan,settlement date,value,unit", "A,20240201,5,kWh"),
        ("mpan,date,kwh", "A,45323,5"),
        ("mpan,date,kwh", "A,01/02/2024 00:00:00,5"),
        ("mpan,bill date,kwh", "A,01/02/2024,5"),
    ],
)
def test_one_value_a_day_is_a_day_block_of_one_slot(tmp_path: Path, header: str, line: str) -> None:
    read = read_text(tmp_path, f"{header}\n{line}\n")
    [block] = read.blocks
    assert isinstance(block, DayBlock)
    assert (read.recognition.format, block.step, block.placing, block.rows) == ("daily", 1440, "position", 1)
    assert (block.values.tolist(), block.quality.tolist()) == ([[5.0]], [[5]])
    assert read.column("day") == [date(2024, 2, 1)]


def test_stamps_that_are_always_midnight_are_whole_days_and_it_says_so(tmp_path: Path) -> None:
    read = read_text(tmp_path, "mpan,datetime,kwh\nA,2024-02-01 00:00,1\nA,2024-02-02 00:00,2\n")
    assert read.recognition.format == "daily"
    assert "midnight" in read.recognition.warnings[0]


def test_daily_energy_and_volume_are_two_series(tmp_path: Path) -> None:
    read = read_text(tmp_path, "mprn,date,m3,kwh\nA,01/02/2024,1,11\nA,02/02/2024,2,\n")
    assert read.column("quantity") == ["volume", None] * 2
    assert read.column("unit") == ["m3", "kWh"] * 2
    assert read.values[:, 0].tolist()[:3] == [1.0, 11.0, 2.0]
    assert read.rows == 2


def test_daily_register_readings_are_refused_until_declared(tmp_path: Path) -> None:
    text = "mpan,date,reading\n" + "".join(f"A,{n:02}/02/2024,{20000 + 35 * n}\n" for n in range(1, 8))
    with pytest.raises(UnreadableFile, match="never falls"):
        read_text(tmp_path, text)
    assert read_text(tmp_path, text, "daily").rows == 7


def test_meters_whose_names_could_be_values_are_asked_about(tmp_path: Path) -> None:
    text = "timestamp,M1,M2,M3\n2024-01-01 00:00,1,2,3\n2024-01-01 00:30,1,2,3\n"
    with pytest.raises(UnreadableFile) as error:
        read_text(tmp_path, text)
    assert "-t long or -t matrix" in error.value.remedy
    assert read_text(tmp_path, text, "matrix").column("meter") == ["M1", "M2", "M3"] * 2
    assert read_text(tmp_path, text, "long").column("value") == [3.0, 3.0]
