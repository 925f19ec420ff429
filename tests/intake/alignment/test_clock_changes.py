"""Both clock-change days, in every layout, in zones that change by an hour, by half an hour, and in the south."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.factories import World, make_meter, make_site
from tests.intake.import_calls import bring, held, starts_of, truth_of, values_of

pytestmark = pytest.mark.django_db

CHANGES = {
    "Europe/London": (date(2025, 3, 30), date(2025, 10, 26)),
    "Europe/Lisbon": (date(2025, 3, 30), date(2025, 10, 26)),
    "America/New_York": (date(2025, 3, 9), date(2025, 11, 2)),
    "Australia/Lord_Howe": (date(2025, 10, 5), date(2025, 4, 6)),  # by half an hour
}
METER = "1200023305967"
Truth = dict[datetime, float]
HALF_HOUR = timedelta(minutes=30)


def around(day: date) -> list[date]:
    """The change day, with a day before and after."""
    return [day - timedelta(days=1), day, day + timedelta(days=1)]


def local(start: datetime, zone: str, text: str = "%d/%m/%Y %H:%M") -> str:
    return start.astimezone(ZoneInfo(zone)).strftime(text)


def by_day(truth: Truth, zone: str) -> dict[date, list[float]]:
    days: dict[date, list[float]] = {}
    for start, value in truth.items():
        days.setdefault(start.astimezone(ZoneInfo(zone)).date(), []).append(value)
    return days


def wide(truth: Truth, zone: str, heading: Callable[[int], str], columns: int = 50) -> str:
    lines = [",".join(["MPAN", "Date", *(heading(k) for k in range(columns))])]
    for day, values in by_day(truth, zone).items():
        lines.append(",".join([METER, f"{day:%d/%m/%Y}", *map(str, values), *[""] * (columns - len(values))]))
    return "\n".join(lines) + "\n"


def wide_numbered(truth: Truth, zone: str) -> str:
    return wide(truth, zone, lambda k: f"HH{k + 1:02}")


def wide_clock_of_50(truth: Truth, zone: str) -> str:
    return wide(truth, zone, lambda k: f"{k // 2:02}:{k % 2 * 30:02}")


def long_start(truth: Truth, zone: str) -> str:
    rows = [f"{METER},{local(start, zone)},{value}" for start, value in truth.items()]
    return "\n".join(["MPAN,Start,kWh", *rows]) + "\n"


def long_end(truth: Truth, zone: str) -> str:
    rows = [f"{METER},{local(start + HALF_HOUR, zone)},{value}" for start, value in truth.items()]
    return "\n".join(["MPAN,Read datetime end (local),kWh", *rows]) + "\n"


def long_newest_first(truth: Truth, zone: str) -> str:
    header, *rows = long_start(truth, zone).splitlines()
    return "\n".join([header, *reversed(rows)]) + "\n"


def long_with_offset(truth: Truth, zone: str) -> str:
    rows = [f"{METER},{start.astimezone(ZoneInfo(zone)).isoformat()},{value}" for start, value in truth.items()]
    return "\n".join(["MPAN,Interval start,kWh", *rows]) + "\n"


def long_in_utc(truth: Truth, zone: str) -> str:
    rows = [f"{METER},{start:%Y-%m-%dT%H:%M:%SZ},{value}" for start, value in truth.items()]
    return "\n".join(["MPAN,Start,kWh", *rows]) + "\n"


def long_of_periods(truth: Truth, zone: str) -> str:
    lines = ["MPAN,Settlement Date,Settlement Period,kWh"]
    for day, values in by_day(truth, zone).items():
        lines += [f"{METER},{day:%d/%m/%Y},{k + 1},{value}" for k, value in enumerate(values)]
    return "\n".join(lines) + "\n"


def matrix_local(truth: Truth, zone: str) -> str:
    rows = [f"{local(start, zone)},{value}" for start, value in truth.items()]
    return "\n".join([f"Start,{METER}", *rows]) + "\n"


def matrix_in_utc(truth: Truth, zone: str) -> str:
    rows = [f"{start:%Y-%m-%d %H:%M},{value}" for start, value in truth.items()]
    return "\n".join([f"datetime_utc,{METER}", *rows]) + "\n"


LAYOUTS = [
    wide_numbered,
    wide_clock_of_50,
    long_start,
    long_end,
    long_newest_first,
    long_with_offset,
    long_in_utc,
    long_of_periods,
    matrix_local,
    matrix_in_utc,
]


@pytest.fixture
def meter_in(world: World) -> Callable[[str], None]:
    def make(zone: str) -> None:
        world.meter.delete()
        make_meter(make_site(world.org, "Abroad", timezone=zone), METER)

    return make


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("zone", CHANGES)
def test_every_slot_of_both_change_days_is_where_the_clocks_put_it(
    world: World, meter_in: Callable[[str], None], tmp_path: Path, zone: str, layout: Callable[[Truth, str], str]
) -> None:
    meter_in(zone)
    spring, autumn = CHANGES[zone]
    truth = truth_of(starts_of(sorted({*around(spring), *around(autumn)}), zone))
    report = bring(world, tmp_path / "file.csv", layout(truth, zone), stamps="auto")
    assert values_of(held(METER)) == truth
    assert (report.readings, report.added, report.rejected) == (len(truth), len(truth), 0)
    assert sum(len(starts_of([day], zone)) for day in (spring, autumn)) == 96


@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York"])
@pytest.mark.parametrize("step", [15, 60])
def test_other_steps_know_the_clocks_too(
    world: World, meter_in: Callable[[str], None], tmp_path: Path, zone: str, step: int
) -> None:
    meter_in(zone)
    spring, autumn = CHANGES[zone]
    truth = truth_of(starts_of([*around(spring), *around(autumn)], zone, step))
    bring(world, tmp_path / "file.csv", long_start(truth, zone), stamps="start")
    assert values_of(held(METER)) == truth


def test_clock_headings_leave_the_second_repeated_hour_empty(world: World, tmp_path: Path) -> None:
    day = date(2025, 10, 26)
    headings = [f"{k // 2:02}:{k % 2 * 30:02}" for k in range(48)]
    values = [k + 1 for k in range(48)]
    text = f"MPAN,Date,{','.join(headings)}\n{METER},{day:%d/%m/%Y},{','.join(map(str, values))}\n"
    report = bring(world, tmp_path / "file.csv", text)
    midnight = datetime(2025, 10, 25, 23, tzinfo=UTC)
    expected = {midnight + k * HALF_HOUR: float(k + 1) for k in range(4)}
    expected |= {midnight + (k + 2) * HALF_HOUR: float(k + 1) for k in range(4, 48)}
    assert values_of(held(METER)) == expected
    assert any("repeat" in warning for warning in report.warnings)


@pytest.mark.parametrize("heading", ["clock", "numbered"])
def test_48_filled_columns_on_a_spring_day_are_greenwich_time(world: World, tmp_path: Path, heading: str) -> None:
    days = [date(2025, 3, 29), date(2025, 3, 30), date(2025, 3, 31), date(2025, 4, 1)]
    headings = [f"{k // 2:02}:{k % 2 * 30:02}" if heading == "clock" else f"HH{k + 1}" for k in range(48)]
    lines, truth = [f"MPAN,Date,{','.join(headings)}"], {}
    for n, day in enumerate(days):
        values = [1 + n + k / 100 for k in range(48)]
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        truth |= {midnight + k * HALF_HOUR: value for k, value in enumerate(values)}
        lines.append(f"{METER},{day:%d/%m/%Y},{','.join(map(str, values))}")
    report = bring(world, tmp_path / "file.csv", "\n".join(lines) + "\n")
    assert values_of(held(METER)) == pytest.approx(truth)
    assert report.timezone == "UTC"
    assert any("UTC all year" in warning for warning in report.warnings)


@pytest.mark.parametrize("padding", ["gap", "end"])
def test_zeros_in_the_gap_or_in_the_last_columns_are_padding(world: World, tmp_path: Path, padding: str) -> None:
    values = [k + 1.0 for k in range(46)]
    columns = [*values[:2], 0, 0, *values[2:]] if padding == "gap" else [*values, 0, 0]
    headings = [f"{k // 2:02}:{k % 2 * 30:02}" for k in range(48)]
    text = f"MPAN,Date,{','.join(headings)}\n{METER},30/03/2025,{','.join(map(str, columns))}\n"
    report = bring(world, tmp_path / "file.csv", text)
    midnight = datetime(2025, 3, 30, tzinfo=UTC)
    assert values_of(held(METER)) == {midnight + k * HALF_HOUR: value for k, value in enumerate(values)}
    assert (report.timezone, report.rejected) == ("Europe/London", 0)


def test_stamps_in_the_spring_gap_mean_that_the_whole_file_is_in_greenwich_time(world: World, tmp_path: Path) -> None:
    starts = [datetime(2025, 3, 29, tzinfo=UTC) + k * HALF_HOUR for k in range(48 * 4)]
    truth = truth_of(starts)
    rows = [f"{METER},{start:%d/%m/%Y %H:%M},{value}" for start, value in truth.items()]
    report = bring(world, tmp_path / "file.csv", "\n".join(["MPAN,Start,kWh", *rows]) + "\n")
    assert values_of(held(METER)) == truth
    assert report.timezone == "UTC"


def test_a_fixed_clock_with_end_stamps_is_seen_by_both_ends_of_the_gap(world: World, tmp_path: Path) -> None:
    starts = [datetime(2025, 3, 29, tzinfo=UTC) + k * 2 * HALF_HOUR for k in range(24 * 4)]
    truth = truth_of(starts)
    rows = [f"{METER},{start + 2 * HALF_HOUR:%d/%m/%Y %H:%M},{value}" for start, value in truth.items()]
    report = bring(world, tmp_path / "file.csv", "\n".join(["MPAN,Period end,kWh", *rows]) + "\n", stamps="end")
    assert values_of(held(METER)) == truth
    assert report.timezone == "UTC"


def test_a_printed_end_inside_the_spring_gap_is_the_moment_of_the_change(world: World, tmp_path: Path) -> None:
    truth = truth_of(starts_of([date(2025, 3, 30)], "Europe/London"))
    text = long_end(truth, "Europe/London").replace("30/03/2025 02:00", "30/03/2025 01:00")
    report = bring(world, tmp_path / "file.csv", text)
    assert values_of(held(METER)) == truth
    assert report.timezone == "Europe/London"


def test_sorted_pairs_give_the_first_of_each_to_summer_time(world: World, tmp_path: Path) -> None:
    truth = truth_of(starts_of([date(2025, 10, 26)], "Europe/London"))
    header, *rows = long_start(truth, "Europe/London").splitlines()
    rows.sort(key=lambda row: row.split(",")[1])  # stable: equal stamps stay in order of time
    report = bring(world, tmp_path / "file.csv", "\n".join([header, *rows]) + "\n", stamps="start")
    assert values_of(held(METER)) == truth
    assert any("pairs" in warning for warning in report.warnings)


def test_one_copy_of_the_repeated_hour_goes_into_the_first(world: World, tmp_path: Path) -> None:
    truth = truth_of(starts_of([date(2025, 10, 26)], "Europe/London"))
    second = [datetime(2025, 10, 26, 1, minute, tzinfo=UTC) for minute in (0, 30)]
    once = {start: value for start, value in truth.items() if start not in second}
    report = bring(world, tmp_path / "file.csv", long_start(once, "Europe/London"), stamps="start")
    assert values_of(held(METER)) == once
    assert any("only once" in warning for warning in report.warnings)


def test_ends_printed_as_start_plus_step_are_seen_in_autumn(world: World, tmp_path: Path) -> None:
    truth = truth_of(starts_of(around(date(2025, 10, 26)), "Europe/London"))
    zone = ZoneInfo("Europe/London")
    rows = [
        f"{METER},{(start.astimezone(zone).replace(tzinfo=None) + HALF_HOUR):%d/%m/%Y %H:%M},{value}"
        for start, value in truth.items()
    ]
    bring(world, tmp_path / "file.csv", "\n".join(["MPAN,Read datetime end,kWh", *rows]) + "\n")
    assert values_of(held(METER)) == truth


def test_a_file_that_repeats_every_row_does_not_fill_the_second_repeated_hour_with_copies(
    world: World, tmp_path: Path
) -> None:
    truth = truth_of(starts_of([date(2025, 10, 26)], "Europe/London"))
    header, *rows = long_start(truth, "Europe/London").splitlines()
    adjacent = [row for row in rows for _ in range(2)]
    bring(world, tmp_path / "a.csv", "\n".join([header, *adjacent]) + "\n", stamps="start")
    assert values_of(held(METER)) == truth
    bring(world, tmp_path / "b.csv", "\n".join([header, *rows, *rows]) + "\n", stamps="start")
    assert values_of(held(METER)) == truth


def test_hourly_utc_data_half_an_hour_off_the_local_grid_take_a_finer_step_and_say_so(
    world: World, meter_in: Callable[[str], None], tmp_path: Path
) -> None:
    meter_in("Asia/Kolkata")
    start = datetime(2025, 6, 1, tzinfo=UTC)
    rows = [f"{METER},{start + timedelta(hours=k):%Y-%m-%dT%H:%MZ},{k + 1}" for k in range(24)]
    report = bring(world, tmp_path / "file.csv", "\n".join(["MPAN,Start,kWh", *rows]) + "\n")
    expected = {start + k * HALF_HOUR: ((k // 2) + 1) / 2 for k in range(48)}
    slots = held(METER)
    assert values_of(slots) == expected
    assert {quality for _, quality in slots.values()} == {4}  # derived
    assert [series.step for series in report.series] == [30]
    assert any("shorter intervals" in warning for warning in report.warnings)


def test_a_day_that_starts_at_five_is_shared_out_over_its_hours(world: World, tmp_path: Path) -> None:
    first = datetime(2025, 10, 20, 5)
    rows = [f"{METER},{first + timedelta(days=k):%d/%m/%Y %H:%M},{24 if k != 5 else 25}" for k in range(12)]
    bring(world, tmp_path / "file.csv", "\n".join(["MPAN,Start,kWh", *rows]) + "\n")
    values = values_of(held(METER))
    assert set(values.values()) == {1.0}  # 25 hours on the day that the clocks go back
    assert len(values) == 12 * 24 + 1
    assert min(values) == datetime(2025, 10, 20, 4, tzinfo=UTC)


def test_each_site_of_one_file_keeps_its_own_clock(world: World, tmp_path: Path) -> None:
    away = make_meter(make_site(world.org, "Abroad", timezone="America/New_York"), "2248274887874")
    truths = {}
    lines = ["MPAN,Start,kWh"]
    for meter, zone in ((METER, "Europe/London"), (away.identifier, "America/New_York")):
        days = [day for change in CHANGES[zone] for day in around(change)]
        truths[meter] = truth_of(starts_of(days, zone))
        lines += [f"{meter},{local(start, zone)},{value}" for start, value in truths[meter].items()]
    bring(world, tmp_path / "file.csv", "\n".join(lines) + "\n", stamps="start")
    assert {meter: values_of(held(meter)) for meter in truths} == truths


def test_the_edf_portals_fifty_columns_and_flags(world: World, tmp_path: Path) -> None:
    headings = [f"{k // 2:02}:{k % 2 * 30:02}" for k in range(50)]
    names = ["Month", "MPAN", "Measurement Type", "Settlement Date", *headings, *(f"{h}_Act_Est" for h in headings)]
    lines = [",".join(f'"{name}"' for name in names)]
    truth = {}
    for kind, base in (("AI", 1), ("RI", 1000)):
        for day in (date(2025, 3, 30), date(2025, 10, 26), date(2025, 10, 27)):
            starts = starts_of([day], "Europe/London")
            values = [str(base + k) for k in range(len(starts))] + ["-"] * (50 - len(starts))
            flags = ["E" if k == 3 else "A" for k in range(len(starts))] + ["-"] * (50 - len(starts))
            lines.append(",".join(["Mar", METER, kind, f"{day:%d-%m-%Y}", *values, *flags]))
            truth |= {(kind, start): (float(base + k), 2 if k == 3 else 1) for k, start in enumerate(starts)}
    report = bring(world, tmp_path / "file.csv", "\n".join(lines) + "\n")
    found = {("AI", start): slot for start, slot in held(METER, "import").items()}
    found |= {("RI", start): slot for start, slot in held(METER, "reactive_import").items()}
    assert found == truth
    assert {(series.quantity, series.unit) for series in report.series} == {
        ("import", "kWh"), ("reactive_import", "kVArh"),
    }  # fmt: skip
    assert report.kwh == sum(value for (kind, _), (value, _) in truth.items() if kind == "AI")
