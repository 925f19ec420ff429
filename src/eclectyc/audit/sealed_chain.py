"""The chain in the database: seal events, verify it, and remove its beginning."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from django.db import connection, transaction
from django.db.models import QuerySet

from eclectyc.audit.chain import ChainLink, HashedEvent, broken_links, head_signature, link_hash
from eclectyc.audit.content_hashes import changed_contents, hash_contents
from eclectyc.audit.models import Event, Head, Person, Personal, Seal
from eclectyc.kernel.plurals import counted, plural

AT_ONCE = 5_000  # events sealed in one transaction


def seal_pending(key: bytes, above: int = 0) -> int:
    """Seal events that have no place in the chain yet; return how many. Any number of processes may try at once.

    above : the number of an event; all up to it are known to be sealed and are skipped.
    """
    sealed = 0
    while unsealed(above).exists() and (count := _seal_some(key, above)):  # this check takes no lock
        sealed += count
    return sealed


def unsealed(above: int = 0) -> QuerySet[Event]:
    return Event.objects.filter(pk__gt=above, seal=None)


def _seal_some(key: bytes, above: int) -> int:
    Head.objects.get_or_create(pk=1, defaults={"signature": head_signature(key, 1, "", 0, "")})
    with transaction.atomic():
        head = Head.objects.select_for_update().get(pk=1)
        events = list(unsealed(above).order_by("id")[:AT_ONCE])
        seals, previous, last = [], head.hash, head.last
        for event in events:
            last += 1
            previous = link_hash(key, previous, last, hashed_event(event))
            seals.append(Seal(sequence=last, event=event, hash=previous))
        if seals:
            hash_contents(key, events)
            Seal.objects.bulk_create(seals, batch_size=500)
            head.last, head.hash = last, previous
            head.signature = head_signature(key, head.first, head.before_first, last, previous)
            head.save()
    return len(seals)


def hashed_event(event: Event) -> HashedEvent:
    return HashedEvent(
        event.id,
        event.at,
        event.organisation_id,
        event.actor,
        event.action,
        event.subject_type,
        event.subject_id,
        event.before,
        event.after,
    )


def problems(key: bytes) -> Iterator[str]:
    """Yield every sign of tampering: a changed, removed or inserted event, a missing end, a forged head."""
    head = Head.objects.filter(pk=1).first()
    if head is None:
        if Seal.objects.exists():
            yield "The chain has no head."
        return
    expected = head_signature(key, head.first, head.before_first, head.last, head.hash)
    if not hmac.compare_digest(head.signature, expected):
        yield "The chain's head was not written by this installation, or its key has changed."
    last_sequence, last_hash = head.first - 1, head.before_first
    seals = Seal.objects.select_related("event").order_by("sequence").iterator(chunk_size=5_000)

    def links() -> Iterator[ChainLink]:
        nonlocal last_sequence, last_hash
        for seal in seals:
            last_sequence, last_hash = seal.sequence, seal.hash
            yield ChainLink(seal.sequence, seal.hash, hashed_event(seal.event))

    yield from broken_links(key, head.first, head.before_first, links())
    if (last_sequence, last_hash) != (head.last, head.hash):
        sealed = f"{counted(head.last, 'event')} {plural(head.last, 'was', 'were')} sealed"
        yield f"The chain ends at {last_sequence}, but {sealed}."
    yield from changed_contents(key)


def forget_person(user_id: int) -> int:
    """Erase the person behind a pseudonym, and all their personal texts; the events stay and still verify."""
    with transaction.atomic():
        person = Person.objects.select_for_update().filter(user_id=user_id).first()
        if person is None:
            return 0
        theirs = Event.objects.filter(actor=person.pseudonym).values("id")
        erased = Personal.objects.filter(person=person.pseudonym).delete()[0]
        erased += Personal.objects.filter(event__in=theirs, person=None).delete()[0]
        from django.utils.timezone import now

        Person.objects.filter(pk=person.pk).update(user_id=None, label="", mac="", erased_at=now())
    return erased


def drop_before(key: bytes, moment: object) -> int:
    """Delete the oldest events, for a retention rule; the others still verify. Return how many."""
    with transaction.atomic():
        head = Head.objects.select_for_update().filter(pk=1).first()
        old = Seal.objects.filter(event__at__lt=moment).order_by("-sequence").first() if head else None
        if head is None or old is None:
            return 0
        # Only the chain's beginning can go: a younger event keeps all that came after it.
        younger = Seal.objects.filter(event__at__gte=moment).order_by("sequence").first()
        end = old.sequence if younger is None else min(old.sequence, younger.sequence - 1)
        leaving = Seal.objects.filter(sequence__lte=end)
        last = leaving.order_by("-sequence").first()
        if last is None:
            return 0
        ids = list(leaving.values_list("event_id", flat=True))
        head.first, head.before_first = end + 1, last.hash
        head.signature = head_signature(key, head.first, head.before_first, head.last, head.hash)
        head.save()
        with deletion_allowed():
            leaving.delete()
            for start in range(0, len(ids), 500):
                Event.objects.filter(pk__in=ids[start : start + 500]).delete()
    return len(ids)


class deletion_allowed:  # noqa: N801 - reads as a statement
    """Let this transaction delete events; triggers refuse it everywhere else."""

    def __enter__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO audit_permit (id) VALUES (1)")

    def __exit__(self, *_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM audit_permit")
