"""Does a stamp open its period or close it? The order of evidence, each alone and against the next."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from eclectyc.intake.alignment.stamp_convention import agreeing_shift, conclude, edge_of
from eclectyc.intake.report import ImportReport
from tests.factories import World
from tests.intake.import_calls import bring, held, starts_of, truth_of, values_of

pytestmark = pytest.mark.django_db

METER = "1200023305967"
HALF_HOUR = timedelta(minutes=30)
DAYS = [date(2025, 1, 6) + timedelta(days=n) for n in range(3)]  # winter: local time is UTC


def long(rows: list[tuple[datetime, float]], heading: str = "Timestamp") -> str:
    return "\n".join([f"MPAN,{heading},kWh", *(f"{METER},{at:%Y-%m-%d %H:%M},{v}" for at, v in rows)]) + "\n"


def ends(truth: dict[datetime, float]) -> list[tuple[datetime, float]]:
    return [(start + HALF_HOUR, value) for start, value in truth.items()]


def starts(truth: dict[datetime, float]) -> list[tuple[datetime, float]]:
    return list(truth.items())


@pytest.fixture
def truth() -> dict[datetime, float]:
    return truth_of(starts_of(DAYS, "Europe/London"))


@pytest.mark.parametrize(
    ("rows", "heading", "requested", "stamps", "why"),
    [
        (ends, "Timestamp", "end", "end", "your setting"),
        (ends, "Interval end", "auto", "end", "heading"),
        (starts, "Period start", "auto", "start", "heading"),
        (starts, "Timestamp", "auto", "start", "every meter"),
        (ends, "Timestamp", "auto", "end", "every meter"),
    ],
)
def test_each_kind_of_evidence_settles_the_stamps(
    world: World,
    tmp_path: Path,
    truth: dict[datetime, float],
    rows,
    heading: str,
    requested: str,
    stamps: str,
    why: str,
) -> None:
    report = bring(world, tmp_path / "file.csv", long(rows(truth), heading), stamps=requested)
    assert (report.stamps, why in report.stamps_why) == (stamps, True), report.stamps_why
    assert values_of(held(METER)) == truth


def test_24_00_closes_its_day(world: World, tmp_path: Path, truth: dict[datetime, float]) -> None:
    lines = []
    for start, value in truth.items():
        end = f"{start + HALF_HOUR:%H:%M}".replace("00:00", "24:00")
        lines.append(f"{METER},{start:%d/%m/%Y},{end},{value}")
    report = bring(world, tmp_path / "file.csv", "\n".join(["MPAN,Date,Time,kWh", *lines]) + "\n")
    assert report.stamps == "end"
    assert values_of(held(METER)) == truth


@pytest.mark.parametrize("order", [1, -1])
def test_the_midnight_trap_is_seen_in_either_row_order(
    world: World, tmp_path: Path, truth: dict[datetime, float], order: int
) -> None:
    lines = [f"{METER},{start:%d/%m/%Y} {start + HALF_HOUR:%H:%M},{value}" for start, value in truth.items()]
    report = bring(world, tmp_path / "file.csv", "\n".join(["MPAN,Timestamp,kWh", *lines[::order]]) + "\n")
    assert report.stamps == "end"
    assert "23:30" in report.stamps_why
    assert values_of(held(METER)) == truth


def test_stored_readings_show_what_a_second_feed_marks(
    world: World, tmp_path: Path, truth: dict[datetime, float]
) -> None:
    bring(world, tmp_path / "first.csv", long(starts(truth), "Start"))
    part = dict(list(truth.items())[5:-7])  # neither the first nor the last timestamp is evidence
    report = bring(world, tmp_path / "second.csv", long(ends(part)))
    assert (report.stamps, report.unchanged, report.changed) == ("end", len(part), 0)
    assert "stored" in report.stamps_why
    again = bring(world, tmp_path / "third.csv", long(starts(part)))
    assert (again.stamps, again.unchanged, again.changed) == ("start", len(part), 0)


def test_without_evidence_start_is_assumed_with_a_warning(
    world: World, tmp_path: Path, truth: dict[datetime, float]
) -> None:
    part = dict(list(truth.items())[5:-7])
    report = bring(world, tmp_path / "file.csv", long(starts(part)))
    assert report.stamps == "start"
    assert any("Start is assumed" in warning for warning in report.warnings)
    assert report.exit_code == 0


def test_first_and_last_stamps_count_only_if_all_meters_agree(world: World, tmp_path: Path) -> None:
    bring(world, tmp_path / "meters.csv", "MPAN,Site\n1000000000040,Harbour House\n")
    truth = truth_of(starts_of(DAYS, "Europe/London"))
    other = [f"1000000000040,{at:%Y-%m-%d %H:%M},{v}" for at, v in list(truth.items())[3:]]
    report = bring(world, tmp_path / "file.csv", long(ends(truth)) + "\n".join(other) + "\n")
    assert any("Start is assumed" in warning for warning in report.warnings)


def stamps_from(**evidence: object) -> str:
    plain: dict[str, object] = {
        "requested": None,
        "declared": None,
        "declared_why": "",
        "has_trap": False,
        "agreed_shift": None,
        "edges": [None],
    }
    return conclude(**(plain | evidence)).stamps  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("evidence", "stamps"),
    [
        ({"requested": "start", "declared": "end", "has_trap": True, "agreed_shift": -1, "edges": ["end"]}, "start"),
        ({"declared": "start", "has_trap": True, "agreed_shift": -1, "edges": ["end"]}, "start"),
        ({"has_trap": True, "agreed_shift": 0, "edges": ["start"]}, "end"),
        ({"agreed_shift": -1, "edges": ["start"]}, "end"),
        ({"agreed_shift": 0, "edges": ["end"]}, "start"),
        ({"agreed_shift": 1, "edges": ["end"]}, "end"),
        ({"edges": ["end", "end"]}, "end"),
        ({"edges": ["end", None]}, "start"),
        ({"edges": ["end", "start"]}, "start"),
    ],
)
def test_the_stronger_evidence_wins(evidence: dict[str, object], stamps: str) -> None:
    assert stamps_from(**evidence) == stamps


@pytest.mark.parametrize(
    ("first", "last", "says"),
    [("00:00", "23:30", "start"), ("00:30", "00:00", "end"), ("00:30", "23:30", None), ("00:00", "00:00", None)],
)
def test_what_first_and_last_stamps_say(first: str, last: str, says: str | None) -> None:
    def seconds(clock: str, day: int) -> int:
        return day * 86_400 + int(clock[:2]) * 3600 + int(clock[3:]) * 60

    assert edge_of(seconds(first, 10), seconds(last, 20), 1800) == says


def test_a_flat_profile_agrees_with_no_shift_in_particular() -> None:
    flat = np.ones(100)
    assert agreeing_shift(flat, flat) is None
    rising = np.arange(100.0)
    assert agreeing_shift(rising, rising) == 0
    assert agreeing_shift(rising, np.roll(rising, -1)) == -1
    assert agreeing_shift(rising, np.roll(rising, 1)) == 1
    assert agreeing_shift(rising, np.full(100, np.nan)) is None


def test_a_repeated_import_of_an_assumed_file_changes_nothing(
    world: World, tmp_path: Path, truth: dict[datetime, float]
) -> None:
    text = long(ends(dict(list(truth.items())[5:-7])))
    first: ImportReport = bring(world, tmp_path / "file.csv", text)
    second = bring(world, tmp_path / "file.csv")
    assert (second.added, second.changed, second.unchanged) == (0, 0, first.added)


def test_instants_in_utc_are_judged_by_the_sites_own_midnight(world: World, tmp_path: Path) -> None:
    truth = truth_of(starts_of([date(2025, 7, 1), date(2025, 7, 2)], "Europe/London"))
    rows = [f"{METER},{at + HALF_HOUR:%Y-%m-%dT%H:%M:%SZ},{v}" for at, v in truth.items()]
    report = bring(world, tmp_path / "file.csv", "\n".join(["MPAN,Timestamp,kWh", *rows]) + "\n")
    assert report.stamps == "end"
    assert values_of(held(METER)) == truth
    assert min(truth) == datetime(2025, 6, 30, 23, tzinfo=UTC)
