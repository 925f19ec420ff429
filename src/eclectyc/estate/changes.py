"""How a change is made: the row held, its version compared, checked, written, and told to the audit – in one place.

Each thing has a *version*, one more with each change. Whoever edits names the version they read; where it is another
by now, ``Changed`` is raised and nothing is written over.
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
_RELATED: Final = {
    Region: ("organisation",),
    Supplier: ("organisation",),
    Site: ("organisation", "region"),
    Meter: ("organisation", "site__region", "supplier", "parent"),
}


class Changed(Conflict):
    """Somebody else has changed the thing since it was read."""

    code = "changed"

    def __init__(self, thing: models.Model) -> None:
        super().__init__(f"{thing} has been changed by somebody else meanwhile.", "Load it again, then change it.")


def lock(thing: Thing, version: int | None = None) -> dict[str, Any]:
    """Lock a thing's row for this transaction, bring the thing up to date, and return its fields as they are now.

    Where a version is named and it is no longer that one, raise ``Changed``.
    """
    model = type(thing)
    rows = model._default_manager.select_related(*_RELATED[model]).select_for_update(of=("self",), no_key=True)
    try:
        thing.refresh_from_db(from_queryset=rows)
    except model.DoesNotExist:
        raise NotFound(f"{thing} has been deleted meanwhile.", "Load the list again.") from None
    if version is not None and version != thing.version:
        raise Changed(thing)
    return fields_of(thing)


def fields_of(thing: models.Model) -> dict[str, Any]:
    """Return the fields of a thing that count as its own, by column."""
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
    """Save a thing that is new (``before`` is None) or differs from before; write one event. Say whether it did.

    taken, field : the refusal where another has its name already. personal : fields that may name a person.
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
    told = changed if before is not None else {name for name in changed if after[name] not in ("", None, {}, [])}
    record(
        actor.by,
        action,
        thing,
        organisation_id=thing.organisation_id,
        before={name: before[name] for name in told - set(personal)} if before is not None else {},
        after={name: after[name] for name in told - set(personal)},
        personal={name: after[name] for name in told & set(personal)},
    )
    was = {} if before is None else {name: before[name] for name in told}
    announce([EstateChange(thing, action, was, {name: after[name] for name in told})])
    return True


def touch(thing: Thing) -> None:
    """Count a change of what belongs to a thing (its devices, its metrics) as a change of the thing."""
    thing.version += 1
    type(thing)._default_manager.filter(pk=thing.pk).update(version=thing.version)


def remove(actor: Actor, thing: Thing, action: str, before: Mapping[str, Any], personal: Collection[str] = ()) -> None:
    """Delete a thing on which nothing hangs, and write it down."""
    told = {name: value for name, value in before.items() if value not in ("", None, {}, []) and name not in personal}
    record(actor.by, action, thing, organisation_id=thing.organisation_id, before=told)
    thing.delete()


def refuse_if_people_have_roles(thing: Thing, **scope: Any) -> None:
    """Refuse to delete a place at which somebody has a role: it would be gone without anybody saying so."""
    if Membership.objects.filter(**scope).exists():
        raise Conflict(f"People have roles at {thing}.", "Take those roles away first, or make it inactive.")
