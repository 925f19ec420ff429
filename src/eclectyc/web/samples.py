"""Made-up numbers for the design page: a day, a month, a year, with all that can happen to them. Deterministic."""

from __future__ import annotations

import math
from datetime import date, timedelta
from itertools import pairwise

from django.http import QueryDict

from eclectyc.kernel.errors import Invalid
from eclectyc.web import charts
from eclectyc.web.charts import Bars, Chart, Key
from eclectyc.web.clock import day_words
from eclectyc.web.forms import Field, Form
from eclectyc.web.list_component import Cell, Listing, ListQuery, PageSlice, Row, filter_of, list_headings
from eclectyc.web.list_query import Column

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _shape(slot: int, slots: int = 48, height: float = 40.0) -> float:
    hour = slot / slots * 24
    work = 1 / (1 + math.exp(-(hour - 7.5) * 2)) * 1 / (1 + math.exp((hour - 18) * 1.6))
    return round(8 + height * work + 1.5 * math.sin(slot * 1.7), 3)


def a_day() -> Chart:
    """A day with estimated and missing slots, its typical range, and another day beside it."""
    values: list[float | None] = [_shape(s) for s in range(48)]
    quality = [1] * 48
    for slot in range(14, 18):
        quality[slot] = 2
    for slot in range(28, 34):
        values[slot], quality[slot] = None, 0
    clock = [f"{s // 2:02}:{s % 2 * 30:02}" for s in range(49)]
    clock[48] = "24:00"
    data = charts.day(
        values=values,
        quality=quality,
        starts=clock[:48],
        spans=[f"{a}–{b}" for a, b in pairwise(clock)],
        unit="kWh",
        colour="electricity",
        file="sample-day",
        band=([_shape(s) * 0.8 for s in range(48)], [_shape(s) * 1.15 for s in range(48)]),
        compare=("the same day last week", [_shape(s, height=33) for s in range(48)]),
    )
    keys = (
        Key("actual", "electricity"),
        Key("estimated", "electricity", "hatch"),
        Key("no readings", look="missing"),
        Key("typical range", look="band"),
        Key("the same day last week", look="dashed"),
    )
    summary = "A sample day in 48 half-hours: 8 kWh by night, 47 by day; four estimated, six missing."
    return Chart("sample-day", "A day with a gap after lunch", summary, data, "kWh per half-hour", keys)


def a_month() -> Chart:
    """Thirty days against last year's, one of them incomplete, two estimated."""
    start = date(2025, 11, 1)
    days = [start + timedelta(days=n) for n in range(30)]
    use = [(900 if d.weekday() < 5 else 410) + 37 * math.sin(n) for n, d in enumerate(days)]
    data = charts.bars(
        heading="day",
        labels=[f"{d.day} {d:%b}" for d in days],
        spans=[day_words(d) for d in days],
        series=[
            Bars(
                "this year",
                use,
                "energy",
                coverage=[0.5 if n == 9 else 1 for n in range(30)],
                estimated=[1 if n in (3, 4) else 0 for n in range(30)],
            ),
            Bars("last year", [v * 1.08 for v in use], "chart-compare", "ticks"),
        ],
        unit="kWh",
        file="sample-month",
    )
    keys = (Key("this year", "energy"), Key("same weekday last year", look="line"))
    return Chart("sample-month", "A little less than last year", "Thirty sample days.", data, "kWh per day", keys)


def by_utility() -> Chart:
    """Twelve months of every utility, stacked."""
    names = ("electricity", "gas", "heat", "solar", "fuel", "other")
    series = [
        Bars(name, [900 / (n + 1) * (1.4 + math.cos(m / 12 * 6.28)) * 100 for m in range(12)], name, stack="all")
        for n, name in enumerate(names)
    ]
    spans = [f"{m} 2025" for m in MONTHS]
    data = charts.bars(heading="month", labels=MONTHS, spans=spans, series=series, unit="kWh", file="sample-utilities")
    keys = [Key(name, name) for name in names]
    return Chart(
        "sample-utilities", "Every utility, always in its colour", "Sample months.", data, "kWh per month", keys
    )


def a_year() -> Chart:
    """A year's heat map with a week missing."""
    start = date(2025, 1, 1)
    days = [start + timedelta(days=n) for n in range(365)]
    values = [
        [None if 200 <= n < 207 else round(_shape(s, height=40 if d.weekday() < 5 else 5), 2) for s in range(48)]
        for n, d in enumerate(days)
    ]
    slots = [f"{s // 2:02}:{s % 2 * 30:02}" for s in range(48)]
    data = charts.heat(days=days, slots=slots, values=values, unit="kWh", file="sample-year")
    return Chart("sample-year", "Weeks, a gap in July", "A sample year.", data, "kWh per half-hour")


def nothing() -> Chart:
    """A chart with no readings."""
    return Chart(
        "sample-nothing",
        "No readings yet",
        "",
        {},
        nothing="No readings for this meter. Import a file that contains it.",
    )


def a_list(query: QueryDict) -> Listing:
    """A list with everything that lists have."""
    asked = ListQuery(query, ["name", "meters"], "name")
    rows = [
        Row([Cell("Harbour House", "#"), Cell("Office"), Cell("12", is_number=True)], 1),
        Row(
            [Cell("Quay Works", "#", "its second name", mark="inactive"), Cell("Retail"), Cell("–", is_number=True)],
            2,
        ),
    ]
    heads = list_headings((Column("Site", "name"), Column("Type"), Column("Meters", "meters", is_number=True)), asked)
    kinds = filter_of(asked, "Type", "type", [("office", "Office"), ("retail", "Retail")])
    bulk = Form.from_values((Field("company", "Company"),), {}, "bulk")
    return Listing(
        "sites", "site", heads, rows, PageSlice(1, 2), asked.words, asked.sort, "Name or postcode", [kinds], bulk
    )


def a_form() -> Form:
    """A form that was refused."""
    fields = (
        Field("list_name", "Name", help="Must be unique.", is_required=True),
        Field("list_area", "Floor area [m²]", help="Gross internal area."),
        Field("list_active", "Active", "check"),
    )
    form = Form.from_values(fields, {"list_name": "Quay Works", "list_area": "wide", "list_active": True}, "sample")
    form.refuse(Invalid("'wide' is not a number.", "Write digits, such as 2,150 or 1024.5.", field="list_area"))
    return form
