"""Questions about many meters: the overview, consumption by group, months, sparklines, a site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final, Literal

import numpy as np
import polars as pl
from django.db.models import Q

from eclectyc.accounts.actor import Actor
from eclectyc.analytics.compare import Against, partners
from eclectyc.analytics.day_grid import DayGrid
from eclectyc.analytics.fetch import COUNTED_ENERGY, MAIN, MeterSet, ever_at, placements_of, select_meters
from eclectyc.analytics.overview import Overview, OverviewSpans, build_overview, sum_or_null
from eclectyc.analytics.periods import By, bucket_starts
from eclectyc.analytics.placements import PointPlacements
from eclectyc.estate.models import Meter, Quantity, Utility

Group = Literal["site", "meter", "region", "utility"]
_KEY: Final = {"site": "site", "meter": "meter", "region": "region", "utility": "utility"}
_COUNTS: Final = ("present", "expected", "estimated")
_SUMS: Final = {"value": pl.Float64, **dict.fromkeys(_COUNTS, pl.Int64)}


def estate_overview(actor: Actor, today: date, which: Q | None = None) -> Overview:
    """Return the dashboard's figures: see :mod:`eclectyc.analytics.overview`."""
    selected = select_meters(actor, today=today, quantity=None, which=which, or_volume=True)
    spans = OverviewSpans.for_today(today)
    year = timedelta(days=364)
    now = selected.grid(spans.start, today)
    before = selected.grid(spans.start - year, today - year)
    return build_overview(
        selected.meters, selected.mask(COUNTED_ENERGY), now, before, today, placements_of(actor, selected)
    )


@dataclass(frozen=True, slots=True)
class ConsumptionFilter:
    """The selection of a report; an empty tuple or text selects everything."""

    organisation: int | None = None
    sites: tuple[int, ...] = ()
    regions: tuple[int, ...] = ()
    utilities: tuple[str, ...] = ()
    meters: tuple[int, ...] = ()
    search: str = ""

    @property
    def is_of_sites(self) -> bool:
        """Whether sites or regions are selected: then only the days count on which a meter was there."""
        return bool(self.sites or self.regions)

    def of_rows(self) -> pl.Expr:
        """Return the condition on rows of points by placement."""
        wanted = pl.lit(value=True)
        if self.sites:
            wanted &= pl.col("site").is_in(self.sites)
        if self.regions:
            wanted &= pl.col("region").is_in(self.regions)
        return wanted.fill_null(value=False)

    def condition(self) -> Q:
        """Return the filter as a condition on meters: those that are, or were, at its sites."""
        found = Q()
        if self.organisation is not None:
            found &= Q(organisation=self.organisation)
        if self.is_of_sites:
            found &= ever_at(
                **{name: ids for name, ids in (("pk__in", self.sites), ("region__in", self.regions)) if ids}
            )
        for field, wanted in (("utility__in", self.utilities), ("pk__in", self.meters)):
            if wanted:
                found &= Q(**{field: wanted})
        text = self.search.replace("\x00", "").strip()
        if text:
            found &= Q(identifier__icontains=text) | Q(name__icontains=text) | Q(site__name__icontains=text)
        return found


def consumption(
    actor: Actor,
    *,
    start: date,
    end: date,
    group_by: Group = "site",
    per_m2: bool = False,
    against: Against | None = None,
    narrowed: ConsumptionFilter | None = None,
    quantity: str = Quantity.IMPORT,
    today: date,
) -> pl.DataFrame:
    """Return how much each group used from ``start`` up to, not including, ``end``, highest first.

    Columns: key (site, meter or region id, or utility), label, unit, value [unit], kwh (= value if the unit is kWh,
    else null), present, expected, estimated [slots], floor_area_m2 (of the group's sites where known), per_m2
    [unit/m²] (the use of those sites alone), meters, counted, is_virtual; with ``against`` also current_like,
    previous_like, pairs, possible and change_percent (like for like, None against nothing).

    Units are never mixed: a group with two has two rows. Sub-meters are counted by their main, virtual meters by their
    parts: they appear, with ``counted`` false, only when grouped by meter. Export points are left out of imports, solar
    and batteries out of groups other than meter and utility. What a meter used before it moved counts at the site where
    it was.
    """
    narrowed = narrowed or ConsumptionFilter()
    selected = select_meters(actor, today=today, quantity=quantity, which=narrowed.condition(), or_volume=True)
    where = _placements(actor, selected, by_place=group_by in ("site", "region") or narrowed.is_of_sites)
    grid = where.grid(selected.grid(start, end))
    parts = [where.meters, grid.by_point(start, end)]
    if against is not None:
        parts.append(_like_for_like(selected, where, grid, start, end, against))
    frame = pl.concat(parts, how="horizontal").with_columns(MAIN.alias("counted"))
    frame = frame.filter(_is_shown(group_by, quantity) & narrowed.of_rows())
    answer = _grouped(frame, group_by, with_likes=against is not None)
    order = "per_m2" if per_m2 else "value"
    return answer.sort(pl.col("unit") != "kWh", order, descending=[False, True], nulls_last=True)


def _placements(actor: Actor, selected: MeterSet, *, by_place: bool) -> PointPlacements:
    """Return points by placement if the question needs it, else each point as one row."""
    return (
        placements_of(actor, selected)
        if by_place
        else PointPlacements(selected.meters, np.arange(len(selected.points)))
    )


def _is_shown(group_by: Group, quantity: str) -> pl.Expr:
    shown = pl.lit(value=True) if group_by == "meter" else pl.col("counted")
    if group_by in ("site", "region"):
        shown &= ~pl.col("utility").is_in([Utility.SOLAR.value, Utility.BATTERY.value])
    if quantity == Quantity.IMPORT:
        shown &= pl.col("direction") == "import"
    return shown


def _grouped(frame: pl.DataFrame, group_by: Group, *, with_likes: bool) -> pl.DataFrame:
    key = _KEY[group_by]
    label = {
        "site": pl.col("site_name"),
        "region": pl.col("region_name").fill_null("No region"),
        "utility": pl.col("utility"),
        "meter": pl.when(pl.col("name") == "").then("identifier").otherwise("name"),
    }[group_by]
    frame = frame.with_columns(label.alias("label"), pl.col(key).alias("key"))
    likes = ["current_like", "previous_like", "pairs", "possible"] if with_likes else []
    has_area = pl.col("floor_area_m2") > 0
    answer = frame.group_by("key", "unit", maintain_order=True).agg(
        pl.col("label").first(),
        sum_or_null("value"),
        pl.col(*_COUNTS, *likes).sum(),
        pl.col("site", "floor_area_m2").filter(has_area & (pl.col("value").is_not_null())),
        pl.when(has_area).then("value").sum().alias("value_with_area"),
        pl.col("meter").n_unique().alias("meters"),
        pl.col("counted").any(),
        pl.col("is_virtual").all(),
    )
    area = answer.select("key", "unit", "site", "floor_area_m2").explode("site", "floor_area_m2")
    area = area.unique(["key", "unit", "site"]).group_by("key", "unit").agg(sum_or_null("floor_area_m2"))
    answer = answer.drop("site", "floor_area_m2").join(
        area, on=["key", "unit"], how="left", nulls_equal=True, maintain_order="left"
    )
    answer = answer.with_columns(
        pl.when(pl.col("unit") == "kWh").then("value").alias("kwh"),
        (pl.col("value_with_area") / pl.col("floor_area_m2")).alias("per_m2"),
    ).drop("value_with_area")
    if with_likes:
        change = 100 * (pl.col("current_like") - pl.col("previous_like")) / pl.col("previous_like").abs()
        answer = answer.with_columns(pl.when(pl.col("previous_like") != 0).then(change).alias("change_percent"))
    return answer


def _like_for_like(
    selected: MeterSet, where: PointPlacements, grid: DayGrid, start: date, end: date, against: Against
) -> pl.DataFrame:
    """Return one row per point: the sums over days that are complete both in this span and in the one compared with."""
    pairs = partners(start, end, against)
    first = min((other for _, other in pairs), default=start)
    last = max((other for _, other in pairs), default=start)
    before = where.grid(selected.grid(first, last + timedelta(days=1)))
    here = (np.array([day for day, _ in pairs], dtype="datetime64[D]") - np.datetime64(start)).astype(np.int64)
    there = (np.array([other for _, other in pairs], dtype="datetime64[D]") - np.datetime64(first)).astype(np.int64)
    both = grid.complete[:, here] & before.complete[:, there]
    return pl.DataFrame(
        {
            "current_like": np.where(both, grid.total[:, here], 0.0).sum(axis=1),
            "previous_like": np.where(both, before.total[:, there], 0.0).sum(axis=1),
            "pairs": both.sum(axis=1),
            "possible": (grid.present > 0).sum(axis=1),
        }
    )


def totals(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the totals of a consumption table: one row per unit, over the rows that count."""
    return (
        frame.filter("counted")
        .group_by("unit")
        .agg(sum_or_null("value"), pl.col(*_COUNTS).sum(), pl.col("meters").sum())
        .sort(pl.col("unit") != "kWh", "unit")
    )


def consumption_over_time(
    actor: Actor,
    *,
    start: date,
    end: date,
    by: By = "month",
    narrowed: ConsumptionFilter | None = None,
    quantity: str = Quantity.IMPORT,
    today: date,
) -> pl.DataFrame:
    """Return use by day, week, month or year and utility, over what :func:`consumption` counts by utility.

    Columns: start (first day of the bucket), utility, unit, value, present, expected, estimated.
    """
    narrowed = narrowed or ConsumptionFilter()
    selected = select_meters(actor, today=today, quantity=quantity, which=narrowed.condition(), or_volume=True)
    where = _placements(actor, selected, by_place=narrowed.is_of_sites)
    frame = where.meters.with_columns(MAIN.alias("counted"))
    shown = frame.select(_is_shown("utility", quantity) & narrowed.of_rows()).to_series().to_numpy()
    in_months = by in ("month", "year") and where.since is None
    grid = selected.months(start, end) if in_months else where.grid(selected.grid(start, end))
    return in_buckets(replace(selected, meters=where.meters), grid, shown, by, ("utility", "unit"))


def monthly(
    actor: Actor, meters: Sequence[Meter], start: date, end: date, *, quantity: str = Quantity.IMPORT, today: date
) -> pl.DataFrame:
    """Return the months of some meters: start (first of month), meter, unit, value, present, expected, estimated."""
    selected = select_meters(
        actor, today=today, quantity=quantity, which=Q(pk__in=[meter.pk for meter in meters]), or_volume=True
    )
    grid = selected.months(start, end)
    return in_buckets(selected, grid, np.ones(len(selected.points), dtype=bool), "month", ("meter", "unit"))


def in_buckets(selected: MeterSet, grid: DayGrid, shown: np.ndarray, by: By, keys: tuple[str, ...]) -> pl.DataFrame:
    """Sum the points of a mask by bucket (``start`` is its first day) and by some columns of ``selected.meters``.

    grid : of days, or of months for buckets no shorter.
    """
    if not len(grid.days):
        return pl.DataFrame(schema={"start": pl.Date, **selected.meters.select(keys).schema, **_SUMS})
    starts, first = np.unique(bucket_starts(grid.days, by), return_index=True)
    points = np.flatnonzero(shown)
    sums = {
        name: np.add.reduceat(array[points], first, axis=1).ravel().astype(np.int64)
        for name, array in zip(_COUNTS, (grid.present, grid.expected.astype(np.int32), grid.estimated), strict=True)
    }
    value = np.add.reduceat(np.nan_to_num(grid.total[points]), first, axis=1).ravel()
    frame = selected.meters.select(keys)[np.repeat(points, len(starts))].with_columns(
        pl.Series("start", np.tile(starts, len(points))).cast(pl.Date),
        pl.Series("value", np.where(sums["present"] > 0, value, np.nan)).fill_nan(None),
        *(pl.Series(name, column) for name, column in sums.items()),
    )
    if not {"meter", "unit"} <= set(keys):  # these two name a point: nothing is left to be summed
        frame = frame.group_by("start", *keys).agg(sum_or_null("value"), pl.col(*_COUNTS).sum())
    return frame.select("start", *keys, "value", *_COUNTS).sort("start", *keys)
