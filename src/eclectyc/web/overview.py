"""The dashboard's words and charts, out of analytics' overview."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.urls import reverse

from eclectyc.analytics.compare import Comparison
from eclectyc.analytics.day_grid import Total
from eclectyc.analytics.overview import HeadlineFigure, Overview, Remark
from eclectyc.intake.feeds.models import Feed
from eclectyc.intake.feeds.outcomes import failures_by_feed
from eclectyc.kernel.number_format import figure, share
from eclectyc.kernel.plurals import counted, plural
from eclectyc.web import charts
from eclectyc.web.charts import Bars, Chart, Key
from eclectyc.web.clock import day_words, short_day, span_words
from eclectyc.web.colours import family

TOP_SITES = 8
MOST_REMARKS = 7
MOST_FEEDS = 3
SENTENCE_DIGITS = 3
WRONG = "silent"  # the kind of remark that is shown as an error


@dataclass(frozen=True, slots=True)
class RankedSite:
    """A site in a ranking. width : its share of the longest bar [%]."""

    name: str
    address: str
    value: float
    width: float
    covered: Total
    change_percent: float | None


@dataclass(frozen=True, slots=True)
class AttentionItem:
    """Something that needs attention, and its page."""

    text: str
    address: str
    place: str
    is_wrong: bool


def sentence(overview: Overview) -> str:
    """Return the estate in a sentence or two."""
    if overview.latest is None:
        return f"{counted(overview.meters, 'meter')}, no readings yet."
    silent = len(overview.silent)
    end = "Every meter has reported."
    if silent:
        end = f"{counted(silent, 'meter')} {plural(silent, 'has', 'have')} stopped reporting."
    week = f"the week to {_last_day(overview.week)}"
    if overview.week.total.value is None:
        return f"No energy readings in {week}; the latest are for {day_words(overview.latest)}. {end}"
    used = figure(overview.week.total.value, "kWh", SENTENCE_DIGITS)
    return f"{used} in {week}{_against(overview.week.previous)}. {end}"


def _last_day(shown: HeadlineFigure) -> str:
    last = shown.end - timedelta(days=1)
    return f"{last.day} {last:%B}"


def _against(comparison: Comparison) -> str:
    change = comparison.percent
    if change is None:
        return ""
    if abs(change) < 0.5:  # [%]
        return ", the same as the week before"
    return f", {abs(change):,.0f}% {'more' if change > 0 else 'less'} than the week before"


def periods(overview: Overview) -> list[tuple[HeadlineFigure, str, str]]:
    """Return the dashboard's figures, each with its name and the days it covers."""
    last = overview.week.end - timedelta(days=1)
    week = f"Week to {last:%A} {_last_day(overview.week)}"
    return [(overview.week, week, _days(overview.week)), (overview.month, "This month", _days(overview.month))]


def _days(shown: HeadlineFigure) -> str:
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
    title = "The last 30 days"
    if most:
        title = f"Highest day: {most[1]:%A} {most[1].day} {most[1]:%B}, {figure(most[0], 'kWh')}"
    summary = f"Energy of the last {len(days)} days, by day. {title}."
    keys = (Key("energy", "energy"), Key("same weekday last year", look="line"))
    nothing = "No energy readings in the last 30 days."
    return Chart("trend", title, summary, data, "Energy by day, the last 30 days", keys, nothing)


def top_sites(overview: Overview) -> list[RankedSite]:
    """Return the highest-using sites this month."""
    rows = [row for row in overview.sites.head(TOP_SITES).to_dicts() if row["value"] is not None]
    longest = max((row["value"] for row in rows), default=0.0) or 1.0
    return [
        RankedSite(
            name=row["site_name"],
            address=reverse("site", args=[row["site"]]),
            value=row["value"],
            width=round(100 * max(row["value"], 0.0) / longest, 2),
            covered=Total(row["value"], row["present"], row["expected"], row["estimated"]),
            change_percent=row["change_percent"],
        )
        for row in rows
    ]


def attention(remarks: Sequence[Remark]) -> list[AttentionItem]:
    """Return what needs attention first, with its page."""
    return [
        AttentionItem(remark.text, *_where(remark), is_wrong=remark.kind == WRONG) for remark in remarks[:MOST_REMARKS]
    ]


def feed_attention(feeds: Sequence[Feed]) -> list[AttentionItem]:
    """Return the feeds that fail, or whose files could not be imported. feeds : ``with_failures``."""
    found, failures = [], failures_by_feed(feeds)
    for feed in feeds:
        text = f"Feed {feed.name} is failing: {feed.error}"
        if feed.state == "degraded":
            text = f"Feed {feed.name}: {counted(feed.failed_files, 'file')} {failures[feed.pk].text}"
        if feed.state in ("failing", "degraded"):
            found.append(AttentionItem(text, reverse("admin-feed", args=[feed.pk]), "Open the feed", is_wrong=True))
    return found[:MOST_FEEDS]


def _where(remark: Remark) -> tuple[str, str]:
    if remark.meter is not None:
        return reverse("meter", args=[remark.meter]), "Open the meter"
    return (reverse("site", args=[remark.site]), "Open the site") if remark.site is not None else ("", "")


def utilities(overview: Overview) -> list[dict[str, Any]]:
    """Return this month's usage by utility, each in its own unit."""
    return [row | {"family": family(row["utility"])} for row in overview.utilities.to_dicts()]
