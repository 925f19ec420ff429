"""Long files: one reading a line."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from eclectyc.readers.blocks import DayBlock, RowBlock, UnreadableFile
from eclectyc.readers.formats.long import COLUMNS
from tests.readers.reading import read_text


def test_every_column_of_a_row_block_is_there_whatever_the_file_has(tmp_path: Path) -> None:
    read = read_text(tmp_path, "datetime,kwh\n2024-01-01 00:00,1\n")
    assert read.recognition.format == "long"
    assert isinstance(read.blocks[0], RowBlock)
    assert tuple(read.frame.columns) == COLUMNS
    assert read.frame.dtypes[0:2] == [read.frame.schema["line"], read.frame.schema["meter"]]
    assert {name: str(kind) for name, kind in read.frame.schema.items()} == {
        "line": "Int64", "meter": "String", "quantity": "String", "unit": "String",
        "stamp": "Datetime(time_unit='us', time_zone=None)", "instant": "Datetime(time_unit='us', time_zone='UTC')",
        "day": "Date", "period": "Int16", "value": "Float64", "quality": "Int8",
    }  # fmt: skip


def test_simple_long_is_in_utc_and_starts(tmp_path: Path) -> None:
    text = (
        "MPAN Core, Channel Type, Start Date, Value, Status\n"
        "1200023305967, AI, 2024-01-01 00:00, 1.5, A\n"
        "1200023305967, RE, 2024-01-01 00:00, 0.5, E\n"
    )
    read = read_text(tmp_path, text)
    assert (read.recognition.format, read.recognition.timezone, read.recognition.stamps, read.recognition.sure) == (
        "simple long",
        "UTC",
        "start",
        1.0,
    )
    assert read.column("quantity") == ["import", "reactive_export"]
    assert read.column("quality") == [1, 2]
    assert read.column("meter") == ["1200023305967"] * 2
    assert read.column("stamp") == [datetime(2024, 1, 1)] * 2


@pytest.mark.parametrize(
    ("header", "line", "column", "expected"),
    [
        ("mpan,date,time,kwh", "A,01/02/2024,00:30,1.5", "stamp", datetime(2024, 2, 1, 0, 30)),
        ("mpan,date,time,kwh", "A,01/02/2024,24:00,1.5", "stamp", datetime(2024, 2, 2)),
        ("mpan,settlement date,settlement period,kwh", "A,01/02/2024,50,1.5", "period", 50),
        ("mpan,settlement date,settlement period,kwh", "A,01/02/2024,1,1.5", "day", date(2024, 2, 1)),
        ("mpan,Start Date,Start Time,kwh", "A,01/02/2024,00:30,1.5", "stamp", datetime(2024, 2, 1, 0, 30)),
        ("mpan,datetime,kwh", "A,2024-06-01T00:30:00+01:00,1.5", "instant", datetime(2024, 5, 31, 23, 30, tzinfo=UTC)),
        ("mpan,date,kwh", "A,01/02/2024 00:30,1.5", "stamp", datetime(2024, 2, 1, 0, 30)),
        ("mpan,datetime,kwh", "A,45323.5,1.5", "stamp", datetime(2024, 2, 1, 12)),
        ("mprn,interval_start,m3", "9300001,2024-02-01 00:30,1.5", "unit", "m3"),
        ("mpan,datetime,value,unit", "A,2024-02-01 00:30,1.5,Wh", "unit", "Wh"),
        ("mpan,datetime,ai", "A,2024-02-01 00:30,1.5", "quantity", "import"),
        ("mpan,datetime,value,channel", "A,2024-02-01 00:30,1.5,AE", "quantity", "export"),
        ("mpan,datetime,value,AE", "A,2024-02-01 00:30,1.5,E", "quality", 2),
        ("mpan,datetime,value,flag", "A,2024-02-01 00:30,1.5,Estimated", "quality", 2),
        ("mpan,datetime,value,flag", "A,2024-02-01 00:30,1.5,", "quality", 1),
        ("mpan,datetime,value", "A,2024-02-01 00:30,1.5", "quality", 5),
        ("mpan,datetime,value", "A,2024-02-01 00:30,", "quality", 0),
        ("mpan,datetime,value", "'12 0002 3305 967.0,2024-02-01 00:30,1.5", "meter", "1200023305967"),
        ("mpan,datetime,value", "00801100 1200023305967,2024-02-01 00:30,1.5", "meter", "1200023305967"),
        ("mpan,meter serial,datetime,value", "A,S1,2024-02-01 00:30,1.5", "meter", "A"),
        ("datetime,value", "2024-02-01 00:30,1.5", "meter", None),
    ],
)  # fmt: skip
def test_each_field_is_found_and_read(tmp_path: Path, header: str, line: str, column: str, expected: object) -> None:
    read = read_text(tmp_path, f"{header}\n{line}\n", "long")
    assert read.errors == []
    assert read.column(column) == [expected]


@pytest.mark.parametrize(
    ("header", "line", "stamps", "zone"),
    [
        ("mpan,datetime,kwh", "A,2024-02-01 00:30,1", None, None),
        ("mpan,read_datetime_end_local,kwh", "A,2024-02-01 00:30,1", "end", None),
        ("mpan,start_utc,kwh", "A,2024-02-01 00:30,1", "start", "UTC"),
        ("mpan,datetime_gmt,kwh", "A,2024-02-01 00:30,1", None, "UTC"),
        ("mpan,interval_start,interval_end,kwh", "A,2024-02-01 00:00,2024-02-01 00:30,1", "start", None),
        ("mpan,date,time,kwh", "A,2024-02-01,24:00,1", "end", None),
        ("mpan,datetime,kwh", "A,2024-02-01 24:00,1", "end", None),
        ("mpan,date,end time,kwh", "A,2024-02-01,00:30,1", "end", None),
    ],
)
def test_what_a_file_declares_about_its_stamps_is_found(
    tmp_path: Path, header: str, line: str, stamps: str | None, zone: str | None
) -> None:
    seen = read_text(tmp_path, f"{header}\n{line}\n").recognition
    assert (seen.stamps, seen.timezone) == (stamps, zone)
    assert bool(seen.stamps_why) == (stamps is not None)


def test_a_24_00_under_a_start_heading_is_a_warning(tmp_path: Path) -> None:
    seen = read_text(tmp_path, "mpan,start,kwh\nA,2024-02-01 24:00,1\n").recognition
    assert seen.stamps == "start"
    assert "24:00" in seen.warnings[0]


def test_several_value_columns_are_several_series_in_file_order(tmp_path: Path) -> None:
    read = read_text(tmp_path, "mpan,datetime,ai,ae,ri,re\nA,2024-02-01 00:00,1,2,3,4\nA,2024-02-01 00:30,5,6,7,\n")
    assert read.rows == 2
    assert read.column("line") == [2] * 4 + [3] * 4
    assert read.column("quantity") == ["import", "export", "reactive_import", "reactive_export"] * 2
    assert read.column("unit") == [None, None, "kVArh", "kVArh"] * 2
    assert read.column("value") == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, None]
    assert read.column("quality") == [5, 5, 5, 5, 5, 5, 5, 0]


def test_ae_with_numbers_is_export_and_with_letters_a_flag(tmp_path: Path) -> None:
    both = read_text(tmp_path, "mpan,datetime,ai,ae\nA,2024-02-01 00:00,1,2\n")
    assert both.column("quantity") == ["import", "export"]
    flag = read_text(tmp_path, "mpan,datetime,ai,ae\nA,2024-02-01 00:00,1,E\n")
    assert (flag.column("quantity"), flag.column("quality")) == (["import"], [2])


@pytest.mark.parametrize(
    ("line", "column", "says"),
    [
        ("A,2024-02-01 00:30,x,A", "value", "not a number"),
        ("A,2024-02-01 00:30,1,Z", "flag", "'Z' is not a known flag"),
        ("A,2024-02-01 00:30,1,1", "flag", "'1' is not a known flag"),
        ("A,2024-02-31 00:30,1,A", "datetime", "no date"),
        ("A,2024-02-01 24:30,1,A", "datetime", "no time"),
        ("A,,1,A", "datetime", "no date and time"),
        (",2024-02-01 00:30,1,A", "mpan", "no meter"),
        ("1.20E+12,2024-02-01 00:30,1,A", "mpan", "lost its digits"),
        ("A,2024-02-01 00:30,1,A,extra", "", "5 fields; the header has 4"),
        ("A,2024-02-01 00:30,1", "", "3 fields; the header has 4"),
        ("A", "", "1 fields; the header has 4"),
    ],
)
def test_a_bad_line_is_rejected_with_its_number_column_reason_and_remedy(
    tmp_path: Path, line: str, column: str, says: str
) -> None:
    read = read_text(tmp_path, f"mpan,datetime,value,flag\nA,2024-02-01 00:00,1,A\n{line}\nA,2024-02-01 01:00,3,A\n")
    assert read.column("value") == [1.0, 3.0]
    [error] = read.errors
    assert (error.line, error.column) == (3, column)
    assert says in error.reason
    assert error.remedy


@pytest.mark.parametrize("period", ["0", "51", "-1", "1.5", "x", ""])
def test_a_period_outside_1_to_50_rejects_its_line(tmp_path: Path, period: str) -> None:
    lines = "".join(f"A,2024-02-01,{n},1\n" for n in (1, 2, 3))
    read = read_text(tmp_path, f"mpan,date,settlement period,kwh\n{lines}A,2024-02-01,{period},1\n")
    assert read.column("period") == [1, 2, 3]
    assert [(error.line, error.column) for error in read.errors] == [(5, "settlement period")]


def test_an_unknown_quantity_and_an_unknown_unit_reject_their_lines(tmp_path: Path) -> None:
    lines = ["A,AI,2024-02-01 00:00,1,kWh", "A,XX,2024-02-01 00:30,1,kWh", "A,AI,2024-02-01 01:00,1,bananas"]
    text = "\n".join(["mpan,channel,datetime,value,unit", *lines])
    read = read_text(tmp_path, text)
    assert [(error.line, error.column) for error in read.errors] == [(3, "channel"), (4, "unit")]


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("mpan,mprn,datetime,kwh", ["mpan", "mprn"]),
        ("mpan,datetime,timestamp,kwh", ["datetime", "timestamp"]),
        ("mpan,datetime,kwh,consumption", ["kwh", "consumption"]),
        ("mpan,datetime,kwh,kwh", ["'kwh' (column 3)", "'kwh' (column 4)"]),
        ("mpan,mpan,datetime,kwh", ["column 1", "column 2"]),
    ],
)
def test_two_columns_for_one_field_are_named_and_not_chosen_between(
    tmp_path: Path, header: str, names: list[str]
) -> None:
    cells = {"mpan": "A", "mprn": "B", "datetime": "2024-02-01 00:30", "timestamp": "2024-02-01 00:30"}
    line = ",".join(cells.get(name, "1") for name in header.split(","))
    with pytest.raises(UnreadableFile) as error:
        read_text(tmp_path, f"{header}\n{line}\n")
    assert all(name in str(error.value) for name in names)


def test_a_second_column_of_no_importance_may_be_there_twice(tmp_path: Path) -> None:
    assert read_text(tmp_path, "mpan,notes,datetime,kwh,notes\nA,x,2024-02-01 00:30,1,y\n").rows == 1


@pytest.mark.parametrize("name", ["reading", "read value"])
def test_readings_that_never_fall_are_refused_until_declared(tmp_path: Path, name: str) -> None:
    lines = "".join(f"A,2024-02-01 {n // 2:02}:{n % 2 * 30:02},{10000 + n * 1.5}\n" for n in range(10))
    text = f"mpan,datetime,{name}\n{lines}"
    with pytest.raises(UnreadableFile, match="never falls") as error:
        read_text(tmp_path, text)
    assert "-t long" in error.value.remedy
    assert read_text(tmp_path, text, "long").rows == 10


@pytest.mark.parametrize("name", ["reading", "kwh"])
def test_readings_that_rise_and_fall_are_use(tmp_path: Path, name: str) -> None:
    lines = "".join(f"A,2024-02-01 {n // 2:02}:{n % 2 * 30:02},{500 + n % 3}\n" for n in range(10))
    assert read_text(tmp_path, f"mpan,datetime,{name}\n{lines}").rows == 10


def test_a_column_called_kwh_may_rise_all_day(tmp_path: Path) -> None:
    lines = "".join(f"A,2024-02-01 {n // 2:02}:{n % 2 * 30:02},{10000 + n}\n" for n in range(10))
    assert read_text(tmp_path, f"mpan,datetime,kwh\n{lines}").rows == 10


def test_meters_below_each_other_at_one_midnight_are_still_stamps(tmp_path: Path) -> None:
    lines = [f"M{meter},2024-02-01 {clock},1" for clock in ("00:00", "00:30") for meter in range(300)]
    read = read_text(tmp_path, "meter,date,kwh\n" + "\n".join(lines))
    assert (read.recognition.format, read.rows) == ("long", 600)


@pytest.mark.parametrize(("end", "step"), [("00:30", 30), ("00:15", 15), ("01:00", 60)])
def test_start_and_end_give_the_step(tmp_path: Path, end: str, step: int) -> None:
    seen = read_text(tmp_path, f"mpan,start,end,kwh\nA,2024-02-01 00:00,2024-02-01 {end},1\n").recognition
    assert (seen.step, seen.stamps) == (step, "start")


def test_start_and_end_a_day_apart_are_whole_days(tmp_path: Path) -> None:
    days = "A,2025-03-30T00:00:00Z,2025-03-31T00:00:00+01:00,1\nA,2025-03-31T00:00+01:00,2025-04-01T00:00+01:00,2\n"
    naive = "A,2024-02-01 00:00,2024-02-02 00:00,1\nA,2024-02-02 00:00,2024-02-03 00:00,2\n"
    for text in (days, naive):
        read = read_text(tmp_path, "mpan,start,end,kwh\n" + text)
        assert (read.recognition.step, read.blocks[0].step, read.errors) == (1440, 1440, [])
        assert read.values.tolist() == [[1.0], [2.0]]
    assert read.column("day") == [date(2024, 2, 1), date(2024, 2, 2)]
    assert read_text(tmp_path, "mpan,start,end,kwh\n" + days, "daily").column("day")[0] == date(2025, 3, 30)


@pytest.mark.parametrize("block_bytes", [500, 1 << 20])
def test_each_line_s_period_is_as_long_as_its_start_and_end_say(tmp_path: Path, block_bytes: int) -> None:
    first = date(2025, 1, 1)
    lines = [f"A,{first + timedelta(n)}T00:00:00Z,{first + timedelta(n + 1)}T00:00:00Z,1" for n in range(250)]
    lines += ["A,2025-10-26T01:30:00+01:00,2025-10-26T01:00:00Z,5", "A,2025-10-26T01:00:00Z,2025-10-26T02:00:00Z,6",
              "A,2025-10-27T05:00:00Z,2025-10-28T05:00:00Z,7", "A,2025-10-29T00:00:00Z,,8"]  # fmt: skip
    read = read_text(tmp_path, "mpan,start,end,kwh\n" + "\n".join(lines) + "\n", block_bytes=block_bytes)
    by_step = {1440: 0.0}
    for block in read.blocks:
        values = block.values.sum() if isinstance(block, DayBlock) else block.frame["value"].sum()
        by_step[block.step] = by_step.get(block.step, 0.0) + values
    assert by_step == {1440: 250.0, 30: 5.0, 60: 6.0, None: 15.0}
    assert (read.rows, read.errors) == (254, [])


def test_times_of_a_local_clock_do_not_say_how_long_a_night_of_change_is(tmp_path: Path) -> None:
    read = read_text(tmp_path, "mpan,start,end,kwh\nA,2025-10-26 01:30,2025-10-26 02:00,5\n")
    assert [block.step for block in read.blocks] == [None]
