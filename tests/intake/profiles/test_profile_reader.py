"""Files that nobody could recognise go in as their profile declares them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.cli.session import OPERATOR
from eclectyc.intake.import_options import ImportOptions
from eclectyc.intake.profiles.mapping import mapping_of
from eclectyc.intake.profiles.toml_text import mapping_of_toml, toml_of
from eclectyc.intake.report import ImportReport
from eclectyc.intake.service import import_file
from eclectyc.kernel.errors import Invalid, NotFound
from eclectyc.readers.blocks import UnreadableFile
from tests.factories import World
from tests.intake.import_calls import bring, held, values_of

pytestmark = pytest.mark.django_db

MPAN = "1200023305967"  # the world's meter
WIDE = """layout = "wide"
[file]
header = false
[columns]
meter = 1
date = 2
slots = { first = 3, count = 48 }
[meaning]
unit = "Wh"
dates = "MM/DD/YYYY"
"""
LONG = """layout = "long"
[file]
delimiter = ";"
[columns]
meter = "Zählpunkt"
stamp = "Von"
value = "Verbrauch"
flag = "Güte"
[meaning]
stamps = "start"
dates = "DD.MM.YYYY HH:mm"
decimal = "comma"
unit = "kWh"
missing = ["n/a"]
[flags]
W = "actual"
G = "estimated"
F = "missing"
"""


def declare(world: World, folder: Path, profile: str, content: str, **options: Any) -> ImportReport:
    """Import a file as a profile declares it, on the command line."""
    (folder / "sender.toml").write_text(profile)
    path = folder / "odd.txt"
    path.write_text(content)
    said = ImportOptions(profile=str(folder / "sender.toml"), **options)
    return import_file(OPERATOR, organisation=world.org, path=path, options=said)


def at(hours: float) -> datetime:
    return datetime(2025, 1, 6, tzinfo=UTC) + timedelta(hours=hours)


def test_words_commas_and_headings_of_another_tongue_are_declared(world: World, tmp_path: Path) -> None:
    lines = [
        "Lieferung Januar", "Zählpunkt;Von;Bis;Verbrauch;Güte",
        f"{MPAN};06.01.2025 00:00;x;1.000,5;W", f"{MPAN};06.01.2025 00:30;x;2,25;G",
        f"{MPAN};06.01.2025 01:00;x;3;F", f"{MPAN};06.01.2025 01:30;x;n/a;W",
    ]  # fmt: skip
    report = declare(world, tmp_path, LONG, "\n".join(lines) + "\n")
    assert (report.format, report.sure, report.errors, report.stamps) == ("long", 1.0, [], "start")
    assert "it is declared by profile sender" in report.why
    assert held(world.meter) == {at(0): (1000.5, 1), at(0.5): (2.25, 2)}


def test_a_cell_that_is_not_as_declared_rejects_its_line_and_no_other(world: World, tmp_path: Path) -> None:
    lines = [
        "Zählpunkt;Von;Verbrauch;Güte", f"{MPAN};06.01.2025 00:00;1,5;W", f"{MPAN};2025-01-06 00:30;1,5;W",
        f"{MPAN};06.01.2025 01:00;1.5;W", f"{MPAN};06.01.2025 01:30;1,5;Z", f"{MPAN};31.02.2025 01:30;1,5;W",
    ]  # fmt: skip
    report = declare(world, tmp_path, LONG, "\n".join(lines) + "\n")
    assert [(error.line, error.column) for error in report.errors] == [
        (3, "Von"), (4, "Verbrauch"), (5, "Güte"), (6, "Von"),
    ]  # fmt: skip
    assert (report.rows, report.rejected, report.added) == (5, 4, 1)


def test_columns_by_position_with_the_month_first(world: World, tmp_path: Path) -> None:
    day = ",".join(str(1000 + k) for k in range(48))
    report = declare(world, tmp_path, WIDE, f"{MPAN},01/06/2025,{day}\n")
    assert (report.errors, report.added, report.format) == ([], 48, "wide")
    assert values_of(held(world.meter)) == pytest.approx({at(k / 2): (1000 + k) / 1000 for k in range(48)})


def test_the_profile_declares_what_d_0000_closes_if_a_sorted_file_cannot_show_it(world: World, tmp_path: Path) -> None:
    profile = """layout = "long"
[columns]
meter = "M"
date = "D"
time = "T"
value = "V"
[meaning]
stamps = "end"
closes_midnight = true
"""
    rows = [f"{MPAN},2025-01-06,{k // 2:02}:{k % 2 * 30:02},{k}" for k in range(48)]
    report = declare(world, tmp_path, profile, "M,D,T,V\n" + "\n".join(rows) + "\n")
    expected = {at(k / 2 - 0.5): float(k) for k in range(1, 48)} | {at(23.5): 0.0}
    assert (report.errors, values_of(held(world.meter))) == ([], expected)


SERIALS = """layout = "daily"
[columns]
meter = "M"
serial = "S"
date = "D"
value = "V"
[meters]
add_serials = true
"""


def test_serials_that_are_parts_of_a_meter_are_kept_apart_and_counted_together(world: World, tmp_path: Path) -> None:
    content = f"M,S,D,V\n{MPAN},A1,2025-01-06,5\n{MPAN},B2,2025-01-06,7\n"
    report = declare(world, tmp_path, SERIALS, content)
    assert report.errors == []
    assert sorted((one.step, one.readings, one.total) for one in report.series) == [(1440, 1, 5.0), (1440, 1, 7.0)]
    refused = declare(world, tmp_path, SERIALS.replace("add_serials = true", ""), content.replace("06", "07"))
    assert (refused.added, len(refused.errors)) == (0, 2)


def test_long_serials_that_begin_alike_stay_apart(world: World, tmp_path: Path) -> None:
    first, second = (f"GB-2019-COLLECTOR-{n:06}" for n in (1, 2))
    content = f"M,S,D,V\n{MPAN},{first},2025-01-06,5\n{MPAN},{second},2025-01-06,7\n{MPAN},{first},2025-01-07,9\n"
    report = declare(world, tmp_path, SERIALS, content)
    assert report.errors == []
    assert sorted((one.readings, one.total) for one in report.series) == [(1, 7.0), (2, 14.0)]
    assert {one.register[:11] for one in report.series} == {first[:11]}


def test_a_matrix_and_a_file_that_names_no_meter(world: World, tmp_path: Path) -> None:
    matrix = (
        'layout = "matrix"\n[columns]\nstamp = "When"\nvalue = ["Hall"]\n[meters]\nunknown = "create"\nsite = "Works"\n'
    )
    report = declare(world, tmp_path, matrix, "When,Hall,Price\n2025-01-06 00:00,1,9\n2025-01-06 00:30,2,9\n")
    assert [(one.meter, one.total) for one in report.series] == [("Hall", 3.0)]
    single = f'layout = "daily"\n[columns]\ndate = "Day"\nvalue = "Used"\n[meters]\nmeter = "{MPAN}"\n'
    report = declare(world, tmp_path, single, "Day,Used\n2025-01-06,4\n")
    assert [(one.meter, one.total) for one in report.series] == [(MPAN, 4.0)]


def test_last_wins_lets_an_estimate_withdraw_an_actual_value(world: World, tmp_path: Path) -> None:
    profile = 'layout = "daily"\n[columns]\nmeter = "M"\ndate = "D"\nvalue = "V"\nflag = "F"\n'
    first = f"M,D,V,F\n{MPAN},2025-01-06,5,A\n"
    declare(world, tmp_path, profile, first)
    kept = declare(world, tmp_path, profile, first.replace("5,A", "6,E"))
    assert (kept.kept, kept.changed) == (1, 0)
    tried = declare(world, tmp_path, "last_wins = true\n" + profile, first.replace("5,A", "6,E"), dry_run=True)
    taken = declare(world, tmp_path, "last_wins = true\n" + profile, first.replace("5,A", "6,E"))
    assert (tried.changed, taken.changed, taken.kept) == (1, 1, 0)
    assert held(world.meter) == {at(0): (6.0, 2)}


def test_a_file_that_is_not_as_declared_is_refused_with_what_it_has(world: World, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"columns: 'Zählpunkt', .* The file begins: 'MPAN', 'Date'"):
        declare(world, tmp_path, LONG, "MPAN;Date\nA;1\n")
    with pytest.raises(UnreadableFile, match="declares 48 columns"):
        declare(world, tmp_path, WIDE, f"{MPAN},01/06/2025,1,2,3\n")


def test_only_who_works_on_the_machine_names_a_file_of_its_own(world: World, tmp_path: Path) -> None:
    (tmp_path / "sender.toml").write_text(WIDE)
    with pytest.raises(NotFound, match="no import profile"):
        bring(world, tmp_path / "a.csv", f"{MPAN},01/06/2025,1\n", profile=str(tmp_path / "sender.toml"))
    assert not Actor.of(world.admin).operator


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        ("layout = ", "profile", "not valid TOML"),
        ("[columns]\nvalue = 1", "layout", "'layout' is missing"),
        ('layout = "tall"', "layout", "should be 'long'"),
        ('layout = "long"', "columns.value", "needs a column of values"),
        ('layout = "long"\n[columns]\nvalue = 1', "columns.stamp", "needs a date and time"),
        ('layout = "daily"\n[columns]\nvalue = 1', "columns.date", "needs a date"),
        ('layout = "daily"\n[columns]\nvalue = 1\ndate = 1', "columns", "used as date and as value"),
        ('layout = "daily"\n[columns]\nvalue = 0\ndate = 1', "columns.value", "is not a column"),
        ('layout = "daily"\n[columns]\nvalue = 1\ndate = "D"\n[file]\nheader = false', "columns", "no column 'D'"),
        ('layout = "daily"\n[columns]\nvalue = 1\ndate = 2\nmetre = 3', "columns.metre", "has no"),
        ('layout = "daily"\n[columns]\nvalue = 1\ndate = 2\n[meaning]\ntimezone = "Mars"', "timezone", "no time zone"),
        ('layout = "daily"\n[columns]\nvalue = 1\ndate = 2\n[meaning]\nunit = "ell"', "unit", "is not known"),
        (
            'layout = "daily"\n[columns]\nvalue = 1\ndate = 2\n[meaning]\ndates = "D/M"',
            "meaning.dates",
            "is not a date or time format",
        ),
        ('layout = "daily"\n[columns]\nvalue = 1\ndate = 2\n[meaning]\nstep = 7', "meaning.step", "cannot last 7"),
        ('layout = "daily"\n[columns]\nvalue = 1\ndate = 2\n[flags]\nX = "maybe"', "flags.X", "'actual'"),
        ('layout = "wide"\n[columns]\ndate = 2', "columns.slots", "required for the layout 'wide'"),
        (
            'layout = "daily"\n[columns]\nvalue = 1\ndate = 2\n[meters]\nunknown = "create"',
            "meters.site",
            "need a site",
        ),
    ],
)
def test_what_is_wrong_with_a_profile_is_named(text: str, field: str, words: str) -> None:
    with pytest.raises(Invalid, match=words) as error:
        mapping_of_toml(text)
    assert error.value.field == field
    assert error.value.remedy


@pytest.mark.parametrize("text", [WIDE, LONG])
def test_a_profile_written_down_and_read_again_is_the_same(text: str) -> None:
    mapping = mapping_of_toml(text)
    assert mapping_of_toml(toml_of(mapping)) == mapping
    assert mapping_of(mapping.as_data()) == mapping
