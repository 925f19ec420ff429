"""Suppliers: created, changed, deleted. A contact's details name a person: the audit stores them separately."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.estate.changes import lock, remove, write
from eclectyc.estate.fields import checked_supplier_fields
from eclectyc.estate.models import Supplier
from eclectyc.kernel.errors import Conflict, Invalid
from eclectyc.kernel.plurals import counted

PERSONAL: Final = frozenset({"contact_name", "contact_email", "contact_phone", "notes"})


def create_supplier(actor: Actor, *, organisation: Organisation, name: str, **fields: Any) -> Supplier:
    """Create a supplier. Its name is unique in the organisation, ignoring case."""
    actor.require("estate.edit", organisation.pk)
    supplier = Supplier(organisation=organisation, **checked_supplier_fields({"name": name} | fields))
    with transaction.atomic():
        write(actor, supplier, None, "supplier.created", taken=_taken(supplier), field="name", personal=PERSONAL)
    return supplier


def update_supplier(actor: Actor, *, supplier: Supplier, version: int | None = None, **fields: Any) -> Supplier:
    """Change a supplier's fields."""
    checked = checked_supplier_fields(fields)
    with transaction.atomic():
        before = lock(supplier, version)
        actor.require("estate.edit", supplier.place)
        for name, value in checked.items():
            setattr(supplier, name, value)
        write(actor, supplier, before, "supplier.changed", taken=_taken(supplier), field="name", personal=PERSONAL)
    return supplier


def delete_supplier(actor: Actor, *, supplier: Supplier, version: int | None = None) -> None:
    """Delete a supplier without meters."""
    with transaction.atomic():
        before = lock(supplier, version)
        actor.require("estate.edit", supplier.place)
        meters = supplier.meters.count()
        if meters:
            raise Conflict(
                f"{supplier.name} supplies {counted(meters, 'meter')}.",
                "Give them another supplier first, or make this one inactive.",
            )
        remove(actor, supplier, "supplier.deleted", before, personal=PERSONAL)


def find_or_create_supplier(actor: Actor, organisation: Organisation, given: Supplier | str | None) -> Supplier | None:
    """Return the given or named supplier. A new one is created if the actor may do that."""
    if given is None or given == "":
        return None
    if isinstance(given, Supplier):
        if given.organisation_id != organisation.pk:
            raise Invalid("There is no such supplier.", "Choose one of this organisation.", field="supplier")
        return given
    known = Supplier.objects.visible_to(actor).filter(organisation=organisation, name__iexact=given).first()
    if known is not None:
        return known
    if not actor.may("estate.edit", organisation.pk):
        raise Invalid(f"There is no supplier {given!r}.", "Choose an existing one.", field="supplier")
    return create_supplier(actor, organisation=organisation, name=given)


def _taken(supplier: Supplier) -> str:
    return f"There is already a supplier {supplier.name!r}."
