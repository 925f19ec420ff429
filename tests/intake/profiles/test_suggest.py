"""What headings and cells of an unknown file suggest, and whether the mapping made of that reads it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from eclectyc.intake.profiles.form_mapping import Answers, answers_of, checked_mapping, number_of
from eclectyc.intake.profiles.sample_file import SampleFile, open_sample
from eclectyc.intake.profiles.suggest import suggest_answers
from eclectyc.readers.blocks import UnreadableFile

A, B = "1200023305967", "2248274887874"
DAYS = [date(2025, 1, 12) + timedelta(n) for n in range(9)]

LONG = "Report;;;;\n\nZähler;Von;Bezug;Güte;Notiz\n" + "".join(
    f"{A};06.01.2025 {k // 2:02}:{k % 2 * 30:02};{k},5;{'W' if k % 3 else 'G'};x\n" for k in range(9)
)
WIDE = "".join(f"{A},{day:%m/%d/%Y},{','.join(str(k) for k in range(48))}\n" for day in DAYS)
HEADED = "Point,Day," + ",".join(f"HH{n:02}" for n in range(1, 49)) + "\n" + f"{A},2025-01-06,{','.join(['1'] * 48)}\n"
DAILY = "Site,Tag,Menge\n" + "".join(f"{A},{day:%d.%m.%Y},{n % 4}.5\n" for n, day in enumerate(DAYS))
MATRIX = "Moment|Hall|Lift\n" + "".join(f"2025-01-06 0{k}:00|{k % 3}|{k % 2}\n" for k in range(9))
RISING = "Z;Am;Stand\n" + "".join(f"{A};0{d}.01.2025;{1000 + 13 * d}\n" for d in range(1, 9))
FLOW = "ZHV|1|D0036001|\n" + "".join(
    f"101|{meter}|\n102|AI|\n103|2025010{d}|\n" + "".join(f"104|A|{k / 4}|\n" for k in range(48))
    for meter in (A, B)
    for d in (6, 7)
)


def guess(folder: Path, text: str) -> tuple[Answers, SampleFile]:
    path = folder / "sender_2025-01.csv"
    path.write_text(text)
    with open_sample(path, path.name) as head:
        return suggest_answers(head), head


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (LONG, {"layout": "long", "header": "3", "delimiter": ";", "decimal": "comma",
                "c1": "meter", "c2": "stamp", "c3": "value", "c4": "flag"}),
        (WIDE, {"layout": "wide", "header": "0", "dates": "MM/DD/YYYY", "slots_count": "48",
                "c1": "meter", "c2": "date", "c3": "slots"}),
        (HEADED, {"layout": "wide", "header": "1", "slots_are": "position", "c2": "date", "c3": "slots"}),
        (DAILY, {"layout": "daily", "c1": "meter", "c2": "date", "c3": "value"}),
        (MATRIX, {"layout": "matrix", "delimiter": "|", "c1": "stamp", "c2": "value", "c3": "value"}),
        (RISING, {"layout": "registers", "c1": "meter", "c2": "date", "c3": "value"}),
        (FLOW, {"layout": "long", "records": "1"}),
    ],
)  # fmt: skip
def test_headings_and_cells_suggest_what_a_file_is(text: str, wanted: Answers, tmp_path: Path) -> None:
    answers, _ = guess(tmp_path, text)
    assert {name: answers.get(name) for name in wanted} == wanted
    assert answers["name"] == "sender"


@pytest.mark.parametrize("text", [LONG, WIDE, HEADED, DAILY, MATRIX, RISING, FLOW])
def test_what_is_suggested_makes_a_mapping_and_that_the_same_answers(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with open_sample(path, path.name) as head:
        answers = suggest_answers(head)
        table = head.table(head.delimiter(answers["delimiter"]), number_of(answers, "header"),
                           records=number_of(answers, "records") or None)  # fmt: skip
        mapping = checked_mapping(answers, table)
        again = answers_of(mapping, table)
        assert checked_mapping(again, table) == mapping


HOSTILE = {
    "ten million columns": b"a," * 9_999_999 + b"a\n1\n",
    "four hundred thousand columns": b"a," * 399_999 + b"a\n1\n",
    "zero bytes": b"MPAN,Date,kWh\n1\x002,2025-01-01,1\n",
    "a line without end": b"x" * 3_000_000,
    "XML": b"<a>" * 50_000,
    "JSON": b'{"a": [' * 50_000,
    "nothing": b"",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_at_its_head(name: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.csv"
    path.write_bytes(HOSTILE[name])
    with pytest.raises(UnreadableFile) as refusal, open_sample(path, path.name) as head:
        suggest_answers(head)
    assert refusal.value.remedy


def test_of_a_large_file_only_the_head_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("w") as file:
        file.write("MPAN,Date,kWh\n")
        file.truncate(3 << 30)  # three sparse gigabytes
    with pytest.raises(UnreadableFile, match="zero bytes"), open_sample(path, path.name):
        pass
    path.write_text("MPAN,Date,kWh\n" + f"{A},2025-01-06,1\n" * 200_000)
    with open_sample(path, path.name) as head:
        assert len(head.lines(",")) <= 300
        assert suggest_answers(head)["layout"] == "daily"


def test_digits_that_are_no_numbers_are_no_periods(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "Name,Date,Grade,Long\n" + "".join(f"A,0{n}/06/2025,{g},{'9' * 5000}\n" for n, g in enumerate("²³¹", 1))
    )
    with open_sample(path, path.name) as head:
        assert "period" not in suggest_answers(head).values()
