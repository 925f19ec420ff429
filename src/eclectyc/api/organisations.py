"""Organisations: their tree and branding."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import File, Path, Query, Router, Schema, UploadedFile
from ninja.responses import Status
from pydantic import Field

from eclectyc.accounts import branding, organisations
from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.api.authentication import actor_of
from eclectyc.api.requests import CHANGING, ONE, Body, Number, Searched, not_null, one, page_of
from eclectyc.api.schemas import Text
from eclectyc.kernel.errors import Invalid, NotFound

router = Router(tags=["organisations"])


class OrganisationList(Searched):
    parent: Number | None = Field(None, description="Those directly below this one.")


class NewOrganisation(Body):
    name: Text
    parent: Number | None = Field(None, description="The organisation above. Null: at the top; operators only.")


class ChangedOrganisation(Body):
    name: Text | None = None
    parent: Number | None = Field(None, description="Moves it with all below it. Null: to the top.")
    brand_name: Text | None = Field(None, description="Empty: inherited.")
    brand_colour: Text | None = Field(None, description="#rrggbb; empty: inherited.")
    requires_second_factor: bool | None = Field(None, description="Required of everyone here and below.")


class BrandingOut(Schema):
    """The branding, with inherited values."""

    name: str
    colour: str = Field(description="#rrggbb; empty for the product's own.")
    ink: str = Field(description="The colour of text on it: black or white, whichever is readable.")
    has_logo: bool = Field(description="Its own or an inherited one: see its `logo`.")


class OrganisationOut(Schema):
    id: int
    name: str
    parent: int | None = Field(description="Null at the top, and if you do not see the one above.")
    brand_name: str
    brand_colour: str
    has_logo: bool
    requires_second_factor: bool
    created_at: datetime


class OneOrganisationOut(OrganisationOut):
    branding: BrandingOut


class OrganisationPage(Schema):
    items: list[OrganisationOut]
    count: int


@router.get("/organisations", response={200: OrganisationPage, **ONE}, summary="List organisations")
def list_organisations(request: HttpRequest, asked: Query[OrganisationList]) -> OrganisationPage:
    """Organisations by name, a page at a time."""
    actor = actor_of(request)
    found = Organisation.objects.visible_to(actor)
    if asked.parent is not None:
        found = found.filter(parent=one(found, asked.parent, "organisation", field="parent"))
    if asked.search:
        found = found.filter(name__icontains=asked.search)
    items, count = page_of(found, asked)
    return OrganisationPage(items=[OrganisationOut(**_facts(actor, item)) for item in items], count=count)


@router.post("/organisations", response={201: OneOrganisationOut, **CHANGING}, summary="Add an organisation")
def add_organisation(request: HttpRequest, body: NewOrganisation) -> Status[OneOrganisationOut]:
    """Below an organisation that you may change; at the top only as an operator."""
    actor = actor_of(request)
    parent = None
    if body.parent is not None:
        parent = one(Organisation.objects.visible_to(actor), body.parent, "organisation", field="parent")
    return Status(201, _out(actor, organisations.create(actor, name=body.name, parent=parent)))


@router.get("/organisations/{pk}", response={200: OneOrganisationOut, **ONE}, summary="One organisation")
def one_organisation(request: HttpRequest, pk: Path[Number]) -> OneOrganisationOut:
    """An organisation with its branding."""
    return _out(actor_of(request), _one(request, pk))


@router.patch("/organisations/{pk}", response={200: OneOrganisationOut, **CHANGING}, summary="Change an organisation")
def change_organisation(request: HttpRequest, pk: Path[Number], body: ChangedOrganisation) -> OneOrganisationOut:
    """Fields that are left out stay unchanged. ``parent`` moves it, which needs rights at both places."""
    actor = actor_of(request)
    organisation = _one(request, pk)
    fields = not_null(body.given(), "name", "brand_name", "brand_colour", "requires_second_factor")
    with transaction.atomic():
        if "parent" in fields:
            number = fields.pop("parent")
            above = Organisation.objects.visible_to(actor)
            parent = None if number is None else one(above, number, "organisation", field="parent")
            organisation = organisations.move(actor, organisation=organisation, parent=parent)
        if fields:
            organisation = organisations.update(actor, organisation=organisation, **fields)
    return _out(actor, organisation)


@router.delete("/organisations/{pk}", response={204: None, **CHANGING}, summary="Delete an organisation")
def delete_organisation(request: HttpRequest, pk: Path[Number]) -> Status[None]:
    """Refused while sites, meters, imports or other organisations belong to it."""
    organisations.delete(actor_of(request), organisation=_one(request, pk))
    return Status(204, None)


@router.get(
    "/organisations/{pk}/logo",
    response={200: None, **ONE},
    summary="An organisation's logo",
    openapi_extra={
        "responses": {
            200: {
                "content": {
                    t: {"schema": {"type": "string", "format": "binary"}} for t in (branding.PNG, branding.JPEG)
                }
            }
        }
    },
)
def logo(request: HttpRequest, pk: Path[Number]) -> HttpResponse:
    """Its own or the nearest inherited one: a PNG or JPEG."""
    look = branding.branding_of(_one(request, pk))
    found = None if look.logo_of is None else branding.logo_of(look.logo_of)
    if found is None:
        raise NotFound("This organisation has no logo.", "An administrator can add one.")
    response = HttpResponse(found[0], content_type=found[1])
    response["Content-Disposition"] = f'inline; filename="logo.{found[1].partition("/")[2]}"'
    response["Cache-Control"] = "private, max-age=300"
    return response


@router.post("/organisations/{pk}/logo", response={200: OneOrganisationOut, **CHANGING}, summary="Set the logo")
def set_logo(request: HttpRequest, pk: Path[Number], file: File[UploadedFile]) -> OneOrganisationOut:
    """A PNG or JPEG of up to 256 kB."""
    organisation = _one(request, pk)
    if (file.size or 0) > branding.LARGEST_LOGO:
        raise Invalid("The logo is larger than 256 kB.", "Use a smaller picture.", field="file")
    actor = actor_of(request)
    return _out(actor, organisations.set_logo(actor, organisation=organisation, logo=file.read()))


@router.delete("/organisations/{pk}/logo", response={204: None, **CHANGING}, summary="Delete the logo")
def take_logo_off(request: HttpRequest, pk: Path[Number]) -> Status[None]:
    """The inherited logo is used again."""
    organisations.set_logo(actor_of(request), organisation=_one(request, pk), logo=None)
    return Status(204, None)


def _one(request: HttpRequest, pk: int) -> Organisation:
    return one(Organisation.objects.visible_to(actor_of(request)), pk, "organisation")


def _out(actor: Actor, organisation: Organisation) -> OneOrganisationOut:
    look = branding.branding_of(organisation)
    shown = BrandingOut(name=look.name, colour=look.colour, ink=look.ink, has_logo=look.logo_of is not None)
    return OneOrganisationOut(**_facts(actor, organisation), branding=shown)


def _facts(actor: Actor, organisation: Organisation) -> dict[str, Any]:
    # One above that the actor does not see is not revealed, not even by its number.
    sees_parent = actor.sees_all("estate.view") or organisation.parent_id in actor.organisations()
    return {
        "id": organisation.pk,
        "name": organisation.name,
        "parent": organisation.parent_id if sees_parent else None,
        "brand_name": organisation.brand_name,
        "brand_colour": organisation.brand_colour,
        "has_logo": bool(organisation.logo_type),
        "requires_second_factor": organisation.requires_second_factor,
        "created_at": organisation.created_at,
    }
