"""Looking through the audit: which events an actor sees, narrowed down, and how each is told."""

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
COLUMNS: Final = ("number", "at", "organisation", "actor", "from", "action", "subject", "subject_number", "before",
                  "after", "personal", "sealed")  # fmt: skip


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What is looked for; what is empty narrows nothing. ``start`` and ``end`` are instants, half-open."""

    actor: str = ""  # a part of an address, or a pseudonym
    action: str = ""  # meter.moved, or all of a room: meter
    subject: str = ""  # meter, or one: meter:12
    organisation: int | None = None
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class EventDetails:
    """An event as people read it. ``actor`` is empty for somebody who was erased: ``pseudonym`` stays."""

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
        """The actor, or what is left of one."""
        return self.actor or f"person {self.pseudonym[:8]}"


def find_events(actor: Actor, sought: EventFilter) -> QuerySet[Event]:
    """Return the events that are looked for among those that the actor sees, the latest first."""
    found = Event.objects.visible_to(actor)
    if sought.actor:
        found = found.filter(_by(sought.actor))
    if sought.action:
        found = found.filter(Q(action=sought.action) | Q(action__startswith=f"{sought.action}."))
    if sought.subject:
        kind, _, number = sought.subject.partition(":")
        found = found.filter(subject_type=kind, **({"subject_id": number} if number else {}))
    if sought.organisation is not None:
        found = found.filter(organisation_id=sought.organisation)
    if sought.start is not None:
        found = found.filter(at__gte=sought.start)
    if sought.end is not None:
        found = found.filter(at__lt=sought.end)
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
    """Return events with the people in them by name, where they still have one: four queries for all."""
    found = list(events)
    from eclectyc.audit.models import Personal, Seal

    labels = _names({event.actor for event in found})
    numbers = [event.pk for event in found]
    personal = {p.pk: p for p in Personal.objects.filter(event__in=numbers)}
    sealed = set(Seal.objects.filter(event__in=numbers).values_list("event_id", flat=True))
    told = []
    for event in found:
        own = personal.get(event.pk)
        is_system = event.actor == SYSTEM
        told.append(
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
    return told


def _names(pseudonyms: set[UUID]) -> dict[UUID, str]:
    """Return whom pseudonyms stand for: by their account's address, else as they were known last."""
    people = list(Person.objects.filter(pk__in=pseudonyms))
    accounts = get_user_model()._base_manager.filter(pk__in=[p.user_id for p in people if p.user_id is not None])
    addresses = dict(accounts.values_list("pk", "email"))
    return {p.pseudonym: addresses.get(p.user_id or 0, p.label) for p in people}


def rows(found: QuerySet[Event]) -> Iterator[Sequence[object]]:
    """Yield the events as the lines of a CSV, its heading first; read in parts, so that many take no more room."""
    import json

    yield COLUMNS
    last: int | None = None
    given = 0
    while given < MOST_ROWS:
        part = describe((found if last is None else found.filter(pk__lt=last))[:1_000])
        if not part:
            return
        for one in part:
            said = [json.dumps(d, ensure_ascii=False) if d else "" for d in (one.before, one.after, one.personal)]
            yield (
                one.id, one.at.isoformat(), one.organisation or "", one.who, one.origin, one.action, one.subject_type,
                one.subject_id, *said, "yes" if one.is_sealed else "",
            )  # fmt: skip
        given += len(part)
        last = part[-1].id
