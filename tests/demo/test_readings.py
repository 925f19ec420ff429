"""The demo's readings are plausible to an engineer, and the same for the same seed."""

from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from eclectyc.demo.grid import ZONE, Grid, simulate_weather
from eclectyc.demo.plan import estate
from eclectyc.demo.readings import MeterDays, readings
from eclectyc.kernel import quality
from eclectyc.kernel.identifiers import is_valid_mpan

TODAY = date(2026, 6, 1)
START = date(2024, 6, 1)
Key = tuple[str, str]


@cache
def made(seed: int = 42, start: date = START, end: date = TODAY) -> dict[Key, MeterDays]:
    return {(m.meter.key, m.quantity): m for m in readings(seed, start=start, end=end, made_on=TODAY)}


def year_of(key: str, quantity: str = "import", year: int = 2025) -> float:
    of_meter = made()[key, quantity]
    inside = (of_meter.days >= np.datetime64(f"{year}-01-01")) & (of_meter.days < np.datetime64(f"{year + 1}-01-01"))
    return float(np.nansum(of_meter.values[np.repeat(inside, of_meter.counts)]))


def slots_of(key: str, day: date, quantity: str = "import") -> np.ndarray:
    of_meter = made()[key, quantity]
    at = int(np.flatnonzero(of_meter.days == np.datetime64(day))[0])
    start = int(of_meter.counts[:at].sum())
    return of_meter.values[start : start + int(of_meter.counts[at])]


def test_the_same_seed_gives_the_same_readings_and_another_gives_others():
    again = {(m.meter.key, m.quantity): m for m in readings(42, start=START, end=TODAY, made_on=TODAY)}
    for key, of_meter in made().items():
        np.testing.assert_array_equal(of_meter.values, again[key].values)
    other = next(iter(readings(7, start=START, end=TODAY, made_on=TODAY)))
    assert not np.array_equal(other.values, made()["larkfield", "import"].values)


def test_a_day_has_the_same_values_in_every_window():
    longer = made(end=TODAY + timedelta(days=9))
    shorter = made(start=TODAY - timedelta(days=3))
    for key, of_meter in shorter.items():
        for other in (longer[key], made()[key]):
            same = np.isin(other.days, of_meter.days)
            np.testing.assert_array_equal(
                other.values[np.repeat(same, other.counts)], of_meter.values[: int(other.counts[same].sum())]
            )


@pytest.mark.parametrize("zone", [ZoneInfo("Europe/London")])
def test_each_day_has_the_half_hours_that_the_clocks_give_it(zone):
    for of_meter in made().values():
        if of_meter.step == 30:
            for day, count in zip(of_meter.days.astype(object), of_meter.counts, strict=True):
                start, end = (datetime.combine(d, datetime.min.time(), zone) for d in (day, day + timedelta(days=1)))
                assert count == (end.timestamp() - start.timestamp()) // 1800
        assert len(of_meter.values) == of_meter.counts.sum() == len(of_meter.quality)


def test_the_grid_knows_the_clock_on_the_days_it_changes():
    grid = Grid(date(2025, 11, 1))
    spring, autumn = (grid.hour[grid.days[grid.day_of] == np.datetime64(d)] for d in ("2025-03-30", "2025-10-26"))
    assert spring[:4].tolist() == [0.25, 0.75, 2.25, 2.75]
    assert autumn[:6].tolist() == [0.25, 0.75, 1.25, 1.75, 1.25, 1.75]
    assert spring[-1] == autumn[-1] == 23.75


@pytest.mark.parametrize(
    ("key", "area_m2", "benchmark"),  # CIBSE TM46: general office 95 and 120, school 40 and 150 kWh/m² a year
    [("larkfield", 6200, 95), ("temple", 3400, 95), ("canal", 4800, 95), ("school", 7900, 40),
     ("larkfield-gas", 6200, 120), ("school-gas", 7900, 150)],
)  # fmt: skip
def test_buildings_use_about_as_much_as_others_of_their_type(key, area_m2, benchmark):
    assert 0.7 * benchmark < year_of(key) / area_m2 < 1.3 * benchmark


def test_sub_meters_never_exceed_their_main_meter_unless_it_is_faulty():
    for site in estate():
        for main in site.meters:
            subs = [made()[m.key, "import"].values for m in site.meters if m.parent == main.key]
            if subs and main.key != "depot":  # its flat run is one of the faults
                whole = made()[main.key, "import"].values
                assert np.nanmin(whole - sum(subs)) > -0.03  # each is rounded to 0.01 kWh


def test_offices_are_busy_on_weekdays_and_heated_in_winter():
    tuesday, sunday = slots_of("temple", date(2025, 6, 10)), slots_of("temple", date(2025, 6, 8))
    assert tuesday.sum() > 1.4 * sunday.sum()
    assert tuesday[20:32].mean() > 2 * tuesday[4:10].mean()
    assert slots_of("larkfield-gas", date(2026, 1, 13)).sum() > 8 * slots_of("larkfield-gas", date(2025, 7, 15)).sum()


def test_a_school_is_quiet_in_august_and_its_roof_is_not():
    assert slots_of("school-water", date(2025, 8, 12)).sum() < 0.5 * slots_of("school-water", date(2025, 6, 10)).sum()
    assert year_of("school-solar") / 110 == pytest.approx(800, rel=0.3)  # [kWh/kWp], usual in England
    solar, grid, out = (slots_of(k, date(2025, 8, 12), q) for k, q in
                        [("school-solar", "import"), ("school", "import"), ("school-export", "export")])  # fmt: skip
    assert out.sum() > 0
    assert (solar >= out - 0.02).all()
    assert not ((grid > 0.01) & (out > 0.01)).any()  # a half-hour imports or exports


def test_weather_is_english():
    grid = Grid(date(2025, 1, 1))
    outdoors = simulate_weather(grid, np.random.default_rng(1))
    month = grid.days.astype("datetime64[M]").astype(int)[grid.day_of] % 12
    january, july = (outdoors.temperature[month == m] for m in (0, 6))
    assert 2 < january.mean() < 7
    assert 15 < july.mean() < 20
    assert outdoors.temperature.min() > -16
    assert outdoors.temperature.max() < 40
    assert outdoors.irradiance[(grid.hour < 2)].max() == 0
    assert 750 < outdoors.irradiance.sum() / 2000 / 6 < 1250  # [kWh/m² a year]


def test_faults_are_there_to_be_found():
    ago = {days: TODAY - timedelta(days=days) for days in range(110)}
    days_of = {key: set(m.days.astype(object)) for key, m in made().items()}
    assert {ago[46], ago[45], ago[44]}.isdisjoint(days_of["temple", "import"])
    assert np.isnan(slots_of("temple", ago[47])).sum() == 24
    assert max(days_of["hospital-water", "import"]) == ago[5]
    assert (
        made()["school-gas", "import"].quality == quality.ESTIMATED
    ).sum() == 14 * 48 - 2  # the clocks change within
    assert slots_of("shop", ago[12])[29] > 5 * slots_of("shop", ago[12])[28]
    assert len(set(slots_of("depot", ago[23]))) == 1
    before, after = (np.mean([slots_of("canal", ago[d])[2:8].mean() for d in span])
                     for span in (range(45, 52), range(25, 32)))  # fmt: skip
    assert after - before == pytest.approx(11, abs=2)


def test_a_temporary_supply_begins_when_it_was_installed():
    assert made()["quayside", "import"].days[0] == np.datetime64(TODAY - timedelta(days=470))


def test_identifiers_are_well_formed():
    for site in estate():
        for meter in site.meters:
            if meter.utility == "electricity" and not meter.parent:
                assert is_valid_mpan(meter.identifier)
            if meter.utility == "gas":
                assert meter.identifier.isdigit()
                assert 6 <= len(meter.identifier) <= 10
    assert len({m.identifier for s in estate() for m in s.meters}) == sum(len(s.meters) for s in estate())


def test_values_are_never_negative_and_missing_where_quality_says_so():
    for of_meter in made().values():
        assert np.array_equal(np.isnan(of_meter.values), of_meter.quality == quality.MISSING)
        assert np.nanmin(of_meter.values) >= 0
    assert ZONE.key == "Europe/London"
