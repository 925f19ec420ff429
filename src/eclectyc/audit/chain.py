"""The chain's arithmetic: from events to keyed hashes. Pure.

Each hash is HMAC-SHA-256, under a key that is stored outside the database, over the previous hash and the event in
canonical form. Access to the database without the key is not enough to forge a chain that verifies.
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
    """The part of an event that is hashed."""

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
        """Return bytes that are the same for an event on every database."""
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


def link_hash(key: bytes, previous: str, sequence: int, event: HashedEvent) -> str:
    """Return the hash of an event at a place in the chain."""
    return _mac(key, f"{previous}|{sequence}|".encode() + event.canonical())


def head_signature(key: bytes, first: int, before_first: str, last: int, last_hash: str) -> str:
    """Return the signature of the chain's beginning and end."""
    return _mac(key, f"head|{first}|{before_first}|{last}|{last_hash}".encode())


def person_mac(key: bytes, pseudonym: UUID, user_id: int) -> str:
    """Return the hash that ties a pseudonym to its person."""
    return _mac(key, f"person|{pseudonym}|{user_id}".encode())


def personal_mac(key: bytes, event: int, person: UUID | None, origin: str, text: object) -> str:
    """Return the hash of the erasable part of an event: it can be erased, but not changed."""
    fields = json.dumps([event, str(person or ""), origin, text], sort_keys=True, separators=(",", ":"))
    return _mac(key, b"personal|" + fields.encode())


def broken_links(key: bytes, first: int, before_first: str, links: Iterable[ChainLink]) -> Iterable[str]:
    """Yield the faults of a chain: a gap in the numbers, or a hash that does not fit."""
    previous, expected = before_first, first
    for link in links:
        if link.sequence != expected:
            yield f"Events {expected} to {link.sequence - 1} of the chain are missing."
        elif not hmac.compare_digest(link.hash, link_hash(key, previous, link.sequence, link.event)):
            yield f"Event {link.event.id} (number {link.sequence} of the chain) was changed after it was sealed."
        previous, expected = link.hash, link.sequence + 1


def _mac(key: bytes, text: bytes) -> str:
    return hmac.new(key, text, hashlib.sha256).hexdigest()
