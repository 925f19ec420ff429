"""Regions: created, changed, deleted."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.estate.changes import lock, refuse_if_people_have_roles, remove, write
from eclectyc.estate.fields import checked_region_fields
from eclectyc.estate.models import Region
from eclectyc.kernel.errors import Conflict, Invalid
from eclectyc.kernel.plurals import counted


def create_region(actor: Actor, *, organisation: Organisation, name: str) -> Region:
    """Create a region. Its name is unique in the organisation, ignoring case."""
    actor.require("estate.edit", organisation.pk)
    region = Region(organisation=organisation, **checked_region_fields({"name": name}))
    with transaction.atomic():
        write(actor, region, None, "region.created", taken=_taken(region), field="name")
    return region


def update_region(actor: Actor, *, region: Region, version: int | None = None, **fields: Any) -> Region:
    """Change a region's fields."""
    checked = checked_region_fields(fields)
    with transaction.atomic():
        before = lock(region, version)
        actor.require("estate.edit", region.place)
        for name, value in checked.items():
            setattr(region, name, value)
        write(actor, region, before, "region.changed", taken=_taken(region), field="name")
    return region


def delete_region(actor: Actor, *, region: Region, version: int | None = None) -> None:
    """Delete a region without sites."""
    with transaction.atomic():
        before = lock(region, version)
        actor.require("estate.edit", region.organisation_id)
        sites = region.sites.count()
        if sites:
            raise Conflict(f"{region.name} has {counted(sites, 'site')}.", "Move them to another region first.")
        refuse_if_people_have_roles(region, region=region)
        remove(actor, region, "region.deleted", before)


def find_or_create_region(actor: Actor, organisation: Organisation, given: Region | str | None) -> Region | None:
    """Return the given or named region. A new one is created if the actor may do that."""
    if given is None or given == "":
        return None
    if isinstance(given, Region):
        if given.organisation_id != organisation.pk:
            raise Invalid("There is no such region.", "Choose one of this organisation.", field="region")
        return given
    known = Region.objects.visible_to(actor).filter(organisation=organisation, name__iexact=given).first()
    if known is not None:
        return known
    if not actor.may("estate.edit", organisation.pk):
        raise Invalid(f"There is no region {given!r}.", "Choose an existing one.", field="region")
    return create_region(actor, organisation=organisation, name=given)


def _taken(region: Region) -> str:
    return f"There is already a region {region.name!r}."
