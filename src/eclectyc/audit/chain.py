"""The chain's arithmetic. Pure: events as plain values in, keyed hashes out.

Each hash is HMAC-SHA-256, under a key that is kept outside the database, over the hash before it and the event in
one canonical form. Whoever can write the database but does not have the key cannot make a chain that verifies.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class HashedEvent:
    """An event's hashed part."""

    id: int
    at: datetime
    organisation_id: int | None
    actor: UUID
    action: str
    subject_type: str
    subject_id: str
    before: object
    after: object

    def canonical(self) -> bytes:
        """Return one and the same bytes for one and the same event, on any database."""
        fields = [
            self.id,
            self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f"),
            self.organisation_id,
            str(self.actor),
            self.action,
            self.subject_type,
            self.subject_id,
            self.before,
            self.after,
        ]
        return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


@dataclass(frozen=True, slots=True)
class ChainLink:
    """An event with its place in the chain."""

    sequence: int
    hash: str
    event: HashedEvent


def link_hash(key: bytes, previous: str, sequence: int, said: HashedEvent) -> str:
    """Return the hash of an event at a place in the chain."""
    return _mac(key, f"{previous}|{sequence}|".encode() + said.canonical())


def head_signature(key: bytes, first: int, before_first: str, last: int, last_hash: str) -> str:
    """Return the signature of where the chain begins and ends."""
    return _mac(key, f"head|{first}|{before_first}|{last}|{last_hash}".encode())


def person_mac(key: bytes, pseudonym: UUID, user_id: int) -> str:
    """Return what vouches for whose pseudonym it is."""
    return _mac(key, f"person|{pseudonym}|{user_id}".encode())


def personal_mac(key: bytes, event: int, person: UUID | None, origin: str, text: object) -> str:
    """Return what vouches for the erasable part of an event: it can go, but not become another."""
    fields = json.dumps([event, str(person or ""), origin, text], sort_keys=True, separators=(",", ":"))
    return _mac(key, b"personal|" + fields.encode())


def broken_links(key: bytes, first: int, before_first: str, links: Iterable[ChainLink]) -> Iterable[str]:
    """Yield what is wrong with a chain, link by link: a gap in the numbers, or a hash that does not fit."""
    previous, expected = before_first, first
    for link in links:
        if link.sequence != expected:
            yield f"Events {expected} to {link.sequence - 1} of the chain are missing."
        elif not hmac.compare_digest(link.hash, link_hash(key, previous, link.sequence, link.event)):
            yield f"Event {link.event.id} (number {link.sequence} of the chain) is not what was sealed."
        previous, expected = link.hash, link.sequence + 1


def _mac(key: bytes, text: bytes) -> str:
    return hmac.new(key, text, hashlib.sha256).hexdigest()
