"""Values of a fact from outside: stored, corrected and removed; what depends on them is marked for recalculation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.audit.record import record
from eclectyc.external.outside_facts import OutsideFact, OutsideRow, Time, place_key
from eclectyc.kernel.errors import NotFound

_LONGEST_SOURCE: Final = 255
_NAMED: Final = 50  # corrected values that the audit names
Earlier = dict[Time, Decimal | None]  # of each time whose value has changed: the value before, null if there was none


@dataclass(frozen=True, slots=True)
class StoredValues:
    """How many values were new, differed, or were stored already; and how many meters' readings depend on them."""

    place: str
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    meters: int = 0


def store_values(
    actor: Actor,
    fact: OutsideFact[OutsideRow],
    *,
    organisation: Organisation,
    place: str = "",
    values: Mapping[Any, Any],
    source: str = "",
) -> StoredValues:
    """Store a place's values by time; one that differs from the stored one corrects it.

    Without a place they are those of the organisation's default. source : a file's name, or how they were entered.
    """
    actor.require(fact.permission, organisation.pk)
    named, source = fact.checked_place(place), source[:_LONGEST_SOURCE]
    checked = {fact.grain.checked("date", time): fact.checked_value(value) for time, value in values.items()}
    with transaction.atomic():
        stored, earlier = _write(fact, organisation, named or fact.default_place(organisation), checked, source)
        if not earlier:
            return stored
        meters = fact.dependants(organisation, place_key(stored.place), list(earlier))
        counts = {fact.place: stored.place, "added": stored.added, "changed": stored.changed}
        record(
            actor.by,
            fact.events[0],
            organisation,
            organisation_id=organisation.pk,
            before=_corrected(earlier),
            after=counts | {"first": min(earlier), "last": max(earlier)},
            personal={"source": source},
        )
    return StoredValues(stored.place, stored.added, stored.changed, stored.unchanged, meters)


def remove_value(actor: Actor, fact: OutsideFact[OutsideRow], *, value: OutsideRow) -> None:
    """Delete one value; readings that depend on it are missing from then on."""
    row: Any = value
    actor.require(fact.permission, row.organisation_id)
    with transaction.atomic():
        stored = fact.model._default_manager.select_for_update().filter(pk=value.pk).first()
        if stored is None:
            raise NotFound(f"There is no such {fact.name}.", "It has been deleted already. Reload the list.")
        stored.delete()
        fact.dependants(row.organisation, getattr(value, fact.place_field), [getattr(value, fact.time)])
        before = {name: getattr(value, name) for name in (fact.place, fact.time, fact.value)}
        record(actor.by, fact.events[1], value, organisation_id=row.organisation_id, before=before)


def _write(
    fact: OutsideFact[Any], organisation: Organisation, place: str, values: Mapping[Time, Decimal], source: str
) -> tuple[StoredValues, Earlier]:
    Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)  # one writer at a time
    key = place_key(place)
    rows = fact.model._default_manager.filter(organisation=organisation, **{fact.place_field: key})
    spelling = rows.values_list(fact.place, flat=True).first()
    place = place if spelling is None else spelling
    stored = {getattr(row, fact.time): row for row in _between(fact, rows, values)}
    same = {fact.place: place, fact.place_field: key, "source": source}
    new = [
        fact.model(organisation=organisation, **same, **{fact.time: time, fact.value: value})
        for time, value in values.items()
        if time not in stored
    ]
    earlier: Earlier = {getattr(row, fact.time): None for row in new}
    differing = [row for time, row in stored.items() if time in values and getattr(row, fact.value) != values[time]]
    for row in differing:
        time = getattr(row, fact.time)
        earlier[time] = getattr(row, fact.value)
        setattr(row, fact.value, values[time])
        row.source, row.told_at = source, timezone.now()
    fact.model._default_manager.bulk_create(new, batch_size=500)
    fact.model._default_manager.bulk_update(differing, [fact.value, "source", "told_at"], batch_size=200)
    return StoredValues(place, len(new), len(differing), len(values) - len(new) - len(differing)), earlier


def _between(fact: OutsideFact[Any], rows: Any, values: Mapping[Time, Decimal]) -> Any:
    if not values:
        return rows.none()
    return rows.filter(**{f"{fact.time}__gte": min(values), f"{fact.time}__lte": max(values)})


def _corrected(earlier: Earlier) -> dict[str, Any]:
    """Return the corrected values by time, as far as the audit names them."""
    corrected = {time.isoformat(): str(value) for time, value in sorted(earlier.items()) if value is not None}
    return {"corrected": dict(list(corrected.items())[:_NAMED])} if corrected else {}
