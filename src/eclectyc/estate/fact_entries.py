"""The entries of facts with dates: added, changed, removed, and the value on a day.

Each is one change of the site or meter: its row is locked, its version compared, the change recorded and announced.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import transaction

from eclectyc.accounts.actor import Actor
from eclectyc.audit.record import record
from eclectyc.estate.change_events import EstateChange, announce
from eclectyc.estate.changes import lock
from eclectyc.estate.dated_facts import DatedFact, Entry, Owner


def add_entry(
    actor: Actor, fact: DatedFact[Entry], *, owner: Owner, version: int | None = None, **fields: Any
) -> Entry:
    """Set a value from a day on; earlier days keep theirs."""
    values = fact.checked(fields, is_new=True)
    with transaction.atomic():
        _lock(actor, fact, owner, version)
        fact.refuse_owner(owner)
        return insert_entry(actor, fact, owner, values)


def insert_entry(actor: Actor, fact: DatedFact[Entry], owner: Owner, values: Mapping[str, Any]) -> Entry:
    """Add an entry of checked values to an owner that is locked and may be changed."""
    entry = fact.model(**{fact.owner: owner}, **values)
    fact.validate(entry)
    fact.timeline.admit(fact, owner, entry, {})
    before = fact.timeline.current(owner)
    entry.save()
    fact.timeline.settle(fact, owner)
    _record(actor, fact.events.added, owner, fact.timeline.identify(fact, entry), before, fact.values_of(entry))
    return entry


def change_entry(
    actor: Actor, fact: DatedFact[Entry], *, entry: Entry, version: int | None = None, **fields: Any
) -> Entry:
    """Correct an entry that is wrong. The first one of an owner has no day."""
    values = fact.checked(fields, is_new=False)
    owner = fact.owner_of(entry)
    with transaction.atomic():
        _lock(actor, fact, owner, version)
        entry.refresh_from_db()
        before = fact.values_of(entry)
        for name, value in values.items():
            setattr(entry, name, value)
        fact.validate(entry)
        fact.timeline.admit(fact, owner, entry, before)
        after = fact.values_of(entry)
        if after != before or fact.timeline.keeps_unchanged:
            entry.save()
            fact.timeline.settle(fact, owner)
            _record(actor, fact.events.changed, owner, fact.timeline.identify(fact, entry), before, after)
    return entry


def remove_entry(actor: Actor, fact: DatedFact[Entry], *, entry: Entry, version: int | None = None) -> None:
    """Remove an entry that never applied; the one before it applies instead."""
    owner = fact.owner_of(entry)
    with transaction.atomic():
        _lock(actor, fact, owner, version)
        fact.timeline.refuse_removal(fact, entry)
        identity, before = fact.timeline.identify(fact, entry), fact.values_of(entry)
        entry.delete()
        fact.timeline.settle(fact, owner)
        fact.timeline.close_gap(fact, owner)
        _record(actor, fact.events.removed, owner, identity, before, fact.timeline.current(owner))


def entry_on(fact: DatedFact[Entry], owner: Owner, day: date, *, kind: str = "") -> Entry | None:
    """Return the entry that applies on a day, if there is one. kind : of a fact that has several, in any case."""
    found: Entry | None = None
    for entry in fact.entries_of(owner).all():
        if not fact.timeline.is_of_kind(entry, kind):
            continue
        until = getattr(entry, "until", None)
        if (entry.since is None or entry.since <= day) and (until is None or day < until):
            found = entry
    return found


def value_on(fact: DatedFact[Any], owner: Owner, day: date, *, kind: str = "") -> Any:
    """Return the value on a day: that of an entry, or the owner's own if it has no entries; None if none is known."""
    entry = entry_on(fact, owner, day, kind=kind)
    if entry is not None:
        return getattr(entry, fact.value)
    return next(iter(fact.timeline.current(owner).values()), None)


def _lock(actor: Actor, fact: DatedFact[Any], owner: Owner, version: int | None) -> None:
    lock(owner, version)
    actor.require(fact.permission, owner.place)


def _record(
    actor: Actor,
    action: str,
    owner: Owner,
    identity: Mapping[str, Any],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    before, after = {**identity, **before}, {**identity, **after}
    record(actor.by, action, owner, organisation_id=owner.organisation_id, before=before, after=after)
    announce([EstateChange(owner, action, before, after)])
