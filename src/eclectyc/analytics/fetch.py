"""The metering points of a question, from the registry, and their day rows, from the lake.

One registry query, one lake query for each span of days. Everything starts from ``visible_to(actor)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl
from django.db.models import FilteredRelation, Q

from eclectyc.accounts.actor import Actor
from eclectyc.analytics.day_grid import DayGrid, day_grid
from eclectyc.analytics.expected_slots import Points, expected_since, expected_until
from eclectyc.analytics.months import month_edges, month_grid, months_of, needs_no_days
from eclectyc.analytics.placements import MOVES, PointPlacements, by_placement
from eclectyc.batches.own_lake import require_own_lake
from eclectyc.estate.models import Meter, Placement, Quantity, Site, Utility
from eclectyc.lake.primary_rows import primary_rows
from eclectyc.lake.store import Lake, connect

_FIELDS: Final = {
    "meter": "pk",
    "identifier": "identifier",
    "name": "name",
    "utility": "utility",
    "direction": "direction",
    "meter_unit": "unit",
    "meter_step": "step_minutes",
    "parent": "parent_id",
    "is_virtual": "formula",
    "installed": "installed",
    "removed": "removed",
    "is_active": "is_active",
    "site": "site_id",
    "site_name": "site__name",
    "timezone": "site__timezone",
    "floor_area_m2": "site__floor_area_m2",
    "region": "site__region_id",
    "region_name": "site__region__name",
    "series": "counted__id",
    "series_unit": "counted__unit",
    "series_step": "counted__step_minutes",
    "series_register": "counted__register",
    "series_quantity": "counted__quantity",
}
_SCHEMA: Final[dict[str, Any]] = {
    "meter": pl.Int64,
    "identifier": pl.String,
    "name": pl.String,
    "utility": pl.String,
    "direction": pl.String,
    "meter_unit": pl.String,
    "meter_step": pl.Int32,
    "parent": pl.Int64,
    "is_virtual": pl.String,
    "installed": pl.Date,
    "removed": pl.Date,
    "is_active": pl.Boolean,
    "site": pl.Int64,
    "site_name": pl.String,
    "timezone": pl.String,
    "floor_area_m2": pl.Float64,
    "region": pl.Int64,
    "region_name": pl.String,
    "series": pl.Int32,
    "series_unit": pl.String,
    "series_step": pl.Int32,
    "series_register": pl.String,
    "series_quantity": pl.String,
}

_OF_SERIES: Final = tuple(name for name in _SCHEMA if name.startswith("series"))

# Generation and storage are shown separately, never summed into use.
NOT_USE: Final = (Utility.SOLAR.value, Utility.BATTERY.value)


@dataclass(frozen=True, slots=True)
class MeterSet:
    """Metering points of one quantity, with their facts from the registry.

    meters : one row a point, in order: the columns of ``_FIELDS`` but the series, and unit, step (the finest),
    first and last (days with readings; null without any). series : series, point, register. points : see expectation.
    """

    meters: pl.DataFrame
    series: pl.DataFrame
    points: Points

    def rows(self, start: date, end: date, *, values: bool = False) -> pl.DataFrame:
        """Return the primary day rows, one per point and day (:mod:`eclectyc.lake.arbitrate`), in order of days."""
        return primary_rows(connect(), self.series, start, end, values=values, spans=series_spans)

    def grid(self, start: date, end: date) -> DayGrid:
        """Return the points' days of a span."""
        return day_grid(self.rows(start, end), self.points, start, end)

    def months(self, start: date, end: date) -> DayGrid:
        """Return the points' months of a span, each under its first day; days are read only if necessary."""
        edges = month_edges(start, end)
        if len(edges) == 2 and edges[0] >= edges[1]:
            return self.grid(start, end)
        plain = needs_no_days(self.points, self.meters, self.series)
        series = self.series.select("series", "point").filter(pl.Series(plain[self.series["point"].to_numpy()]))
        is_most = 2 * len(series) > len(series_spans())  # summing all is then faster than selecting these
        held = connect().monthly(start, end, None if is_most else series["series"].to_numpy())
        held = held.join(series, on="series")
        grid = month_grid(held, self.points, edges)
        rest = np.flatnonzero(~plain)
        if len(rest):
            days = months_of(self.select(rest).grid(start, end), edges)
            for name in ("total", "present", "expected", "estimated"):
                getattr(grid, name)[rest] = getattr(days, name)
        return grid

    def select(self, points: np.ndarray) -> MeterSet:
        """Return some of the points, by index, renumbered."""
        numbers = pl.DataFrame({"point": points, "new": np.arange(len(points))}).cast(pl.Int32)
        series = self.series.join(numbers, on="point", maintain_order="left").drop("point").rename({"new": "point"})
        return MeterSet(self.meters[points], series.select(self.series.columns), self.points.select(points))

    def only(self, point: int) -> MeterSet:
        """Return one of the points alone, as point 0."""
        return self.select(np.array([point]))

    def mask(self, condition: pl.Expr) -> np.ndarray:
        """Return which points meet a condition on ``meters``."""
        return self.meters.select(condition.fill_null(value=False)).to_series().to_numpy()


# Counted by no other meter: not a sub-meter (its main counts it), not a virtual meter (its parts do).
MAIN: Final = pl.col("parent").is_null() & ~pl.col("is_virtual")
OF_MAINS: Final = Q(parent=None, formula="")  # the same, as a condition on the registry
# Summed into the energy of a site or an estate: import in kWh of a main meter that is neither generation nor storage.
# Export, reactive energy and volumes are not.
COUNTED_ENERGY: Final = (
    (pl.col("direction") == "import") & (pl.col("unit") == "kWh") & MAIN & ~pl.col("utility").is_in(NOT_USE)
)
FEW: Final = 500  # meters that are named one by one in a query


def select_meters(
    actor: Actor,
    *,
    today: date,
    quantity: str | None = Quantity.IMPORT,
    which: Q | None = None,
    or_volume: bool = False,
) -> MeterSet:
    """Return the points of one quantity at the meters that the actor may see, narrowed by ``which``.

    Only primary series count. A meter without one is a point without readings. Without a quantity each point gives its
    own: an export point its export, the others their import.

    or_volume : a gas meter that has volumes only, because calorific values are missing, gives these in place of its
    import. Its energy is expected on the days of its volumes.
    """
    if connect().version < 0:
        require_own_lake()  # a lake that is gone must not read as zero
    wanted = Q(series__quantity=quantity or Quantity.IMPORT)
    if quantity is None:
        wanted |= Q(series__quantity=Quantity.EXPORT, direction="export")
    brings_energy = quantity in {None, Quantity.IMPORT}
    if brings_energy:
        wanted |= Q(series__quantity=Quantity.VOLUME, utility=Utility.GAS)
    of_quantity = FilteredRelation("series", condition=Q(series__is_primary=True) & wanted)
    meters = Meter.objects.visible_to(actor).filter(which or Q()).annotate(counted=of_quantity)
    found = meters.order_by("pk", "counted__id").values_list(*_FIELDS.values())
    columns = zip(*found, strict=True)  # frames are made of columns in a fraction of the time
    frame = pl.DataFrame(dict(zip(_SCHEMA, columns, strict=False)), schema=_SCHEMA)
    frame, volumes = _without_volumes(frame, or_volume=or_volume) if brings_energy else (frame, frame.clear())
    frame = frame.with_columns(pl.coalesce("series_unit", "meter_unit").alias("unit"), pl.col("is_virtual") != "")
    frame = frame.with_columns((pl.struct("meter", "unit").rle_id()).cast(pl.Int32).alias("point"))
    series = frame.filter(pl.col("series").is_not_null())
    series = series.select("series", "point", pl.col("series_register").alias("register"))
    meters_frame = _since_volumes(_one_row_per_point(frame, series), volumes)
    return MeterSet(meters_frame, series, _points(meters_frame, today))


def _without_volumes(frame: pl.DataFrame, *, or_volume: bool) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Separate the volumes of gas meters from energy, and return both.

    Volumes replace the energy of a meter if they are requested and its other series have no readings. A meter without
    any series left is still one row.
    """
    is_volume = pl.col("series_quantity") == Quantity.VOLUME.value
    volumes = frame.filter(is_volume)
    if volumes.is_empty():
        return frame, volumes
    rest = frame.filter(~is_volume.fill_null(value=False))
    reporting = rest.join(series_spans(), on="series", how="semi")["meter"] if or_volume else volumes["meter"]
    is_quiet = ~pl.col("meter").is_in(reporting.implode())
    shown = volumes.filter(is_quiet)
    rest = rest.filter(~pl.col("meter").is_in(shown["meter"].implode()))
    volumes = volumes.filter(~is_quiet)
    bare = volumes.unique("meter", maintain_order=True).join(rest, on="meter", how="anti")
    bare = bare.with_columns(pl.lit(None, kind).alias(name) for name, kind in _SCHEMA.items() if name in _OF_SERIES)
    return pl.concat([rest, shown, bare]).sort("meter", "series", maintain_order=True), volumes


def _since_volumes(points: pl.DataFrame, volumes: pl.DataFrame) -> pl.DataFrame:
    """Expect the energy of gas meters on the days of their volumes too."""
    if volumes.is_empty():
        return points
    spans = volumes.select("meter", "series").join(series_spans(), on="series")
    spans = spans.group_by("meter").agg(of_first=pl.col("first").min(), of_last=pl.col("last").max())
    points = points.join(spans, on="meter", how="left", maintain_order="left")
    has_any = pl.col("first").is_not_null()
    return points.with_columns(
        first=pl.when(has_any).then(pl.min_horizontal("first", "of_first")),
        last=pl.when(has_any).then(pl.max_horizontal("last", "of_last")),
    ).drop("of_first", "of_last")


def _one_row_per_point(frame: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
    kept = [name for name in _FIELDS if not name.startswith("series")] + ["unit"]
    finest = pl.coalesce(pl.col("series_step").min(), pl.col("meter_step").first()).alias("step")
    spans = series_spans()
    if len(frame) == frame["point"].n_unique():  # no meter has two series
        one = frame.with_columns(pl.coalesce("series_step", "meter_step").alias("step"))
        points = one.join(spans, on="series", how="left", maintain_order="left")
        return points.select("point", *kept, "step", "first", "last")
    of_points = series.join(spans, on="series").group_by("point").agg(pl.col("first").min(), pl.col("last").max())
    points = frame.group_by("point").agg(*(pl.col(name).first() for name in kept), finest).sort("point")
    return points.join(of_points, on="point", how="left", maintain_order="left")


_MOVED: Final = (
    "meter",
    "site",
    "site__name",
    "site__floor_area_m2",
    "site__region_id",
    "site__region__name",
    "since",
    "until",
)


def placements_of(actor: Actor, selected: MeterSet) -> PointPlacements:
    """Return points by placement, in one query; former sites that the actor may not see are left out."""
    meters = selected.meters["meter"].unique().to_list()
    visible = Q(until=None) | Q(site__in=Site.objects.visible_to(actor).order_by().values("pk"))
    found: list[tuple[Any, ...]] = []
    if len(meters) <= FEW:
        found = list(Placement.objects.filter(visible, meter__in=meters).values_list(*_MOVED))
    else:
        known = set(meters)
        of_those = Placement.objects.visible_to(actor).filter(visible).values_list(*_MOVED)
        found = [row for row in of_those if row[0] in known]
    moves = pl.DataFrame(found, schema=MOVES, orient="row")
    return by_placement(selected.meters, moves)


def ever_at(**sites: Any) -> Q:
    """Return the condition of meters that are, or were, at some sites."""
    of_sites = Site.objects.filter(**sites).order_by().values("pk")
    return Q(site__in=of_sites) | Q(pk__in=Placement.objects.filter(site__in=of_sites).order_by().values("meter"))


_known_spans: tuple[Lake, int, pl.DataFrame] | None = None


def series_spans() -> pl.DataFrame:
    """Return series, first and last day of all series; read once per version of the lake."""
    global _known_spans  # noqa: PLW0603 - one value, replaced whole: a race costs one more read
    lake = connect()
    version, known = lake.version, _known_spans
    if known is None or known[0] is not lake or known[1] != version:
        _known_spans = known = (lake, version, lake.span())
    return known[2]


def _points(meters: pl.DataFrame, today: date) -> Points:
    installed, removed, first, last = (
        meters[name].to_numpy().astype("datetime64[D]") for name in ("installed", "removed", "first", "last")
    )
    return Points(
        zone=meters["timezone"].to_numpy(),
        step=meters["step"].to_numpy(),
        since=expected_since(installed, first),
        until=expected_until(removed, last, meters["is_active"].to_numpy(), today),
    )
