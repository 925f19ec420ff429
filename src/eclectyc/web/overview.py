"""The dashboard's words and charts, out of analytics' overview."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from eclectyc.analytics.compare import Comparison
from eclectyc.analytics.day_grid import Total
from eclectyc.analytics.overview import HeadlineFigure, Overview, Remark
from eclectyc.web import charts
from eclectyc.web.charts import Bars, Chart, Key
from eclectyc.web.clock import day_words, short_day, span_words
from eclectyc.web.colours import family
from eclectyc.web.number_format import figure, share

TOP_SITES = 8
MOST_REMARKS = 7
SENTENCE_DIGITS = 3
WRONG = "silent"  # the kind of remark that says "wrong"; the others say "look at this"


@dataclass(frozen=True, slots=True)
class Ranked:
    """One row of a ranking: ``width`` is its part of the longest [%]."""

    name: str
    address: str
    value: float
    width: float
    covered: Total
    change_percent: float | None


@dataclass(frozen=True, slots=True)
class Thing:
    """Something to look at, and where."""

    text: str
    address: str
    place: str
    is_wrong: bool


def sentence(overview: Overview) -> str:
    """Return the estate in one sentence."""
    if overview.latest is None:
        return f"{_count(overview.meters, 'meter')}, and no readings yet."
    silent = len(overview.silent)
    end = f"; {_count(silent, 'meter')} silent." if silent else "; every meter reports."
    if overview.week.total.value is None:
        return f"No energy readings this week; the last are of {day_words(overview.latest)}{end}"
    return (
        f"{figure(overview.week.total.value, 'kWh', SENTENCE_DIGITS)} this week{_against(overview.week.previous)}{end}"
    )


def _against(comparison: Comparison) -> str:
    change = comparison.percent
    if change is None:
        return ""
    if abs(change) < 0.5:  # [%]
        return ", as much as last"
    return f", {abs(change):.0f} % {'above' if change > 0 else 'below'} last"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def period(shown: HeadlineFigure) -> str:
    """Return the days a figure covers."""
    return span_words(shown.start, shown.end)


def trend_chart(overview: Overview) -> Chart:
    """Return the last thirty days against the same weekdays of last year."""
    trend = overview.trend
    days, values = trend["day"].to_list(), trend["value"].to_list()
    covered = [share(p, e) for p, e in trend.select("present", "expected").iter_rows()]
    estimated = [share(e, p) or 0.0 for e, p in trend.select("estimated", "present").iter_rows()]
    data = charts.bars(
        heading="day",
        labels=[f"{day.day} {day:%b}" for day in days],
        spans=[short_day(day) for day in days],
        series=[
            Bars("energy", values, "energy", coverage=covered, estimated=estimated),
            Bars("same weekday last year", trend["last_year"].to_list(), "chart-compare", "ticks"),
        ],
        unit="kWh",
        file="energy-last-30-days",
    )
    known = [(value, day) for value, day in zip(values, days, strict=True) if value is not None]
    most = max(known, default=None)
    title = f"Most on {short_day(most[1])}: {figure(most[0], 'kWh')}" if most else "The last 30 days"
    summary = f"Energy of the last {len(days)} days, by day. {title}."
    keys = (Key("energy", "energy"), Key("same weekday last year", look="line"))
    nothing = "No energy readings in the last 30 days."
    return Chart("trend", title, summary, data, "Energy by day, the last 30 days", keys, nothing)


def top_sites(overview: Overview) -> list[Ranked]:
    """Return the sites that use most this month."""
    rows = [row for row in overview.sites.head(TOP_SITES).to_dicts() if row["value"] is not None]
    longest = max((row["value"] for row in rows), default=0.0) or 1.0
    return [
        Ranked(
            name=row["site_name"],
            address=reverse("site", args=[row["site"]]),
            value=row["value"],
            width=round(100 * max(row["value"], 0.0) / longest, 2),
            covered=Total(row["value"], row["present"], row["expected"], row["estimated"]),
            change_percent=row["change_percent"],
        )
        for row in rows
    ]


def things(remarks: Sequence[Remark]) -> list[Thing]:
    """Return what to look at first, with its page."""
    return [Thing(remark.text, *_where(remark), is_wrong=remark.kind == WRONG) for remark in remarks[:MOST_REMARKS]]


def _where(remark: Remark) -> tuple[str, str]:
    if remark.meter is not None:
        return reverse("meter", args=[remark.meter]), "Open the meter"
    return (reverse("site", args=[remark.site]), "Open the site") if remark.site is not None else ("", "")


def utilities(overview: Overview) -> list[dict[str, Any]]:
    """Return this month's use by utility, each in its own unit."""
    return [row | {"family": family(row["utility"])} for row in overview.utilities.to_dicts()]
