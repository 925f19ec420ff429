"""Hashes of what is stored outside the chain because it can be erased: the people behind pseudonyms, personal texts.

Each has its own keyed hash, set when its event is sealed. It can be erased, but a change is detected.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterator

from eclectyc.audit.chain import person_mac, personal_mac
from eclectyc.audit.models import Event, Person, Personal, Seal


def hash_contents(key: bytes, events: Collection[Event]) -> None:
    """Hash the people and personal texts of events that are being sealed now."""
    for one in Person.objects.filter(pk__in={e.actor for e in events}, mac="").exclude(user_id=None):
        if not Seal.objects.filter(event__actor=one.pseudonym).exists():  # else the hash was removed
            Person.objects.filter(pk=one.pk).update(mac=mac_of_person(key, one))
    texts = list(Personal.objects.filter(event__in=[e.pk for e in events]))
    for text in texts:
        text.mac = mac_of_text(key, text)
    Personal.objects.bulk_update(texts, ["mac"], batch_size=500)


def hash_people_again(key: bytes) -> None:
    """Hash all people again, when the chain is restarted."""
    for one in Person.objects.exclude(user_id=None).iterator(chunk_size=2_000):
        Person.objects.filter(pk=one.pk).update(mac=mac_of_person(key, one))


def changed_contents(key: bytes) -> Iterator[str]:
    """Yield a sentence for each person and text that was changed."""
    sealed = set(Seal.objects.values_list("event__actor", flat=True).distinct().order_by())
    for one in Person.objects.exclude(user_id=None).iterator(chunk_size=2_000):
        fits = hmac.compare_digest(one.mac, mac_of_person(key, one))
        if not fits and (one.mac or one.pseudonym in sealed):
            yield f"Pseudonym {one.pseudonym} no longer belongs to the person it was given to."
    for text in Personal.objects.exclude(event__seal=None).iterator(chunk_size=5_000):
        if not hmac.compare_digest(text.mac, mac_of_text(key, text)):
            yield f"The personal text of event {text.event_id} was changed."


def mac_of_person(key: bytes, one: Person) -> str:
    return person_mac(key, one.pseudonym, one.user_id or 0)


def mac_of_text(key: bytes, text: Personal) -> str:
    return personal_mac(key, text.event_id, text.person, text.origin, text.text)
