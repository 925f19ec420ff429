"""Exports: sites, meters, daily and monthly totals, readings; in parts, as frames.

An exported file of readings can be imported again: its columns are those of the long layout, stamps carry their
offset, ``flag`` is A or E; ``origin`` distinguishes an estimate of the source from one of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from django.db.models import Q

from eclectyc.accounts.actor import Actor
from eclectyc.analytics.estate import in_buckets
from eclectyc.analytics.fetch import MeterSet, select_meters
from eclectyc.analytics.periods import month_after, month_of
from eclectyc.analytics.slices import slices
from eclectyc.audit.record import record
from eclectyc.batches.own_lake import require_own_lake
from eclectyc.estate.formula_visibility import visible_formulas
from eclectyc.estate.models import Meter, Quantity, Series, Site
from eclectyc.kernel.days import WHOLE_DAY, midnights
from eclectyc.kernel.quality import ACTUAL, MISSING, NAMES
from eclectyc.reports.registry import SITE_COLUMNS, site_cell

if TYPE_CHECKING:
    from eclectyc.accounts.models import Organisation

KINDS: Final = ("daily", "monthly", "meters", "sites", "readings")
UNDATED: Final = ("meters", "sites")

_NO_DAY: Final = np.datetime64("NaT", "D")
_WHO: Final = {
    "meter": "identifier",
    "name": "name",
    "site": "site_name",
    "utility": "utility",
    "direction": "direction",
    "unit": "unit",
}
_FACTS: Final = {
    "identifier": "identifier",
    "name": "name",
    "site": "site__name",
    "region": "site__region__name",
    "utility": "utility",
    "direction": "direction",
    "serial": "serial",
    "unit": "unit",
    "step": "step_minutes",
    "multiplier": "multiplier",
    "correction": "correction",
    "parent": "parent__identifier",
    "supplier": "supplier__name",
    "installed": "installed",
    "removed": "removed",
    "is_active": "is_active",
    "formula": "formula",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The organisation, half-open days and meters to export (no meter named: all)."""

    organisation: Organisation
    start: date
    end: date
    today: date
    meters: tuple[str, ...] = ()

    @property
    def condition(self) -> Q:
        """Which meters."""
        named = Q(identifier__in=self.meters) if self.meters else Q()
        return Q(organisation=self.organisation.pk) & named


def export(actor: Actor, kind: str, wanted: Wanted) -> Iterator[pl.DataFrame]:
    """Yield an export in parts of one schema: at least one, perhaps empty. Raise ``LakeLost`` if readings are lost."""
    actor.require("exports.run", wanted.organisation.pk)
    if kind not in UNDATED:
        require_own_lake()
    span = {} if kind in UNDATED else {"start": wanted.start, "end": wanted.end}
    record(
        actor.by,
        "export.file",
        organisation_id=wanted.organisation.pk,
        after={"kind": kind, "meters": list(wanted.meters)[:1_000] or "all", **span},
    )
    ways = {"daily": daily, "monthly": monthly, "meters": meters, "sites": sites, "readings": readings}
    return ways[kind](actor, wanted)


def meters(actor: Actor, wanted: Wanted) -> Iterator[pl.DataFrame]:
    """Yield the meters with their facts, as a file for ``-t meters``."""
    found = Meter.objects.visible_to(actor).filter(wanted.condition).order_by("site__name", "identifier")
    formulas = visible_formulas(actor, found.exclude(formula=""))
    rows = found.values_list(*_FACTS.values(), "pk")
    types = {name: pl.String() for name in _FACTS} | {
        "step": pl.Int32(),
        "multiplier": pl.Float64(),
        "correction": pl.Float64(),
        "installed": pl.Date(),
        "removed": pl.Date(),
        "is_active": pl.Boolean(),
    }
    exact = ("multiplier", "correction")
    plain = [
        [float(v) if name in exact else v for name, v in zip(_FACTS, facts, strict=True) if name != "formula"]
        + [formulas[meter].text if meter in formulas else ""]
        for *facts, meter in rows
    ]
    yield pl.DataFrame(plain, schema=types, orient="row")


def sites(actor: Actor, wanted: Wanted) -> Iterator[pl.DataFrame]:
    """Yield the sites with their facts, as a file for ``-t sites``; if meters are named, only their sites."""
    held = Site.objects.visible_to(actor).filter(organisation=wanted.organisation.pk)
    if wanted.meters:
        held = held.filter(meters__identifier__in=wanted.meters).distinct()
    types = (
        {name: pl.String() for name in SITE_COLUMNS}
        | dict.fromkeys(("floor_area_m2", "latitude", "longitude"), pl.Float64())
        | {"is_active": pl.Boolean()}
    )
    rows = [
        [site_cell(site, column) for column in SITE_COLUMNS] for site in held.select_related("region").order_by("name")
    ]
    yield pl.DataFrame(rows, schema=types, orient="row")


def daily(actor: Actor, wanted: Wanted) -> Iterator[pl.DataFrame]:
    """Yield one row per meter, quantity and local day with expected or present readings; a gap has no value."""
    schema = _blank("date").schema
    yield pl.DataFrame(schema=schema)
    for quantity, asked in _asked(actor, wanted):
        for start, end in _months(wanted.start, wanted.end):
            grid = asked.grid(start, end)
            point, column = np.nonzero((grid.expected > 0) | (grid.present > 0))
            facts = {
                "value": grid.total,
                "present": grid.present,
                "expected": grid.expected,
                "estimated": grid.estimated,
            }
            frame = pl.DataFrame({name: array[point, column] for name, array in facts.items()})
            days = pl.Series("date", grid.days[column]).cast(pl.Date)
            who = asked.meters.select(pl.col(source).alias(name) for name, source in _WHO.items())[point]
            frame = who.hstack([days]).hstack(frame).with_columns(pl.lit(quantity).alias("quantity"))
            yield _with_coverage(frame).select(pl.col(n).cast(t) for n, t in schema.items()).sort("meter", "date")


def monthly(actor: Actor, wanted: Wanted) -> Iterator[pl.DataFrame]:
    """Yield one row per meter, quantity and calendar month, summed from the days."""
    schema = _blank("month").schema
    yield pl.DataFrame(schema=schema)
    for quantity, asked in _asked(actor, wanted):
        grid = asked.months(wanted.start, wanted.end)
        everyone = np.ones(len(asked.points), dtype=bool)
        frame = in_buckets(asked, grid, everyone, "month", tuple(_WHO.values())).filter(pl.col("expected") > 0)
        frame = frame.rename({"start": "month"} | {source: name for name, source in _WHO.items() if source != name})
        frame = _with_coverage(frame.with_columns(pl.lit(quantity).alias("quantity")))
        yield frame.select(pl.col(n).cast(t) for n, t in schema.items()).sort("meter", "month")


def readings(actor: Actor, wanted: Wanted) -> Iterator[pl.DataFrame]:
    """Yield one row per slot of the primary readings; a missing slot of a stored day has no value."""
    schema = {
        "meter": pl.String(),
        "quantity": pl.String(),
        "unit": pl.String(),
        "start": pl.String(),
        "end": pl.String(),
        "value": pl.Float64(),
        "flag": pl.String(),
        "origin": pl.String(),
    }
    yield pl.DataFrame(schema=schema)
    for quantity, asked in _asked(actor, wanted):
        for rows in slices(asked, wanted.start, wanted.end, values=True):
            who = asked.meters.select("identifier", "unit", "timezone")[rows["point"].to_numpy()]
            by_zone = rows.hstack(who).partition_by("timezone", as_dict=True, maintain_order=True)
            for (zone,), part in by_zone.items():
                frame = _slots(part, ZoneInfo(str(zone))).with_columns(pl.lit(quantity).alias("quantity"))
                yield frame.select(schema.keys())


def _asked(actor: Actor, wanted: Wanted) -> Iterator[tuple[str, MeterSet]]:
    """Yield each quantity that the organisation has, with its points."""
    held = Series.objects.visible_to(actor).filter(meter__organisation=wanted.organisation, is_primary=True)
    known = set(held.values_list("quantity", flat=True).distinct().order_by())
    for quantity in (q for q in Quantity.values if q in known):
        asked = select_meters(actor, today=wanted.today, quantity=quantity, which=wanted.condition)
        held_points = asked.series["point"].unique().sort().to_numpy()
        if len(held_points):
            yield quantity, asked.select(held_points)


def _blank(when: str) -> pl.DataFrame:
    counts = {"present": pl.Int64(), "expected": pl.Int64(), "estimated": pl.Int64()}
    who = {name: pl.String() for name in ("meter", "name", "site", "utility", "direction", "quantity", "unit")}
    return pl.DataFrame(schema={**who, when: pl.Date(), "value": pl.Float64(), **counts, "coverage": pl.Float64()})


def _with_coverage(frame: pl.DataFrame) -> pl.DataFrame:
    coverage = pl.when(pl.col("expected") > 0).then((pl.col("present") / pl.col("expected")).round(6))
    # Sums have rounding in their last binary digits: nine decimals are more than any meter has.
    return frame.with_columns(coverage.alias("coverage"), pl.col("value").fill_nan(None).round(9))


def _slots(rows: pl.DataFrame, zone: ZoneInfo) -> pl.DataFrame:
    """Return the slots of one zone's day rows, each with its start and end in local time."""
    lengths = rows["values"].list.len().to_numpy().astype(np.int64)
    row = np.repeat(np.arange(len(rows)), lengths)
    slot = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    days = rows["day"].to_numpy().astype("datetime64[D]")
    step = rows["step"].to_numpy().astype(np.int64)
    is_day = step[row] == WHOLE_DAY
    opens, next_day = midnights(days, zone)[row] + slot * step[row] * 60, midnights(days + 1, zone)[row]
    closes = np.where(is_day, next_day, np.minimum(opens + step[row] * 60, next_day))
    quality = rows["quality"].explode(empty_as_null=False)
    flag = pl.when(quality == MISSING).then(None).when(quality == ACTUAL).then(pl.lit("A")).otherwise(pl.lit("E"))
    return pl.DataFrame(
        {
            "meter": rows["identifier"].gather(row),
            "unit": rows["unit"].gather(row),
            "start": _printed(opens, zone, np.where(is_day, days[row], _NO_DAY)),
            "end": _printed(closes, zone, np.where(is_day, days[row] + 1, _NO_DAY)),
            "value": rows["values"].explode(empty_as_null=False),
            "flag": pl.select(flag).to_series(),
            "origin": quality.replace_strict(NAMES, return_dtype=pl.String),
        }
    )


def _printed(utc_s: np.ndarray, zone: ZoneInfo, midnight_of: np.ndarray) -> pl.Series:
    """Format instants with their offset. The midnight of a day is formatted as such even if clocks skip it."""
    instants = pl.Series(utc_s * 1_000_000).cast(pl.Datetime("us", "UTC"))
    printed = instants.dt.convert_time_zone(zone.key).dt.strftime("%Y-%m-%dT%H:%M:%S%:z")
    skipped = pl.Series(~np.isnat(midnight_of)) & ~printed.str.contains("T00:00:00", literal=True)
    for at in skipped.arg_true():
        ahead = timezone(timedelta(seconds=int(midnight_of[at].astype("datetime64[s]").astype(int) - utc_s[at])))
        printed[at] = datetime.fromtimestamp(int(utc_s[at]), ahead).isoformat()
    return printed


def _months(start: date, end: date) -> Iterator[tuple[date, date]]:
    """Divide a span by months, so that a long export is never in memory as a whole."""
    while start < end:
        turn = min(month_after(month_of(start)), end)
        yield start, turn
        start = turn
