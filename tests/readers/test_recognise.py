"""Recognition: which format a file has, and the error if none fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from eclectyc.kernel.errors import Invalid
from eclectyc.readers import recognise as recognising
from eclectyc.readers.blocks import Recognition, UnreadableFile
from eclectyc.readers.files.source import open_source
from eclectyc.readers.formats import FORMATS, readers
from eclectyc.readers.recognise import TYPES
from eclectyc.readers.tables.file_sample import FileSample
from tests.readers.reading import read_text

SLOTS = ",".join(f"HH{n:02}" for n in range(1, 49))
FILES = {
    "wide": f"mpan,date,{SLOTS}\nA,2024-01-01,{','.join(['1'] * 48)}\n",
    "long": "mpan,datetime,kwh\nA,2024-01-01 00:30,1\n",
    "matrix": "datetime,b2,b3\n2024-01-01 00:30,1,2\n",
    "daily": "mpan,date,kwh\nA,2024-01-01,1\n",
    "sites": "name,address\nWorks,x\n",
    "meters": "mpan,site\nA,Works\n",
}


@pytest.mark.parametrize("kind", FILES)
def test_each_format_is_recognised_alone_and_by_name(tmp_path: Path, kind: str) -> None:
    for option in ("auto", kind):
        seen = read_text(tmp_path, FILES[kind], option).recognition
        assert seen.format == kind
        assert seen.why
        assert 0 < seen.sure <= 1


@pytest.mark.parametrize("kind", FILES)
def test_hh_takes_half_hours_in_any_layout_and_nothing_else(tmp_path: Path, kind: str) -> None:
    if kind in ("wide", "long", "matrix"):
        assert read_text(tmp_path, FILES[kind], "hh").recognition.format == kind
        return
    with pytest.raises(UnreadableFile, match="is not recognised"):
        read_text(tmp_path, FILES[kind], "hh")


@pytest.mark.parametrize(
    ("kind", "option"), [("wide", "long"), ("long", "wide"), ("daily", "sites"), ("sites", "meters")]
)
def test_a_file_of_another_format_than_was_named_is_refused(tmp_path: Path, kind: str, option: str) -> None:
    with pytest.raises(UnreadableFile) as error:
        read_text(tmp_path, FILES[kind], option)
    assert f"as {option}" in error.value.reason
    assert "columns are" in error.value.reason
    assert "Readable layouts are" in error.value.remedy


def test_every_reader_can_be_named_and_an_unknown_name_lists_them(tmp_path: Path) -> None:
    assert sorted(reader.name for reader in readers()) == sorted(FORMATS)
    assert {"auto", "hh", *FORMATS} == set(TYPES)
    with pytest.raises(Invalid, match="wide, long"):
        read_text(tmp_path, FILES["long"], "bananas")


@pytest.mark.parametrize("kind", FILES)
def test_a_header_alone_is_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(UnreadableFile, match="header and no data"):
        read_text(tmp_path, FILES[kind].split("\n")[0] + "\n", kind)


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\nmpan;datetime;kwh\nA;2024-01-01 00:30;1\n",
        "A, title, with, commas, and, more, of, them\nmpan;datetime;kwh\nA;2024-01-01 00:30;1\nA;2024-01-01 01:00;1\n",
        "mpan|datetime|kwh|notes\nA|2024-01-01 00:30|1|a, b, c\nA|2024-01-01 01:00|1|d, e\n",
        "mpan\tdatetime\tkwh\nA\t2024-01-01 00:30\t1\n",
    ],
)
def test_the_delimiter_is_told_by_all_lines_together(tmp_path: Path, text: str) -> None:
    read = read_text(tmp_path, text)
    assert (read.recognition.format, read.errors) == ("long", [])
    assert read.rows >= 1


def test_a_title_that_looks_a_little_like_a_header_is_passed_over(tmp_path: Path) -> None:
    read = read_text(tmp_path, f"Meter,1200023305967\nSite,Works\n\n{FILES['long']}")
    assert (read.rows, read.column("line")) == (1, [5])


class Guess:
    """A reader with a given sureness."""

    kind = "readings"

    def __init__(self, name: str, sure: float) -> None:
        self.name, self.sure = name, sure

    def recognise(self, head: FileSample) -> Recognition:
        return Recognition(self.name, f"it looks like {self.name}", self.sure, is_table=False)


@pytest.mark.parametrize(
    ("sure", "format_"),
    [
        ({"wide": 0.9, "long": 0.84}, "wide"),
        ({"wide": 0.5, "long": 0.4}, "wide"),
        ({"wide": 0.9, "long": 0.86}, None),
        ({"wide": 0.9, "long": 0.9, "daily": 0.88}, None),
        ({"wide": 0.49}, None),
    ],
)
def test_what_is_nearly_as_sure_or_not_sure_enough_is_asked_and_never_guessed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sure: dict[str, float], format_: str | None
) -> None:
    monkeypatch.setattr(recognising, "readers", lambda *_: [Guess(name, of) for name, of in sure.items()])
    path = tmp_path / "file"
    path.write_text("anything\n")
    source = open_source(path)
    if format_:
        assert recognising.recognise(source)[1].format == format_
        return
    with pytest.raises(UnreadableFile) as refused:
        recognising.recognise(source)
    for name, of in sure.items():
        assert f"{name} (it looks like {name}; {of:.0%} sure)" in refused.value.reason
        assert f"-t {name}" in refused.value.remedy
        assert recognising.recognise(source, name)[1].format == name


@pytest.mark.parametrize("heading", ["Start", "Date", "Timestamp", "Period end"])
@pytest.mark.parametrize("stamp", ["1969-12-31 23:30", "31/12/1899 00:30", "2150-01-01 00:00"])
def test_stamps_of_impossible_years_are_rejected_as_such_and_do_not_hide_what_the_file_is(
    tmp_path: Path, heading: str, stamp: str
) -> None:
    read = read_text(tmp_path, f"MPAN,{heading},kWh\nA,{stamp},1\nA,{stamp},2\n")
    assert (read.recognition.format, read.lines) == ("long", [2, 3])
    assert "is not between 1970 and 2100" in read.errors[0].reason


@pytest.mark.parametrize("heading", ["Start", "Date", "Timestamp", "Date,Time", "Interval"])
def test_a_header_alone_is_told_as_such_whatever_its_moment_is_called(tmp_path: Path, heading: str) -> None:
    with pytest.raises(UnreadableFile, match="has a header and no data under it"):
        read_text(tmp_path, f"MPAN,{heading},kWh\n")


@pytest.mark.parametrize("heading", ["mpan,site,date,kwh", "name,postcode,date,kwh"])
def test_values_of_days_are_no_list_of_meters_or_sites_though_they_look_like_one(tmp_path: Path, heading: str) -> None:
    with pytest.raises(UnreadableFile):
        read_text(tmp_path, heading + ",quantity,direction\nA,Works,2024-01-01,1,import,import\n")


def test_a_list_of_meters_may_have_dates_and_numbers(tmp_path: Path) -> None:
    text = "mpan,site,installed,removed,multiplier\nA,Works,2024-01-01,2025-01-01,2\n"
    assert read_text(tmp_path, text).recognition.format == "meters"
