"""BGlobal: days without a header."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from eclectyc.readers.blocks import UnreadableFile
from eclectyc.readers.files import raw_file
from tests.factories import World
from tests.intake.import_calls import bring, held, starts_of, truth_of, values_of
from tests.readers.formats.golden import golden
from tests.readers.formats.read_cells import cells_of, cut_off, read_or_refused
from tests.readers.reading import read_text

MPAN = "1200023305967"  # the meter of everybody's world
GOLDEN = golden()["bglobal.csv"].content


def line(day: str, values: Sequence[object], meter: str = MPAN) -> str:
    return f"{meter},X1,{day},{','.join(map(str, values))}\n"


def test_cell_i_is_the_half_hour_that_starts_30_times_i_minus_3_minutes_after_midnight(tmp_path: Path) -> None:
    found = read_text(tmp_path, line("05/06/2024", [k / 10 for k in range(48)]))
    assert (found.recognition.format, found.errors, found.column("meter")) == ("bglobal", [], [MPAN])
    assert found.column("day") == [date(2024, 6, 5)]
    assert found.values[0].tolist() == [k / 10 for k in range(48)]
    assert set(found.quality[0].tolist()) == {5}  # no flags


@pytest.mark.parametrize("block_bytes", [200, 1 << 20])
@pytest.mark.parametrize(
    "changed",
    [
        lambda text: text, lambda text: text.decode().encode("utf-16"), gzip.compress,
        lambda text: b"\xef\xbb\xbf" + text.replace(b"\r\n", b"\n"), lambda text: b"\r\n" + text + b"\r\n",
        lambda text: text.replace(b"1200023305967,AAA", b'"\'12 0002 3305 967.0","A, A"'),
        lambda text: text.replace(b",1,1,1,", b", 1 ,1,1,"),
        lambda text: text.replace(b"\r\n", b",\r\n"),
    ],
)  # fmt: skip
def test_encodings_quotes_and_blocks_change_nothing(tmp_path: Path, changed, block_bytes: int) -> None:
    found = read_text(tmp_path, changed(GOLDEN), block_bytes=block_bytes)
    assert (found.errors, cells_of(found)) == ([], cells_of(read_text(tmp_path, GOLDEN)))
    assert len(cells_of(found)) == 48 + 48 + 47


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (line("31/02/2024", ["1"] * 48), "31/02/2024"),
        (line("", ["1"] * 48), "no date"),
        (line("02/01/2024", ["1"] * 47 + ["=1+1"]), "'=1+1' is"),
        (line("02/01/2024", ["1"] * 47 + ["1e300"]), "larger than any reading"),
        (line("02/01/2024", ["1"] * 53), "fields"),
        (line("02/01/2024", ["1"] * 30), "fields"),
        (line("02/01/2024", ["1"] * 48, meter=""), "no meter"),
        (line("02/01/2024", ["1"] * 48, meter="1.20E+12"), "lost its digits"),
    ],
)
def test_a_line_that_makes_no_sense_is_rejected_where_it_stands(tmp_path: Path, bad: str, reason: str) -> None:
    good = line("01/01/2024", ["1"] * 48)
    found = read_text(tmp_path, good + bad + good.replace("01/01", "03/01"), "bglobal")
    assert (found.lines, found.rows) == ([2], 2)
    assert reason in found.errors[0].reason
    assert found.errors[0].remedy


@pytest.mark.parametrize(
    "text",
    [
        "MPAN,Name,Date,a,b\n" + line("01/01/2024", ["1"] * 48),
        line("2024-01-01", ["1"] * 48),
        line("01/01/2024", ["1"] * 48, meter="METER 1"),
        line("01/01/2024", ["1"] * 20),
        line("01/01/2024", [""] * 48),
        line("01/01/2024", ["x"] * 48),
        line("01/01/2024", ["1"] * 96),
    ],
)
def test_what_is_no_bglobal_is_not_taken_for_it(tmp_path: Path, text: str) -> None:
    found = read_or_refused(tmp_path, text.encode())
    assert found is None or found.recognition.format != "bglobal"
    with pytest.raises(UnreadableFile):
        read_text(tmp_path, text, "bglobal")


def test_a_file_of_which_much_does_not_fit_is_asked_about(tmp_path: Path) -> None:
    good = line("01/01/2024", ["1"] * 48)
    with pytest.raises(UnreadableFile, match="not sure enough") as refused:
        read_text(tmp_path, good + "something else\n" * 3)
    assert "-t bglobal" in refused.value.remedy
    assert read_text(tmp_path, good + "something else\n" * 3, "bglobal").rows == 1


def test_a_file_cut_off_between_cells_says_nothing_that_the_whole_does_not(tmp_path: Path) -> None:
    whole = (line("01/01/2024", ["1"] * 48) + line("02/01/2024", ["2"] * 48)).encode()
    truth = cells_of(read_text(tmp_path, whole))
    for part in cut_off(whole, 120, every=3):
        found = read_or_refused(tmp_path, part)
        if found is not None:
            assert cells_of(found).items() <= truth.items()


@pytest.mark.parametrize(
    "content",
    [GOLDEN + b"\0", GOLDEN + b"1," * (1 << 20), gzip.compress(GOLDEN + b"\n" * (8 << 20))],
    ids=["zero bytes", "endless line", "gzip bomb"],
)
def test_what_is_out_of_all_bounds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(raw_file, "RATIO_FROM_BYTES", 1 << 20)
    assert read_or_refused(tmp_path, content) is None


# --- from the file to the lake ---------------------------------------------------------------------------------


def _printed(truth: dict[datetime, float], zone: str) -> str:
    """Print values by the clock times of a zone; the second passing of a repeated hour has no cell."""
    from zoneinfo import ZoneInfo

    days: dict[date, dict[int, float]] = {}
    for start, value in sorted(truth.items(), reverse=True):
        local = start.astimezone(ZoneInfo(zone))
        days.setdefault(local.date(), {})[local.hour * 2 + local.minute // 30] = value
    return "".join(
        line(f"{day:%d/%m/%Y}", [f"{of[k]:.3f}" if k in of else "" for k in range(48)])
        for day, of in sorted(days.items())
    )


@pytest.mark.django_db
@pytest.mark.parametrize("change", [date(2025, 3, 30), date(2025, 10, 26)])
def test_local_clock_times_are_placed_by_the_clock_on_change_days(world: World, tmp_path: Path, change: date) -> None:
    truth = truth_of(starts_of([change + timedelta(days=n) for n in (-1, 0, 1)], "Europe/London"))
    report = bring(world, tmp_path / "a.csv", _printed(truth, "Europe/London"))
    second = {datetime(2025, 10, 26, 1, 0).isoformat(), datetime(2025, 10, 26, 1, 30).isoformat()}
    told = {start: value for start, value in truth.items() if start.replace(tzinfo=None).isoformat() not in second}
    assert (report.format, report.errors, report.timezone) == ("bglobal", [], "Europe/London")
    assert values_of(held(world.meter)) == told


@pytest.mark.django_db
def test_a_spring_day_that_holds_the_skipped_hour_shows_that_the_clock_is_gmt(world: World, tmp_path: Path) -> None:
    truth = truth_of(starts_of([date(2025, 3, 29) + timedelta(days=n) for n in range(4)], "UTC"))
    report = bring(world, tmp_path / "a.csv", _printed(truth, "UTC"))
    assert (report.errors, report.timezone) == ([], "UTC")
    assert any("skips in spring" in warning for warning in report.warnings)
    assert values_of(held(world.meter)) == truth


@pytest.mark.django_db
def test_the_unit_that_was_told_holds(world: World, tmp_path: Path) -> None:
    bring(world, tmp_path / "a.csv", line("01/01/2025", ["1500"] * 48), unit="Wh")
    assert set(values_of(held(world.meter)).values()) == {1.5}
