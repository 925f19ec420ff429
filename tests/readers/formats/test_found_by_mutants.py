"""Mistakes found by damaged files, each as a small file of its own."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.tables.cell_vocabulary import flag_of, quantity_of
from eclectyc.readers.tables.timestamp_columns import parse_stamps
from tests.factories import World, make_meter
from tests.intake.import_calls import bring, held, values_of
from tests.readers.formats import london
from tests.readers.formats.golden import golden
from tests.readers.formats.greenbutton_feeds import Meter, feed
from tests.readers.formats.sheets import ods, xlsx
from tests.readers.mutants.books import packed_again, parts_of
from tests.readers.reading import read_text

MPAN, OTHER = "1200023305967", "1000000000040"
_HOURS = [datetime(2024, 1, 1) + timedelta(hours=n) for n in range(24)]

# Two meters one after the other; the line that names the second one is {head}.
_DAY = ",".join(["300,20240201", *["1"] * 48, "A,,,,"])
_NEM12 = ["100,NEM12,202402010000,A,B", "200,NMI0000001,E1,1,E1,N1,S1,kWh,30,", _DAY, "{head}",
          _DAY.replace("20240201", "20240202"), "900"]  # fmt: skip
_D0379 = ["ZHV|1|D0379001|X|S|C|U|20240102030405||||OPER|", f"25B|{MPAN}|AI|S|", "26B|20240101|",
*["66L|A|1|"] * 48, "{head}",
          "26B|20240102|", *["66L|A|1|"] * 48, "ZPT|1|101||2|20240102030405|"]  # fmt: skip
_STARK = ["#F2", f"#O {MPAN}", "#S 1", "01/01/2024,00:30,1,A", "{head}", "01/01/2024,01:00,1,A"]
_D0010 = ["ZHV|1|D0010002|D|U|X|M|20250402153151||||OPER|", f"026|{MPAN}|V|", "028|S1|R|",
"030|S|20250301000000|1|||T|N|",
          "{head}", "028|S2|R|", "030|S|20250301000000|2|||T|N|", "ZPT|1|6||2|20250402154650|"]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "head"),
    [
        (_NEM12, b"20O,NMI0000002,E1,1,E1,N1,S1,kWh,30,"), (_NEM12, b"200,NMI0000002,E1,1,E1,N1,S\x811,kWh,30,"),
        (_D0379, f"25b|{OTHER}|AI|S|".encode()), (_D0379, f"25B|{OTHER}\x1d|AI|S|".encode()),
        (_STARK, f"O {OTHER}".encode()), (_STARK, f"# O {OTHER}".encode()), (_STARK, b"S 2,,,"), (_STARK, b"#O \x811"),
        (_D0010, f" 026|{OTHER}|V|".encode()), (_D0010, b"026|1000000000040\x81|V|"), (_D0010,
        b"ZPT|1|3||1|20250402154650|"),
    ],
)  # fmt: skip
def test_what_stands_under_a_damaged_head_is_never_the_meter_before_s(
    tmp_path: Path, lines: list[str], head: bytes
) -> None:
    at = lines.index("{head}")
    content = b"\n".join(head if n == at else line.encode() for n, line in enumerate(lines)) + b"\n"
    found = read_text(tmp_path, content, name="file.txt")
    assert max(found.column("line")) <= at
    assert max(found.lines) > at + 1


def test_other_records_of_the_market_between_a_d0010_s_own_leave_its_points_as_they_are(tmp_path: Path) -> None:
    lines = [_D0010[0], _D0010[1], "027|N|", _D0010[2], "029|x|", _D0010[3], "ZPT|1|5||1|20250402154650|"]
    assert read_text(tmp_path, "\n".join(lines) + "\n", name="file.uff").column("meter") == [MPAN]


def test_a_read_that_says_nothing_is_rejected(tmp_path: Path) -> None:
    text = "\n".join(line for line in _D0010 if line != "{head}").replace("000000|1|||", "000000|-|||") + "\n"
    found = read_text(tmp_path, text, name="file.uff")
    assert (found.lines, found.column("value")) == ([4], [2.0])


@pytest.mark.django_db
def test_the_lines_of_an_unknown_meter_are_all_counted_as_rejected(world: World, tmp_path: Path) -> None:
    lines = [line.replace("{head}", f"25B|{OTHER}9|AI|S|") for line in _D0379]
    report = bring(world, tmp_path / "a.txt", "\n".join(lines) + "\n")
    assert (report.rows, report.accepted, report.rejected) == (96, 48, 48)


@pytest.mark.django_db
@pytest.mark.parametrize("copies", [2, 3])
@pytest.mark.parametrize("is_newest_first", [False, True])
def test_a_day_that_comes_again_is_not_taken_for_ends_that_close_midnight(
    world: World, tmp_path: Path, copies: int, is_newest_first: bool
) -> None:
    rows = [f"{MPAN},{at:%Y-%m-%d %H:%M},{at.hour + 1}" for at in _HOURS]
    text = "\n".join(["MPAN,Datetime,kWh", *(rows[::-1] if is_newest_first else rows) * copies]) + "\n"
    assert bring(world, tmp_path / "a.csv", text).stamps == "start"
    assert values_of(held(MPAN)) == {at.replace(tzinfo=UTC): at.hour + 1.0 for at in _HOURS}


@pytest.mark.django_db
def test_one_midnight_out_of_its_place_does_not_move_all_the_others(world: World, tmp_path: Path) -> None:
    rows = [f"{MPAN},{at:%Y-%m-%d %H:%M},1.5" for day in range(4) for at in (h + timedelta(days=day) for h in _HOURS)]
    rows.insert(23, rows.pop(0))
    report = bring(world, tmp_path / "a.csv", "\n".join(["MPAN,Datetime,kWh", *rows]) + "\n")
    assert report.stamps == "start"
    assert min(held(MPAN)) == datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.django_db
def test_a_file_put_together_twice_fills_the_hour_that_autumn_repeats_as_once(world: World, tmp_path: Path) -> None:
    meter = make_meter(world.site, london.METER)
    report = bring(world, tmp_path / "a.csv", golden()["london-long.csv"].content.decode() * 2)
    assert (report.errors, report.added) == ([], 288)
    assert values_of(held(meter)) == {slot.start: float(slot.kwh) for slot in london.slots()}


def test_a_word_with_a_foreign_letter_in_it_is_not_the_word_without() -> None:
    assert (flag_of("ÿA"), flag_of("a"), quantity_of("ÿAI"), quantity_of("AI")) == (None, 1, None, "import")


def test_a_time_that_was_cut_off_is_not_another_time() -> None:
    cells = pl.Series(["2024-01-01 13:00", "2024-01-01 13:5", "2024-01-01 13:5 ", "2024-01-01 13:50 "])
    assert parse_stamps(cells, "Datetime").values.to_list() == [
        datetime(2024, 1, 1, 13),
        None,
        None,
        datetime(2024, 1, 1, 13, 50),
    ]


def test_a_reading_with_two_values_has_none(tmp_path: Path) -> None:
    text = feed(Meter([(1735689600, "1000"), (1735691400, "2000")])).replace(
        ">2000<", ">2000</espi:value><espi:value>9<"
    )
    found = read_text(tmp_path, text, name="feed.xml")
    assert (found.column("value"), found.lines) == ([1.0], [2])


def test_a_feed_with_two_powers_of_ten_is_refused(tmp_path: Path) -> None:
    element = "<espi:powerOfTenMultiplier>"
    text = feed(Meter([(1735689600, "1000")])).replace(element, f"{element}3</espi:powerOfTenMultiplier>{element}", 1)
    with pytest.raises(UnreadableFile, match="an invalid powerOfTenMultiplier '3 and 0'"):
        read_text(tmp_path, text, name="feed.xml")


@pytest.mark.parametrize("unit", ["Wh", "MWh", "kW", "hcf"])
def test_a_listed_meter_has_no_unit_that_its_readings_would_be_mistaken_in(tmp_path: Path, unit: str) -> None:
    found = read_text(tmp_path, f"mpan,site,utility,unit\n{MPAN},Dock,electricity,{unit}\n{OTHER},Dock,water,litres\n")
    assert (found.column("unit"), found.lines) == (["litre"], [2])
    assert "--unit" in found.errors[0].remedy


def test_a_file_of_a_delimiter_and_a_word_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile):
        read_text(tmp_path, ",\nword\n")


def _with_a_false_offset(content: bytes) -> bytes:
    at = content.index(b"PK\x01\x02")
    return content[: at + 42] + struct.pack("<I", 0xFFFFFFF0) + content[at + 46 :]


def _in_an_odd_encoding(content: bytes) -> bytes:
    parts = parts_of(content)
    name = "xl/worksheets/sheet1.xml"
    parts[name] = parts[name].replace(b'encoding="UTF-8"', b'encoding="utf-7"')
    return packed_again(parts)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.ods", _with_a_false_offset(ods({"Sheet1": [["MPAN", "Date", "kWh"]]}))),
        ("a.xlsx", _in_an_odd_encoding(xlsx({"Sheet1": [["MPAN", "Date", "kWh"]]}))),
    ],
)
@pytest.mark.django_db
def test_a_workbook_that_lies_about_itself_is_refused(world: World, tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableFile) as refused:
        bring(world, tmp_path / name)
    assert refused.value.remedy
