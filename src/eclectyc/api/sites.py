"""Sites."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router
from ninja.responses import Status

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.api.authentication import actor_of
from eclectyc.api.estate_schemas import (
    ChangedSite,
    NewSite,
    SiteFields,
    SiteList,
    SiteOut,
    SitePage,
    site_out,
)
from eclectyc.api.lookup import numbers_named, organisations_named
from eclectyc.api.requests import CHANGING, ONE, Number, not_null, one
from eclectyc.api.versions import VERSIONED, IfMatch, tag, version_of
from eclectyc.estate import lists
from eclectyc.estate import sites as estate_sites
from eclectyc.estate.lists import ListPart, SiteFilter
from eclectyc.estate.models import Region, Site

router = Router(tags=["estate"])
_NULLABLE: Final = {"region", "floor_area_m2", "latitude", "longitude"}


@router.get("/sites", response={200: SitePage, **ONE}, summary="List sites")
def list_sites(request: HttpRequest, asked: Query[SiteList]) -> SitePage:
    """Sites a page at a time: searched, narrowed and sorted."""
    actor = actor_of(request)
    found = lists.sites(actor, filter_of(actor, asked), ListPart(asked.sort, asked.offset, asked.limit))
    items = [site_out(site, found.counts.get(site.pk, 0)) for site in found.items]
    return SitePage(items=items, count=found.count)


def filter_of(actor: Actor, asked: SiteList) -> SiteFilter:
    """Return the filter of a list of sites."""
    return SiteFilter(
        search=asked.search or "",
        organisations=organisations_named(actor, asked.organisation),
        regions=numbers_named(Region.objects.visible_to(actor), asked.region),
        site_type=asked.site_type,
        utility=asked.utility,
        is_active=asked.is_active,
    )


@router.post("/sites", response={201: SiteOut, **CHANGING}, summary="Make a site")
def add_site(request: HttpRequest, response: HttpResponse, body: NewSite) -> Status[SiteOut]:
    """Its name is unique in the organisation. If you edit one region only, name that region."""
    actor = actor_of(request)
    organisation = one(Organisation.objects.visible_to(actor), body.organisation, "organisation", field="organisation")
    fields = _given(actor, body, "organisation")
    site = estate_sites.create_site(actor, organisation=organisation, **fields)
    tag(response, site.version)
    return Status(201, site_out(site, 0))


@router.get("/sites/{pk}", response={200: SiteOut, **ONE}, summary="One site")
def one_site(request: HttpRequest, response: HttpResponse, pk: Path[Number]) -> SiteOut:
    """A site with its opening hours and properties."""
    return _out(response, _one(request, pk))


@router.patch("/sites/{pk}", response={200: SiteOut, **VERSIONED}, summary="Change a site")
def change_site(
    request: HttpRequest, response: HttpResponse, pk: Path[Number], body: ChangedSite, if_match: IfMatch = None
) -> SiteOut:
    """Fields that are left out stay unchanged."""
    actor, site = actor_of(request), _one(request, pk)
    return _out(
        response, estate_sites.update_site(actor, site=site, version=version_of(if_match), **_given(actor, body))
    )


@router.delete("/sites/{pk}", response={204: None, **VERSIONED}, summary="Delete a site")
def delete_site(request: HttpRequest, pk: Path[Number], if_match: IfMatch = None) -> Status[None]:
    """Refused while it has meters or past usage: make it inactive instead."""
    estate_sites.delete_site(actor_of(request), site=_one(request, pk), version=version_of(if_match))
    return Status(204, None)


def _given(actor: Actor, body: SiteFields, *besides: str) -> dict[str, Any]:
    given = {name: value for name, value in body.given().items() if name not in besides}
    not_null(given, *(set(given) - _NULLABLE))
    if given.get("region") is not None:
        given["region"] = one(Region.objects.visible_to(actor), given["region"], "region", field="region")
    return given


def _one(request: HttpRequest, pk: int) -> Site:
    sites = Site.objects.visible_to(actor_of(request)).select_related("organisation", "region")
    return one(sites, pk, "site")


def _out(response: HttpResponse, site: Site) -> SiteOut:
    tag(response, site.version)
    return site_out(site, site.meters.count())
