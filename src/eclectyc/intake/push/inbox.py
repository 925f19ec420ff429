"""Queries of the inbox: what waits, for how long, and the pending pushes of a series."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from django.db.models import Count, Min, Q, Sum

from eclectyc.intake.push.models import Push, PushQuerySet


@dataclass(frozen=True, slots=True)
class InboxSummary:
    """Acknowledged pushes that are not stored yet. ``oldest_s`` is how long the first has waited [s]; ``faulty`` pushes
    were refused by the lake and stay until the cause is fixed."""

    pushes: int = 0
    readings: int = 0
    oldest_s: float = 0.0
    faulty: int = 0


def summary(now: datetime) -> InboxSummary:
    """Return what waits in the inbox, with one query."""
    is_waiting = Q(fault="")
    found = Push.objects.aggregate(
        pushes=Count("pk", filter=is_waiting),
        readings=Sum("readings", filter=is_waiting),
        oldest=Min("received_at", filter=is_waiting),
        faulty=Count("pk", filter=~is_waiting),
    )
    oldest_s = (now - found["oldest"]).total_seconds() if found["oldest"] else 0.0
    return InboxSummary(found["pushes"], found["readings"] or 0, max(0.0, oldest_s), found["faulty"])


class PendingPush(NamedTuple):
    """A push that was not in the lake at the time of the query."""

    pk: int
    batch: int | None
    data: bytes


def pending_pushes(series: int, first_day: date, last_day: date) -> list[PendingPush]:
    """Return the pushes of a series with readings on some days (the last one included), in order of arrival."""
    rows = _touching(series, first_day, last_day).order_by("pk").values_list("pk", "batch_id", "data")
    return [PendingPush(pk, batch, bytes(data)) for pk, batch, data in rows]


def has_newer(series: int, first_day: date, last_day: date, than: int) -> bool:
    """Return whether a push of a series with readings on some days came after push ``than``."""
    return _touching(series, first_day, last_day).filter(pk__gt=than).exists()


def _touching(series: int, first_day: date, last_day: date) -> PushQuerySet:
    return Push.objects.filter(series=series, first_day__lte=last_day, last_day__gte=first_day)
