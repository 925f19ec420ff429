"""Write audit events. Services call this in the transaction of their change."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, models, transaction
from django.utils.timezone import now

from eclectyc.audit.actor import AuditActor
from eclectyc.audit.models import Event, Person, Personal

_written = 0  # by this process
SYSTEM = UUID(int=0)  # the command line and background work


def record(
    by: AuditActor,
    action: str,
    subject: models.Model | None = None,
    *,
    organisation_id: int | None = None,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    personal: Mapping[str, object] | None = None,
    person_id: int | None = None,
) -> Event:
    """Write one event.

    before, after : the changed fields, which must not name a person: they can never be erased. personal : what does
    name one (an address, a name); stored separately and erasable. person_id : the person it is about, if not the actor.
    """
    return write(
        by,
        action,
        subject._meta.model_name or "" if subject is not None else "",
        str(subject.pk) if subject is not None else "",
        organisation_id=organisation_id,
        before=before,
        after=after,
        personal=personal,
        person_id=person_id,
    )


def record_each(
    by: AuditActor,
    action: str,
    subject: models.Model | None,
    organisations: Collection[int],
    *,
    after: Mapping[str, object] | None = None,
    before: Mapping[str, object] | None = None,
    personal: Mapping[str, object] | None = None,
    person_id: int | None = None,
) -> None:
    """Write one event for each of these organisations, or one for operators if there is no organisation.

    The number of queries does not depend on the number of organisations.
    """
    global _written  # noqa: PLW0603
    moment, actor = now(), pseudonym_of(by.user_id, by.label)
    readers: list[int | None] = [*sorted(organisations)]
    events = Event.objects.bulk_create(
        Event(
            at=moment,
            organisation_id=organisation,
            actor=actor,
            action=action,
            subject_type=(subject._meta.model_name or "")[:40] if subject is not None else "",
            subject_id=str(subject.pk) if subject is not None else "",
            before=_plain(before or {}),
            after=_plain(after or {}),
        )
        for organisation in readers or [None]
    )
    _written += len(events)
    if by.origin or personal:
        whose = pseudonym_of(person_id, "") if person_id is not None else None
        text = _plain(personal or {})
        Personal.objects.bulk_create(
            Personal(event=event, person=whose, origin=by.origin[:200], text=text) for event in events
        )


def write(
    by: AuditActor,
    action: str,
    subject_type: str = "",
    subject_id: str = "",
    *,
    organisation_id: int | None = None,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    personal: Mapping[str, object] | None = None,
    person_id: int | None = None,
    at: datetime | None = None,
) -> Event:
    """Write one event about a subject given by its type and number. at : the time of the event, if not now."""
    global _written  # noqa: PLW0603
    _written += 1
    event = Event.objects.create(
        at=at or now(),
        organisation_id=organisation_id,
        actor=pseudonym_of(by.user_id, by.label),
        action=action,
        subject_type=subject_type[:40],
        subject_id=subject_id[:64],
        before=_plain(before or {}),
        after=_plain(after or {}),
    )
    if by.origin or personal:
        whose = pseudonym_of(person_id, "") if person_id is not None else None
        Personal.objects.create(event=event, person=whose, origin=by.origin[:200], text=_plain(personal or {}))
    return event


def written() -> int:
    """Return how many events this process has written."""
    return _written


def pseudonym_of(user_id: int | None, label: str) -> UUID:
    """Return a person's pseudonym, created at their first event; ``SYSTEM`` without a person."""
    if user_id is None:
        return SYSTEM
    known = Person.objects.filter(user_id=user_id).first()
    if known is None:
        try:
            with transaction.atomic():
                known = Person.objects.create(user_id=user_id, label=label[:254])
        except IntegrityError:  # two first events at once: the other one created it
            known = Person.objects.get(user_id=user_id)
    if label and known.label != label and known.erased_at is None:
        Person.objects.filter(pk=known.pk).update(label=label[:254])
    return known.pseudonym


def _plain(fields: Mapping[str, object]) -> dict[str, Any]:
    # Through JSON now, so that what is hashed is what the database gives back.
    return json.loads(json.dumps(dict(fields), default=_as_text))


def _as_text(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, models.Model):
        return value.pk
    return str(value)
