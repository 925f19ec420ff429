"""Lines of several kinds: D0036, D0275 and whatever else names the meter in one line and its readings under it.

What is expected is what the same readings give in a plain table.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.cli.session import OPERATOR
from eclectyc.intake.import_options import ImportOptions
from eclectyc.intake.profiles.service import create_profile
from eclectyc.intake.profiles.toml_text import mapping_of_toml, toml_of
from eclectyc.intake.report import ImportReport
from eclectyc.intake.service import import_file
from eclectyc.intake.uploads.models import Upload
from eclectyc.intake.uploads.rejected import rejected_lines
from eclectyc.intake.uploads.service import receive, start
from eclectyc.jobs.worker import run_waiting
from eclectyc.kernel.errors import Invalid
from eclectyc.readers.blocks import UnreadableFile
from tests.factories import World, make_meter
from tests.intake.import_calls import bring, held

pytestmark = pytest.mark.django_db(transaction=True)

MPAN, SECOND = "1200023305967", "2248274887874"
EACH = """layout = "long"
[file]
delimiter = "|"
records = 1
[columns]
meter = "101.2"
quantity = "102.2"
date = "103.2"
period = "104.#"
flag = "104.2"
value = "104.3"
[meaning]
unit = "kWh"
"""
WHOLE = """layout = "wide"
[file]
delimiter = "|"
records = 1
[columns]
meter = "101.2"
date = "103.2"
slots = { first = "103.3", count = 48, every = 2, flags = "103.4" }
"""


def declare(world: World, folder: Path, profile: str, lines: list[str]) -> ImportReport:
    (folder / "flow.toml").write_text(profile)
    (folder / "flow.txt").write_text("\n".join(lines) + "\n")
    options = ImportOptions(profile=str(folder / "flow.toml"))
    return import_file(OPERATOR, organisation=world.org, path=folder / "flow.txt", options=options)


def value(n: int, day: date, slot: int) -> str:
    return f"{n * 100 + day.day + slot / 100:.2f}"


DAYS = [date(2025, 1, 6) + timedelta(n) for n in range(2)]


def test_a_line_a_half_hour_under_its_meter_its_quantity_and_its_day(world: World, tmp_path: Path) -> None:
    make_meter(world.site, SECOND)
    lines = ["ZHV|0001|D0036001|D|HDAB|X|SUPL|20250108||||OPER|"]
    plain = ["MPAN,Date,Period,Value,Flag,Quantity"]
    for n, meter in enumerate((MPAN, SECOND)):
        lines.append(f"101|{meter}|")
        for word, quantity in (("AI", "import"), ("AE", "export")):
            lines.append(f"102|{word}|")
            for day in DAYS:
                lines.append(f"103|{day:%Y%m%d}|")
                for slot in range(48):
                    flag = "E" if slot == 7 else "A"
                    lines.append(f"104|{flag}|{value(n, day, slot)}|")
                    plain.append(f"{meter},{day},{slot + 1},{value(n, day, slot)},{flag},{quantity}")
    lines.append(f"ZPT|0001|{len(lines)}||1|20250108|")
    report = declare(world, tmp_path, EACH, lines)
    assert (report.errors, report.rows, report.added) == ([], 384, 384)
    declared = {(m, q): held(m, q, organisation=world.org) for m in (MPAN, SECOND) for q in ("import", "export")}
    assert len(declared[MPAN, "import"]) == 96
    again = bring(world, tmp_path / "plain.csv", "\n".join(plain) + "\n")
    assert (again.errors, again.added, again.changed, again.unchanged) == ([], 0, 0, 384)
    assert {key: held(*key, organisation=world.org) for key in declared} == declared


def test_a_line_a_day_with_a_flag_beside_each_value(world: World, tmp_path: Path) -> None:
    cells = [f"{k / 4}|{'E' if k == 3 else 'A'}" for k in range(48)]
    lines = ["ZHV|1|D0275001", f"101|{MPAN}", "102|AI", f"103|20250106|{'|'.join(cells)}", "ZPT|1"]
    report = declare(world, tmp_path, WHOLE, lines)
    assert (report.errors, report.rows, report.added, report.series[0].total) == ([], 1, 48, sum(range(48)) / 4)
    assert [flag for _, flag in held(world.meter).values()][2:5] == [1, 2, 1]


def test_a_line_above_replaces_the_earlier_one_of_its_type(world: World, tmp_path: Path) -> None:
    make_meter(world.site, SECOND)
    lines = [f"101|{MPAN}", "102|AI", "103|20250106", "104|A|1", f"101|{SECOND}", "102|AI", "104|A|2"]
    report = declare(world, tmp_path, EACH, lines)
    assert [(error.line, error.column) for error in report.errors] == [(7, "103.2")]
    assert (report.rows, report.added, len(held(SECOND, organisation=world.org))) == (2, 1, 0)


def test_rejected_lines_have_the_files_own_numbers(world: World, tmp_path: Path) -> None:
    lines = ["ZHV|1", f"101|{MPAN}", "102|AI", "103|20250106", "104|A|1", "", "104|A|much", "104|Q|2", "104|A"]
    report = declare(world, tmp_path, EACH, lines)
    assert [(error.line, error.column) for error in report.errors] == [(7, "104.3"), (8, "104.2")]


def test_a_file_with_none_of_the_lines_is_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no lines of record type '104'"):
        declare(world, tmp_path, EACH, ["MPAN|Date", "A|B"])


@pytest.mark.parametrize("text", [EACH, WHOLE])
def test_such_a_profile_written_down_and_read_again_is_the_same(text: str) -> None:
    mapping = mapping_of_toml(text)
    assert mapping_of_toml(toml_of(mapping)) == mapping


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (EACH.replace('"104.3"', '"Value"'), "does not name a cell of a record type"),
        (EACH.replace('"104.3"', "3"), "does not name a cell of a record type"),
        (EACH.replace('value = "104.3"', 'value = ["104.3", "105.3"]'), "All readings must be in one record type"),
        (
            'layout = "matrix"\n[file]\nrecords = 1\n[columns]\ndate = "a.1"\ntime = "a.2"',
            "A matrix has only one record type",
        ),
    ],
)
def test_what_is_wrong_with_such_a_profile_is_named(text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        mapping_of_toml(text)


def test_rejected_lines_come_with_the_lines_above_them_and_are_imported_once_corrected(
    world: World, tmp_path: Path
) -> None:
    actor = Actor.of(world.admin)
    make_meter(world.site, SECOND)
    create_profile(actor, organisation=world.org, name="Flow", mapping=mapping_of_toml(EACH))
    lines = ["ZHV|1", f"101|{SECOND}", "102|AI", "103|20250106", "104|A|1"]
    lines += [f"101|{MPAN}", "102|AI", "103|20250106", "104|A|1", "103|20250107", "104|A|1", "104|A|much"]
    lines += ["104|A|3", "104|A|4", "ZPT|1"]
    text = "\n".join(lines) + "\n"

    def sent(data: str) -> Upload:
        upload = receive(actor, organisation=world.org, name="flow.txt", chunks=[data.encode()])
        start(actor, upload=upload, options=ImportOptions(profile="Flow"))
        run_waiting()
        upload.refresh_from_db()
        return upload

    rejected = "".join(rejected_lines(actor, sent(text)))
    assert rejected.splitlines() == ["ZHV|1", f"101|{MPAN}", "102|AI", "103|20250107", "104|A|1", "104|A|much"]
    mended = sent(rejected.replace("much", "2"))
    assert (mended.report["errors"], mended.report["added"], mended.report["unchanged"]) == ([], 1, 1)
    assert [value for value, _ in held(world.meter).values()] == [1.0, 1.0, 2.0, 3.0, 4.0]
