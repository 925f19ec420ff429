"""Questions about one site: its use, its pattern and its meters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl
from django.db.models import Q

from eclectyc.accounts.actor import Actor
from eclectyc.analytics.day_grid import Total
from eclectyc.analytics.estate import in_buckets
from eclectyc.analytics.expected_slots import expected_slots
from eclectyc.analytics.fetch import MAIN, OF_MAINS, MeterSet, ever_at, placements_of, select_meters
from eclectyc.analytics.heat_map import HeatMap, heat_map
from eclectyc.analytics.overview import sum_or_null
from eclectyc.analytics.periods import Window, month_of
from eclectyc.analytics.slots import expand_all_days
from eclectyc.estate.models import Meter, Site, Utility
from eclectyc.kernel.days import WHOLE_DAY, zone_of

MONTHS_SHOWN = 24
SPARK_DAYS = 30
YEAR_DAYS = 364  # 52 whole weeks


@dataclass(frozen=True, slots=True)
class Sparkline:
    """The last days of a meter: ``values`` per day [unit], None if nothing is present; ``last_day`` is the day of
    its last reading, None if it has none."""

    values: list[float | None]
    unit: str
    total: Total
    last_day: date | None


@dataclass(frozen=True, slots=True)
class SiteSummary:
    """A site's use, main meters only, imports apart from exports.

    monthly : start, utility, direction, unit, value, present, expected, estimated – the last 24 months and this one.
    year : utility, direction, unit, value, per_m2 [unit/m²] (null without a floor area), present, expected,
    estimated – the 364 days up to and with yesterday. sparklines : by meter id, sub-meters too.
    """

    monthly: pl.DataFrame
    year: pl.DataFrame
    floor_area_m2: float | None
    sparklines: dict[int, Sparkline]


_BY: Final = ("utility", "direction", "unit")


def site_summary(actor: Actor, site: Site, today: date) -> SiteSummary:
    """Return a site's use by utility, including meters that were there, and a sparkline per meter that is there now."""
    selected = select_meters(actor, today=today, quantity=None, which=ever_at(pk=site.pk), or_volume=True)
    where = placements_of(actor, selected)
    start = month_of(month_of(today) - timedelta(days=MONTHS_SHOWN * 30))
    grid = where.grid(selected.grid(start, today))
    here = replace(selected, meters=where.meters)
    main = here.mask(MAIN & (pl.col("site") == site.pk))
    year = pl.concat([where.meters, grid.by_point(today - timedelta(days=YEAR_DAYS), today)], how="horizontal")
    area = site.floor_area_m2 or None
    sums = pl.col("present", "expected", "estimated").sum()
    by_utility = year.filter(pl.Series(main)).group_by(_BY).agg(sum_or_null("value"), sums).sort(_BY)
    return SiteSummary(
        monthly=in_buckets(here, grid, main, "month", _BY),
        year=by_utility.with_columns((pl.col("value") / pl.lit(area, dtype=pl.Float64)).alias("per_m2")),
        floor_area_m2=area,
        sparklines=_sparklines(selected, today, SPARK_DAYS, at=site.pk),
    )


def sparklines(actor: Actor, meters: list[Meter], today: date, *, days: int = SPARK_DAYS) -> dict[int, Sparkline]:
    """Return the last days of some meters by meter id."""
    selected = select_meters(
        actor, today=today, quantity=None, which=Q(pk__in=[meter.pk for meter in meters]), or_volume=True
    )
    return _sparklines(selected, today, days)


def _sparklines(selected: MeterSet, today: date, days: int, *, at: int | None = None) -> dict[int, Sparkline]:
    start = today - timedelta(days=days)
    grid = selected.grid(start, today)
    sums = grid.by_point(start, today).to_dicts()
    lines = {}
    for number, row in enumerate(selected.meters.select("meter", "unit", "last", "site").iter_rows(named=True)):
        if at is not None and row["site"] != at:
            continue
        values = [None if np.isnan(value) else float(value) for value in grid.total[number]]
        lines[row["meter"]] = Sparkline(values, row["unit"], Total(**sums[number]), row["last"])
    return lines


def site_year(actor: Actor, site: Site, year: int, *, utility: str = Utility.ELECTRICITY, today: date) -> HeatMap:
    """Return a site's year in one utility as a day × slot matrix, summed over its main import meters.

    A cell has a value only where every meter expected then has its reading: a part is not shown as a low
    total; its coverage gives the share. Meters known only by whole days have no slots: they are ``left_out``, by id.
    """
    which = ever_at(pk=site.pk) & OF_MAINS & Q(utility=utility, direction="import")
    selected = select_meters(actor, today=today, which=which)
    where = placements_of(actor, selected)
    zone = zone_of(site.timezone)
    window = Window.of(date(year, 1, 1), date(year + 1, 1, 1), zone)
    shown = np.zeros((len(selected.points), len(window.days)), dtype=bool)
    left_out: list[int] = []
    for (site_then, meter), number, here in zip(
        where.meters.select("site", "meter").iter_rows(), where.source, where.days(window.days), strict=True
    ):
        if site_then != site.pk or not here.any():
            continue
        if selected.points.step[number] == WHOLE_DAY:
            left_out.append(meter)
        else:
            shown[number] |= here
    rows = selected.rows(window.first_day, window.end_day, values=True).sort("point", "day")
    expected = expected_slots(selected.points, window.days, rows)
    steps = selected.points.step
    slots = expand_all_days(rows, window.days, zone=zone, steps=steps, expected=expected, shown=shown)
    heat = heat_map(window.days, [slots])
    return HeatMap(heat.days, heat.value, heat.step, heat.coverage, tuple(left_out))
