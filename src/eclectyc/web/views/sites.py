"""``/sites`` and ``/sites/{id}``."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from eclectyc.analytics.estate import ConsumptionFilter, consumption
from eclectyc.analytics.readings import today_in
from eclectyc.analytics.sites import site_summary, site_year
from eclectyc.estate.models import Meter, Site
from eclectyc.kernel.days import zone_of
from eclectyc.web import list_query, site
from eclectyc.web.clock import house_zone
from eclectyc.web.list_query import Column
from eclectyc.web.security import actor_of

COLUMNS: Final = (
    Column("Site", "name"),
    Column("Energy", is_number=True, unit="52 weeks"),
    Column("per m²", is_number=True, unit="kWh/m²"),
    Column("Complete", is_number=True),
    Column("Floor area", "area", is_number=True, unit="m²"),
    Column("Meters", "meters", is_number=True),
    Column("Type", "type"),
    Column("Region", "region"),
)
FIELDS: Final = {
    "name": "name",
    "region": "region__name",
    "type": "site_type",
    "area": "floor_area_m2",
    "meters": "meter_count",
}


@require_safe
def sites(request: HttpRequest) -> HttpResponse:
    """List the sites, each with its last 52 weeks."""
    actor = actor_of(request)
    words = list_query.search_words(request.GET)
    found = Site.objects.visible_to(actor).select_related("region").annotate(meter_count=Count("meters"))
    if words:
        named = Q(name__icontains=words) | Q(postcode__icontains=words) | Q(region__name__icontains=words)
        found = found.filter(named | Q(company__icontains=words))
    in_order, sort = list_query.ordered(found, request.GET, FIELDS, "name")
    page = list_query.page_of(in_order, request.GET)
    today = today_in(house_zone())
    start, end = site.last_weeks(today)
    narrowed = ConsumptionFilter(sites=tuple(one.pk for one in page))
    used = consumption(actor, start=start, end=end, narrowed=narrowed, today=today) if narrowed.sites else None
    energy = {row["key"]: row for row in used.to_dicts() if row["unit"] == "kWh"} if used is not None else {}
    rows = [{"site": one, "energy": energy.get(one.pk)} for one in page]
    context = {"page": page, "rows": rows, "headings": list_query.headings(COLUMNS, sort), "words": words, "sort": sort}
    return render(request, "web/sites.html", context)


@require_safe
def site_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one site. Its year, which reads every slot of every main meter, comes after the page."""
    actor = actor_of(request)
    found = Site.objects.visible_to(actor).select_related("region", "organisation")
    one = get_object_or_404(found, pk=pk)
    today = today_in(zone_of(one.timezone))
    meters = list(Meter.objects.visible_to(actor).filter(site=one).order_by("utility", "name", "identifier"))
    query = site.YearQuery.from_address(request.GET, site.utilities_of(meters), today)
    context: dict[str, Any] = {"site": one, "query": query, "details": site.details_of(one)}
    if getattr(request, "htmx", None) and request.htmx.target == "year":  # type: ignore[attr-defined]
        heat = site_year(actor, one, query.year, utility=query.utility, today=today) if query.utility else None
        return render(request, "web/components/site_year.html", context | {"year": site.year_chart(one, query, heat)})
    summary = site_summary(actor, one, today)
    context |= {
        "figures": site.figures_of(summary),
        "energy": site.energy_months(summary, today),
        "others": site.other_months(summary, today),
        "tree": site.tree(meters, summary, today),
        "has_virtual": any(meter.is_virtual for meter in meters),
        "span": site.last_weeks_words(today),
    }
    return render(request, "web/site.html", context)
