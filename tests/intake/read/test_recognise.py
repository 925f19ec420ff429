"""Which format a file is taken for, and what is said when none fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from eclectyc.intake.blocks import UnreadableFile
from eclectyc.intake.formats import readers
from eclectyc.intake.recognise import TYPES
from eclectyc.kernel.errors import Invalid
from tests.intake.read.reading import read_text

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
        seen = read_text(tmp_path, FILES[kind], option).seen
        assert seen.format == kind
        assert seen.why
        assert 0 < seen.sure <= 1


@pytest.mark.parametrize("kind", FILES)
def test_hh_takes_half_hours_in_any_layout_and_nothing_else(tmp_path: Path, kind: str) -> None:
    if kind in ("wide", "long", "matrix"):
        assert read_text(tmp_path, FILES[kind], "hh").seen.format == kind
        return
    with pytest.raises(UnreadableFile, match="is not understood"):
        read_text(tmp_path, FILES[kind], "hh")


@pytest.mark.parametrize(
    ("kind", "option"), [("wide", "long"), ("long", "wide"), ("daily", "sites"), ("sites", "meters")]
)
def test_a_file_of_another_format_than_was_named_is_refused(tmp_path: Path, kind: str, option: str) -> None:
    with pytest.raises(UnreadableFile) as error:
        read_text(tmp_path, FILES[kind], option)
    assert f"as {option}" in error.value.reason
    assert "columns are" in error.value.reason
    assert "Wanted is" in error.value.remedy


def test_every_reader_can_be_named_and_an_unknown_name_lists_them(tmp_path: Path) -> None:
    assert {reader.name for reader in readers()} <= set(TYPES)
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
    assert (read.seen.format, read.errors) == ("long", [])
    assert read.rows >= 1


def test_a_title_that_looks_a_little_like_a_header_is_passed_over(tmp_path: Path) -> None:
    read = read_text(tmp_path, f"Meter,1200023305967\nSite,Works\n\n{FILES['long']}")
    assert (read.rows, read.column("line")) == (1, [5])
