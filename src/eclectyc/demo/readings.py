"""The demo estate's readings, from a seed. Pure: the same arguments give the same values."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from eclectyc.demo.data_faults import DataFaults, MeterUsage
from eclectyc.demo.grid import ORIGIN, Grid, Weather, simulate_weather
from eclectyc.demo.load_models import simulate_load
from eclectyc.demo.plan import MeterPlan, SitePlan, estate
from eclectyc.kernel import quality
from eclectyc.kernel.days import WHOLE_DAY

MARGIN: Final = timedelta(days=2)  # heating starts before opening: the requested days must end before the grid


@dataclass(frozen=True)
class MeterDays:
    """Consecutive local days of one quantity of one meter.

    days : datetime64[D]; counts : slots of each day; values, quality : flat, day after day. NaN = missing.
    """

    meter: MeterPlan
    quantity: str
    unit: str
    step: int
    days: np.ndarray
    counts: np.ndarray
    values: np.ndarray
    quality: np.ndarray


def readings(seed: int, *, start: date, end: date, made_on: date) -> Iterator[MeterDays]:
    """Yield every meter's days from ``start`` up to ``end``; a day's values do not depend on the window.

    made_on : the day on which the demo was created, from which its faults are dated back.
    """
    grid, faults = Grid(end + MARGIN), DataFaults(made_on)
    for site in estate():
        outdoors = simulate_weather(grid, _random(seed, "weather"), offset_c=site.warmer_c)
        for meter, quantity, unit, use in _site(site, seed, grid, outdoors, faults):
            yield _days_between(meter, quantity, unit, use, grid, _first_day(meter, start, made_on), end)


def _site(
    site: SitePlan, seed: int, grid: Grid, outdoors: Weather, faults: DataFaults
) -> Iterator[tuple[MeterPlan, str, str, MeterUsage]]:
    flows = _flows(site, seed, grid, outdoors, faults)
    for meter in site.meters:
        digits = meter.load.digits if meter.load else 2
        use = MeterUsage.from_values(
            np.round(flows[meter.key], digits) if meter.step != WHOLE_DAY else flows[meter.key]
        )
        faults.change_readings(meter.key, use, grid, _random(seed, meter.key, "faults"))
        yield meter, "export" if meter.exports_for else "import", meter.unit, use
        if meter.power_factor:
            reactive = _reactive(use, meter.power_factor, _random(seed, meter.key, "reactive"))
            yield meter, "reactive_import", "kVArh", reactive


def _flows(site: SitePlan, seed: int, grid: Grid, outdoors: Weather, faults: DataFaults) -> Mapping[str, np.ndarray]:
    """Return the actual usage of each meter of a site: mains include sub-meters, solar is used before the grid."""
    flows: dict[str, np.ndarray] = {}
    for meter in site.meters:
        if meter.load:
            own = simulate_load(meter.load, grid, outdoors, _random(seed, meter.key))
            flows[meter.key] = faults.change_usage(meter.key, own, grid)
        elif meter.kwp:
            flows[meter.key] = 0.82 * meter.kwp * outdoors.irradiance / 1000 / 2
    for meter in site.meters:
        if meter.parent:
            flows[meter.parent] = flows[meter.parent] + flows[meter.key]
    for meter in site.meters:
        if meter.exports_for:
            generated = sum(flows[m.key] for m in site.meters if m.kwp)
            net = flows[meter.exports_for] - generated
            flows[meter.exports_for], flows[meter.key] = np.clip(net, 0, None), np.clip(-net, 0, None)
    return flows


def _reactive(use: MeterUsage, power_factor: float, rng: np.random.Generator) -> MeterUsage:
    factor = np.clip(power_factor + 0.02 * rng.standard_normal(use.values.size), 0.7, 0.995)
    return MeterUsage(np.round(use.values * np.tan(np.arccos(factor)), 2), use.quality.copy())


def _days_between(
    meter: MeterPlan, quantity: str, unit: str, use: MeterUsage, grid: Grid, first: date, end: date
) -> MeterDays:
    """Return the requested days, without those that have no reading; summed if the meter has whole days only."""
    of_days = slice((first - ORIGIN) // timedelta(days=1), (end - ORIGIN) // timedelta(days=1))
    counts, starts = grid.counts[of_days], grid.starts[of_days]
    of_slots = slice(int(grid.starts[of_days.start]), int(grid.starts[of_days.stop]))
    values, flags = use.values[of_slots], use.quality[of_slots]
    if meter.step == WHOLE_DAY:
        digits = meter.load.digits if meter.load else 2
        values = np.round(np.add.reduceat(values, starts - starts[0]), digits)
        flags = np.minimum.reduceat(flags, starts - starts[0])
        counts = np.ones_like(counts)
    any_reading = np.add.reduceat(flags != quality.MISSING, np.cumsum(counts) - counts) > 0
    keep = np.repeat(any_reading, counts)
    days = grid.days[of_days][any_reading]
    return MeterDays(meter, quantity, unit, meter.step, days, counts[any_reading], values[keep], flags[keep])


def _first_day(meter: MeterPlan, start: date, made_on: date) -> date:
    return start if meter.since_days is None else max(start, made_on - timedelta(days=meter.since_days))


def _random(seed: int, *purpose: str) -> np.random.Generator:
    """Return a generator for one purpose, so that a new meter does not change other meters' values."""
    return np.random.Generator(np.random.PCG64([seed, *(zlib.crc32(p.encode()) for p in purpose)]))
