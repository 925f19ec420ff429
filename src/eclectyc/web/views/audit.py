"""``/admin/audit``: who did, read or exported what, and is the record whole?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.http import require_safe

from eclectyc.accounts.models import Organisation
from eclectyc.audit import read_log_queue
from eclectyc.audit.record import record
from eclectyc.audit.search import EventDetails, EventFilter, describe, find_events, rows
from eclectyc.kernel.errors import Invalid
from eclectyc.web import list_query
from eclectyc.web.clock import house_zone
from eclectyc.web.security import actor_of
from eclectyc.web.spreadsheet import csv_response
from eclectyc.web.views.admin.page import show

NAMES = ("actor", "action", "subject", "organisation", "from", "to")


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """List events with their filters in the address, or hand them out as CSV."""
    actor = actor_of(request)
    sought = _sought(request.GET)
    found = find_events(actor, sought)
    filters = [name for name in NAMES if request.GET.get(name)]
    visible = Organisation.objects.visible_to(actor, "audit.view")
    organisations = {one.pk: one.name for one in visible[:1000]}
    own = sought.organisation if sought.organisation in organisations else None
    if own is None and len(organisations) == 1:
        own = next(iter(organisations))
    if request.GET.get("format") == "csv":
        record(actor.by, "export.audit", organisation_id=own, after={"filters": filters})
        return csv_response(rows(found), "audit")
    page = list_query.page_of(found, request.GET)
    read_log_queue.record_read(actor.by, "audit.read", organisation_id=own, after={"filters": filters})
    zone = house_zone()
    events = [
        {
            "event": one,
            "at": one.at.astimezone(zone),
            "details": _details(one),
            "organisation": organisations.get(one.organisation or 0, ""),
        }
        for one in describe(page)
    ]
    kept = {name: request.GET.get(name, "") for name in NAMES}
    context = {
        "page": page,
        "rows": events,
        "kept": kept,
        "organisations": organisations,
        "is_narrowed": bool(filters),
        "zone": zone.key,
    }
    return show(request, "audit", "Audit", context)


def _sought(query: QueryDict) -> EventFilter:
    organisation = query.get("organisation", "")[:15]
    end = _day(query, "to")
    return EventFilter(
        actor=_text(query, "actor"),
        action=_text(query, "action"),
        subject=_text(query, "subject"),
        organisation=int(organisation)
        if organisation.isascii() and organisation.isdigit() and len(organisation) < 16
        else None,
        start=_midnight(_day(query, "from")),
        end=_midnight(end + timedelta(days=1)) if end else None,  # the page's last day is included
    )


def _text(query: QueryDict, name: str) -> str:
    return query.get(name, "").replace("\x00", "").strip()[:200]


def _day(query: QueryDict, name: str) -> date | None:
    text = query.get(name, "").strip()
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.min
    if not 1900 <= found.year <= 2200:
        raise Invalid(f"{text[:40]!r} is not a day.", "Write it as 2026-04-01.", field=name)
    return found


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), house_zone()) if day else None


def _details(one: EventDetails) -> list[tuple[str, str]]:
    """Return what an event changed, from what to what, then the rest of it."""
    changed = [
        (name, f"{_plain(one.before.get(name))} → {_plain(one.after[name])}")
        for name in one.after
        if name in one.before
    ]
    gone = [(name, f"was {_plain(value)}") for name, value in one.before.items() if name not in one.after]
    new = [(name, _plain(value)) for name, value in one.after.items() if name not in one.before]
    personal = [(name, _plain(value)) for name, value in one.personal.items()]
    return [*changed, *gone, *new, *personal]


def _plain(value: object) -> str:
    if value is None or value == "":
        return "–"
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping | list) else str(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
