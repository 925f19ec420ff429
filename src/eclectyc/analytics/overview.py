"""The figures of a dashboard, from day grids. Pure.

*This week* and *this month* are those of the newest day that is over (yesterday), so that a Monday shows the week
that has just ended rather than nothing. Each is compared, like for like, with the same part of the one before and of
last year. Energy is what main meters bring in, in kWh; export is never netted against it, volumes never added.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import polars as pl

from eclectyc.analytics.compare import Against, Comparison, like_for_like, partners
from eclectyc.analytics.day_grid import DayGrid, Total
from eclectyc.analytics.periods import month_before, month_of, week_of
from eclectyc.analytics.placements import PointPlacements

TREND_DAYS = 30
SILENT_AFTER_DAYS = 2  # older than this before the newest expected day
LOW_COVERAGE = 0.95
HIGH_ESTIMATED = 0.2
LARGE_CHANGE_PERCENT = 25.0
ENOUGH_COMPARED = 0.5  # of a period's days, before its change is worth a remark


@dataclass(frozen=True, slots=True)
class HeadlineFigure:
    """A headline: energy [kWh] of a period so far, against the same part of the one before and of last year."""

    name: str
    start: date
    end: date
    total: Total
    previous: Comparison
    last_year: Comparison


@dataclass(frozen=True, slots=True)
class SilentMeter:
    """A meter in use that has stopped reporting; ``last_day`` is None if it never has."""

    meter: int
    identifier: str
    name: str
    site: int
    site_name: str
    last_day: date | None
    silent_days: int | None


@dataclass(frozen=True, slots=True)
class Remark:
    """A thing that needs attention: its kind, text and place, and how far it is from normal (for sorting)."""

    kind: str  # silent, coverage, estimated, change
    text: str
    site: int | None = None
    meter: int | None = None
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class Overview:
    """The dashboard's numbers. All energy in kWh.

    sites : site, site_name, value, present, expected, estimated, floor_area_m2, change_percent – this month,
    highest first. trend : day, value, present, expected, estimated, last_year (364 days before) – the last 30 days.
    utilities : utility, unit, direction, meters, value, present, expected, estimated – this month, main meters, each
    in its own unit. latest : the newest day with readings, None if there are none. meters : their number,
    without virtual ones.
    """

    today: date
    latest: date | None
    meters: int
    week: HeadlineFigure
    month: HeadlineFigure
    sites: pl.DataFrame
    trend: pl.DataFrame
    utilities: pl.DataFrame
    silent: list[SilentMeter] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class OverviewSpans:
    """The days of an overview of ``today``: ``newest`` is the last one that is over."""

    newest: date
    week: date
    month: date
    start: date

    @classmethod
    def for_today(cls, today: date) -> OverviewSpans:
        """Return the spans; ``start`` is the earliest day needed, this year and, 364 days before it, last year."""
        newest = today - timedelta(days=1)
        week, month = week_of(newest), month_of(newest)
        earliest = min(week - timedelta(days=7), month_before(newest), today - timedelta(days=TREND_DAYS))
        return cls(newest, week, month, earliest)


def build_overview(
    meters: pl.DataFrame,
    energy: np.ndarray,
    now: DayGrid,
    before: DayGrid,
    today: date,
    placed: PointPlacements | None = None,
) -> Overview:
    """Return the overview.

    meters : see fetch.MeterSet. energy : mask of the points that are summed. now, before : grids of Spans.start to
    today, and of the same days 364 days earlier. placed : where the points were, for the sums of sites.
    """
    spans = OverviewSpans.for_today(today)
    week = _figure("this week", spans.week, today, "last_week", energy, now, before)
    month = _figure("this month", spans.month, today, "last_month", energy, now, before)
    where = placed or PointPlacements(meters, np.arange(len(energy)))
    sites = _sites(where.meters, energy[where.source], where.grid(now), where.grid(before), spans.month, today)
    silent = silent_meters(meters, spans.newest)
    return Overview(
        today=today,
        latest=meters["last"].max(),  # type: ignore[arg-type]
        meters=meters.filter(~pl.col("is_virtual"))["meter"].n_unique(),
        week=week,
        month=month,
        sites=sites,
        trend=_trend(energy, now, before, today),
        utilities=_utilities(meters, now, spans.month, today),
        silent=silent,
        remarks=_remarks(silent, sites),
    )


def _figure(
    name: str, start: date, end: date, against: Against, energy: np.ndarray, now: DayGrid, before: DayGrid
) -> HeadlineFigure:
    return HeadlineFigure(
        name=name,
        start=start,
        end=end,
        total=now.sum(start, end, energy),
        previous=like_for_like(now, partners(start, end, against), which=energy),
        last_year=like_for_like(now, partners(start, end, "last_year"), before=before, which=energy),
    )


def _trend(energy: np.ndarray, now: DayGrid, before: DayGrid, today: date) -> pl.DataFrame:
    start = today - timedelta(days=TREND_DAYS)
    last_year = before.by_day(energy).select(
        (pl.col("day") + pl.duration(days=364)).alias("day"), pl.col("value").alias("last_year")
    )
    return (
        now.by_day(energy).filter(pl.col("day") >= start).join(last_year, on="day", how="left", maintain_order="left")
    )


def _sites(
    meters: pl.DataFrame, energy: np.ndarray, now: DayGrid, before: DayGrid, start: date, end: date
) -> pl.DataFrame:
    """Sum this month by site, with its change on last year."""
    per_point = pl.concat([meters, now.by_point(start, end), _change(now, before, start, end)], how="horizontal")
    sums = pl.col("present", "expected", "estimated", "now_like", "then_like", "pairs", "possible").sum()
    sites = (
        per_point.filter(pl.Series(energy))
        .group_by("site")
        .agg(pl.col("site_name", "floor_area_m2").first(), sum_or_null("value"), sums)
    )
    change = 100 * (pl.col("now_like") - pl.col("then_like")) / pl.col("then_like").abs()
    compared = (pl.col("then_like") != 0) & (pl.col("pairs") >= ENOUGH_COMPARED * pl.col("possible"))
    return (
        sites.with_columns(pl.when(compared).then(change).alias("change_percent"))
        .drop("now_like", "then_like", "pairs", "possible")
        .sort("value", descending=True, nulls_last=True)
    )


def _change(now: DayGrid, before: DayGrid, start: date, end: date) -> pl.DataFrame:
    """Return one row per point: the sums over days complete both in this span and in last year's."""
    here = now.span(start, end)
    there = before.span(start - timedelta(days=364), end - timedelta(days=364))
    both = now.complete[:, here] & before.complete[:, there]
    return pl.DataFrame(
        {
            "now_like": np.where(both, now.total[:, here], 0.0).sum(axis=1),
            "then_like": np.where(both, before.total[:, there], 0.0).sum(axis=1),
            "pairs": both.sum(axis=1),
            "possible": (now.present[:, here] > 0).sum(axis=1),
        }
    )


def _utilities(meters: pl.DataFrame, now: DayGrid, start: date, end: date) -> pl.DataFrame:
    per_point = pl.concat([meters, now.by_point(start, end)], how="horizontal")
    per_point = per_point.filter(pl.col("parent").is_null() & ~pl.col("is_virtual"))
    return (
        per_point.group_by("utility", "unit", "direction")
        .agg(pl.len().alias("meters"), sum_or_null("value"), pl.col("present", "expected", "estimated").sum())
        .sort("value", descending=True, nulls_last=True)
    )


def sum_or_null(name: str) -> pl.Expr:
    """Sum a column; null, not 0, if all of it is null."""
    return pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name)


def silent_meters(meters: pl.DataFrame, newest: date, *, after_days: int = SILENT_AFTER_DAYS) -> list[SilentMeter]:
    """Return the meters in use whose last reading is more than ``after_days`` before ``newest``, longest first.

    A meter that is inactive, removed, or not installed yet is not silent, nor is a virtual one: its parts are. One that
    has never reported comes last.
    """
    limit = newest - timedelta(days=after_days)
    in_use = (
        pl.col("is_active")
        & ~pl.col("is_virtual")
        & (pl.col("removed").is_null() | (pl.col("removed") > newest))
        & (pl.col("installed").is_null() | (pl.col("installed") < limit))
    )
    quiet = meters.filter(in_use & (pl.col("last").is_null() | (pl.col("last") < limit))).sort(
        "last", "identifier", nulls_last=True
    )
    return [
        SilentMeter(
            meter=row["meter"],
            identifier=row["identifier"],
            name=row["name"],
            site=row["site"],
            site_name=row["site_name"],
            last_day=row["last"],
            silent_days=(newest - row["last"]).days if row["last"] else None,
        )
        for row in quiet.iter_rows(named=True)
    ]


def _remarks(silent: list[SilentMeter], sites: pl.DataFrame) -> list[Remark]:
    """Return what needs attention: silent meters first, then sites by how far they are from normal."""
    found = [_silent_remark(meter) for meter in silent]
    of_sites = [remark for row in sites.iter_rows(named=True) for remark in _site_remarks(row)]
    return found + sorted(of_sites, key=lambda remark: -remark.weight)


def _silent_remark(meter: SilentMeter) -> Remark:
    label = meter.name or meter.identifier
    since = f"since {meter.last_day:%-d %B %Y}" if meter.last_day else "yet"
    return Remark(
        "silent",
        f"{label} at {meter.site_name} has not reported {since}.",
        meter.site,
        meter.meter,
        float(meter.silent_days or 0),
    )


def _site_remarks(row: dict[str, object]) -> list[Remark]:
    site, name = int(row["site"]), str(row["site_name"])  # type: ignore[call-overload]
    total = Total(row["value"], row["present"], row["expected"], row["estimated"])  # type: ignore[arg-type]
    found = []
    if total.coverage is not None and total.coverage < LOW_COVERAGE:
        text = f"{name} has {total.coverage:.0%} of this month's readings."
        found.append(Remark("coverage", text, site, weight=1 - total.coverage))
    if total.estimated_share is not None and total.estimated_share > HIGH_ESTIMATED:
        text = f"{total.estimated_share:.0%} of this month's readings at {name} are estimates."
        found.append(Remark("estimated", text, site, weight=total.estimated_share))
    change = row["change_percent"]
    if isinstance(change, float) and abs(change) > LARGE_CHANGE_PERCENT:
        text = f"{name} uses {abs(change):.0f}% {'more' if change > 0 else 'less'} this month than last year."
        found.append(Remark("change", text, site, weight=abs(change) / 100))
    return found
