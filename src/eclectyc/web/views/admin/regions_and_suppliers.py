"""``/admin/regions`` and ``/admin/suppliers``: lists of names, new, edit, delete."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from eclectyc.accounts.actor import Actor
from eclectyc.estate import lists
from eclectyc.estate.fields import checked_supplier_fields
from eclectyc.estate.models import Region, Supplier
from eclectyc.estate.regions import create_region, delete_region, update_region
from eclectyc.estate.suppliers import create_supplier, delete_supplier, update_supplier
from eclectyc.kernel.errors import EclectycError, Invalid
from eclectyc.web.forms import Field, Form
from eclectyc.web.list_component import (
    Cell,
    Filter,
    Listing,
    ListQuery,
    PageSlice,
    Row,
    filter_of,
    list_headings,
    yes_or_no,
)
from eclectyc.web.list_query import PAGE_SIZE, Column
from eclectyc.web.security import actor_of
from eclectyc.web.views.admin.page import (
    Danger,
    done,
    number_in,
    organisation_field,
    organisations_for,
    show,
    version_in,
)
from eclectyc.web.views.admin.sites import ACTIVE

REGION: Final = (Field("name", "Name", is_required=True, help="Must be unique in the organisation."),)
SUPPLIER: Final = (
    Field("name", "Name", is_required=True, help="Must be unique in the organisation."),
    Field("account", "Account", help="Your account number with the supplier."),
    Field("website", "Website", "url", help="https://…"),
    Field("is_active", "Active", "check"),
    Field("contact_name", "Name", group="Contact"),
    Field("contact_email", "E-mail address", "email", group="Contact"),
    Field("contact_phone", "Telephone", "tel", group="Contact"),
    Field(
        "notes",
        "Notes",
        "textarea",
        is_wide=True,
        group="Contact",
        help="Contact details are personal data and are erased if that person asks.",
    ),
)


@require_safe
def regions(request: HttpRequest) -> HttpResponse:
    """List the regions."""
    actor = actor_of(request)
    asked = ListQuery(request.GET, [*lists.REGION_SORTS], "name")
    narrowed, filters = _narrowed(actor, asked)
    found = lists.regions(actor, narrowed, lists.ListPart(asked.sort, asked.offset, PAGE_SIZE))
    rows = [
        Row(
            [
                Cell(one.name, _to(actor, one, "region")),
                Cell(str(found.counts.get(one.pk, 0)), is_number=True),
                Cell(one.organisation.name),
            ],
            one.pk,
        )
        for one in found.items
    ]
    heads = (Column("Region", "name"), Column("Sites", is_number=True), Column("Organisation", "organisation"))
    return _list(
        request,
        asked,
        Listing(
            "regions",
            "region",
            list_headings(heads, asked),
            rows,
            PageSlice(asked.number, found.count),
            asked.words,
            asked.sort,
            "Name",
            filters,
            None,
            "A region groups sites that are managed together.",
            asked.hidden_fields("organisation"),
        ),
    )


@require_safe
def suppliers(request: HttpRequest) -> HttpResponse:
    """List the suppliers."""
    actor = actor_of(request)
    asked = ListQuery(request.GET, [*lists.SUPPLIER_SORTS], "name")
    narrowed, filters = _narrowed(actor, asked, has_state=True)
    found = lists.suppliers(actor, narrowed, lists.ListPart(asked.sort, asked.offset, PAGE_SIZE))
    rows = [
        Row(
            [
                Cell(one.name, _to(actor, one, "supplier"), mark="" if one.is_active else "inactive"),
                Cell(one.account),
                Cell(str(found.counts.get(one.pk, 0)), is_number=True),
                Cell(one.contact_name),
                Cell(one.organisation.name),
            ],
            one.pk,
        )
        for one in found.items
    ]
    heads = (
        Column("Supplier", "name"),
        Column("Account", "account"),
        Column("Meters", is_number=True),
        Column("Contact"),
        Column("Organisation", "organisation"),
    )
    return _list(
        request,
        asked,
        Listing(
            "suppliers",
            "supplier",
            list_headings(heads, asked),
            rows,
            PageSlice(asked.number, found.count),
            asked.words,
            asked.sort,
            "Name",
            filters,
            None,
            "Create a supplier, then choose it for the meters it supplies.",
            asked.hidden_fields("organisation", "active"),
        ),
    )


def new_region(request: HttpRequest) -> HttpResponse:
    """Create a region."""
    return _new(request, "region", REGION, lambda actor, own, values: create_region(actor, organisation=own, **values))


def new_supplier(request: HttpRequest) -> HttpResponse:
    """Create a supplier."""
    return _new(
        request, "supplier", SUPPLIER, lambda actor, own, values: create_supplier(actor, organisation=own, **values)
    )


def region(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a region; delete it."""
    one = get_object_or_404(Region.objects.visible_to(actor_of(request)), pk=pk)
    danger = Danger(
        "Delete this region",
        "Regions with sites cannot be deleted; move the sites to another region first.",
        f"Delete {one.name}",
    )
    return _edit(request, one, "region", REGION, danger)


def supplier(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a supplier; delete it."""
    one = get_object_or_404(Supplier.objects.visible_to(actor_of(request)), pk=pk)
    danger = Danger(
        "Delete this supplier",
        "Deletes the supplier and its contact. Suppliers of meters cannot be deleted; make them inactive instead.",
        f"Delete {one.name}",
    )
    return _edit(request, one, "supplier", SUPPLIER, danger)


def _narrowed(actor: Actor, asked: ListQuery, *, has_state: bool = False) -> tuple[lists.NameFilter, list[Filter]]:
    own = number_in(asked.query.get("organisation", ""))
    organisations = organisations_for(actor, "estate.edit")
    filters = []
    if len(organisations) > 1:
        choices = [(str(o.pk), o.name) for o in organisations]
        filters.append(filter_of(asked, "Organisation", "organisation", choices))
    if has_state:
        filters.append(filter_of(asked, "State", "active", ACTIVE))
    is_active = yes_or_no(asked.query.get("active", "")) if has_state else None
    return lists.NameFilter(asked.words, (own,) if own else None, is_active), filters


def _list(request: HttpRequest, asked: ListQuery, listing: Listing) -> HttpResponse:
    new = (f"New {listing.one}", reverse(f"admin-{listing.one}-new"))
    return show(request, "list", listing.name.capitalize(), {"list": listing, "actions": [new]})


def _to(actor: Actor, one: Region | Supplier, kind: str) -> str:
    return reverse(f"admin-{kind}", args=[one.pk]) if actor.may("estate.edit", one.place) else ""


def _new(request: HttpRequest, kind: str, own_fields: tuple[Field, ...], create: Any) -> HttpResponse:
    actor = actor_of(request)
    organisations = organisations_for(actor, "estate.edit")
    fields = (organisation_field(organisations), *own_fields)
    start = {"organisation": organisations[0].pk if organisations else "", "is_active": True}
    form = Form.from_post(fields, request.POST) if request.method == "POST" else Form.from_values(fields, start)
    if request.method == "POST":
        own = next((o for o in organisations if str(o.pk) == form["organisation"]), None)
        values = form.values(*(f.name for f in own_fields))
        if kind == "supplier":
            form.check(checked_supplier_fields, values)
        if own is None:
            form.refuse(Invalid("Choose an organisation.", field="organisation"))
        made = form.attempt(lambda: create(actor, own, values)) if form.is_good else None
        if made is not None:
            return done(request, f"{made.name} was created.", reverse(f"admin-{kind}s"))
    context = {
        "form": form,
        "back": reverse(f"admin-{kind}s"),
        "button": f"Create {kind}",
        "crumbs": [(f"{kind}s".capitalize(), reverse(f"admin-{kind}s"))],
    }
    return show(request, "form", f"New {kind}", context, status=form.status)


def _edit(
    request: HttpRequest, one: Region | Supplier, kind: str, fields: tuple[Field, ...], danger: Danger
) -> HttpResponse:
    actor = actor_of(request)
    actor.require("estate.edit", one.place)
    back = reverse(f"admin-{kind}s")
    form = Form.from_values(fields, {f.name: getattr(one, f.name) for f in fields})
    status = 200
    if request.method == "POST" and request.POST.get("do") == "delete":
        try:
            delete_region(actor, region=one) if isinstance(one, Region) else delete_supplier(actor, supplier=one)
        except EclectycError as error:
            danger.refuse(error)
            status = 409
        else:
            return done(request, f"{one.name} was deleted.", back)
    elif request.method == "POST":
        form, version = Form.from_post(fields, request.POST), version_in(request)
        if isinstance(one, Supplier):
            form.check(checked_supplier_fields, form.values())
            supplier = one
            saved: Any = form.is_good and form.attempt(
                lambda: update_supplier(actor, supplier=supplier, version=version, **form.values())
            )
        else:
            area = one
            saved = form.attempt(lambda: update_region(actor, region=area, version=version, **form.values()))
        if saved:
            return done(request, f"{saved.name} was saved.", back)
        status = form.status
    context = {
        "form": form,
        "back": back,
        "danger": danger,
        "version": request.POST.get("version") or one.version,
        "crumbs": [(f"{kind}s".capitalize(), back)],
    }
    title = get_title(one, form)
    return show(request, "versioned", title, context, status=status)


def get_title(one: Region | Supplier, form: Form) -> str:
    """Return the name that is stored, not the one being typed."""
    return (
        str(type(one)._default_manager.values_list("name", flat=True).get(pk=one.pk)) if not form.is_good else one.name
    )
