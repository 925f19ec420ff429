"""Whatever is printed in any layout, spelling, date print, delimiter and encoding is read back the same."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from eclectyc.readers.blocks import UnreadableFile
from tests.readers.reading import Read, read_text

DATES = ["%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d %b %Y", "%Y%m%d", "%d/%m/%y", "%d.%m.%Y", "%d-%b-%Y"]
STAMPS = ["%Y-%m-%d %H:%M", "%d/%m/%Y %H:%M", "%Y-%m-%dT%H:%M:%S", "%d-%m-%Y %H:%M:%S", "%d %b %Y %H:%M"]
SLOTS = {
    "HH01": lambda n: f"HH{n + 1:02}",
    "P1": lambda n: f"P{n + 1}",
    "Period 1": lambda n: f"Period {n + 1}",
    "00:00": lambda n: f"{n // 2:02}:{n % 2 * 30:02}",
    "00:30": lambda n: f"{(n + 1) // 2:02}:{(n + 1) % 2 * 30:02}",
}


@dataclass(frozen=True)
class Print:
    """How a file is printed."""

    delimiter: str
    encoding: str
    end: str
    quoted: bool
    titles: int
    blank_every: int  # 0: none
    padding: str  # around each cell
    block_bytes: int

    def table(self, header: list[str], rows: list[list[str]]) -> bytes:
        lines = ["A title without any delimiter"] * self.titles
        for n, cells in enumerate([header, *rows]):
            lines.append(self.delimiter.join(self.cell(cell) for cell in cells))
            if self.blank_every and n % self.blank_every == 0:
                lines.append("")
        return self.end.join([*lines, ""]).encode(self.encoding)

    def cell(self, text: str) -> str:
        marked = self.quoted or self.delimiter in text or '"' in text
        text = text if marked else self.padding + text + self.padding
        return '"' + text.replace('"', '""') + '"' if marked else text


prints = st.builds(
    Print,
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "windows-1252"]),
    end=st.sampled_from(["\n", "\r\n"]),
    quoted=st.booleans(),
    titles=st.integers(0, 3),
    blank_every=st.sampled_from([0, 0, 1, 3]),
    padding=st.sampled_from(["", "", " "]),
    block_bytes=st.sampled_from([200, 1000, 1 << 24]),
)
numbers = st.one_of(st.none(), st.floats(-1e9, 1e9).map(lambda x: round(x, 4)), st.integers(0, 10).map(float))
meter_names = st.text("ABCÄé0123456789-/", min_size=1, max_size=12).map(lambda text: "M" + text)
days = st.dates(date(2001, 1, 1), date(2099, 12, 31))


def read(content: bytes, kind: str, block_bytes: int) -> Read:
    with tempfile.TemporaryDirectory() as folder:
        return read_text(Path(folder), content, kind, block_bytes=block_bytes)


def shown(value: float | None) -> str:
    return "" if value is None else repr(value)


@given(prints, st.sampled_from(STAMPS), st.data())
def test_a_long_file_is_read_back(how: Print, stamp: str, data: st.DataObject) -> None:
    moments = st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1)).map(lambda m: m.replace(second=0, microsecond=0))
    row = st.tuples(meter_names, moments, numbers, st.sampled_from(["A", "E", ""]))
    rows = data.draw(st.lists(row, min_size=1, max_size=30))
    cells = [[meter, moment.strftime(stamp), shown(value), flag] for meter, moment, value, flag in rows]
    result = read(how.table(["Meter ID", "Read DateTime", "Consumption (kWh)", "Flag"], cells), "long", how.block_bytes)
    assert result.errors == []
    assert result.column("meter") == [meter for meter, *_ in rows]
    assert result.column("stamp") == [moment for _, moment, *_ in rows]
    assert result.column("value") == [value for *_, value, _ in rows]
    qualities = [0 if value is None else {"A": 1, "": 1, "E": 2}[flag] for *_, value, flag in rows]
    assert result.column("quality") == qualities


@given(prints, st.sampled_from(DATES), st.sampled_from(sorted(SLOTS)), st.booleans(), st.data())
def test_a_wide_file_is_read_back(how: Print, print_: str, spelling: str, flagged: bool, data: st.DataObject) -> None:
    count = data.draw(st.sampled_from([46, 48, 50])) if spelling in ("HH01", "P1", "Period 1") else 48
    rows = data.draw(st.lists(st.tuples(meter_names, days, st.randoms(use_true_random=False)), min_size=1, max_size=8))
    names = [SLOTS[spelling](n) for n in range(count)]
    values = [[None if r.random() < 0.1 else round(r.uniform(-5, 500), 3) for _ in range(count)] for *_, r in rows]
    flags = [[r.choice(["A", "E", ""]) for _ in range(count)] for *_, r in rows] if flagged else [[] for _ in rows]
    header = ["MPAN", "Date", *names, *(f"{name} flag" for name in names if flagged)]
    cells = [
        [meter, day.strftime(print_), *map(shown, of_day), *marks]
        for (meter, day, _), of_day, marks in zip(rows, values, flags, strict=True)
    ]
    result = read(how.table(header, cells), "auto", how.block_bytes)
    assert (result.recognition.format, result.errors) == ("wide", [])
    assert result.column("meter") == [meter for meter, *_ in rows]
    assert result.column("day") == [day for _, day, _ in rows]
    expected = np.array([[np.nan if value is None else value for value in of_day] for of_day in values])
    assert np.array_equal(result.values, expected, equal_nan=True)
    marks = np.array([[{"E": 2}.get(mark, 1) for mark in of_day] for of_day in flags]) if flagged else 5
    assert np.array_equal(result.quality, np.where(np.isnan(expected), 0, marks))


@given(prints, st.sampled_from(STAMPS), st.lists(meter_names, min_size=2, max_size=5, unique=True), st.data())
def test_a_matrix_is_read_back(how: Print, stamp: str, meters: list[str], data: st.DataObject) -> None:
    start = data.draw(st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1))).replace(second=0, microsecond=0)
    rows = data.draw(st.lists(st.lists(numbers, min_size=len(meters), max_size=len(meters)), min_size=2, max_size=12))
    moments = [start + timedelta(minutes=30 * n + 1) for n in range(len(rows))]
    cells = [[m.strftime(stamp), *map(shown, row)] for m, row in zip(moments, rows, strict=True)]
    result = read(how.table(["timestamp", *meters], cells), "matrix", how.block_bytes)
    assert result.errors == []
    assert result.column("meter") == meters * len(rows)
    assert result.column("stamp") == [moment for moment in moments for _ in meters]
    assert result.column("value") == [value for row in rows for value in row]


@given(prints, st.sampled_from(DATES), st.lists(st.tuples(meter_names, days, numbers), min_size=1, max_size=30))
def test_a_daily_file_is_read_back(how: Print, print_: str, rows: list[tuple[str, date, float | None]]) -> None:
    cells = [[meter, day.strftime(print_), shown(value)] for meter, day, value in rows]
    result = read(how.table(["Meter", "Settlement Date", "kWh"], cells), "auto", how.block_bytes)
    assert (result.recognition.format, result.errors) == ("daily", [])
    assert result.column("day") == [day for _, day, _ in rows]
    expected = [[np.nan if value is None else value] for *_, value in rows]
    assert np.array_equal(result.values, np.array(expected), equal_nan=True)


LONG = b"mpan,datetime,kwh,flag\n" + b"".join(
    b"1200023305967,2024-01-01 %02d:%02d,%d.5,A\n" % (n // 2, n % 2 * 30, n) for n in range(48)
)
WIDE = b"mpan,date," + b",".join(b"HH%02d" % n for n in range(1, 49)) + b"\n" + b"".join(
    b"1200023305967,%02d/01/2024," % day + b",".join(b"%d.25" % n for n in range(48)) + b"\n" for day in range(1, 5)
)  # fmt: skip


@given(st.sampled_from([LONG, WIDE]), st.lists(st.tuples(st.integers(0, 5000), st.binary(max_size=3)), max_size=6))
def test_mutated_bytes_give_one_result_both_ways_or_a_clear_refusal(
    content: bytes, changes: list[tuple[int, bytes]]
) -> None:
    for anywhere, instead in changes:
        at = anywhere % len(content)
        content = content[:at] + instead + content[at + len(instead) + (len(instead) == 0) :]
    try:
        result = read(content, "auto", 300)
    except UnreadableFile as refusal:
        result, clear = None, bool(refusal.reason and refusal.remedy)
    if result is None:
        assert clear
        return
    with patch("eclectyc.readers.tables.parse_csv.read_typed", return_value=None):
        careful = read(content, "auto", 300)
    assert careful.errors == result.errors
    assert careful.frame.equals(result.frame)
    lines = result.column("line")
    assert not set(lines) & set(result.lines)  # a line is taken or rejected, never both
    assert lines == sorted(lines)
    assert all(error.reason and error.remedy for error in result.errors)
    assert len(set(result.lines)) == len(result.lines)
