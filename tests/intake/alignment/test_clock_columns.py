"""48 columns headed by clock times, as starts or as ends: each value in the period that its heading names.

The reference walks through headings one by one with the standard library's zones.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.factories import World, make_meter, make_site
from tests.intake.import_calls import bring, held, values_of

pytestmark = pytest.mark.django_db

METER = "1200023305967"
HALF_HOUR = timedelta(minutes=30)
ZONES = {
    "Europe/London": (date(2025, 3, 30), date(2025, 10, 26)),
    "America/St_Johns": (date(2025, 3, 9), date(2025, 11, 2)),
}
STARTS = [f"{k // 2:02}:{k % 2 * 30:02}" for k in range(48)]
ENDS = [*STARTS[1:], "24:00"]
ENDS_AT_MIDNIGHT = [*STARTS[1:], "00:00"]


def days_of(zone: str) -> list[date]:
    return [change + timedelta(days=n) for change in ZONES[zone] for n in (-1, 0, 1)]


def periods(day: date, zone: ZoneInfo) -> Iterator[tuple[int, datetime | None]]:
    """Each column of a day, and the instant at which its period starts; None where the clocks skip that."""
    for k in range(48):
        wall = datetime.combine(day, time()) + k * HALF_HOUR
        instant = wall.replace(tzinfo=zone).astimezone(UTC)  # of two passings the first
        exists = instant.astimezone(zone).replace(tzinfo=None) == wall
        yield k, instant if exists else None


def table(headings: list[str], rows: dict[date, list[float | None]]) -> str:
    lines = [f"MPAN,Date,{','.join(headings)}"]
    for day, row in rows.items():
        lines.append(",".join([METER, f"{day:%d/%m/%Y}", *("" if value is None else str(value) for value in row)]))
    return "\n".join(lines) + "\n"


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest, world: World) -> str:
    world.meter.delete()
    make_meter(make_site(world.org, "Abroad", timezone=request.param), METER)
    return str(request.param)


@pytest.mark.parametrize("requested", ["auto", "start", "end"])
@pytest.mark.parametrize("headings", [STARTS, ENDS, ENDS_AT_MIDNIGHT], ids=["starts", "ends", "ends at 00:00"])
def test_a_column_s_value_is_in_the_period_that_its_heading_names(
    world: World, tmp_path: Path, zone: str, headings: list[str], requested: str
) -> None:
    rows: dict[date, list[float | None]] = {}
    truth = {}
    for day in days_of(zone):
        row: list[float | None] = [None] * 48
        for k, instant in periods(day, ZoneInfo(zone)):
            if instant is not None:
                row[k] = truth[instant] = len(truth) + 0.5
        rows[day] = row
    report = bring(world, tmp_path / "file.csv", table(headings, rows), stamps=requested)
    assert values_of(held(METER)) == truth
    assert (report.rejected, report.timezone) == (0, zone)
    assert (report.stamps, report.readings) == ("start" if headings is STARTS else "end", len(truth))
    other = requested not in ("auto", report.stamps)
    assert other == any("--stamps" in warning and "not applied" in warning for warning in report.warnings)


@pytest.mark.parametrize("headings", [STARTS, ENDS], ids=["starts", "ends"])
@pytest.mark.parametrize("clock", ["", "UTC"])
def test_columns_that_are_filled_all_through_the_gap_are_of_a_fixed_clock(
    world: World, tmp_path: Path, zone: str, headings: list[str], clock: str
) -> None:
    """Its clock is the winter's of the site, or the one that is requested."""
    winter = ZoneInfo(zone).utcoffset(datetime(2025, 1, 1)) if not clock else timedelta(0)
    assert winter is not None
    rows, truth = {}, {}
    for day in days_of(zone):
        rows[day] = [len(truth) + k + 0.5 for k in range(48)]
        midnight = datetime.combine(day, time(), UTC) - winter
        truth |= {midnight + k * HALF_HOUR: value for k, value in enumerate(rows[day])}
    report = bring(world, tmp_path / "file.csv", table(headings, rows), timezone=clock)
    assert values_of(held(METER)) == truth
    assert report.rejected == 0


def test_the_last_period_before_the_gap_may_be_headed_by_the_end_that_the_clock_shows(
    world: World, tmp_path: Path, zone: str
) -> None:
    """A feed of ends prints what ends when the clocks go forward under 02:00 where another prints it under 01:00."""
    spring, _ = ZONES[zone]
    rows: dict[date, list[float | None]] = {}
    truth = {}
    for day in (spring - timedelta(days=1), spring, spring + timedelta(days=1)):
        row: list[float | None] = [None] * 48
        for k, instant in periods(day, ZoneInfo(zone)):
            if instant is None:
                continue
            ends = (instant + HALF_HOUR).astimezone(ZoneInfo(zone))
            shown = ends.hour * 2 + ends.minute // 30
            row[(shown or 48) - 1] = truth[instant] = k + 0.5
        rows[day] = row
    report = bring(world, tmp_path / "file.csv", table(ENDS, rows))
    assert values_of(held(METER)) == truth
    assert (report.rejected, report.timezone) == (0, zone)
