"""The history of a meter: its placements and devices; and its balance with its sub-meters."""

from __future__ import annotations

from typing import Any, TypeVar

from django.http import HttpRequest
from ninja import Path, Query, Router
from ninja.responses import Status

from eclectyc.analytics.balance import Balance, meter_balance
from eclectyc.analytics.readings import today_in
from eclectyc.api.authentication import actor_of
from eclectyc.api.history_schemas import (
    BalanceOut,
    BalancePeriod,
    BalanceWindow,
    ChangedDevice,
    ChangedPlacement,
    DeviceOut,
    Devices,
    NewDevice,
    NewPlacement,
    PlacementOut,
    Placements,
    SubOut,
)
from eclectyc.api.lookup import meter_of
from eclectyc.api.requests import Number, not_null, one
from eclectyc.api.schemas import OneMeter
from eclectyc.api.versions import VERSIONED, IfMatch, version_of
from eclectyc.estate import devices, placements
from eclectyc.estate.models import Device, Meter, Placement, Site
from eclectyc.kernel.days import zone_of
from eclectyc.kernel.errors import Invalid

Entry = TypeVar("Entry", Device, Placement)

router = Router(tags=["estate"])
MOST_DAYS = 3700


@router.get("/meters/{path:mpan}/placements", response={200: Placements, **VERSIONED}, summary="Placements of a meter")
def list_placements(request: HttpRequest, mpan: str, asked: Query[OneMeter]) -> Placements:
    """A meter that has never moved has one entry."""
    meter = _meter(request, mpan, asked)
    visible = set(
        Site.objects.visible_to(actor_of(request)).filter(placements__meter=meter).values_list("pk", flat=True)
    )
    stored = list(meter.placements.select_related("site")) or [Placement(meter=meter, site=meter.site)]
    items = [_placement(one, known=one.site_id in visible or one.until is None) for one in stored]
    return Placements(items=items, count=len(items))


@router.post("/meters/{path:mpan}/placements", response={201: PlacementOut, **VERSIONED}, summary="Move a meter")
def add_placement(
    request: HttpRequest, mpan: str, asked: Query[OneMeter], body: NewPlacement, if_match: IfMatch = None
) -> Status[PlacementOut]:
    """To another site of its organisation, from a day on."""
    actor, meter = actor_of(request), _meter(request, mpan, asked)
    to = one(Site.objects.visible_to(actor).select_related("region"), body.site, "site", field="site")
    placed = placements.move_meter(actor, meter=meter, to=to, on=body.on, version=version_of(if_match))
    return Status(201, _placement(placed, known=True))


@router.delete("/meters/{path:mpan}/placements/last", response={204: None, **VERSIONED}, summary="Undo a move")
def take_back_move(request: HttpRequest, mpan: str, asked: Query[OneMeter], if_match: IfMatch = None) -> Status[None]:
    """The last one."""
    placements.undo_move(actor_of(request), meter=_meter(request, mpan, asked), version=version_of(if_match))
    return Status(204, None)


@router.patch(
    "/meters/{path:mpan}/placements/{number}", response={200: PlacementOut, **VERSIONED}, summary="Correct a move"
)
def change_placement(
    request: HttpRequest,
    mpan: str,
    number: Path[Number],
    asked: Query[OneMeter],
    body: ChangedPlacement,
    if_match: IfMatch = None,
) -> PlacementOut:
    """Its day; the sites do not change."""
    actor, meter = actor_of(request), _meter(request, mpan, asked)
    placement = _entry(request, Placement, meter, number)
    moved = placements.correct_move(actor, placement=placement, on=body.on, version=version_of(if_match))
    return _placement(moved, known=True)


@router.get("/meters/{path:mpan}/devices", response={200: Devices, **VERSIONED}, summary="Devices of a meter")
def list_devices(request: HttpRequest, mpan: str, asked: Query[OneMeter]) -> Devices:
    """From the first exchange on."""
    items = [_device(device) for device in _meter(request, mpan, asked).devices.all()]
    return Devices(items=items, count=len(items))


@router.post("/meters/{path:mpan}/devices", response={201: DeviceOut, **VERSIONED}, summary="Exchange a device")
def add_device(
    request: HttpRequest, mpan: str, asked: Query[OneMeter], body: NewDevice, if_match: IfMatch = None
) -> Status[DeviceOut]:
    """The old one ends on that day, with its last read."""
    meter = _meter(request, mpan, asked)
    made = devices.exchange_device(actor_of(request), meter=meter, version=version_of(if_match), **body.model_dump())
    return Status(201, _device(made))


@router.delete("/meters/{path:mpan}/devices/last", response={204: None, **VERSIONED}, summary="Undo an exchange")
def take_back_exchange(
    request: HttpRequest, mpan: str, asked: Query[OneMeter], if_match: IfMatch = None
) -> Status[None]:
    """The last one."""
    devices.undo_exchange(actor_of(request), meter=_meter(request, mpan, asked), version=version_of(if_match))
    return Status(204, None)


@router.patch(
    "/meters/{path:mpan}/devices/{number}", response={200: DeviceOut, **VERSIONED}, summary="Correct a device"
)
def change_device(
    request: HttpRequest,
    mpan: str,
    number: Path[Number],
    asked: Query[OneMeter],
    body: ChangedDevice,
    if_match: IfMatch = None,
) -> DeviceOut:
    """Corrects a wrong entry."""
    device = _entry(request, Device, _meter(request, mpan, asked), number)
    fields = not_null(body.given(), "serial")
    return _device(devices.correct_device(actor_of(request), device=device, version=version_of(if_match), **fields))


@router.delete("/meters/{path:mpan}/devices/{number}", response={204: None, **VERSIONED}, summary="Delete a device")
def remove_device(
    request: HttpRequest, mpan: str, number: Path[Number], asked: Query[OneMeter], if_match: IfMatch = None
) -> Status[None]:
    """The device before it (for the first, the one after) covers its days."""
    device = _entry(request, Device, _meter(request, mpan, asked), number)
    devices.remove_device(actor_of(request), device=device, version=version_of(if_match))
    return Status(204, None)


@router.get("/meters/{path:mpan}/balance", response={200: BalanceOut, **VERSIONED}, summary="Main less sub-meters")
def balance(request: HttpRequest, mpan: str, asked: Query[BalanceWindow]) -> BalanceOut:
    """The usage of a main meter that no sub-meter counts, by period."""
    if asked.to <= asked.from_ or (asked.to - asked.from_).days > MOST_DAYS:
        raise Invalid("The period is empty or too long.", f"Choose 1 to {MOST_DAYS:,} days.", field="to")
    meter = _meter(request, mpan, asked)
    today = today_in(zone_of(meter.site.timezone))
    found = meter_balance(
        actor_of(request), meter, asked.from_, asked.to, by=asked.by, quantity=asked.quantity, today=today
    )
    return _balance(meter, found)


def _meter(request: HttpRequest, mpan: str, asked: OneMeter) -> Meter:
    return meter_of(actor_of(request), mpan, asked.organisation)


def _entry(request: HttpRequest, kind: type[Entry], meter: Meter, number: int) -> Entry:
    """"""
    found: Entry = one(
        kind.objects.visible_to(actor_of(request)).filter(meter=meter), number, str(kind._meta.verbose_name)
    )
    found.meter = meter
    return found


def _placement(placement: Placement, *, known: bool) -> PlacementOut:
    return PlacementOut(
        id=placement.pk,
        site=placement.site_id if known else None,
        site_name=placement.site.name if known else "",
        since=placement.since,
        until=placement.until,
    )


def _device(device: Device) -> DeviceOut:
    reads: dict[str, Any] = {
        name: None if getattr(device, name) is None else float(getattr(device, name))
        for name in ("opening_read", "closing_read")
    }
    plain: dict[str, Any] = {name: getattr(device, name) for name in ("serial", "since", "until", "digits", "ct_ratio")}
    return DeviceOut(id=device.pk, **plain, **reads)


def _balance(meter: Meter, found: Balance) -> BalanceOut:
    return BalanceOut(
        meter=meter.identifier,
        unit=found.unit,
        timezone=found.timezone,
        periods=[BalancePeriod(**row) for row in found.periods.iter_rows(named=True)],
        total=BalancePeriod.model_validate(found.total),
        unmetered_share=found.unmetered_share,
        subs=[SubOut(**row) for row in found.subs.iter_rows(named=True)],
        left_out=list(found.left_out),
    )
