"""``/admin/meters``: the list with its bulk edit, new, edit, delete. Histories stand in :mod:`.meter_history`."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from eclectyc.accounts.actor import Actor
from eclectyc.derived.virtual.delete import delete_virtual_meter
from eclectyc.estate import lists
from eclectyc.estate.bulk import change_meters
from eclectyc.estate.fields import checked_meter_fields
from eclectyc.estate.meters import create_meter, delete_meter, update_meter, warnings_of
from eclectyc.estate.models import Direction, Meter, Site, Supplier, Utility
from eclectyc.kernel.errors import EclectycError, Invalid
from eclectyc.kernel.plurals import counted
from eclectyc.web.colours import family
from eclectyc.web.forms import Field, Form
from eclectyc.web.list_component import Cell, Listing, ListQuery, PageSlice, Row, filter_of, list_headings, yes_or_no
from eclectyc.web.list_query import PAGE_SIZE, Column
from eclectyc.web.security import actor_of
from eclectyc.web.views.admin import history_entries, meter_history, virtual
from eclectyc.web.views.admin.page import (
    Danger,
    done,
    number_in,
    organisation_field,
    organisations_for,
    show,
    version_in,
)
from eclectyc.web.views.admin.sites import ACTIVE, files_of
from eclectyc.web.views.admin.suggestions import selected_ids, suggestions

COLUMNS: Final = (
    Column("Meter", "identifier"),
    Column("Site", "site"),
    Column("Utility", "utility"),
    Column("Main meter", ""),
    Column("Sub-meters", is_number=True),
    Column("Unit", "unit"),
    Column("Interval", "step", is_number=True, unit="min"),
    Column("Supplier", "supplier"),
    Column("Serial", "serial"),
)
STEPS: Final = (*((str(n), counted(n, "minute")) for n in (1, 5, 10, 15, 20, 30)), ("60", "1 hour"), ("1440", "1 day"))
UNITS: Final = ("kWh", "kVArh", "m3", "litre", "kg", "degC")
OWN: Final = (
    "identifier",
    "name",
    "utility",
    "direction",
    "unit",
    "step_minutes",
    "multiplier",
    "correction",
    "serial",
    "supplier",
    "parent",
    "installed",
    "removed",
    "is_active",
)
LEVELS: Final = (("main", "Main meters"), ("sub", "Sub-meters"), ("virtual", "Virtual meters"))


def filter_in(asked: ListQuery) -> lists.MeterFilter:
    """Return the filter of the address."""
    numbers = {name: number_in(asked.query.get(name, "")) for name in ("organisation", "region", "site", "supplier")}
    named: dict[str, Any] = {f"{name}s": (number,) for name, number in numbers.items() if number}
    return lists.MeterFilter(
        search=asked.words,
        utility=asked.one_of("utility", Utility.values) or None,
        is_active=yes_or_no(asked.query.get("active", "")),
        is_sub={"main": False, "sub": True}.get(asked.query.get("level", "")),
        is_virtual={"main": False, "virtual": True}.get(asked.query.get("level", "")),
        **named,
    )


def meters(request: HttpRequest) -> HttpResponse:
    """List the meters; POST changes many."""
    actor = actor_of(request)
    asked = ListQuery(request.GET, [*lists.METER_SORTS], "identifier")
    narrowed = filter_in(asked)
    bulk = Form.from_post(_bulk(actor), request.POST, "bulk")
    if request.method == "POST":
        which = selected_ids(request, lists.matching_meters(actor, narrowed))
        change = {name: value for name, value in bulk.values().items() if value}
        result = bulk.attempt(lambda: change_meters(actor, which=which, **change))
        if result is not None:
            message = f"{counted(result.changed, 'meter')} changed; {result.unchanged:,} unchanged."
            return done(request, message, request.get_full_path())
    found = lists.meters(actor, narrowed, lists.ListPart(asked.sort, asked.offset, PAGE_SIZE))
    organisations = organisations_for(actor, "estate.edit")
    filters = [
        filter_of(asked, "Organisation", "organisation", [(str(o.pk), o.name) for o in organisations])
        if len(organisations) > 1
        else None,
        filter_of(asked, "Utility", "utility", Utility.choices),
        filter_of(asked, "Level", "level", LEVELS),
        filter_of(asked, "State", "active", ACTIVE),
    ]
    listing = Listing(
        "meters",
        "meter",
        list_headings(COLUMNS, asked),
        [_row(actor, one, found.counts.get(one.pk, 0)) for one in found.items],
        PageSlice(asked.number, found.count),
        asked.words,
        asked.sort,
        "MPAN, MPRN, serial, name or site",
        [f for f in filters if f is not None],
        bulk,
        "Create the first one, or import a list of meters.",
        asked.hidden_fields("utility", "level", "active", "organisation", "region", "site", "supplier"),
    )
    new = [("New meter", reverse("admin-meter-new")), ("New virtual meter", reverse("admin-virtual-meter-new"))]
    context = {"list": listing, "actions": new} | files_of(actor, "meters")
    return show(request, "list", "Meters", context, status=bulk.status)


def new_meter(request: HttpRequest) -> HttpResponse:
    """Create a meter at a site."""
    actor = actor_of(request)
    organisations = organisations_for(actor, "estate.edit")
    at = Site.objects.visible_to(actor).filter(pk=number_in(request.GET.get("site", ""))).first()
    where = Field(
        "site",
        "Site",
        suggests="site",
        suggestions=suggestions(Site.objects.visible_to(actor), "name"),
        help="Type part of its name.",
        is_required=True,
    )
    fields = (organisation_field(organisations), where, *_fields(actor, is_new=True))
    own = at.organisation_id if at else organisations[0].pk if organisations else ""
    start = {
        "organisation": own,
        "site": at.name if at else "",
        "utility": Utility.ELECTRICITY,
        "unit": "kWh",
        "direction": Direction.IMPORT,
        "step_minutes": 30,
        "multiplier": 1,
        "correction": "1.02264",
        "is_active": True,
    }
    form = Form.from_post(fields, request.POST) if request.method == "POST" else Form.from_values(fields, start)
    if request.method == "POST":
        there = Site.objects.visible_to(actor).select_related("organisation", "region")
        place = there.filter(name__iexact=form["site"].strip(), organisation=number_in(form["organisation"])).first()
        form.check(checked_meter_fields, form.values(*OWN))
        if place is None:
            form.refuse(Invalid(f"There is no site {form['site'][:80]!r}.", "Choose one from the list.", field="site"))
        if form.is_good and place is not None:
            made = form.attempt(lambda: create_meter(actor, site=place, **form.values(*OWN)))
            if made is not None:
                message = " ".join([f"{made.identifier} was created.", *warnings_of(made)])
                return done(request, message, reverse("admin-meter", args=[made.pk]))
    context = {
        "form": form,
        "back": reverse("admin-meters"),
        "button": "Create meter",
        "crumbs": [("Meters", reverse("admin-meters"))],
    }
    return show(request, "form", "New meter", context, status=form.status)


def meter(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a meter; its device, its multiplier and its site change from a day on; delete it."""
    actor = actor_of(request)
    related = Meter.objects.visible_to(actor).select_related("organisation", "site__region", "supplier", "parent")
    one = get_object_or_404(related, pk=pk)
    actor.require("estate.edit", one.place)
    histories = meter_history.forms(actor, one)
    context: dict[str, Any] = {
        "danger": _danger(one),
        "correction": history_entries.open_entry(request, one),
        "form": Form.from_values(_fields_of(actor, one), _initial_values(actor, one)),
    }
    status = 200
    if request.method == "POST":
        answer = _act(request, actor, one, context, histories)
        if isinstance(answer, HttpResponse):
            return answer
        status = answer
        one = related.get(pk=pk)
    context |= {
        "meter": one,
        "version": request.POST.get("version") or one.version,
        "back": reverse("admin-meters"),
        "crumbs": [("Meters", reverse("admin-meters")), (one.site.name, _site_address(actor, one.site))],
        "warnings": warnings_of(one),
        "histories": meter_history.sections(one, histories),
        "tree": meter_history.tree(actor, one),
        "actions": [("View readings", reverse("meter", args=[one.pk]))],
    }
    return show(request, "meter", str(one), context | {"sub": one.identifier if one.name else ""}, status=status)


def _act(
    request: HttpRequest, actor: Actor, one: Meter, context: dict[str, Any], histories: dict[str, Form]
) -> HttpResponse | int:
    do = request.POST.get("do", "")
    if do == "delete":
        try:
            delete = delete_virtual_meter if one.is_virtual else delete_meter
            delete(actor, meter=one)
        except EclectycError as error:
            context["danger"].refuse(error)
            return 409
        return done(request, f"{one.identifier} was deleted.", reverse("admin-meters"))
    if do in history_entries.ACTIONS:
        return history_entries.act(request, actor, context["correction"], reverse("admin-meter", args=[one.pk]))
    if do in meter_history.ACTIONS:
        return meter_history.act(request, actor, one, histories)
    form = context["form"] = Form.from_post(_fields_of(actor, one), request.POST)
    own = form.values(*(virtual.OWN if one.is_virtual else OWN))
    form.check(checked_meter_fields, own)
    if form.is_good:
        version = version_in(request)
        saved = form.attempt(lambda: update_meter(actor, meter=one, version=version, **own))
        if saved is not None:
            return done(request, f"{saved.identifier} was saved.", reverse("admin-meter", args=[one.pk]))
    return form.status


def _fields_of(actor: Actor, one: Meter) -> tuple[Field, ...]:
    return virtual.fields(one.pk) if one.is_virtual else _fields(actor, is_new=False)


def _fields(actor: Actor, *, is_new: bool) -> tuple[Field, ...]:
    visible = Meter.objects.visible_to(actor)
    from_day = "" if is_new else " To change it from a date, see below."
    return (
        Field("identifier", "Identifier", help="MPAN, MPRN, SPID or your own number.", is_required=True),
        Field("name", "Name", help="What it measures, such as Main incomer or Boiler house."),
        Field("utility", "Utility", "select", choices=tuple(Utility.choices)),
        Field("direction", "Direction", "select", choices=tuple(Direction.choices)),
        Field("unit", "Unit", suggestions=UNITS, help="The unit of its readings."),
        Field("step_minutes", "Interval", "select", choices=STEPS),
        Field(
            "parent",
            "Main meter",
            suggests="meter",
            suggestions=suggestions(visible, "identifier"),
            help="The identifier of the main meter that also measures it. Leave blank for a main meter.",
        ),
        Field(
            "supplier",
            "Supplier",
            suggestions=suggestions(Supplier.objects.visible_to(actor), "name"),
            help="Choose one, or type a new one.",
        ),
        Field("is_active", "Active", "check", help="Inactive meters are hidden; their readings are kept."),
        Field("serial", "Serial number", group="Device", help=f"On its nameplate.{from_day}"),
        Field(
            "multiplier",
            "Multiplier",
            group="Device",
            help=f"Readings are multiplied by this; 1 for most meters.{from_day}",
        ),
        Field(
            "correction",
            "Volume correction",
            group="Device",
            help=f"Gas only, for temperature and pressure; 1.02264 for most meters.{from_day}",
        ),
        Field("installed", "Installed", "date", group="Device"),
        Field("removed", "Removed", "date", group="Device", help="The first day without the meter."),
    )


def _bulk(actor: Actor) -> tuple[Field, ...]:
    keep = (("", "No change"),)
    return (
        Field("supplier", "Supplier", suggestions=suggestions(Supplier.objects.visible_to(actor), "name")),
        Field("utility", "Utility", "select", choices=(*keep, *Utility.choices)),
        Field("direction", "Direction", "select", choices=(*keep, *Direction.choices)),
        Field("is_active", "State", "select", choices=(*keep, ("true", "Active"), ("false", "Inactive"))),
        Field("unit", "Unit", suggestions=UNITS),
        Field("step_minutes", "Interval", "select", choices=(*keep, *STEPS)),
        Field("installed", "Installed", "date"),
        Field("removed", "Removed", "date"),
    )


def _row(actor: Actor, one: Meter, below: int) -> Row:
    to = "admin-meter" if actor.may("estate.edit", one.place) else "meter"
    export = ", export" if one.direction == Direction.EXPORT else ""
    cells = [
        Cell(one.identifier, reverse(to, args=[one.pk]), one.name, mark=_mark(one)),
        Cell(one.site.name, _site_address(actor, one.site)),
        Cell(f"{one.get_utility_display()}{export}", family=family(one.utility)),
        Cell(str(one.parent) if one.parent and actor.may("estate.view", _place_below(one)) else ""),
        Cell(str(below) if below else "–", is_number=True),
        Cell(one.unit),
        Cell(str(one.step_minutes), is_number=True),
        Cell(one.supplier.name if one.supplier else ""),
        Cell(one.serial),
    ]
    return Row(cells, one.pk)


def _mark(one: Meter) -> str:
    words = ["virtual"] if one.is_virtual else []
    return ", ".join(words if one.is_active else [*words, "inactive"])


def _place_below(one: Meter) -> Any:
    """A main meter's place costs a query for its site: that of its sub-meter's site stands for it."""
    from eclectyc.accounts.reach import Place

    return Place(one.organisation_id, region=one.site.region_id, site=one.site_id, meter=one.parent_id)


def _site_address(actor: Actor, site: Site) -> str:
    return reverse("admin-site", args=[site.pk]) if actor.may("estate.edit", site.place) else ""


def _initial_values(actor: Actor, one: Meter) -> dict[str, object]:
    if one.is_virtual:
        return virtual.initial_values(actor, one)
    held: dict[str, object] = {name: getattr(one, name) for name in OWN if name not in ("parent", "supplier")}
    return held | {
        "multiplier": f"{one.multiplier.normalize():f}",
        "correction": f"{one.correction.normalize():f}",
        "parent": one.parent.identifier if one.parent else "",
        "supplier": one.supplier.name if one.supplier else "",
    }


def _danger(one: Meter) -> Danger:
    if one.is_virtual:
        return virtual.danger(one)
    return Danger(
        "Delete this meter",
        "Deletes the meter and its histories. Meters with readings or sub-meters cannot be deleted; enter the date of "
        "removal and make them inactive instead.",
        f"Delete {one.identifier}",
    )
