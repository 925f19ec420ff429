"""One change to many meters or sites at once: all of them or none."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from eclectyc.accounts.actor import Actor
from eclectyc.api.authentication import actor_of
from eclectyc.api.estate_schemas import BulkOut, LongText, Week
from eclectyc.api.requests import CHANGING, Body, Number, not_null, one
from eclectyc.api.schemas import DirectionName, SiteTypeName, Text, UtilityName
from eclectyc.estate import bulk, lists
from eclectyc.estate.bulk import MOST_AT_ONCE
from eclectyc.estate.lists import MeterFilter, SiteFilter
from eclectyc.estate.models import Region, Supplier
from eclectyc.kernel.errors import Invalid

router = Router(tags=["estate"])
Ids = Annotated[list[Number], Field(max_length=MOST_AT_ONCE)]


class Which(Body):
    """The selection by filter or numbers. An empty one would select everything and is refused."""

    search: LongText = ""
    organisation: Number | None = None
    region: Number | None = None
    site_type: SiteTypeName | None = None
    utility: UtilityName | None = None
    is_active: bool | None = None


class WhichMeters(Which):
    site: Number | None = None
    supplier: Number | None = None
    direction: DirectionName | None = None


class MeterChange(Body):
    supplier: Number | None = None
    utility: UtilityName | None = None
    direction: DirectionName | None = None
    unit: Text | None = None
    step: int | None = None
    is_active: bool | None = None
    installed: date | None = None
    removed: date | None = None


class SiteChange(Body):
    region: Number | None = None
    company: Text | None = None
    site_type: SiteTypeName | None = None
    is_active: bool | None = None
    floor_area_m2: float | None = None
    opening_hours: Week | None = None


class ManyMeters(Body):
    ids: Ids | None = Field(None, description="The numbers of the meters, instead of a filter.")
    filter: WhichMeters | None = None
    change: MeterChange


class ManySites(Body):
    ids: Ids | None = Field(None, description="The numbers of the sites, instead of a filter.")
    filter: Which | None = None
    change: SiteChange


@router.post("/bulk/meters", response={200: BulkOut, **CHANGING}, summary="Change many meters")
def change_meters(request: HttpRequest, body: ManyMeters) -> BulkOut:
    """Changes all or none; rights are checked for each."""
    actor = actor_of(request)
    change = body.change.given()
    not_null(change, *(set(change) - {"supplier", "installed", "removed"}))
    if change.get("supplier") is not None:
        change["supplier"] = one(Supplier.objects.visible_to(actor), change["supplier"], "supplier", field="supplier")
    if "step" in change:
        change["step_minutes"] = change.pop("step")
    done = bulk.change_meters(actor, which=_meters(actor, body), **change)
    return BulkOut(changed=done.changed, unchanged=done.unchanged)


@router.post("/bulk/sites", response={200: BulkOut, **CHANGING}, summary="Change many sites")
def change_sites(request: HttpRequest, body: ManySites) -> BulkOut:
    """Changes all or none; rights are checked for each."""
    actor = actor_of(request)
    change = body.change.given()
    not_null(change, *(set(change) - {"region", "floor_area_m2"}))
    if change.get("region") is not None:
        change["region"] = one(Region.objects.visible_to(actor), change["region"], "region", field="region")
    done = bulk.change_sites(actor, which=_sites(actor, body), **change)
    return BulkOut(changed=done.changed, unchanged=done.unchanged)


def _meters(actor: Actor, body: ManyMeters) -> list[int]:
    if body.ids is not None:
        return _only(body.ids, body.filter)
    given = _narrowed(body.filter)
    wanted = MeterFilter(
        search=given.get("search", ""),
        organisations=_one(given, "organisation"),
        regions=_one(given, "region"),
        sites=_one(given, "site"),
        suppliers=_one(given, "supplier"),
        **{name: given.get(name) for name in ("site_type", "utility", "direction", "is_active")},
    )
    return _first(lists.matching_meters(actor, wanted))


def _sites(actor: Actor, body: ManySites) -> list[int]:
    if body.ids is not None:
        return _only(body.ids, body.filter)
    given = _narrowed(body.filter)
    wanted = SiteFilter(
        search=given.get("search", ""),
        organisations=_one(given, "organisation"),
        regions=_one(given, "region"),
        **{name: given.get(name) for name in ("site_type", "utility", "is_active")},
    )
    return _first(lists.matching_sites(actor, wanted))


def _only(ids: list[int], which: Which | None) -> list[int]:
    if which is not None:
        raise Invalid("Both numbers and a filter are given.", "Give one of them.", field="filter")
    return ids


def _narrowed(which: Which | None) -> dict[str, Any]:
    given = {name: value for name, value in which.given().items() if value not in (None, "")} if which else {}
    if not given:
        raise Invalid("No selection was given.", "Give numbers or a filter.", field="ids")
    return given


def _one(given: dict[str, Any], name: str) -> tuple[int, ...] | None:
    return (given[name],) if name in given else None


def _first(found: Any) -> list[int]:
    return list(found.order_by("pk").values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
