"""How a change is made, in one place: row locked, version compared, checked, stored, audited, announced.

Each region, supplier, site and meter has a *version*, one more with each change. An editor names the version that they
read; if it is another by now, ``Changed`` is raised and nothing is overwritten.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, TypeVar

from django.db import IntegrityError, models, transaction

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Membership
from eclectyc.audit.record import record
from eclectyc.estate.change_events import EstateChange, announce
from eclectyc.estate.fields import first_fault
from eclectyc.estate.models import Meter, Region, Site, Supplier
from eclectyc.kernel.errors import Conflict, Invalid, NotFound

Thing = TypeVar("Thing", Region, Supplier, Site, Meter)

_NOT_AUDITED: Final = frozenset({"id", "version", "search", "organisation_id"})
_EMPTY: Final[tuple[Any, ...]] = ("", None, {}, [])
_RELATED: Final = {
    Region: ("organisation",),
    Supplier: ("organisation",),
    Site: ("organisation", "region"),
    Meter: ("organisation", "site__region", "supplier", "parent"),
}


class Changed(Conflict):
    """Another user has changed the thing since it was read."""

    code = "changed"

    def __init__(self, thing: models.Model) -> None:
        super().__init__(f"{thing} has been changed by another user.", "Reload it, then make your change.")


def lock(thing: Thing, version: int | None = None) -> dict[str, Any]:
    """Lock a row for this transaction, refresh the thing from it, and return its fields.

    Raises ``Changed`` if a version is given and the row has another.
    """
    model = type(thing)
    rows = model._default_manager.select_related(*_RELATED[model]).select_for_update(of=("self",), no_key=True)
    try:
        thing.refresh_from_db(from_queryset=rows)
    except model.DoesNotExist:
        raise NotFound(f"{thing} has been deleted.", "Reload the list.") from None
    if version is not None and version != thing.version:
        raise Changed(thing)
    return fields_of(thing)


def fields_of(thing: models.Model) -> dict[str, Any]:
    """Return the fields that the audit records, by column."""
    return {f.attname: getattr(thing, f.attname) for f in thing._meta.concrete_fields if f.attname not in _NOT_AUDITED}


def write(
    actor: Actor,
    thing: Thing,
    before: Mapping[str, Any] | None,
    action: str,
    *,
    taken: str,
    field: str,
    personal: Collection[str] = (),
) -> bool:
    """Store a thing that is new (``before`` is None) or has changed, with one audit event; return whether it did.

    taken, field : the reason and field of the refusal if its name is in use. personal : fields that may name a person.
    """
    after = fields_of(thing)
    changed = {name for name, value in after.items() if before is None or before[name] != value}
    if before is not None and not changed:
        return False
    fault = first_fault(thing)
    if fault is not None:
        raise fault
    if before is not None:
        thing.version += 1
    try:
        with transaction.atomic():
            thing.save(force_insert=before is None)
    except IntegrityError:
        raise Invalid(taken, "Choose another.", field=field) from None
    recorded = changed if before is not None else {name for name in changed if after[name] not in _EMPTY}
    record(
        actor.by,
        action,
        thing,
        organisation_id=thing.organisation_id,
        before={name: before[name] for name in recorded - set(personal)} if before is not None else {},
        after={name: after[name] for name in recorded - set(personal)},
        personal={name: after[name] for name in recorded & set(personal)},
    )
    was = {} if before is None else {name: before[name] for name in recorded}
    announce([EstateChange(thing, action, was, {name: after[name] for name in recorded})])
    return True


def touch(thing: Thing) -> None:
    """Count a change of something that belongs to a thing, such as its devices, as a change of the thing."""
    thing.version += 1
    type(thing)._default_manager.filter(pk=thing.pk).update(version=thing.version)


def remove(actor: Actor, thing: Thing, action: str, before: Mapping[str, Any], personal: Collection[str] = ()) -> None:
    """Delete a thing, with one audit event."""
    recorded = {name: value for name, value in before.items() if value not in _EMPTY and name not in personal}
    record(actor.by, action, thing, organisation_id=thing.organisation_id, before=recorded)
    thing.delete()


def refuse_if_people_have_roles(thing: Thing, **scope: Any) -> None:
    """Refuse to delete a place at which people have roles: they would lose them without notice."""
    if Membership.objects.filter(**scope).exists():
        raise Conflict(f"People have roles at {thing}.", "Remove those roles first, or make it inactive.")
