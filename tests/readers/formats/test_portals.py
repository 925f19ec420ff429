"""EDF's portal export (50 half-hours wide; its change days are in core/test_clock_changes.py), and simple long."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from eclectyc.readers.files import raw_file
from tests.factories import World
from tests.intake.import_calls import bring, held, starts_of, truth_of, values_of
from tests.readers.formats.golden import golden
from tests.readers.formats.read_cells import cells_of, cut_off, read_or_refused
from tests.readers.reading import read_text

MPAN = "1200023305967"  # the meter of everybody's world
EDF, SIMPLE = golden()["edf-portal.csv"].content, golden()["simple-long.csv"].content
CLOCKS = [f"{k // 2:02}:{k % 2 * 30:02}" for k in range(50)]
CHANGES = [date(2025, 3, 30), date(2025, 10, 26)]


def edf(days: dict[date, list[str]], *, kind: str = "AI", flags: dict[int, str] | None = None) -> str:
    """Print days; what a day has fewer than 50 of is a dash. flags : of single half-hours, else Actual."""
    headings = ["Month", "MPAN", "Measurement Type", "Settlement Date", *CLOCKS, *(f"{c}_Act_Est" for c in CLOCKS)]
    lines = [",".join(f'"{heading}"' for heading in headings)]
    for day, values in days.items():
        filled = [*values, *["-"] * (50 - len(values))]
        said_of = [(flags or {}).get(k, "Actual") if cell != "-" else "-" for k, cell in enumerate(filled)]
        cells = [f"{day:%b-%y}", MPAN, kind, f"{day:%d-%m-%Y}", *filled, *said_of]
        lines.append(",".join(f'"{cell}"' for cell in cells))
    return "\n".join(lines) + "\n"


def test_the_portals_headings_are_recognised_by_name(tmp_path: Path) -> None:
    found = read_text(tmp_path, EDF)
    assert (found.recognition.format, found.recognition.sure, found.errors) == ("EDF wide-50", 1.0, [])
    assert "Settlement Date" in found.recognition.why
    assert found.column("quantity") == ["import"] * 2 + ["reactive_import"] * 2 + ["reactive_export"] * 2
    assert found.column("day") == [date(2024, 1, 1), date(2024, 1, 2)] * 3
    assert found.quality[0].tolist() == [1] * 47 + [2, 0, 0]


def test_a_flag_or_quantity_that_is_not_known_rejects_its_line(tmp_path: Path) -> None:
    day = {date(2024, 1, 1): ["1"] * 48}
    found = read_text(tmp_path, edf(day, flags={7: "Guess"}) + edf(day, kind="XX").split("\n")[1] + "\n")
    assert found.lines == [2, 3]
    assert "'Guess' is not a known flag" in found.errors[0].reason
    assert "'XX' is not a known quantity" in found.errors[1].reason


@pytest.mark.django_db
@pytest.mark.parametrize("change", CHANGES)
def test_simple_long_is_starts_in_utc(world: World, tmp_path: Path, change: date) -> None:
    truth = truth_of(starts_of([change + timedelta(days=n) for n in (-1, 0, 1)], "Europe/London"))
    rows = [f"{MPAN}, AI, {start.astimezone(UTC):%Y-%m-%d %H:%M}, {value:.3f}, A" for start, value in truth.items()]
    rows[5] = rows[5].removesuffix("A") + "E"
    report = bring(world, tmp_path / "a.csv", "\n".join([SIMPLE.decode().split("\n")[0], *rows]) + "\n")
    assert (report.format, report.errors, report.timezone, report.stamps) == ("simple long", [], "UTC", "start")
    slots = held(world.meter)
    assert values_of(slots) == truth
    assert [flag for _, flag in slots.values()].count(2) == 1


def test_each_channel_of_simple_long_is_a_quantity_of_its_own(tmp_path: Path) -> None:
    at = datetime(2024, 1, 1)
    kinds = {"AI": "import", "ACTIVE": "import", "AE": "export", "RI": "reactive_import", "RE": "reactive_export"}
    rows = [f"{MPAN}, {kind}, {at + timedelta(minutes=30 * n):%Y-%m-%d %H:%M}, 1, A" for n, kind in enumerate(kinds)]
    found = read_text(tmp_path, "\n".join([SIMPLE.decode().split("\n")[0], *rows, f"{MPAN}, ZZ, {at}, 1, A"]) + "\n")
    assert found.column("quantity") == list(kinds.values())
    assert found.lines == [len(kinds) + 2]


@pytest.mark.parametrize("content", [EDF, SIMPLE], ids=["edf", "simple long"])
def test_a_file_cut_off_says_nothing_that_the_whole_does_not(tmp_path: Path, content: bytes) -> None:
    truth = cells_of(read_text(tmp_path, content))
    for part in cut_off(content, 700, every=23):
        found = read_or_refused(tmp_path, part)
        if found is not None:
            told = {
                key: value for key, (value, _) in cells_of(found).items()
            }  # a flag that is cut off is blank: actual
            assert told.items() <= {key: value for key, (value, _) in truth.items()}.items()


@pytest.mark.parametrize(
    "content",
    [EDF + b"\0", EDF + b'"1",' * (1 << 19), b"a," * 10_000_000, gzip.compress(SIMPLE + b"\n" * (8 << 20))],
    ids=["zero bytes", "endless line", "ten million columns", "gzip bomb"],
)
def test_what_is_out_of_all_bounds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(raw_file, "RATIO_FROM_BYTES", 1 << 20)
    assert read_or_refused(tmp_path, content) is None
