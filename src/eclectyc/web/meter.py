"""A meter's day, year and months, out of analytics' answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
from django.http import QueryDict

from eclectyc.analytics.compare import Comparison
from eclectyc.analytics.consumption import MeterReadings
from eclectyc.analytics.periods import month_before, month_of
from eclectyc.analytics.readings import DayView, MeterYear
from eclectyc.estate.models import Meter, Quantity
from eclectyc.kernel.days import WHOLE_DAY
from eclectyc.kernel.identifiers import identify
from eclectyc.kernel.number_format import figure, share, unit_name
from eclectyc.kernel.plurals import counted
from eclectyc.kernel.quality import ACTUAL, MISSING
from eclectyc.web import charts
from eclectyc.web.charts import Bars, Chart, Key
from eclectyc.web.clock import day_words, short_day, slot_words, unbroken
from eclectyc.web.colours import family
from eclectyc.web.site import heat_data, interval_adverb, map_words, year_in

AGAINST: Final = {
    "day": ("the previous day", 1),
    "week": ("the same day last week", 7),
    "year": ("the same day last year", 364),
}
MONTHS: Final = 13
HALF_HOUR: Final = 30  # [minutes]
FIRST_DAY: Final = date(1990, 1, 1)


def as_day(text: str) -> date | None:
    """Return an ISO date of a sensible year, or None."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST_DAY <= day <= date(2200, 1, 1) else None


@dataclass(frozen=True, slots=True)
class DayQuery:
    """What the address of a meter's page asks for.

    compare : a key of AGAINST, or empty; a day ``picked`` by hand goes before it.
    """

    day: date
    compare: str
    picked: date | None
    year: int
    quantity: str
    quantities: Sequence[str]
    last: date | None
    today: date

    @classmethod
    def from_address(cls, sent: QueryDict, quantities: Sequence[str], last: date | None, today: date) -> DayQuery:
        """Read the address. What makes no sense there gets its default: the newest day, compared with none."""
        day = as_day(sent.get("day", "")) or last or today - timedelta(days=1)
        picked = as_day(sent.get("other", ""))
        compare = sent.get("compare", "") if picked is None and sent.get("compare", "") in AGAINST else ""
        year = year_in(sent, today) or day.year
        quantity = sent.get("quantity", "")
        first = next(iter(quantities), str(Quantity.IMPORT))
        quantity = quantity if quantity in quantities else first
        return cls(day, compare, picked, year, quantity, quantities, last, today)

    @property
    def other(self) -> date | None:
        """The day it is compared with."""
        if self.compare:
            return self.day - timedelta(days=AGAINST[self.compare][1])
        return self.picked

    @property
    def other_words(self) -> str:
        """That day, in words."""
        if self.compare:
            return AGAINST[self.compare][0]
        return short_day(self.picked) if self.picked else ""

    @property
    def previous(self) -> date:
        """The day before."""
        return self.day - timedelta(days=1)

    @property
    def following(self) -> date | None:
        """The day after; None where it has not begun."""
        return self.day + timedelta(days=1) if self.day < self.today else None

    @property
    def before(self) -> int:
        """The year before the one of the heat map."""
        return self.year - 1

    @property
    def after(self) -> int | None:
        """The year after it, None where it has not begun."""
        return self.year + 1 if self.year < self.today.year else None

    @property
    def choices(self) -> list[tuple[str, str, bool]]:
        """The days to compare with: value, words, whether it is chosen."""
        words = {
            "": "None",
            "day": "Previous day",
            "week": "Same day last week",
            "year": "Same day last year",
        }
        return [(value, text, value == self.compare and not self.picked) for value, text in words.items()]


def quantities_of(meter: Meter) -> list[str]:
    """Return what a meter measures, its main quantity first."""
    found = {series.quantity for series in meter.series.all() if series.is_primary}
    order = [str(quantity) for quantity in Quantity]
    return sorted(found, key=order.index)


def _floats(values: np.ndarray) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]


def day_chart(meter: Meter, query: DayQuery, view: DayView, other: DayView | None) -> Chart:
    """Return the day in its slots, what is usual behind it, another day as a line."""
    title = _peak_title(view)
    if not view.total.present and other is None and view.band is None:
        return Chart("day-chart", title, "", {}, nothing="No readings on this day.")
    spans = [slot_words(start, end) for start, end in zip(view.starts, view.ends, strict=True)]
    compare = (query.other_words, _aligned(view, other)) if other and other.step == view.step else None
    data = charts.day(
        values=_floats(view.values),
        quality=[int(q) if not np.isnan(v) else MISSING for q, v in zip(view.quality, view.values, strict=True)],
        starts=[f"{start:%H:%M}" for start in view.starts],
        spans=spans,
        unit=view.unit,
        colour=family(meter.utility),
        file=f"meter-{meter.identifier}-{query.day}",
        band=(_floats(view.band.low), _floats(view.band.high)) if view.band else None,
        compare=compare,
    )
    note = f"{unit_name(view.unit)} in each of {counted_intervals(view.slots, view.step)}{_clock_change(view)}"
    return Chart("day-chart", title, _day_summary(view), data, note, _keys(meter, view, compare is not None, query))


def _peak_title(view: DayView) -> str:
    peak = peak_words(view)
    if peak is None:
        return day_words(view.day)
    interval = "half-hour" if view.step == HALF_HOUR else "interval"
    return f"Highest {interval}: {unbroken(peak[1])}, {figure(peak[0], view.unit)}"


def weeks_span(query: DayQuery) -> tuple[date, date]:
    """Return the four weeks up to and with a day."""
    return query.day - timedelta(days=27), query.day + timedelta(days=1)


def weeks_chart(meter: Meter, query: DayQuery, days: MeterReadings) -> Chart:
    """Return the four weeks up to a day, for a meter of which only daily totals are known."""
    rows = days.frame.to_dicts()
    data = _by_day(
        meter, rows, days.unit, f"meter-{meter.identifier}-to-{query.day}", f"?quantity={query.quantity}&day="
    )
    note = f"This meter has daily totals only, in {unit_name(days.unit)}"
    summary = f"The four weeks up to {day_words(query.day)}, by day. {note}."
    return Chart(
        "day-chart", "The four weeks up to this day", summary, data, note, nothing="No readings in these weeks."
    )


def _clock_change(view: DayView) -> str:
    usual = 1440 // view.step
    if view.slots == usual:
        return ""
    turned = "forward: this day has 23 hours" if view.slots < usual else "back: this day has 25 hours"
    return f". The clocks go {turned}"


def _aligned(view: DayView, other: DayView) -> list[float | None]:
    """Return another day's values at this day's clock times.

    Both parts of a repeated hour get their own value, or the only one if the other day has no repeated hour.
    """
    by_clock: dict[tuple[str, int], float | None] = {}
    for start, value in zip(other.starts, _floats(other.values), strict=True):
        by_clock[f"{start:%H:%M}", start.fold] = value
    return [by_clock.get((f"{start:%H:%M}", start.fold), by_clock.get((f"{start:%H:%M}", 0))) for start in view.starts]


def _keys(meter: Meter, view: DayView, has_other: bool, query: DayQuery) -> list[Key]:
    colour = family(meter.utility)
    keys = [Key("actual", colour)]
    if np.any((view.quality > ACTUAL) & ~np.isnan(view.values)):
        keys.append(Key("estimated", colour, "hatch"))
    if np.isnan(view.values).any():
        keys.append(Key("no readings", look="missing"))
    if view.band:
        keys.append(Key(f"typical range ({counted(view.band.days, 'similar day')})", look="band"))
    return [*keys, Key(query.other_words, look="dashed")] if has_other else keys


def _day_summary(view: DayView) -> str:
    total = view.total
    intervals = f"{total.present} of {counted_intervals(total.expected, view.step)}"
    text = f"{day_words(view.day)}: {figure(total.value, view.unit)} in {intervals}"
    estimated = f", {total.estimated} of them estimated" if total.estimated else ""
    if not total.present:
        return f"{text}."
    place = int(np.nanargmax(view.values))
    peak = figure(float(view.values[place]), view.unit)
    return f"{text}{estimated}. The peak is {peak} at {view.starts[place]:%H:%M}."


def peak_words(view: DayView) -> tuple[float, str] | None:
    """Return the peak of a day and when it was."""
    if view.step == WHOLE_DAY or not view.total.present:
        return None
    place = int(np.nanargmax(view.values))
    return float(view.values[place]), slot_words(view.starts[place], view.ends[place])


def counted_intervals(number: int, step: int) -> str:
    """Return a number of intervals in words.

    >>> counted_intervals(48, 30), counted_intervals(96, 15)
    ('48 half-hours', '96 intervals of 15 minutes')
    """
    if step == HALF_HOUR:
        return counted(number, "half-hour")
    return f"{counted(number, 'interval')} of {counted(step, 'minute')}"


def band_words(view: DayView) -> str:
    """Return how the day compares with the typical range."""
    if view.band is None or not view.total.present:
        return ""
    known = ~np.isnan(view.values) & ~np.isnan(view.band.low)
    if not known.any():
        return ""
    above = int((view.values[known] > view.band.high[known]).sum())
    below = int((view.values[known] < view.band.low[known]).sum())
    if above + below <= 0.2 * known.sum():  # the band holds 80 % of slots by its making
        return "typical for such a day"
    name = "half-hour" if view.step == HALF_HOUR else "interval"
    if not above or not below:
        return f"{counted(above or below, name)} {'higher' if above else 'lower'} than usual"
    return f"{counted(above, name)} higher and {below} lower than usual"


def year_chart(meter: Meter, query: DayQuery, year: MeterYear) -> Chart:
    """Return the year as a map of days and slots; as bars by day where only daily totals are known."""
    file = f"meter-{meter.identifier}-{query.year}"
    link = f"?quantity={query.quantity}&year={query.year}&day="
    title = f"{'Daily' if year.heat.left_out else interval_adverb(year.heat.step)} usage, {query.year}"
    nothing = f"No readings in {query.year}."
    if year.heat.left_out:
        rows = [row for row in year.days.to_dicts() if row["start"].date() < query.today]
        data = _by_day(meter, rows, year.unit, file, link)
        return Chart(
            "year-map",
            title,
            f"{title}.",
            data,
            f"{unit_name(year.unit)} by day. Click a day to open it",
            nothing=nothing,
        )
    data = heat_data(year.heat, unit=year.unit, file=file, today=query.today, link=link)
    note = f"{map_words(year.heat.step, year.unit)} Click a day to open it"
    return Chart("year-map", title, f"{title}. {note}.", data, note, nothing=nothing)


def _by_day(meter: Meter, rows: Sequence[dict[str, Any]], unit: str, file: str, link: str) -> dict[str, Any]:
    days = [row["start"].date() for row in rows]
    return charts.bars(
        heading="day",
        labels=[f"{day.day} {day:%b}" for day in days],
        spans=[short_day(day) for day in days],
        series=[
            Bars(
                "usage",
                [row["value"] for row in rows],
                family(meter.utility),
                estimated=[share(row["estimated"], row["present"]) or 0.0 for row in rows],
            )
        ],
        unit=unit,
        file=file,
        links=[f"{link}{day}" for day in days],
    )


def months_span(today: date) -> tuple[date, date, list[date]]:
    """Return the span that thirteen months and the year before them need, and these thirteen."""
    months = [month_of(today)]
    while len(months) < MONTHS:
        months.append(month_before(months[-1]))
    first = months[-1]
    return first.replace(year=first.year - 1), today, months[::-1]


def months_chart(meter: Meter, readings: MeterReadings, query: DayQuery) -> Chart:
    """Return thirteen months against the same months last year."""
    _, _, months = months_span(query.today)
    by_month = {row["start"].date(): row for row in readings.frame.to_dicts()}
    of = [by_month.get(month, {}) for month in months]
    earlier = [by_month.get(month.replace(year=month.year - 1), {}).get("value") for month in months]
    bars = Bars(
        "usage",
        [row.get("value") for row in of],
        family(meter.utility),
        coverage=[share(row.get("present"), row.get("expected")) for row in of],
        estimated=[share(row.get("estimated"), row.get("present")) or 0.0 for row in of],
    )
    series = [bars, Bars("same month last year", earlier, "chart-compare", "ticks")] if any(earlier) else [bars]
    data = charts.bars(
        heading="month",
        labels=[f"{m:%b}" if m.month > 1 else f"{m:%b %Y}" for m in months],
        spans=[f"{m:%B %Y}" for m in months],
        series=series,
        unit=readings.unit,
        file=f"meter-{meter.identifier}-months",
    )
    keys = [Key("usage", family(meter.utility)), Key("same month last year", look="line")] if len(series) > 1 else []
    return Chart("months", "Month by month", "Usage in the last thirteen months.", data, unit_name(readings.unit), keys)


def printed_identifier(meter: Meter) -> tuple[str, str]:
    """Return a meter's identifier as it is printed, and what kind it is."""
    seen = identify(meter.identifier, utility=meter.utility)
    text = seen.text
    if seen.kind == "mpan":
        text = f"{text[:2]} {text[2:6]} {text[6:10]} {text[10:]}"
    return text, {"mpan": "MPAN", "mprn": "MPRN"}.get(seen.kind, "Identifier")


def change_of(comparison: Comparison | None) -> Comparison | None:
    """Return a comparison that compared something."""
    return comparison if comparison and comparison.pairs else None
