"""Vouching for what stands outside the chain because it can be erased: whose a pseudonym is, and personal texts.

Each has a keyed hash of its own, given when its event is sealed. It can be erased; changed, it shows.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterator

from eclectyc.audit.chain import person_mac, personal_mac
from eclectyc.audit.models import Event, Person, Personal, Seal


def hash_contents(key: bytes, events: Collection[Event]) -> None:
    """Vouch for the people and the personal texts of events that are being sealed now, for the first time."""
    for one in Person.objects.filter(pk__in={e.actor for e in events}, mac="").exclude(user_id=None):
        if not Seal.objects.filter(event__actor=one.pseudonym).exists():  # else somebody has blanked it
            Person.objects.filter(pk=one.pk).update(mac=mac_of_person(key, one))
    texts = list(Personal.objects.filter(event__in=[e.pk for e in events]))
    for text in texts:
        text.mac = mac_of_text(key, text)
    Personal.objects.bulk_update(texts, ["mac"], batch_size=500)


def hash_people_again(key: bytes) -> None:
    """Vouch for everything as it stands: when the chain is begun anew."""
    for one in Person.objects.exclude(user_id=None).iterator(chunk_size=2_000):
        Person.objects.filter(pk=one.pk).update(mac=mac_of_person(key, one))


def changed_contents(key: bytes) -> Iterator[str]:
    """Yield whoever or whatever is not what was vouched for."""
    sealed = set(Seal.objects.values_list("event__actor", flat=True).distinct().order_by())
    for one in Person.objects.exclude(user_id=None).iterator(chunk_size=2_000):
        fits = hmac.compare_digest(one.mac, mac_of_person(key, one))
        if not fits and (one.mac or one.pseudonym in sealed):
            yield f"Pseudonym {one.pseudonym} does not belong to whom it was given."
    for text in Personal.objects.exclude(event__seal=None).iterator(chunk_size=5_000):
        if not hmac.compare_digest(text.mac, mac_of_text(key, text)):
            yield f"What event {text.event_id} says of people is not what was written."


def mac_of_person(key: bytes, one: Person) -> str:
    """Return what vouches for a person's pseudonym."""
    return person_mac(key, one.pseudonym, one.user_id or 0)


def mac_of_text(key: bytes, text: Personal) -> str:
    """Return what vouches for the erasable part of an event."""
    return personal_mac(key, text.event_id, text.person, text.origin, text.text)
