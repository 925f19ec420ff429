"""Regions: parts of an organisation's estate."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router
from ninja.responses import Status

from eclectyc.accounts.models import Organisation
from eclectyc.api.authentication import actor_of
from eclectyc.api.estate_schemas import ChangedRegion, NewRegion, RegionList, RegionOut, RegionPage, region_out
from eclectyc.api.lookup import organisations_named
from eclectyc.api.requests import CHANGING, ONE, Number, not_null, one
from eclectyc.api.versions import VERSIONED, IfMatch, tag, version_of
from eclectyc.estate import lists, regions
from eclectyc.estate.lists import ListPart, NameFilter
from eclectyc.estate.models import Region, Site

router = Router(tags=["estate"])


@router.get("/regions", response={200: RegionPage, **ONE}, summary="List regions")
def list_regions(request: HttpRequest, asked: Query[RegionList]) -> RegionPage:
    """Regions a page at a time, each with the number of its sites that you see."""
    actor = actor_of(request)
    wanted = NameFilter(asked.search or "", organisations_named(actor, asked.organisation))
    found = lists.regions(actor, wanted, ListPart(asked.sort, asked.offset, asked.limit))
    items = [region_out(region, found.counts.get(region.pk, 0)) for region in found.items]
    return RegionPage(items=items, count=found.count)


@router.post("/regions", response={201: RegionOut, **CHANGING}, summary="Create a region")
def add_region(request: HttpRequest, response: HttpResponse, body: NewRegion) -> Status[RegionOut]:
    """Its name is unique in the organisation."""
    actor = actor_of(request)
    organisation = one(Organisation.objects.visible_to(actor), body.organisation, "organisation", field="organisation")
    region = regions.create_region(actor, organisation=organisation, name=body.name)
    tag(response, region.version)
    return Status(201, region_out(region, 0))


@router.get("/regions/{pk}", response={200: RegionOut, **ONE}, summary="One region")
def one_region(request: HttpRequest, response: HttpResponse, pk: Path[Number]) -> RegionOut:
    """A region with the number of its sites that you see."""
    return _out(request, response, _one(request, pk))


@router.patch("/regions/{pk}", response={200: RegionOut, **VERSIONED}, summary="Change a region")
def change_region(
    request: HttpRequest, response: HttpResponse, pk: Path[Number], body: ChangedRegion, if_match: IfMatch = None
) -> RegionOut:
    """Fields that are left out stay unchanged."""
    fields = not_null(body.given(), "name")
    region = regions.update_region(actor_of(request), region=_one(request, pk), version=version_of(if_match), **fields)
    return _out(request, response, region)


@router.delete("/regions/{pk}", response={204: None, **VERSIONED}, summary="Delete a region")
def delete_region(request: HttpRequest, pk: Path[Number], if_match: IfMatch = None) -> Status[None]:
    """Refused while it has sites."""
    regions.delete_region(actor_of(request), region=_one(request, pk), version=version_of(if_match))
    return Status(204, None)


def _one(request: HttpRequest, pk: int) -> Region:
    return one(Region.objects.visible_to(actor_of(request)).select_related("organisation"), pk, "region")


def _out(request: HttpRequest, response: HttpResponse, region: Region) -> RegionOut:
    tag(response, region.version)
    return region_out(region, Site.objects.visible_to(actor_of(request)).filter(region=region).count())
