"""Dates, times and stamps: day first, existing, in range."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.tables import timestamp_columns
from eclectyc.readers.tables.dates import BadDate, parse_date, parse_stamp, parse_time
from tests.readers.reading import read_text


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-02-03", date(2024, 2, 3)), ("03/02/2024", date(2024, 2, 3)), ("3/2/2024", date(2024, 2, 3)),
        ("03-02-2024", date(2024, 2, 3)), ("03.02.2024", date(2024, 2, 3)), ("03/02/24", date(2024, 2, 3)),
        ("3 Feb 2024", date(2024, 2, 3)), ("03-FEB-24", date(2024, 2, 3)), ("3 February 2024", date(2024, 2, 3)),
        ("20240203", date(2024, 2, 3)), ("2024/02/03", date(2024, 2, 3)), ("45325", date(2024, 2, 3)),
        ("45325.0", date(2024, 2, 3)), ("2024-02-03 00:00:00", date(2024, 2, 3)),
        ("03/02/2024 00:00", date(2024, 2, 3)),
        ("29/02/2024", date(2024, 2, 29)), ("1970-01-01", date(1970, 1, 1)), ("31/12/2100", date(2100, 12, 31)),
    ],
)  # fmt: skip
def test_a_date_is_read_day_first_in_every_print(text: str, day: date) -> None:
    assert parse_date(text) == day


@pytest.mark.parametrize("text", ["31/02/2024", "29/02/2023", "2024-13-01", "2024-02-30", "00/01/2024", "32/13/2024",
                                  "1969-12-31", "01/01/2101", "9999-01-01", "20241301", "1", "today", "", "12/2024",
                                  "45325.5", "2024-02-03 00:30", "3 Foo 2024", "99999", "03/02-2024"])  # fmt: skip
def test_what_is_no_date_is_an_error_and_never_another_day(text: str) -> None:
    with pytest.raises(BadDate) as error:
        parse_date(text)
    assert not error.value.month_first
    assert error.value.remedy


@pytest.mark.parametrize("text", ["02/13/2024", "12/31/2024", "1-31-24", "02/13/2024 00:00"])
def test_a_date_that_exists_only_month_first_is_told_apart(text: str) -> None:
    with pytest.raises(BadDate) as error:
        parse_date(text)
    assert error.value.month_first


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("00:00", 0), ("0:30", 30), ("00:30", 30), ("00:30:00", 30), ("23.30", 1410), ("24:00", 1440), ("0030", 30),
     ("2400", 1440), ("12:30 AM", 30), ("1:30 pm", 810), ("12:00 PM", 720), ("0.5", 720), ("0.0208333", 30),
     ("00:30:00.000", 30)],
)  # fmt: skip
def test_a_time_is_read_in_every_print(text: str, minutes: int) -> None:
    assert parse_time(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["24:30", "25:00", "12:60", "13:00 PM", "noon", "30", "1.5.5.5", "", "24:00:01"])
def test_what_is_no_time_is_an_error(text: str) -> None:
    with pytest.raises(BadDate):
        parse_time(text)


@pytest.mark.parametrize(
    ("text", "clock", "instant"),
    [
        ("2024-01-02 00:30", datetime(2024, 1, 2, 0, 30), None),
        ("02/01/2024 00:30", datetime(2024, 1, 2, 0, 30), None),
        ("2024-01-02T00:30:00", datetime(2024, 1, 2, 0, 30), None),
        ("02/01/2024 24:00", datetime(2024, 1, 3), None),
        ("31/12/2024 24:00", datetime(2025, 1, 1), None),
        ("45293.0208333", datetime(2024, 1, 2, 0, 30), None),
        ("202401020030", datetime(2024, 1, 2, 0, 30), None),
        ("2 Jan 2024 00:30", datetime(2024, 1, 2, 0, 30), None),
        ("2024-01-02T00:30Z", datetime(2024, 1, 2, 0, 30), datetime(2024, 1, 2, 0, 30, tzinfo=UTC)),
        ("2024-06-02T00:30:00+01:00", datetime(2024, 6, 2, 0, 30), datetime(2024, 6, 1, 23, 30, tzinfo=UTC)),
        ("2024-06-02 00:30:00.000 +0100", datetime(2024, 6, 2, 0, 30), datetime(2024, 6, 1, 23, 30, tzinfo=UTC)),
        ("2024-06-02T00:30-05", datetime(2024, 6, 2, 0, 30), datetime(2024, 6, 2, 5, 30, tzinfo=UTC)),
    ],
)
def test_a_stamp_is_read_in_every_print(text: str, clock: datetime, instant: datetime | None) -> None:
    stamp = parse_stamp(text)
    assert (stamp.clock, stamp.instant) == (clock, instant)
    assert stamp.closes_day == ("24:00" in text)


PRINTS = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%d/%m/%Y %H:%M", "%d-%m-%Y %H:%M:%S", "%d %b %Y %H:%M", "%Y%m%d%H%M",
          "%d/%m/%y %H:%M", "%Y/%m/%d %H:%M", "%d.%m.%Y %H:%M", "%d/%m/%Y %I:%M %p", "%Y-%m-%d %H:%M:%SZ"]  # fmt: skip


@given(
    st.lists(st.tuples(st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1)), st.sampled_from(PRINTS)), min_size=1)
)
def test_a_column_of_stamps_reads_as_each_of_them_alone(printed: list[tuple[datetime, str]]) -> None:
    texts = [moment.strftime(print_) for moment, print_ in printed]
    parsed = timestamp_columns.parse_stamps(pl.Series(texts), "stamp")
    assert parsed.bad == {}
    for n, (text, (moment, print_)) in enumerate(zip(texts, printed, strict=True)):
        expected = datetime.strptime(text, print_) if "%S" in print_ else moment.replace(second=0, microsecond=0)
        one = parse_stamp(text)
        assert one.clock == expected
        if print_.endswith("Z"):
            assert parsed.instants is not None
            assert parsed.instants[n] == expected.replace(tzinfo=UTC)
        else:
            assert parsed.values[n] == expected


@given(st.text("0123456789-/: TZ+.", max_size=20))
def test_the_quick_way_and_the_careful_way_agree(text: str) -> None:
    sure = "2024-01-01 00:30"
    try:
        expected = parse_stamp(text).clock if parse_stamp(text).offset is None else None
        bad = False
    except BadDate as error:
        if error.month_first:
            return
        expected, bad = None, bool(text.strip())
    parsed = timestamp_columns.parse_stamps(pl.Series([sure, text]), "stamp")
    assert (parsed.values[1], 1 in parsed.bad) == (expected, bad)


@pytest.mark.parametrize("header", ["mpan,date,time,kwh", "mpan,datetime,kwh", "mpan,date,kwh"])
def test_one_month_first_date_refuses_the_whole_file(tmp_path: Path, header: str) -> None:
    between = {"mpan,date,time,kwh": ",00:30", "mpan,datetime,kwh": " 00:30", "mpan,date,kwh": ""}[header]
    lines = [f"A,{month:02}/{day:02}/2024{between},1.5" for month in (1, 2) for day in range(1, 14)]
    with pytest.raises(UnreadableFile, match="month before the day") as error:
        read_text(tmp_path, header + "\n" + "\n".join(lines))
    assert "YYYY-MM-DD" in error.value.remedy


@pytest.mark.parametrize("day", ["31/02/2024", "1969-01-01", "2101-01-01", "soon", ""])
def test_a_line_with_a_bad_date_is_rejected_and_the_rest_goes_in(tmp_path: Path, day: str) -> None:
    read = read_text(tmp_path, f"mpan,date,kwh\nA,01/02/2024,1\nA,{day},2\nA,03/02/2024,3\n")
    assert read.column("day") == [date(2024, 2, 1), date(2024, 2, 3)]
    assert [(error.line, error.column) for error in read.errors] == [(3, "date")]
