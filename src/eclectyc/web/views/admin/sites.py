"""``/admin/sites``: the list with its bulk edit, new, edit with metrics, delete."""

from __future__ import annotations

from typing import Any, Final
from zoneinfo import available_timezones

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from eclectyc.accounts.actor import Actor
from eclectyc.estate import lists, opening_hours
from eclectyc.estate.bulk import change_sites
from eclectyc.estate.fields import checked_site_fields
from eclectyc.estate.models import Region, Site, SiteType
from eclectyc.estate.sites import create_site, delete_site, update_site
from eclectyc.kernel import number_format
from eclectyc.kernel.errors import EclectycError, Invalid
from eclectyc.kernel.plurals import counted
from eclectyc.web.clock import house_zone
from eclectyc.web.forms import Field, Form
from eclectyc.web.list_component import Cell, Listing, ListQuery, PageSlice, Row, filter_of, list_headings, yes_or_no
from eclectyc.web.list_query import PAGE_SIZE, Column
from eclectyc.web.security import actor_of
from eclectyc.web.views.admin import fact_forms, history_entries
from eclectyc.web.views.admin.page import (
    Danger,
    done,
    number_in,
    organisation_field,
    organisations_for,
    show,
    version_in,
)
from eclectyc.web.views.admin.properties import blank_rows, rows_of, rows_sent, values_of
from eclectyc.web.views.admin.suggestions import selected_ids, suggestions

COLUMNS: Final = (
    Column("Site", "name"),
    Column("Region", "region"),
    Column("Type", "site_type"),
    Column("Meters", is_number=True),
    Column("Floor area", "floor_area_m2", is_number=True, unit="m²"),
    Column("Postcode", "postcode"),
    Column("Company", "company"),
)
ACTIVE: Final = (("yes", "Active"), ("no", "Inactive"))
ZONES: Final = tuple(sorted(zone for zone in available_timezones() if zone.startswith("Europe/")))
OWN: Final = (
    "name",
    "company",
    "region",
    "site_type",
    "is_active",
    "floor_area_m2",
    "address",
    "postcode",
    "latitude",
    "longitude",
    "timezone",
    "gas_region",
    "opening_hours",
)


def filter_in(asked: ListQuery) -> lists.SiteFilter:
    """Return the filter in the address."""
    organisation, region = (number_in(asked.query.get(name, "")) for name in ("organisation", "region"))
    return lists.SiteFilter(
        search=asked.words,
        organisations=(organisation,) if organisation else None,
        regions=(region,) if region else None,
        site_type=asked.one_of("type", SiteType.values) or None,
        is_active=yes_or_no(asked.query.get("active", "")),
    )


def sites(request: HttpRequest) -> HttpResponse:
    """List the sites; POST changes many."""
    actor = actor_of(request)
    asked = ListQuery(request.GET, [*lists.SITE_SORTS], "name")
    narrowed = filter_in(asked)
    bulk = Form.from_post(_bulk(actor), request.POST, "bulk")
    if request.method == "POST":
        which = selected_ids(request, lists.matching_sites(actor, narrowed))
        change = {name: value for name, value in bulk.values().items() if value}
        result = bulk.attempt(lambda: change_sites(actor, which=which, **change))
        if result is not None:
            message = f"{counted(result.changed, 'site')} changed; {result.unchanged:,} unchanged."
            return done(request, message, request.get_full_path())
    found = lists.sites(actor, narrowed, lists.ListPart(asked.sort, asked.offset, PAGE_SIZE))
    regions = Region.objects.visible_to(actor).order_by("name").values_list("pk", "name")[:200]
    organisations = organisations_for(actor, "estate.edit")
    filters = [
        filter_of(asked, "Organisation", "organisation", [(str(o.pk), o.name) for o in organisations])
        if len(organisations) > 1
        else None,
        filter_of(asked, "Region", "region", [(str(pk), name) for pk, name in regions]),
        filter_of(asked, "Type", "type", SiteType.choices),
        filter_of(asked, "State", "active", ACTIVE),
    ]
    listing = Listing(
        "sites",
        "site",
        list_headings(COLUMNS, asked),
        [_row(actor, site, found.counts.get(site.pk, 0)) for site in found.items],
        PageSlice(asked.number, found.count),
        asked.words,
        asked.sort,
        "Name, postcode, company or address",
        [f for f in filters if f is not None and len(f.chips) > 1],
        bulk,
        "Create the first one, or import a list of sites.",
        asked.hidden_fields("type", "active", "region", "organisation"),
    )
    context = {"list": listing, "actions": [("New site", reverse("admin-site-new"))]} | files_of(actor, "sites")
    return show(request, "list", "Sites", context, status=bulk.status)


def files_of(actor: Actor, kind: str) -> dict[str, object]:
    """Return what a list may do with files."""
    may_export, may_import = actor.may_somewhere("exports.run"), actor.may_somewhere("imports.run")
    return {
        "takes_files": may_export or may_import,
        "may_export": may_export,
        "may_import": may_import,
        "export_address": reverse(f"admin-{kind}-export"),
        "import_address": reverse(f"admin-{kind}-import"),
    }


def new_site(request: HttpRequest) -> HttpResponse:
    """Create a site."""
    actor = actor_of(request)
    organisations = organisations_for(actor, "estate.edit")
    fields = (organisation_field(organisations), *_fields(actor))
    start = {
        "organisation": organisations[0].pk if organisations else "",
        "site_type": SiteType.OTHER,
        "is_active": True,
        "timezone": house_zone().key,
        "opening_hours": opening_hours.text_of(opening_hours.default_week()),
    }
    form = Form.from_post(fields, request.POST) if request.method == "POST" else Form.from_values(fields, start)
    properties = blank_rows([])
    if request.method == "POST":
        properties = rows_sent(request)
        own = next((o for o in organisations if str(o.pk) == form["organisation"]), None)
        form.check(checked_site_fields, form.values(*OWN))
        if own is None:
            form.refuse(Invalid("Choose an organisation.", field="organisation"))
        if form.is_good and own is not None:
            made = form.attempt(
                lambda: create_site(actor, organisation=own, properties=values_of(properties), **form.values(*OWN))
            )
            if made is not None:
                return done(request, f"{made.name} was created.", reverse("admin-site", args=[made.pk]))
    context = {
        "form": form,
        "properties": properties,
        "back": reverse("admin-sites"),
        "button": "Create site",
        "crumbs": [("Sites", reverse("admin-sites"))],
    }
    return show(request, "site", "New site", context, status=form.status)


def site(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a site, its properties and its metrics; delete it."""
    actor = actor_of(request)
    one = get_object_or_404(Site.objects.visible_to(actor).select_related("organisation", "region"), pk=pk)
    actor.require("estate.edit", one.place)
    context: dict[str, Any] = {
        "danger": _danger(one),
        "correction": history_entries.open_entry(request, one),
        "properties": blank_rows(rows_of(one.properties)),
        "form": Form.from_values(_fields(actor), _initial_values(one)),
    }
    status, facts = 200, fact_forms.forms_of(one)
    if request.method == "POST":
        answer = _act(request, actor, one, context, facts)
        if isinstance(answer, HttpResponse):
            return answer
        status = answer
        one.refresh_from_db()
    context |= {
        "site": one,
        "version": request.POST.get("version") or one.version,
        "back": reverse("admin-sites"),
        "position": _position(one),
        "crumbs": [("Sites", reverse("admin-sites"))],
        "histories": fact_forms.sections_of(one, facts),
        "actions": [("View usage", reverse("site", args=[one.pk])), ("Add meter", _new_meter(one))],
    }
    title = str(one.name)
    return show(request, "site", title, context, status=status)


def _act(
    request: HttpRequest, actor: Actor, one: Site, context: dict[str, Any], facts: dict[str, Form]
) -> HttpResponse | int:
    here, version = reverse("admin-site", args=[one.pk]), version_in(request)
    do = request.POST.get("do", "")
    if do == "delete":
        try:
            delete_site(actor, site=one)
        except EclectycError as error:
            context["danger"].refuse(error)
            return 409
        return done(request, f"{one.name} was deleted.", reverse("admin-sites"))
    if do in history_entries.ACTIONS:
        return history_entries.act(request, actor, context["correction"], here)
    if do in facts:
        return fact_forms.act(request, actor, one, facts, here)
    form = context["form"] = Form.from_post(_fields(actor), request.POST)
    rows = context["properties"] = rows_sent(request)
    form.check(checked_site_fields, form.values(*OWN))
    if form.is_good:
        saved = form.attempt(
            lambda: update_site(actor, site=one, version=version, properties=values_of(rows), **form.values(*OWN))
        )
        if saved is not None:
            return done(request, f"{saved.name} was saved.", here)
    return form.status


def _fields(actor: Actor) -> tuple[Field, ...]:
    return (
        Field("name", "Name", help="Must be unique.", is_required=True),
        Field("company", "Company", help="The occupier, if it is not the organisation."),
        Field(
            "region",
            "Region",
            suggestions=suggestions(Region.objects.visible_to(actor), "name"),
            help="Choose one, or type a new one.",
        ),
        Field("site_type", "Type", "select", choices=tuple(SiteType.choices)),
        Field("floor_area_m2", "Floor area [m²]", help="Gross internal area, for usage per m²."),
        Field("is_active", "Active", "check", help="Inactive sites are hidden; their readings are kept."),
        Field("address", "Address", group="Location", is_wide=True),
        Field("postcode", "Postcode", group="Location"),
        Field("latitude", "Latitude [°]", help="Such as 51.4545; positive is north.", group="Location"),
        Field("longitude", "Longitude [°]", help="Such as -2.5879; negative is west of Greenwich.", group="Location"),
        Field("timezone", "Time zone", suggestions=ZONES, help="Days start at local midnight.", group="Location"),
        Field(
            "gas_region",
            "Gas region",
            help="The region of its calorific values, such as an LDZ (optional, default the organisation's).",
            group="Location",
        ),
        Field(
            "opening_hours",
            "Opening hours",
            "textarea",
            rows=2,
            is_wide=True,
            group="Opening hours",
            help="Such as Mon-Fri 07:00-19:00; Sat 09:00-12:00, 13:00-17:00. Leave blank if never open.",
        ),
    )


def _bulk(actor: Actor) -> tuple[Field, ...]:
    keep = (("", "No change"),)
    return (
        Field("region", "Region", suggestions=suggestions(Region.objects.visible_to(actor), "name")),
        Field("site_type", "Type", "select", choices=(*keep, *SiteType.choices)),
        Field("is_active", "State", "select", choices=(*keep, ("true", "Active"), ("false", "Inactive"))),
        Field("company", "Company"),
        Field("floor_area_m2", "Floor area [m²]"),
        Field("opening_hours", "Opening hours", help="Mon-Fri 07:00-19:00"),
    )


def _row(actor: Actor, one: Site, meters: int) -> Row:
    to = "admin-site" if actor.may("estate.edit", one.place) else "site"
    cells = [
        Cell(one.name, reverse(to, args=[one.pk]), mark="" if one.is_active else "inactive"),
        Cell(one.region.name if one.region else ""),
        Cell(one.get_site_type_display()),
        Cell(str(meters), is_number=True),
        Cell(number_format.exact(one.floor_area_m2, 1), is_number=True),
        Cell(one.postcode),
        Cell(one.company),
    ]
    return Row(cells, one.pk)


def _initial_values(one: Site) -> dict[str, object]:
    held = {name: getattr(one, name) for name in OWN if name not in ("region", "opening_hours")}
    return held | {
        "region": one.region.name if one.region else "",
        "opening_hours": opening_hours.text_of(one.opening_hours),
    }


def _position(one: Site) -> dict[str, str]:
    """Return the address of a site's position on a map, and its words."""
    if one.latitude is None or one.longitude is None:
        return {}
    latitude, longitude = _degrees(one.latitude), _degrees(one.longitude)
    return {"address": f"geo:{latitude},{longitude}", "text": f"{latitude}, {longitude}"}


def _degrees(value: float) -> str:
    """Return a coordinate [°] to six decimals, a tenth of a metre."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _danger(one: Site) -> Danger:
    return Danger(
        "Delete this site",
        "Deletes the site, its custom fields and metrics. Sites with meters, or with usage of meters that have moved, "
        "cannot be deleted; make them inactive instead.",
        f"Delete {one.name}",
    )


def _new_meter(one: Site) -> str:
    return f"{reverse('admin-meter-new')}?site={one.pk}"
