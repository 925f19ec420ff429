"""One of a thing is told in the singular, and a total in the unit that there is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from eclectyc.accounts.models import Organisation
from eclectyc.batches.models import Batch
from tests.cli.conftest import Answer

pytestmark = pytest.mark.django_db

Run = Callable[..., Answer]
METER = "1200023305967"
A_PLURAL_OF_ONE = re.compile(
    r"(?<![\d.,])1 (?!is\b|was\b|has\b|series\b|unchanged|less\b)(?:[a-z-]+ )?[a-z-]+[^s\W]s\b"
)


@pytest.fixture(autouse=True)
def organisation(db: None) -> Organisation:
    Organisation.objects.all().delete()
    return Organisation.objects.create(name="Harbour Estates")


def put(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_what_looks_for_a_plural_of_one_finds_it() -> None:
    for wrong in (
        "1 readings: 1 added",
        "of 1 rows",
        "1 day summaries",
        "(1 times)",
        "1 of 1 rows rejected",
        "1 hours",
    ):
        assert A_PLURAL_OF_ONE.search(wrong), wrong
    for right in ("1 reading: 1 added", "21 readings", "1 day", "1,001 rows", "0.1 files", "1 unchanged", "1 series"):
        assert not A_PLURAL_OF_ONE.search(right), right


def test_one_of_a_thing_is_told_in_the_singular(run: Run, tmp_path: Path) -> None:
    one = put(tmp_path / "one.csv", "MPAN,Date,kWh", f"{METER},2025-01-06,2.5")
    half_hour = f"{METER},2025-01-07 00:30,2.5"
    odd = put(tmp_path / "odd.csv", "MPAN,Start,kWh", *[half_hour] * 2, "M7,2025-01-07 00:30,1",
              f"{METER},31/02/2025 00:30,1", f"{METER},2025-01-07 01:00,1", "Total,,1")  # fmt: skip
    said = ""
    for asked in (
        ("import", one, "--dry-run", "--create-meters", "--site", "Quay"),
        ("import", one, "--create-meters", "--site", "Quay"),
        ("import", one),
        ("import", odd),
        ("export", "readings", "-d", "2025-01-06"),
        ("export", "meters"),
        ("aggregate", "--range", "daily", "-d", "2025-01-06"),
        ("undo", 2),
        ("undo", 1),
        ("batches",),
        ("health",),
        ("audit", "verify"),
        ("retention", "list"),
    ):
        words = asked
        if asked[0] == "undo":  # the first and second batch, whatever their numbers are
            words = ("undo", Batch.objects.order_by("pk")[int(str(asked[1])) - 1].pk)
        answer = run(*words)
        said += f"$ {' '.join(map(str, words))}\n{answer.out}{answer.err}\n"
    for expected in (
        "1 reading: 1 added", "0 of 1 row rejected", "1 meter created", "1 row of readings from", "1 row of meters",
        "1 day summary over 1 reading", "The meter it created stays", "1 period occurred", "(1 row)",
    ):  # fmt: skip
        assert expected in said, said
    assert not A_PLURAL_OF_ONE.findall(said), said


@pytest.mark.parametrize(
    ("headings", "rows", "total"),
    [
        ("MPRN,Date,m3", ["1234567,2025-01-06,2.5", "1234567,2025-01-07,4"],
         "Control total: 6.500 m3 (nothing is in kWh)."),
        ("MPAN,Date,kWh,kVArh", [f"{METER},2025-01-06,1200.25,3"], "Control total: 1,200.250 kWh, 3.000 kVArh."),
        ("MPAN,Date,kWh", [f"{METER},2025-01-06,1200.25"], "Control total: 1,200.250 kWh."),
        ("Meter,Date,Unit,Value", ["T1,2025-01-06,degC,8"], "No control total: degC is not additive."),
    ],
)  # fmt: skip
def test_the_control_total_is_in_the_units_that_there_are(
    run: Run, tmp_path: Path, headings: str, rows: list[str], total: str
) -> None:
    said = run("import", put(tmp_path / "some.csv", headings, *rows), "--create-meters", "--site", "Quay").out
    assert said.splitlines()[-1] == total
