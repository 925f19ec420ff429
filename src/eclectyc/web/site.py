"""A site's figures, months, year and meters, out of analytics' answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Final

import polars as pl
from django.http import QueryDict

from eclectyc.analytics.fetch import NOT_USE
from eclectyc.analytics.heat_map import HeatMap
from eclectyc.analytics.periods import month_before, month_of
from eclectyc.analytics.sites import SiteSummary, Sparkline
from eclectyc.estate.models import Meter, Site, Utility
from eclectyc.kernel.number_format import exact, share, unit_name
from eclectyc.kernel.plurals import counted
from eclectyc.web import charts
from eclectyc.web.charts import Bars, Chart, Key
from eclectyc.web.clock import age_words, span_words
from eclectyc.web.colours import family
from eclectyc.web.sparklines import Spark, spark

WEEKS: Final = 52
MONTHS: Final = 13
UTILITY_NAMES: Final = dict(Utility.choices)
_IS_ENERGY: Final = (pl.col("unit") == "kWh") & (pl.col("direction") == "import") & ~pl.col("utility").is_in(NOT_USE)


def last_weeks(today: date) -> tuple[date, date]:
    """Return the 52 weeks up to and with yesterday, half-open."""
    return today - timedelta(weeks=WEEKS), today


def last_weeks_words(today: date) -> str:
    """Return these weeks in words."""
    return span_words(*last_weeks(today))


def utilities_of(meters: Sequence[Meter]) -> list[str]:
    """Return the utilities that main import meters measure, electricity first."""
    found = {
        meter.utility
        for meter in meters
        if meter.parent_id is None and not meter.is_virtual and meter.direction == "import"
    }
    return [str(utility) for utility in UTILITY_NAMES if utility in found]


def year_in(sent: QueryDict, today: date) -> int | None:
    """Return the year that an address asks for; None if it names none that has readings."""
    text = sent.get("year", "")
    known = text.isascii() and text.isdigit() and 1990 <= int(text[:4]) <= today.year
    return int(text) if known else None


def details_of(site: Site) -> list[str]:
    """Return what a site is and where, for the line under its name."""
    area = f"{exact(site.floor_area_m2, 1)} m²" if site.floor_area_m2 else ""
    return [text for text in (site.get_site_type_display(), area, site.address, site.postcode) if text]


@dataclass(frozen=True, slots=True)
class YearQuery:
    """Which year of which utility the heat map shows; ``utility`` is empty if the site has none."""

    year: int
    utility: str
    utilities: Sequence[str]
    today: date

    @classmethod
    def from_address(cls, sent: QueryDict, utilities: Sequence[str], today: date) -> YearQuery:
        """Read the address. What makes no sense there gets its default: this year, the first utility."""
        utility = sent.get("utility", "")
        chosen = utility if utility in utilities else next(iter(utilities), "")
        return cls(year_in(sent, today) or today.year, chosen, utilities, today)

    @property
    def before(self) -> int:
        """The year before."""
        return self.year - 1

    @property
    def after(self) -> int | None:
        """The year after; None if it has not begun."""
        return self.year + 1 if self.year < self.today.year else None


def figures_of(summary: SiteSummary) -> list[dict[str, Any]]:
    """Return the last 52 weeks by utility: imports before exports, energy before volumes."""
    order = list(UTILITY_NAMES)
    rows = summary.year.to_dicts()
    rows.sort(key=lambda row: (row["direction"] == "export", row["unit"] != "kWh", order.index(row["utility"])))
    return [row | {"family": family(row["utility"]), "name": _name(row)} for row in rows]


def _name(row: dict[str, Any]) -> str:
    name = UTILITY_NAMES.get(row["utility"], row["utility"])
    return f"{name}, export" if row["direction"] == "export" else str(name)


def _months(today: date) -> list[date]:
    months = [month_of(today)]
    while len(months) < MONTHS:
        months.append(month_before(months[-1]))
    return months[::-1]


def energy_months(summary: SiteSummary, today: date) -> Chart:
    """Return the energy imported, in kWh, by month and utility, stacked."""
    rows = summary.monthly.filter(_IS_ENERGY)
    months = _months(today)
    used = [u for u in UTILITY_NAMES if u in set(rows["utility"])]
    series = [_bars(rows, utility, months, stack="all") for utility in used]
    data = _bar_data(months, series, "kWh", "energy-by-month")
    keys = [Key(bar.name, bar.colour) for bar in series] if len(series) > 1 else []
    known = [(v, m) for bar in series for v, m in zip(bar.values, months, strict=True) if v is not None]
    title = "Energy by month" if len(series) != 1 else f"{series[0].name} by month"
    months_known, utilities = counted(len({m for _, m in known}), "month"), counted(len(series), "utility", "utilities")
    summary_text = f"Energy of {months_known}, {utilities}."
    return Chart("months", title, summary_text, data, "Energy imported through main meters, in kWh", keys)


def other_months(summary: SiteSummary, today: date) -> list[Chart]:
    """Return a chart for each quantity that is not added to energy: exports, generation, storage, other units."""
    other = summary.monthly.filter(~_IS_ENERGY)
    made = []
    for row in other.select("utility", "direction", "unit").unique(maintain_order=True).to_dicts():
        which = (pl.col("utility") == row["utility"]) & (pl.col("direction") == row["direction"])
        bars = _bars(other.filter(which & (pl.col("unit") == row["unit"])), row["utility"], _months(today))
        name = f"{row['utility']}-{row['direction']}-{row['unit']}"
        data = _bar_data(_months(today), [bars], row["unit"], f"{name}-by-month")
        title = f"{_name(row)} by month"
        made.append(Chart(name, title, f"{title}, in {unit_name(row['unit'])}.", data, f"In {unit_name(row['unit'])}"))
    return [chart for chart in made if not chart.is_empty]


def _bars(rows: pl.DataFrame, utility: str, months: Sequence[date], *, stack: str = "") -> Bars:
    by_month = {row["start"]: row for row in rows.filter(pl.col("utility") == utility).to_dicts()}
    of = [by_month.get(month, {}) for month in months]
    return Bars(
        UTILITY_NAMES.get(utility, utility),
        [row.get("value") for row in of],
        family(utility),
        stack=stack,
        coverage=[share(row.get("present"), row.get("expected")) for row in of],
        estimated=[share(row.get("estimated"), row.get("present")) or 0.0 for row in of],
    )


def _bar_data(months: Sequence[date], series: Sequence[Bars], unit: str, file: str) -> dict[str, Any]:
    labels = [f"{m:%b}" if m.month > 1 else f"{m:%b %Y}" for m in months]
    spans = [f"{m:%B %Y}" for m in months]
    return charts.bars(heading="month", labels=labels, spans=spans, series=series, unit=unit, file=file)


def slot_names(step: int, columns: int) -> list[str]:
    """Return "00:00–00:30" … for the columns of a heat map, by elapsed time since midnight."""
    edges = [f"{m // 60:02}:{m % 60:02}" for m in range(0, (columns + 1) * step, step)]
    return [f"{a}–{b}" for a, b in pairwise(edges)]


def heat_data(heat: HeatMap, *, unit: str, file: str, today: date, link: str = "") -> dict[str, Any]:
    """Return a heat map's data up to yesterday; the columns of a 25-hour day only if the year has one."""
    days = [day for day in heat.days.tolist() if day < today]
    values = heat.rows()[: len(days)]
    whole = -(-1440 // heat.step)
    longest = max((n + 1 for row in values for n, v in enumerate(row) if v is not None), default=0)
    columns = max(whole, longest)
    values = [row[:columns] for row in values]
    return charts.heat(days=days, slots=slot_names(heat.step, columns), values=values, unit=unit, file=file, link=link)


def interval_adverb(step: int) -> str:
    """Return how often there are readings, as a title begins.

    >>> interval_adverb(30), interval_adverb(15)
    ('Half-hourly', '15-minute')
    """
    return {30: "Half-hourly", 60: "Hourly", 1440: "Daily"}.get(step, f"{step}-minute")


def map_words(step: int, unit: str) -> str:
    """Return how a map of days and intervals is read.

    >>> map_words(30, "kWh")
    'Each column is a day, each row a half-hour, in kWh.'
    """
    row = {30: "a half-hour", 60: "an hour"}.get(step, f"{step} minutes")
    return f"Each column is a day, each row {row}, in {unit_name(unit)}."


def year_chart(site: Site, query: YearQuery, heat: HeatMap | None) -> Chart:
    """Return a site's year as a map of days and slots."""
    name = UTILITY_NAMES.get(query.utility, "")
    title = f"{name}: {interval_adverb(heat.step if heat else 30).lower()} usage, {query.year}"
    if heat is None:
        return Chart("year-map", title, "", {}, nothing="This site has no meters yet.")
    unit = "m3" if query.utility == "water" else "kWh"
    data = heat_data(heat, unit=unit, file=f"site-{site.pk}-{query.utility}-{query.year}", today=query.today)
    left_out = f" Not included: {counted(len(heat.left_out), 'meter')} with daily totals only." if heat.left_out else ""
    note = f"{map_words(heat.step, unit)}{left_out}"
    nothing = f"No {name.lower()} readings in {query.year}, except daily totals."
    return Chart("year-map", title, f"{title}. {note}", data, note, nothing=nothing)


@dataclass(frozen=True, slots=True)
class Branch:
    """A meter in the tree of a site: how deep it is, and its last 30 days."""

    meter: Meter
    depth: int
    line: Spark | None
    recent: Sparkline | None
    last: str
    is_late: bool


def tree(meters: Sequence[Meter], summary: SiteSummary, today: date) -> list[Branch]:
    """Return a site's meters, each under its main."""
    by_parent: dict[int | None, list[Meter]] = {}
    here = {meter.pk for meter in meters}
    for meter in meters:
        by_parent.setdefault(meter.parent_id if meter.parent_id in here else None, []).append(meter)
    found: list[Branch] = []

    def add(parent: int | None, depth: int) -> None:
        for meter in sorted(by_parent.get(parent, []), key=lambda meter: meter.is_virtual):
            found.append(_branch(meter, depth, summary.sparklines.get(meter.pk), today))
            add(meter.pk, depth + 1)

    add(None, 0)
    return found


def _branch(meter: Meter, depth: int, recent: Sparkline | None, today: date) -> Branch:
    last = recent.last_day if recent else None
    late = meter.is_active and not meter.is_virtual and (last is None or (today - last).days > 3)
    return Branch(meter, min(depth, 3), spark(recent.values) if recent else None, recent, age_words(last, today), late)
