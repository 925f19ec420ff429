"""Search the audit: which events an actor sees, filtered, and the details of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from eclectyc.audit.models import Event, Person
from eclectyc.audit.record import SYSTEM

if TYPE_CHECKING:
    from eclectyc.accounts.actor import Actor

MOST_ROWS: Final = 100_000  # of one CSV
COLUMNS: Final = (
    "number",
    "at",
    "organisation",
    "actor",
    "from",
    "action",
    "subject",
    "subject_number",
    "before",
    "after",
    "personal",
    "sealed",
)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """A filter of events; empty fields match all. ``start`` and ``end`` are instants, half-open."""

    actor: str = ""  # a part of an address, or a pseudonym
    action: str = ""  # meter.moved, or all of one subject: meter
    subject: str = ""  # meter, or one: meter:12
    organisation: int | None = None
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class EventDetails:
    """An event for display. actor : empty for an erased person, whose ``pseudonym`` stays."""

    id: int
    at: datetime
    organisation: int | None
    actor: str
    pseudonym: str
    origin: str
    action: str
    subject_type: str
    subject_id: str
    before: dict[str, Any]
    after: dict[str, Any]
    personal: dict[str, Any]
    is_sealed: bool

    @property
    def who(self) -> str:
        """The actor, or an erased person's pseudonym."""
        return self.actor or f"person {self.pseudonym[:8]}"


def find_events(actor: Actor, wanted: EventFilter) -> QuerySet[Event]:
    """Return the events that match and that the actor may see, newest first."""
    found = Event.objects.visible_to(actor)
    if wanted.actor:
        found = found.filter(_by(wanted.actor))
    if wanted.action:
        found = found.filter(Q(action=wanted.action) | Q(action__startswith=f"{wanted.action}."))
    if wanted.subject:
        kind, _, number = wanted.subject.partition(":")
        found = found.filter(subject_type=kind, **({"subject_id": number} if number else {}))
    if wanted.organisation is not None:
        found = found.filter(organisation_id=wanted.organisation)
    if wanted.start is not None:
        found = found.filter(at__gte=wanted.start)
    if wanted.end is not None:
        found = found.filter(at__lt=wanted.end)
    return found.order_by("-id")


def _by(text: str) -> Q:
    if text in ("system", "command line"):
        return Q(actor=SYSTEM)
    try:
        return Q(actor=UUID(text))
    except ValueError:
        users = get_user_model()._base_manager.filter(email__icontains=text).values("pk")
        known = Person.objects.filter(Q(label__icontains=text) | Q(user_id__in=users))
        return Q(actor__in=known.values("pseudonym"))


def describe(events: Iterable[Event]) -> list[EventDetails]:
    """Return events with the names of people who are not erased: four queries in all."""
    found = list(events)
    from eclectyc.audit.models import Personal, Seal

    labels = _names({event.actor for event in found})
    numbers = [event.pk for event in found]
    personal = {p.pk: p for p in Personal.objects.filter(event__in=numbers)}
    sealed = set(Seal.objects.filter(event__in=numbers).values_list("event_id", flat=True))
    described = []
    for event in found:
        own = personal.get(event.pk)
        is_system = event.actor == SYSTEM
        described.append(
            EventDetails(
                id=event.pk,
                at=event.at,
                organisation=event.organisation_id,
                actor="system" if is_system else labels.get(event.actor, ""),
                pseudonym=str(event.actor),
                origin=own.origin if own else "",
                action=event.action,
                subject_type=event.subject_type,
                subject_id=event.subject_id,
                before=event.before,
                after=event.after,
                personal=own.text if own else {},
                is_sealed=event.pk in sealed,
            )
        )
    return described


def _names(pseudonyms: set[UUID]) -> dict[UUID, str]:
    """Return the people behind pseudonyms: the address of their account, else their last label."""
    people = list(Person.objects.filter(pk__in=pseudonyms))
    accounts = get_user_model()._base_manager.filter(pk__in=[p.user_id for p in people if p.user_id is not None])
    addresses = dict(accounts.values_list("pk", "email"))
    return {p.pseudonym: addresses.get(p.user_id or 0, p.label) for p in people}


def rows(found: QuerySet[Event]) -> Iterator[Sequence[object]]:
    """Yield the events as rows of a CSV, its heading first. They are read in parts, so that memory stays small."""
    import json

    yield COLUMNS
    last: int | None = None
    given = 0
    while given < MOST_ROWS:
        part = describe((found if last is None else found.filter(pk__lt=last))[:1_000])
        if not part:
            return
        for one in part:
            details = [json.dumps(d, ensure_ascii=False) if d else "" for d in (one.before, one.after, one.personal)]
            subject = (one.subject_type, one.subject_id)
            origin = (one.id, one.at.isoformat(), one.organisation or "", one.who, one.origin)
            yield *origin, one.action, *subject, *details, "yes" if one.is_sealed else ""
        given += len(part)
        last = part[-1].id
