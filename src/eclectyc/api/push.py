"""Readings pushed by a program: parsed, checked as columns, stored in the inbox, acknowledged."""

from __future__ import annotations

from typing import Any, Final

import orjson
from django.http import HttpRequest, HttpResponse
from ninja import Query, Schema
from ninja.errors import HttpError
from pydantic import Field

from eclectyc.api.authentication import PUSHING, actor_of
from eclectyc.api.lookup import meter_to_push
from eclectyc.api.meters import router  # the same address as the readings that are queried
from eclectyc.api.requests import CHANGING
from eclectyc.api.schemas import ErrorOut, OneMeter, QuantityName
from eclectyc.estate.models import Quantity
from eclectyc.intake.push.message import MOST_READINGS, Message
from eclectyc.intake.push.service import Answer, push_readings
from eclectyc.kernel.days import STEPS

__all__ = ["router"]

MOST_BYTES: Final = 4 << 20
_INSTANT: Final = {"type": "string", "description": "An instant with its offset, such as 2025-06-01T10:00:00Z."}
_READING: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["start", "value"],
    "properties": {
        "start": _INSTANT,
        "end": {**_INSTANT, "type": ["string", "null"]},
        "value": {"type": "number", "description": "Over the slot, in the push's unit. Leave gaps out."},
        "estimated": {"type": ["boolean", "null"], "description": "Left out: unknown."},
    },
}
# Not a model: one per reading would cost many times as much as everything else.
_BODY: Final = {
    "type": "object",
    "title": "Push",
    "additionalProperties": False,
    "required": ["quantity", "unit", "readings"],
    "properties": {
        "quantity": {"type": "string", "enum": Quantity.values},
        "unit": {"type": "string", "maxLength": 40, "description": "kWh, Wh, MWh, kW, kVArh, m3, litre …"},
        "step": {
            "type": ["integer", "null"],
            "enum": [*STEPS, None],
            "description": "Minutes of a slot, 1440 for whole days. Default: from the ends, else the meter's.",
        },
        "readings": {"type": "array", "maxItems": MOST_READINGS, "items": _READING},
    },
}
_DESCRIBED: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}}
}


class RejectionOut(Schema):
    index: int = Field(description="The position of the reading, from 0.")
    reason: str
    remedy: str


class PushOut(Schema):
    meter: str
    quantity: QuantityName
    unit: str
    step: int
    added: int
    changed: int
    unchanged: int
    kept: int = Field(description="Estimates that did not replace actual readings.")
    rejected: list[RejectionOut]
    warnings: list[str]


class PushRefused(ErrorOut):
    rejected: list[RejectionOut] | None = Field(None, description="The meter.")


@router.post(
    "/meters/{path:mpan}/readings",
    auth=PUSHING,
    response={200: PushOut, **CHANGING, 413: ErrorOut, 422: PushRefused, 503: ErrorOut},
    summary="Push readings of a meter",
    openapi_extra=_DESCRIBED,
)
def push(request: HttpRequest, mpan: str, asked: Query[OneMeter]) -> HttpResponse:
    """Adds new readings and changes different ones; sending them again changes nothing. Acknowledged readings are on
    disk; queries show them a few seconds later.

    Counts and rejected readings add up to all that were sent. If none can be stored the answer is 422.
    """
    actor = actor_of(request)
    meter = meter_to_push(actor, mpan, asked.organisation)
    answer = push_readings(actor, meter=meter, message=Message.from_document(_sent(request)))
    return _written(answer)


def _sent(request: HttpRequest) -> Any:
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
        raise HttpError(413, f"That is more than {MOST_BYTES >> 20} MiB. Send the readings in several pushes.")
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise HttpError(400, f"The body is not JSON: {error}.") from None


def _written(answer: Answer) -> HttpResponse:
    rejected = [{"index": one.index, "reason": one.reason, "remedy": one.remedy} for one in answer.rejected]
    if not answer.is_usable:
        first = answer.rejected[0]
        message = f"None of the readings could be stored. The first: {first.reason} {first.remedy}"
        error = {"code": "invalid", "message": message, "field": "readings"}
        return _json({"error": error, "rejected": rejected}, 422)
    names = ("meter", "quantity", "unit", "step", "added", "changed", "unchanged", "kept", "warnings")
    return _json({name: getattr(answer, name) for name in names} | {"rejected": rejected}, 200)


def _json(body: dict[str, Any], status: int) -> HttpResponse:
    return HttpResponse(orjson.dumps(body), status=status, content_type="application/json")
