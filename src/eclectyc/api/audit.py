"""The audit: who did, read or exported what."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from eclectyc.api.authentication import actor_of
from eclectyc.api.date_parameters import moment_of
from eclectyc.api.readings_output import prefers_csv
from eclectyc.api.requests import REFUSALS, Number, Page, page_of, require_somewhere
from eclectyc.api.schemas import Moment, Text
from eclectyc.audit import read_log_queue
from eclectyc.audit.record import record
from eclectyc.audit.search import EventFilter, describe, find_events, rows
from eclectyc.kernel.spreadsheet_safety import csv_text

router = Router(tags=["audit"])
_CSV: Final = {"text/csv": {"schema": {"type": "string"}}}


class AuditList(Page):
    actor: Text | None = Field(None, description="Part of an email address, or a pseudonym.")
    action: Text | None = Field(None, description="Such as `meter.moved`, or `meter` for all of these.")
    subject: Text | None = Field(None, description="Such as `meter`, or `meter:12` for one.")
    organisation: Number | None = None
    from_: Moment | None = Field(
        None, alias="from", description="A date in the installation's time zone, or an instant."
    )
    to: Moment | None = Field(None, description="The same, exclusive.")


class EventOut(Schema):
    id: int
    at: datetime
    organisation: int | None
    actor: str = Field(description="Empty for an erased person; the pseudonym stays.")
    pseudonym: str
    origin: str
    action: str
    subject_type: str
    subject_id: str
    before: dict[str, Any]
    after: dict[str, Any]
    personal: dict[str, Any] = Field(description="Text that names people; deleted when they are erased.")
    is_sealed: bool


class EventPage(Schema):
    items: list[EventOut]
    count: int


@router.get(
    "/audit",
    response={200: EventPage, **REFUSALS},
    summary="List audit events",
    by_alias=True,
    openapi_extra={"responses": {200: {"content": _CSV}}},
)
def list_events(request: HttpRequest, asked: Query[AuditList]) -> EventPage | HttpResponse:
    """The latest first, of the organisations whose audit you may read; as CSV for ``Accept: text/csv``, without
    paging (at most 100,000). Reading the audit is itself recorded."""
    actor = actor_of(request)
    require_somewhere(actor, "audit.view")
    sought = EventFilter(
        actor=asked.actor or "",
        action=asked.action or "",
        subject=asked.subject or "",
        organisation=asked.organisation,
        start=_instant(asked.from_, "from"),
        end=_instant(asked.to, "to"),
    )
    found = find_events(actor, sought)
    filters = sorted(asked.model_dump(exclude_unset=True, exclude={"limit", "offset"}))
    theirs = actor.organisations("audit.view")
    own = asked.organisation if asked.organisation in theirs else next(iter(theirs)) if len(theirs) == 1 else None
    if prefers_csv(request):
        record(actor.by, "export.audit", organisation_id=own, after={"filters": filters})
        return HttpResponse(csv_text(rows(found)), content_type="text/csv; charset=utf-8")
    items, count = page_of(found, asked)
    read_log_queue.record_read(actor.by, "audit.read", organisation_id=own, after={"filters": filters})
    return EventPage(items=[_out(one) for one in describe(items)], count=count)


def _instant(text: str | None, field: str) -> datetime | None:
    moment = moment_of(text, field)
    if moment is None or isinstance(moment, datetime):
        return moment
    return midnight(moment)


def midnight(day: date) -> datetime:
    """Return when a day begins in the installation's own zone."""
    return datetime.combine(day, time(), ZoneInfo(settings.DEFAULT_SITE_ZONE))


def _out(one: Any) -> EventOut:
    return EventOut(**{name: getattr(one, name) for name in EventOut.model_fields})
