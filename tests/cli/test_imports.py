"""``eclectyc import``, ``undo`` and ``batches``: what they print, where, and their exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from eclectyc.accounts.models import Organisation
from eclectyc.estate.models import Meter
from tests.cli.conftest import Answer
from tests.factories import make_meter, make_site

pytestmark = pytest.mark.django_db

Run = Callable[..., Answer]
METER = "1200023305967"


@pytest.fixture
def organisation(db: None) -> Organisation:
    Organisation.objects.all().delete()
    made = Organisation.objects.create(name="Harbour Estates")
    make_meter(make_site(made, "Harbour House"), METER)
    return made


@pytest.fixture
def file(tmp_path: Path, organisation: Organisation) -> Path:
    path = tmp_path / "january.csv"
    rows = [f"{METER},06/01/2025 {k // 2:02}:{k % 2 * 30:02},{k / 4}" for k in range(48)]
    path.write_text("\n".join(["MPAN,Start,kWh", *rows]) + "\n")
    return path


def test_a_clean_import_prints_one_object_and_exits_with_0(run: Run, file: Path) -> None:
    answer = run("import", file, "--json")
    report = json.loads(answer.out)
    assert (answer.code, report["readings"], report["added"], report["kwh"]) == (0, 48, 48, 282.0)
    assert answer.err == ""


def test_a_clean_import_says_in_words_what_it_did(run: Run, file: Path) -> None:
    answer = run("import", file)
    assert answer.code == 0
    for words in ("48 readings: 48 added", "Read as long", "start of a period", "Europe/London", "282.000 kWh", METER):
        assert words in answer.out
    again = run("import", file)
    assert "0 added, 0 changed, 48 unchanged" in again.out


def test_some_rejected_rows_exit_with_1_and_are_shown_with_their_remedy(run: Run, file: Path) -> None:
    file.write_text(file.read_text() + f"{METER},31/02/2025 00:00,1\nM7,06/01/2025 00:00,1\n")
    answer = run("import", file)
    assert answer.code == 1
    assert "2 of 50 rows rejected" in answer.out
    assert "31/02/2025" in answer.out
    assert "--create-meters --site NAME" in answer.out


def test_nothing_usable_exits_with_2(run: Run, file: Path) -> None:
    file.write_text("MPAN,Start,kWh\nM7,06/01/2025 00:00,1\n")
    answer = run("import", file, "--json")
    report = json.loads(answer.out)
    assert (answer.code, report["batch"], report["unknown_meters"]) == (2, None, ["M7"])


def test_a_file_that_is_not_understood_exits_with_2_and_still_prints_one_object(run: Run, file: Path) -> None:
    file.write_text("name,colour\nx,red\n")
    answer = run("import", file, "--json")
    report = json.loads(answer.out)
    assert answer.code == 2
    assert report["error"]["code"] == "unreadable_file"
    assert "colour" in report["errors"][0]["reason"]
    assert answer.err.startswith("eclectyc: ")
    plain = run("import", file)
    assert (plain.code, plain.out) == (2, "")
    assert "colour" in plain.err


@pytest.mark.parametrize("words", [["missing.csv"], ["--stamps", "middle"], ["--timezone", "Mars/Base"]])
def test_what_cannot_be_done_is_one_line_and_exit_2(run: Run, file: Path, words: list[str]) -> None:
    answer = run("import", *([] if words[0] == "missing.csv" else [file]), *words)
    assert answer.code == 2
    assert answer.out == ""
    assert len(answer.err.strip().splitlines()) == 1


def test_a_dry_run_says_what_would_be_and_makes_nothing(run: Run, file: Path) -> None:
    file.write_text(file.read_text().replace(METER, "M7"))
    answer = run("import", file, "-n", "--create-meters", "--site", "New")
    assert answer.code == 0
    assert "48 would be added" in answer.out
    assert "1 meter would be created" in answer.out
    assert not Meter.objects.filter(identifier="M7").exists()
    assert "Nothing has been imported yet" in run("batches").err


def test_batches_lists_the_latest_first_and_undo_takes_one_back(run: Run, file: Path) -> None:
    first = json.loads(run("import", file, "--json").out)["batch"]
    file.write_text(file.read_text().replace("00:00,0.0", "00:00,9.0"))
    second = json.loads(run("import", file, "--json").out)["batch"]
    undone = run("undo", second)
    assert undone.code == 0
    assert f"Batch {second} is undone" in undone.out
    listed = json.loads(run("batches", "--json").out)
    assert [(b["batch"], b["kind"], b["state"]) for b in listed["items"]] == [
        (second + 1, "undo", "done"), (second, "import", "undone"), (first, "import", "done"),
    ]  # fmt: skip
    assert listed["count"] == 3
    table = run("batches").out.splitlines()
    assert [line.split()[0] for line in table[2:]] == [str(second + 1), str(second), str(first)]
    again = run("undo", second)
    assert (again.code, again.out) == (2, "")
    assert "undone already" in again.err
    assert run("undo", 999).code == 2


def test_undo_prints_one_object_where_asked(run: Run, file: Path) -> None:
    batch = json.loads(run("import", file, "--json").out)["batch"]
    answer = json.loads(run("undo", batch, "--json").out)
    assert (answer["batch"], answer["removed"], answer["changed"]) == (batch, 48, 0)


def test_with_several_organisations_one_must_be_named(run: Run, file: Path) -> None:
    Organisation.objects.create(name="Elsewhere Ltd")
    assert run("import", file).code == 2
    assert run("import", file, "--organisation", "harbour estates").code == 0
    other = run("import", file, "--organisation", "Elsewhere Ltd", "--json")
    assert (other.code, json.loads(other.out)["unknown_meters"]) == (2, [METER])


def test_sites_and_meters_are_said_in_words(run: Run, tmp_path: Path, organisation: Organisation) -> None:
    sites = tmp_path / "sites.csv"
    sites.write_text("Site name,Postcode\nHarbour House,BS1 4RN\nNew works,M1 1AA\n")
    answer = run("import", sites)
    assert answer.code == 0
    assert "1 created, 1 updated, 0 rejected" in answer.out
