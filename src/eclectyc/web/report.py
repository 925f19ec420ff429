"""The consumption report: what its address asks for, its chart, its table, its CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, cast
from urllib.parse import urlencode

import polars as pl
from django import forms
from django.urls import reverse

from eclectyc.accounts.actor import Actor
from eclectyc.analytics.compare import Against
from eclectyc.analytics.estate import ConsumptionFilter, Group, consumption, totals
from eclectyc.analytics.periods import month_before, month_of
from eclectyc.estate.models import Meter, Utility
from eclectyc.kernel.number_format import figure, share, unit_name
from eclectyc.web import charts
from eclectyc.web.charts import Chart
from eclectyc.web.clock import span_words
from eclectyc.web.colours import family

GROUPS: Final = (("site", "Site"), ("meter", "Meter"), ("region", "Region"), ("utility", "Utility"))
AGAINST: Final = (("", "None"), ("before", "The period before"), ("last_year", "Last year"))
LONGEST_DAYS: Final = 3660
CHARTED: Final = 20
_SELECT: Final = {"class": "input", "data-submit": True}


def _date_field(label: str) -> forms.DateField:
    widget = forms.DateInput({"class": "input", "type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, widget=widget, error_messages={"invalid": "Write the date as 2025-06-30."})


class ReportForm(forms.Form):
    """The filters, in one row. Both dates are included, as people say them."""

    start = _date_field("From")
    end = _date_field("To")
    by = forms.ChoiceField(label="By", choices=GROUPS, widget=forms.Select(_SELECT))
    utility = forms.ChoiceField(
        label="Utility", choices=[("", "All"), *Utility.choices], required=False, widget=forms.Select(_SELECT)
    )
    against = forms.ChoiceField(label="Compare with", choices=AGAINST, required=False, widget=forms.Select(_SELECT))
    per_m2 = forms.BooleanField(label="per m²", required=False, widget=forms.CheckboxInput({"data-submit": True}))

    def clean(self) -> dict[str, Any]:
        """Refuse a period that ends before it begins, or an implausible one."""
        cleaned = super().clean() or {}
        start, end = cleaned.get("start"), cleaned.get("end")
        if start and not 1990 <= start.year <= 2200:
            self.add_error("start", "Choose a date from 1990 onwards.")
        elif start and end and end < start:
            self.add_error("end", "The end is before the start.")
        elif start and end and (end - start).days > LONGEST_DAYS:
            self.add_error("end", "Choose at most ten years.")
        return cleaned


def defaults(today: date) -> dict[str, str]:
    """Return the filters of a fresh report: the last whole month, by site."""
    start, end = month_before(today), month_of(today) - timedelta(days=1)
    return {"start": start.isoformat(), "end": end.isoformat(), "by": "site"}


def spans(today: date, kept: dict[str, str]) -> list[tuple[str, str, bool]]:
    """Return common periods: name, address, whether it is the one shown."""
    last_year = today.year - 1
    ready = {
        "Last month": (month_before(today), month_of(today) - timedelta(days=1)),
        "This month": (month_of(today), today),
        "Last 30 days": (today - timedelta(days=30), today - timedelta(days=1)),
        "Last 52 weeks": (today - timedelta(days=364), today - timedelta(days=1)),
        str(last_year): (date(last_year, 1, 1), date(last_year, 12, 31)),
        str(today.year): (date(today.year, 1, 1), today),
    }
    found = []
    for name, (start, end) in ready.items():
        span = {"start": start.isoformat(), "end": end.isoformat()}
        is_shown = all(kept.get(key) == value for key, value in span.items())
        found.append((name, f"?{urlencode(kept | span)}", is_shown))
    return found


@dataclass(frozen=True, slots=True)
class Report:
    """An answer: rows and totals as dictionaries, and what was requested."""

    start: date
    end: date
    by: Group
    per_m2: bool
    against: str
    rows: list[dict[str, Any]]
    totals: list[dict[str, Any]]

    @property
    def words(self) -> str:
        """The span in words."""
        return span_words(self.start, self.end)

    @property
    def heading(self) -> str:
        """What a row is."""
        return dict(GROUPS)[self.by]

    @property
    def chart_size(self) -> str:
        """How tall the chart is, as a class of charts.css."""
        return "year" if len(self.rows) > 12 else "tall"

    @property
    def against_words(self) -> str:
        """What it is compared with."""
        return dict(AGAINST)[self.against].lower() if self.against else ""


def report_for(actor: Actor, cleaned: dict[str, Any], today: date) -> Report:
    """Return the report that a valid form asks for."""
    start, end = cleaned["start"], cleaned["end"] + timedelta(days=1)
    against = cast(Against, cleaned["against"]) if cleaned["against"] else None
    utilities = (cleaned["utility"],) if cleaned["utility"] else ()
    frame = consumption(
        actor,
        start=start,
        end=end,
        group_by=cast(Group, cleaned["by"]),
        per_m2=cleaned["per_m2"],
        against=against,
        narrowed=ConsumptionFilter(utilities=utilities),
        today=today,
    )
    by = cast(Group, cleaned["by"])
    rows = [_row(row, by) for row in frame.to_dicts()]
    if by == "meter":
        _add_sites(actor, rows)
    return Report(start, end, by, cleaned["per_m2"], cleaned["against"], rows, _totals(frame))


def _row(row: dict[str, Any], by: Group) -> dict[str, Any]:
    address = {"site": "site", "meter": "meter"}.get(by)
    label = dict(Utility.choices).get(row["label"], row["label"]) if by == "utility" else row["label"]
    return row | {
        "label": str(label),
        "address": reverse(address, args=[row["key"]]) if address else "",
        "coverage": share(row["present"], row["expected"]),
        "family": family(row["key"]) if by == "utility" else "energy",
    }


def _add_sites(actor: Actor, rows: list[dict[str, Any]]) -> None:
    """Add its identifier and site to each meter's row, since main meters often share a name."""
    asked = Meter.objects.visible_to(actor).filter(pk__in=[row["key"] for row in rows])
    known = {pk: rest for pk, *rest in asked.values_list("pk", "identifier", "site__name", "utility")}
    for row in rows:
        row["identifier"], row["site_name"], utility = known[row["key"]]
        row["family"] = family(utility)


def _totals(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return [row | {"coverage": share(row["present"], row["expected"])} for row in totals(frame).to_dicts()]


def chart_of(report: Report) -> Chart:
    """Return the largest groups of the first unit, kWh if there is any. Units are never drawn on one axis."""
    units = [row["unit"] for row in report.rows if row["value"] is not None]
    unit = units[0] if units else "kWh"
    column = "per_m2" if report.per_m2 else "value"
    rows = [row for row in report.rows if row["unit"] == unit and row[column] is not None]
    drawn = rows[:CHARTED]
    shown_unit = f"{unit_name(unit)}/m²" if report.per_m2 else unit_name(unit)
    data = charts.rows(
        heading=report.heading.lower(),
        word="per m²" if report.per_m2 else "usage",
        labels=[_full_label(row) for row in drawn],
        values=[row[column] for row in drawn],
        coverage=[row["coverage"] for row in drawn],
        colours=[row["family"] for row in drawn],
        unit=f"{unit}/m2" if report.per_m2 else unit,
        file=file_name(report),
        links=[row["address"] for row in drawn] if report.by in ("site", "meter") else None,
    )
    title = _finding(drawn, column, unit, report)
    note = f"{shown_unit}, {report.words}" + (f"; the first {CHARTED} of {len(rows)}" if len(rows) > CHARTED else "")
    return Chart("groups", title, f"{title}. {note}.", data, note, nothing="No readings in this period.")


def _finding(drawn: Sequence[dict[str, Any]], column: str, unit: str, report: Report) -> str:
    if not drawn:
        return f"Usage by {report.heading.lower()}"
    most = drawn[0]
    value = figure(most[column], "kWh/m2" if report.per_m2 and unit == "kWh" else unit)
    return f"Highest: {_full_label(most)}, {value}"


def _full_label(row: dict[str, Any]) -> str:
    return f"{row['label']}, {row['site_name']}" if "site_name" in row else str(row["label"])


def file_name(report: Report) -> str:
    """Return the name of a file of this report, without its ending."""
    last = report.end - timedelta(days=1)
    return f"consumption-by-{report.by}-{report.start}-to-{last}"


def csv_rows(report: Report) -> list[list[object]]:
    """Return the report as rows for a CSV: numbers plain, dates ISO, the totals last."""
    where = ["identifier", "site"] if report.by == "meter" else []
    head: list[object] = [
        report.by,
        *where,
        "unit",
        "use",
        "readings_present",
        "readings_expected",
        "readings_estimated",
    ]
    extra = ["floor_area_m2", "use_per_m2", *(["change_percent"] if report.against else []), "counted_in_total"]
    made: list[list[object]] = [head + list(extra)]
    for row in report.rows:
        own = [row["identifier"], row["site_name"]] if where else []
        line = [
            row["label"],
            *own,
            row["unit"],
            _plain(row["value"]),
            row["present"],
            row["expected"],
            row["estimated"],
        ]
        line += [_plain(row["floor_area_m2"]), _plain(row["per_m2"])]
        line += [_plain(row["change_percent"])] if report.against else []
        made.append([*line, "yes" if row["counted"] else "no"])
    for row in report.totals:
        line = [
            "Total",
            *("" for _ in where),
            row["unit"],
            _plain(row["value"]),
            row["present"],
            row["expected"],
            row["estimated"],
        ]
        made.append(line + [""] * len(extra))
    return made


def _plain(value: float | None) -> object:
    return "" if value is None else round(value, 6)
