"""Meters and their readings."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from ninja.responses import Status

from eclectyc.accounts.actor import Actor
from eclectyc.analytics.readings import main_point, window_of
from eclectyc.api.authentication import actor_of
from eclectyc.api.date_parameters import moment_of
from eclectyc.api.estate_schemas import ChangedMeter, MeterFields, NewMeter
from eclectyc.api.lookup import meter_of, numbers_named, organisations_named, sites_named
from eclectyc.api.readings_output import as_csv, as_json, check_size, prefers_csv
from eclectyc.api.requests import CHANGING, ONE, not_null, one
from eclectyc.api.schemas import (
    ErrorOut,
    FormulaPartOut,
    MeterList,
    MeterOut,
    MeterPage,
    OneMeter,
    ReadingsOut,
    ReadingsWindow,
)
from eclectyc.api.versions import VERSIONED, IfMatch, tag, version_of
from eclectyc.audit.record import record
from eclectyc.derived.virtual.delete import delete_virtual_meter
from eclectyc.estate import lists
from eclectyc.estate import meters as estate_meters
from eclectyc.estate.formula.terms import written
from eclectyc.estate.formula_visibility import VisibleFormula, visible_formula, visible_formulas
from eclectyc.estate.lists import ListPart, MeterFilter
from eclectyc.estate.models import Meter, Region, Site, Supplier
from eclectyc.kernel.identifiers import clean_identifier

router = Router(tags=["meters"])
ONE_METER = {**ONE, 409: ErrorOut}
_NULLABLE: Final = {"supplier", "parent", "installed", "removed"}
_CSV = {"text/csv": {"schema": {"type": "string"}}}


@router.get("/meters", response={200: MeterPage, **ONE}, summary="List meters")
def list_meters(request: HttpRequest, asked: Query[MeterList]) -> MeterPage:
    """Meters a page at a time: searched, filtered and sorted, by default by identifier."""
    actor = actor_of(request)
    found = lists.meters(actor, filter_of(actor, asked), ListPart(asked.sort, asked.offset, asked.limit))
    formulas = visible_formulas(actor, found.items)
    return MeterPage(items=[meter_out(meter, formulas[meter.pk]) for meter in found.items], count=found.count)


def filter_of(actor: Actor, asked: MeterList) -> MeterFilter:
    """Return the filter of a list of meters; an unknown name matches nothing."""
    meters = Meter.objects.visible_to(actor)
    parents = meters.filter(identifier=clean_identifier(asked.parent or "")).values_list("pk", flat=True)
    return MeterFilter(
        search=asked.search or "",
        organisations=organisations_named(actor, asked.organisation),
        regions=numbers_named(Region.objects.visible_to(actor), asked.region),
        sites=sites_named(meters, asked.site),
        suppliers=numbers_named(Supplier.objects.visible_to(actor), asked.supplier),
        parents=tuple(parents) if asked.parent is not None else None,
        utility=asked.utility,
        direction=asked.direction,
        site_type=asked.site_type,
        is_active=asked.is_active,
        is_sub=asked.is_sub,
        is_virtual=asked.is_virtual,
    )


@router.post("/meters", response={201: MeterOut, **CHANGING}, summary="Make a meter")
def add_meter(request: HttpRequest, response: HttpResponse, body: NewMeter) -> Status[MeterOut]:
    """Its identifier is unique in the organisation. With a formula it is a virtual meter, which refuses readings."""
    actor = actor_of(request)
    fields = _given(actor, body)
    site = fields.pop("site")
    meter = estate_meters.create_meter(actor, site=site, **fields)
    return Status(201, _tagged(actor, response, meter))


@router.get(
    "/meters/{path:mpan}/readings",
    response={200: ReadingsOut, **ONE_METER},
    summary="Readings of a meter",
    by_alias=True,
    openapi_extra={"responses": {200: {"content": _CSV}}},
)
def meter_readings(request: HttpRequest, mpan: str, asked: Query[ReadingsWindow]) -> HttpResponse:
    """By slot, hour, day, week, month or year over a half-open window; as CSV for ``Accept: text/csv``.

    A value is the sum of what is present (of temperatures the mean), or null if nothing is. A slot belongs to the
    window that contains its start. A day known only as a total is one slot, and one hour.
    """
    actor = actor_of(request)
    meter = meter_of(actor, mpan, asked.organisation)
    quantity, point = main_point(actor, meter, asked.quantity)
    start, end = moment_of(asked.from_, "from"), moment_of(asked.to, "to")
    window = window_of(point, start, end)
    wants_csv = prefers_csv(request)
    check_size(window, asked.by, point.step, wants_csv=wants_csv)
    if wants_csv:
        record(
            actor.by,
            "export.readings",
            meter,
            organisation_id=meter.organisation_id,
            after={"quantity": quantity, "by": asked.by, "from": asked.from_, "to": asked.to},
        )
        return as_csv(meter, point, window, asked.by)
    return as_json(meter, point, window, asked.by, quantity=quantity, start=start, end=end)


@router.get("/meters/{path:mpan}", response={200: MeterOut, **ONE_METER}, summary="One meter")
def one_meter(request: HttpRequest, response: HttpResponse, mpan: str, asked: Query[OneMeter]) -> MeterOut:
    """A meter by its MPAN, MPRN, SPID or serial."""
    actor = actor_of(request)
    return _tagged(actor, response, meter_of(actor, mpan, asked.organisation))


@router.patch("/meters/{path:mpan}", response={200: MeterOut, **VERSIONED}, summary="Change a meter")
def change_meter(
    request: HttpRequest,
    response: HttpResponse,
    mpan: str,
    asked: Query[OneMeter],
    body: ChangedMeter,
    if_match: IfMatch = None,
) -> MeterOut:
    """Corrects wrong values; fields that are left out stay unchanged. Moves, exchanges and dated multipliers have
    their own addresses."""
    actor, meter = actor_of(request), meter_of(actor_of(request), mpan, asked.organisation)
    fields = _given(actor, body)
    return _tagged(
        actor, response, estate_meters.update_meter(actor, meter=meter, version=version_of(if_match), **fields)
    )


@router.delete("/meters/{path:mpan}", response={204: None, **VERSIONED}, summary="Delete a meter")
def delete_meter(request: HttpRequest, mpan: str, asked: Query[OneMeter], if_match: IfMatch = None) -> Status[None]:
    """Refused while it has readings or sub-meters, or is used in a formula: make it inactive instead. The calculated
    readings of a virtual meter are deleted with it."""
    actor = actor_of(request)
    meter = meter_of(actor, mpan, asked.organisation)
    delete = delete_virtual_meter if meter.is_virtual else estate_meters.delete_meter
    delete(actor, meter=meter, version=version_of(if_match))
    return Status(204, None)


def _given(actor: Actor, body: MeterFields) -> dict[str, Any]:
    """Return the fields that were sent, with the objects that their numbers name."""
    given = body.given()
    not_null(given, *(set(given) - _NULLABLE))
    things: tuple[tuple[str, str, QuerySet[Any]], ...] = (
        ("site", "site", Site.objects.visible_to(actor).select_related("organisation", "region")),
        ("supplier", "supplier", Supplier.objects.visible_to(actor)),
        ("parent", "meter", Meter.objects.visible_to(actor)),
    )
    for field, what, visible in things:
        if given.get(field) is not None:
            given[field] = one(visible, given[field], what, field=field)
    if "step" in given:
        given["step_minutes"] = given.pop("step")
    return given


def _tagged(actor: Actor, response: HttpResponse, meter: Meter) -> MeterOut:
    tag(response, meter.version)
    return meter_out(meter, visible_formula(actor, meter))


def meter_out(meter: Meter, formula: VisibleFormula) -> MeterOut:
    """Return a meter as the API shows it."""
    site = meter.site
    return MeterOut(
        id=meter.pk,
        identifier=meter.identifier,
        name=meter.name,
        organisation=meter.organisation.name,
        organisation_id=meter.organisation_id,
        site=site.name,
        site_id=site.pk,
        region=site.region.name if site.region else None,
        utility=meter.utility,
        direction=meter.direction,
        unit=meter.unit,
        step=meter.step_minutes,
        multiplier=float(meter.multiplier),
        correction=float(meter.correction),
        serial=meter.serial,
        supplier=meter.supplier.name if meter.supplier else "",
        supplier_id=meter.supplier_id,
        parent=meter.parent.identifier if meter.parent else None,
        parent_id=meter.parent_id,
        installed=meter.installed,
        removed=meter.removed,
        is_active=meter.is_active,
        is_virtual=meter.is_virtual,
        formula=formula.text,
        parts=[
            FormulaPartOut(
                meter=part.meter.pk,
                identifier=part.meter.identifier,
                quantity=part.quantity,
                factor=written(part.factor),
            )
            for part in formula.parts
        ],
        hidden_parts=formula.hidden,
        timezone=site.timezone,
        outside_references=meter.outside_references,
        version=meter.version,
        warnings=estate_meters.warnings_of(meter),
    )
