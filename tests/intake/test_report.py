"""What an import says of itself, dry or not."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.batches.models import Batch
from eclectyc.intake.import_options import ImportOptions
from eclectyc.intake.service import import_file
from eclectyc.intake.uploads.rejected import RejectedLines
from eclectyc.kernel.errors import Invalid, NotFound
from eclectyc.lake.store import connect
from eclectyc.readers.blocks import UnreadableFile
from tests.factories import World
from tests.intake.import_calls import bring, held, snapshot, values_of
from tests.intake.make_files import HALF_HOUR, METER, at, long

pytestmark = pytest.mark.django_db


def test_a_dry_run_reports_all_and_writes_nothing(world: World, home: Path, tmp_path: Path) -> None:
    bring(world, tmp_path / "a.csv", long((0, 1), (1, 2)))
    text = long((1, 7), (2, 3)) + f"M7,{at(0):%d/%m/%Y %H:%M},1\n"
    options = {"create_meters": True, "site": "New works"}
    before = snapshot(home)
    dry = bring(world, tmp_path / "b.csv", text, dry_run=True, **options)
    assert snapshot(home) == before
    wet = bring(world, tmp_path / "b.csv", **options)
    assert dry.batch is None
    for name in ("rows", "accepted", "rejected", "readings", "added", "changed", "unchanged", "kept", "kwh", "series",
                 "created_meters", "created_sites", "stamps", "timezone"):  # fmt: skip
        assert getattr(dry, name) == getattr(wet, name), name
    assert (wet.added, wet.changed, wet.created_meters) == (2, 1, 1)


def test_a_dry_run_in_an_empty_home_makes_no_lake(world: World, home: Path, tmp_path: Path) -> None:
    before = snapshot(home)
    bring(world, tmp_path / "b.csv", long((1, 7), meter="M7"), dry_run=True, create_meters=True, site="X")
    assert snapshot(home) == before


def test_more_than_a_hundred_errors_go_to_a_file_that_no_spreadsheet_runs(world: World, tmp_path: Path) -> None:
    bad = [f"=cmd|{k}" for k in range(150)]
    report = bring(world, tmp_path / "a.csv", long((0, 1), *((k + 1, text) for k, text in enumerate(bad))))
    assert (len(report.errors), report.error_count, report.rejected, report.exit_code) == (100, 150, 150, 1)
    with Path(report.errors_file or "").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["line"]) for row in rows] == list(range(103, 153))
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


@pytest.mark.parametrize("spooled", [False, True], ids=["in memory", "on disk"])
def test_the_lines_of_a_meter_whose_readings_fit_no_step_are_kept(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spooled: bool
) -> None:
    if spooled:
        monkeypatch.setattr("eclectyc.intake.alignment.spool.IN_MEMORY_BYTES", 0)
    odd = world.meter.__class__.objects.create(
        organisation=world.org, site=world.meter.site, identifier="SEVEN", utility="electricity"
    )
    good = [f"{METER},{at(k):%d/%m/%Y %H:%M},1" for k in range(96)]
    strange = [f"{odd.identifier},{at(0) + timedelta(minutes=7 * k):%d/%m/%Y %H:%M},1" for k in range(90)]
    lines = [line for pair in zip(good, strange, strict=False) for line in pair]
    text = "\n".join(["meter,timestamp,value", *lines, *good[90:], ""])
    report = bring(world, tmp_path / "a.csv", text)
    assert (report.rejected, report.readings, report.error_count) == (90, 96, 1)
    wanted = [n for n, line in enumerate(text.splitlines(), 1) if line.startswith("SEVEN")]
    assert RejectedLines.from_report(report.as_dict()).within(0, 1000) == wanted


def test_the_report_contains_what_the_contract_promises(world: World, tmp_path: Path) -> None:
    report = bring(world, tmp_path / "a.csv", long(*((k, "1.5") for k in range(48))))
    plain = json.loads(json.dumps(report.as_dict()))
    promised = {
        "batch", "dry_run", "format", "stamps", "timezone", "rows", "accepted", "rejected", "readings", "added",
        "changed", "unchanged", "kept", "warnings", "kwh", "series", "created_meters", "errors", "errors_file",
    }  # fmt: skip
    assert promised <= set(plain)
    assert plain["series"] == [
        {"meter": METER, "quantity": "import", "unit": "kWh", "step": 30, "readings": 48, "total": 72.0,
         "first": "2025-01-06T00:00:00+00:00", "last": "2025-01-06T23:30:00+00:00", "register": "", "serial": ""}
    ]  # fmt: skip
    assert (plain["rows"], plain["readings"], plain["added"], plain["kwh"]) == (48, 48, 48, 72.0)
    batch = Batch.objects.get(pk=plain["batch"])
    assert (batch.state, batch.rows, batch.added, batch.report["kwh"]) == ("done", 48, 48, 72.0)
    assert len(batch.sha256) == 64


def test_a_file_that_is_not_understood_is_refused_whole(world: World, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile):
        bring(world, tmp_path / "a.csv", "name,colour\nx,red\n")
    assert Batch.objects.count() == 0


def test_values_survive_to_the_last_digit(world: World, tmp_path: Path) -> None:
    printed = ["1.0369999", "0.1", "123456.789012", "0.000001", "-4.25"]
    report = bring(world, tmp_path / "a.csv", long(*enumerate(printed)))
    assert list(values_of(held(world.meter)).values()) == [float(text) for text in printed]
    assert Decimal(repr(report.kwh)) == pytest.approx(sum(map(Decimal, printed)))


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"stamps": "middle"}, "stamps"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"unit": "furlong"}, "unit"),
        ({"quantity": "joy"}, "quantity"),
        ({"profile": "none"}, "profile"),
        ({"type": "novel"}, "type"),
    ],
)
def test_an_option_that_cannot_be_taken_is_named(
    world: World, tmp_path: Path, options: dict[str, str], field: str
) -> None:
    with pytest.raises((Invalid, NotFound)) as caught:
        bring(world, tmp_path / "a.csv", long((0, 1)), **options)
    assert caught.value.field == field


def test_the_timezone_option_is_the_files_clock_and_days_stay_the_sites(world: World, tmp_path: Path) -> None:
    text = "\n".join(
        ["MPAN,Start,kWh", *(f"{METER},{datetime(2025, 7, 1) + k * HALF_HOUR:%d/%m/%Y %H:%M},{k}" for k in range(48))]
    )
    report = bring(world, tmp_path / "a.csv", text + "\n", timezone="UTC", stamps="start")
    assert report.timezone == "UTC"
    first = datetime(2025, 7, 1, tzinfo=UTC)
    assert values_of(held(world.meter)) == {first + k * HALF_HOUR: float(k) for k in range(48)}
    days = connect().days(None, date(2025, 1, 1), date(2026, 1, 1))
    assert dict(zip(days["day"], days["present"], strict=True)) == {date(2025, 7, 1): 46, date(2025, 7, 2): 2}


def test_readings_that_do_not_fit_in_memory_wait_on_disk(
    world: World, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eclectyc.intake.alignment.spool.IN_MEMORY_BYTES", 1)
    rows = [(k, k / 8) for k in range(48 * 70)]
    bring(world, tmp_path / "a.csv", long(*rows))
    assert values_of(held(world.meter)) == {at(k): v for k, v in rows}
    header = "MPAN,Date," + ",".join(f"HH{k + 1}" for k in range(48))
    days = [f"{METER},{date(2024, 1, 1) + timedelta(days=n):%d/%m/%Y},{','.join(['1'] * 48)}" for n in range(80)]
    report = bring(world, tmp_path / "b.csv", "\n".join([header, *days]) + "\n")
    assert report.added == 80 * 48
    assert list((home / "tmp").iterdir()) == []


def test_progress_shows_bytes_and_rows(world: World, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(long((0, 1), (1, 2)))
    seen: list[tuple[str, int, int, int]] = []
    import_file(
        Actor.of(world.admin), organisation=world.org, path=path, options=ImportOptions(),
        progress=lambda p: seen.append((p.phase, p.done, p.total, p.rows)),
    )  # fmt: skip
    size = path.stat().st_size
    assert ("reading", size, size, 2) in seen
    assert [phase for phase, *_ in seen][-1] == "done"


def test_a_wide_file_in_utc_is_stored_in_the_sites_days(world: World, tmp_path: Path) -> None:
    header = "MPAN,Date," + ",".join(f"HH{k + 1}" for k in range(48))
    days = [f"{METER},{day}/07/2025,{','.join(str(day * 100 + k) for k in range(48))}" for day in (1, 2)]
    bring(world, tmp_path / "a.csv", "\n".join([header, *days]) + "\n", timezone="UTC")
    expected = {
        datetime(2025, 7, day, tzinfo=UTC) + k * HALF_HOUR: float(day * 100 + k) for day in (1, 2) for k in range(48)
    }
    assert values_of(held(world.meter)) == expected
