"""``/meters`` and ``/meters/{id}``."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from eclectyc.analytics.periods import Window
from eclectyc.analytics.readings import (
    DayView,
    MeteringPoint,
    day_of,
    days_of,
    main_point,
    readings_of,
    today_in,
    year_of,
)
from eclectyc.analytics.sites import sparklines
from eclectyc.estate.models import Meter, Quantity, Utility
from eclectyc.gas.missing_values import gaps_of
from eclectyc.kernel.days import WHOLE_DAY, zone_of
from eclectyc.web import list_query, meter
from eclectyc.web.charts import Chart
from eclectyc.web.clock import age_words, house_zone
from eclectyc.web.formula import formula_day
from eclectyc.web.list_query import Column
from eclectyc.web.meter import DayQuery
from eclectyc.web.security import actor_of
from eclectyc.web.sparklines import spark

COLUMNS: Final = (
    Column("Meter", "identifier"),
    Column("Usage", is_number=True, unit="30 days"),
    Column("Last 30 days"),
    Column("Complete", is_number=True),
    Column("Last reading"),
    Column("Site", "site"),
    Column("Utility", "utility"),
)
FIELDS: Final = {"identifier": "identifier", "site": "site__name", "utility": "utility"}


@require_safe
def meters(request: HttpRequest) -> HttpResponse:
    """List the meters, each with its last 30 days."""
    actor = actor_of(request)
    words = list_query.search_words(request.GET)
    utility = request.GET.get("utility", "")
    visible = Meter.objects.visible_to(actor)
    found = visible.select_related("site")
    if words:
        found = found.filter(Q(identifier__icontains=words) | Q(name__icontains=words) | Q(site__name__icontains=words))
    if utility in Utility.values:
        found = found.filter(utility=utility)
    in_order, sort = list_query.ordered(found, request.GET, FIELDS, "identifier")
    page = list_query.page_of(in_order, request.GET)
    today = today_in(house_zone())
    recent = sparklines(actor, list(page), today) if page.object_list else {}
    rows = [
        {
            "meter": one,
            "recent": (seen := recent.get(one.pk)),
            "line": spark(seen.values) if seen else None,
            "last": age_words(seen.last_day if seen else None, today),
        }
        for one in page
    ]
    context = {
        "page": page,
        "rows": rows,
        "headings": list_query.headings(COLUMNS, sort),
        "words": words,
        "sort": sort,
        "utility": utility,
        "utilities": visible.order_by("utility").values_list("utility", flat=True).distinct(),
    }
    return render(request, "web/meters.html", context)


@require_safe
def meter_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one meter. Its year, which reads every slot, loads after the page; a day can be requested by itself."""
    actor = actor_of(request)
    found = Meter.objects.visible_to(actor).select_related("site", "parent", "organisation").prefetch_related("series")
    one = get_object_or_404(found, pk=pk)
    today = today_in(zone_of(one.site.timezone))
    quantities = meter.quantities_of(one)
    quantity = DayQuery.from_address(request.GET, quantities, None, today).quantity
    named = quantity if request.GET.get("quantity") in quantities or quantity != Quantity.IMPORT else None
    quantity, point = main_point(actor, one, named, today=today)
    if named is None and quantity in quantities:
        quantities = [quantity, *(other for other in quantities if other != quantity)]
    query = DayQuery.from_address(request.GET, quantities, point.last, today)
    context: dict[str, Any] = {"meter": one, "query": query, "point": point}
    if one.is_virtual:
        context["formula"] = formula_day(actor, one, query.day)
        context["may_edit"] = actor.may("estate.edit", one.place)
    target = request.htmx.target if getattr(request, "htmx", None) else ""  # type: ignore[attr-defined]
    if target == "day":
        return render(request, "web/components/meter_day.html", context | _day(point, one, query))
    if target == "year":
        return render(request, "web/components/meter_year.html", context | _year(point, one, query))
    context |= _day(point, one, query)
    start, end, _ = meter.months_span(today)
    by_month = readings_of(point, Window.of(start, end, point.zone), "month")
    context["months"] = meter.months_chart(one, by_month, query)
    context["identifier"], context["kind"] = meter.printed_identifier(one)
    context["missing_values"] = gaps_of(one)
    context["may_enter"] = actor.may("imports.run", one.organisation_id)
    return render(request, "web/meter.html", context)


def _day(point: MeteringPoint, one: Meter, query: DayQuery) -> dict[str, Any]:
    other, comparison = None, None
    if query.other is None:
        view = day_of(point, query.day)
    else:
        view, other, comparison = days_of(point, query.day, query.other)
    return {
        "view": view,
        "other": other,
        "comparison": meter.change_of(comparison),
        "day": _day_chart(point, one, query, view, other),
        "usual": meter.band_words(view),
    }


def _day_chart(point: MeteringPoint, one: Meter, query: DayQuery, view: DayView, other: DayView | None) -> Chart:
    if view.step != WHOLE_DAY:
        return meter.day_chart(one, query, view, other)
    start, end = meter.weeks_span(query)
    return meter.weeks_chart(one, query, readings_of(point, Window.of(start, end, point.zone), "day"))


def _year(point: MeteringPoint, one: Meter, query: DayQuery) -> dict[str, Any]:
    return {"year": meter.year_chart(one, query, year_of(point, query.year))}
