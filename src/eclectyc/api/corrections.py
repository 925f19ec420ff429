"""What a gas meter's volumes are corrected by, from a gas day on, before they become kWh."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Path, Query, Router
from ninja.responses import Status

from eclectyc.api.authentication import actor_of
from eclectyc.api.history_schemas import ChangedMultiplier, MultiplierOut, Multipliers, NewMultiplier
from eclectyc.api.lookup import meter_of
from eclectyc.api.requests import Number, not_null, one
from eclectyc.api.schemas import OneMeter
from eclectyc.api.versions import VERSIONED, IfMatch, version_of
from eclectyc.estate import corrections
from eclectyc.estate.models import Correction, Meter

router = Router(tags=["gas"])


@router.get("/meters/{path:mpan}/corrections", response={200: Multipliers, **VERSIONED}, summary="Volume corrections")
def list_corrections(request: HttpRequest, mpan: str, asked: Query[OneMeter]) -> Multipliers:
    """What a gas meter's volumes are corrected by, from which gas day on; none are listed while it was always one."""
    items = [_out(entry) for entry in _meter(request, mpan, asked).corrections.all()]
    return Multipliers(items=items, count=len(items))


@router.post(
    "/meters/{path:mpan}/corrections", response={201: MultiplierOut, **VERSIONED}, summary="Set a volume correction"
)
def add_correction(
    request: HttpRequest, mpan: str, asked: Query[OneMeter], body: NewMultiplier, if_match: IfMatch = None
) -> Status[MultiplierOut]:
    """From a gas day on; before it nothing changes. The kWh of these days are worked out anew."""
    made = corrections.set_correction(
        actor_of(request), meter=_meter(request, mpan, asked), factor=body.factor, since=body.since,
        version=version_of(if_match),
    )  # fmt: skip
    return Status(201, _out(made))


@router.patch(
    "/meters/{path:mpan}/corrections/{number}",
    response={200: MultiplierOut, **VERSIONED},
    summary="Correct a volume correction",
)
def change_correction(
    request: HttpRequest,
    mpan: str,
    number: Path[Number],
    asked: Query[OneMeter],
    body: ChangedMultiplier,
    if_match: IfMatch = None,
) -> MultiplierOut:
    """What was written down wrongly: its factor, its day."""
    entry, fields = _entry(request, _meter(request, mpan, asked), number), not_null(body.given(), "factor")
    changed = corrections.amend_correction(actor_of(request), correction=entry, version=version_of(if_match), **fields)
    return _out(changed)


@router.delete(
    "/meters/{path:mpan}/corrections/{number}", response={204: None, **VERSIONED}, summary="Take a correction out"
)
def remove_correction(
    request: HttpRequest, mpan: str, number: Path[Number], asked: Query[OneMeter], if_match: IfMatch = None
) -> Status[None]:
    """What held before it holds on."""
    entry = _entry(request, _meter(request, mpan, asked), number)
    corrections.remove_correction(actor_of(request), correction=entry, version=version_of(if_match))
    return Status(204, None)


def _meter(request: HttpRequest, mpan: str, asked: OneMeter) -> Meter:
    return meter_of(actor_of(request), mpan, asked.organisation)


def _entry(request: HttpRequest, meter: Meter, number: int) -> Correction:
    found: Correction = one(Correction.objects.visible_to(actor_of(request)).filter(meter=meter), number, "correction")
    found.meter = meter
    return found


def _out(entry: Correction) -> MultiplierOut:
    return MultiplierOut(id=entry.pk, since=entry.since, factor=float(entry.factor))
