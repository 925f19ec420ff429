"""Meters and their readings."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from eclectyc.analytics import service as analytics
from eclectyc.api.authentication import actor_of
from eclectyc.api.lookup import meter_of, name_or_number, organisation_of
from eclectyc.api.moments import moment_of
from eclectyc.api.schemas import ErrorOut, MeterList, MeterOut, MeterPage, OneMeter, ReadingsOut, ReadingsWindow
from eclectyc.api.writing import as_csv, as_json, check_size, prefers_csv
from eclectyc.estate.models import Meter

router = Router(tags=["meters"])
REFUSALS = {401: ErrorOut, 403: ErrorOut, 422: ErrorOut}
ONE_METER = {**REFUSALS, 404: ErrorOut, 409: ErrorOut}
_CSV = {"text/csv": {"schema": {"type": "string"}}}


@router.get("/meters", response={200: MeterPage, 404: ErrorOut, **REFUSALS}, summary="List meters")
def list_meters(request: HttpRequest, asked: Query[MeterList]) -> MeterPage:
    """Meters in order of their identifiers, a page at a time."""
    actor = actor_of(request)
    meters = Meter.objects.visible_to(actor).filter(_narrowed(asked))
    if asked.organisation is not None:
        meters = meters.filter(organisation=organisation_of(actor, asked.organisation))
    page = meters.select_related("site", "site__region", "organisation", "parent", "supplier").order_by(
        "identifier", "pk"
    )
    items = [meter_out(meter) for meter in page[asked.offset : asked.offset + asked.limit]]
    return MeterPage(items=items, count=meters.count())


def _narrowed(asked: MeterList) -> Q:
    wanted = Q()
    if asked.site is not None:
        wanted &= name_or_number(asked.site, "site__name", "site_id")
    if asked.region is not None:
        wanted &= name_or_number(asked.region, "site__region__name", "site__region_id")
    if asked.utility is not None:
        wanted &= Q(utility=asked.utility)
    if asked.direction is not None:
        wanted &= Q(direction=asked.direction)
    if asked.is_active is not None:
        wanted &= Q(is_active=asked.is_active)
    if asked.search:
        fields = ("identifier", "serial", "name", "site__name")
        wanted &= Q(*((f"{field}__icontains", asked.search) for field in fields), _connector=Q.OR)
    return wanted


@router.get(
    "/meters/{path:mpan}/readings",
    response={200: ReadingsOut, **ONE_METER},
    summary="Readings of a meter",
    by_alias=True,
    openapi_extra={"responses": {200: {"content": _CSV}}},
)
def meter_readings(request: HttpRequest, mpan: str, asked: Query[ReadingsWindow]) -> HttpResponse:
    """By slot, hour, day, week, month or year over a half-open window; as CSV for ``Accept: text/csv``.

    A value is the sum of what is present (a temperature: its mean), and null where nothing is. A slot belongs to the
    window that holds its start. A day known only as a total is one slot, and one hour.
    """
    actor = actor_of(request)
    meter = meter_of(actor, mpan, asked.organisation)
    point = analytics.point_of(actor, meter, quantity=asked.quantity)
    start, end = moment_of(asked.from_, "from"), moment_of(asked.to, "to")
    window = analytics.window_of(point, start, end)
    wants_csv = prefers_csv(request)
    check_size(window, asked.by, point.step, wants_csv=wants_csv)
    if wants_csv:
        return as_csv(meter, point, window, asked.by)
    return as_json(meter, point, window, asked.by, quantity=asked.quantity, start=start, end=end)


@router.get("/meters/{path:mpan}", response={200: MeterOut, **ONE_METER}, summary="One meter")
def one_meter(request: HttpRequest, mpan: str, asked: Query[OneMeter]) -> MeterOut:
    """A meter by its MPAN, MPRN, SPID or serial."""
    return meter_out(meter_of(actor_of(request), mpan, asked.organisation))


def meter_out(meter: Meter) -> MeterOut:
    """Return a meter as the API shows it."""
    site = meter.site
    return MeterOut(
        id=meter.pk,
        identifier=meter.identifier,
        name=meter.name,
        organisation=meter.organisation.name,
        site=site.name,
        site_id=site.pk,
        region=site.region.name if site.region else None,
        utility=meter.utility,
        direction=meter.direction,
        unit=meter.unit,
        step=meter.step_minutes,
        multiplier=float(meter.multiplier),
        serial=meter.serial,
        supplier=meter.supplier.name if meter.supplier else "",
        parent=meter.parent.identifier if meter.parent else None,
        installed=meter.installed,
        removed=meter.removed,
        is_active=meter.is_active,
        timezone=site.timezone,
    )
