"""Suppliers and their contacts."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router
from ninja.responses import Status

from eclectyc.accounts.models import Organisation
from eclectyc.api.authentication import actor_of
from eclectyc.api.estate_schemas import (
    ChangedSupplier,
    NewSupplier,
    SupplierList,
    SupplierOut,
    SupplierPage,
    supplier_out,
)
from eclectyc.api.lookup import organisations_named
from eclectyc.api.requests import CHANGING, ONE, Body, Number, not_null, one
from eclectyc.api.versions import VERSIONED, IfMatch, tag, version_of
from eclectyc.estate import lists, suppliers
from eclectyc.estate.lists import ListPart, NameFilter
from eclectyc.estate.models import Meter, Supplier

router = Router(tags=["estate"])


@router.get("/suppliers", response={200: SupplierPage, **ONE}, summary="List suppliers")
def list_suppliers(request: HttpRequest, asked: Query[SupplierList]) -> SupplierPage:
    """Suppliers a page at a time, each with the number of its meters that you see."""
    actor = actor_of(request)
    wanted = NameFilter(asked.search or "", organisations_named(actor, asked.organisation), asked.is_active)
    found = lists.suppliers(actor, wanted, ListPart(asked.sort, asked.offset, asked.limit))
    items = [supplier_out(supplier, found.counts.get(supplier.pk, 0)) for supplier in found.items]
    return SupplierPage(items=items, count=found.count)


@router.post("/suppliers", response={201: SupplierOut, **CHANGING}, summary="Create a supplier")
def add_supplier(request: HttpRequest, response: HttpResponse, body: NewSupplier) -> Status[SupplierOut]:
    """Its name is unique in the organisation."""
    actor = actor_of(request)
    organisation = one(Organisation.objects.visible_to(actor), body.organisation, "organisation", field="organisation")
    supplier = suppliers.create_supplier(actor, organisation=organisation, **_given(body, "organisation"))
    tag(response, supplier.version)
    return Status(201, supplier_out(supplier, 0))


@router.get("/suppliers/{pk}", response={200: SupplierOut, **ONE}, summary="One supplier")
def one_supplier(request: HttpRequest, response: HttpResponse, pk: Path[Number]) -> SupplierOut:
    """A supplier with the number of its meters that you see."""
    return _out(request, response, _one(request, pk))


@router.patch("/suppliers/{pk}", response={200: SupplierOut, **VERSIONED}, summary="Change a supplier")
def change_supplier(
    request: HttpRequest, response: HttpResponse, pk: Path[Number], body: ChangedSupplier, if_match: IfMatch = None
) -> SupplierOut:
    """Fields that are left out stay unchanged."""
    fields = _given(body)
    supplier = suppliers.update_supplier(
        actor_of(request), supplier=_one(request, pk), version=version_of(if_match), **fields
    )
    return _out(request, response, supplier)


@router.delete("/suppliers/{pk}", response={204: None, **VERSIONED}, summary="Delete a supplier")
def delete_supplier(request: HttpRequest, pk: Path[Number], if_match: IfMatch = None) -> Status[None]:
    """Refused while it supplies meters."""
    suppliers.delete_supplier(actor_of(request), supplier=_one(request, pk), version=version_of(if_match))
    return Status(204, None)


def _given(body: Body, *besides: str) -> dict[str, Any]:
    """Return the fields that were sent; none can be null."""
    given = {name: value for name, value in body.given().items() if name not in besides}
    return not_null(given, *given)


def _one(request: HttpRequest, pk: int) -> Supplier:
    return one(Supplier.objects.visible_to(actor_of(request)).select_related("organisation"), pk, "supplier")


def _out(request: HttpRequest, response: HttpResponse, supplier: Supplier) -> SupplierOut:
    tag(response, supplier.version)
    return supplier_out(supplier, Meter.objects.visible_to(actor_of(request)).filter(supplier=supplier).count())
