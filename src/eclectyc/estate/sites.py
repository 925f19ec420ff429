"""Sites: created, changed, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.estate.changes import lock, refuse_if_people_have_roles, remove, write
from eclectyc.estate.fields import checked_site_fields
from eclectyc.estate.models import Series, Site
from eclectyc.estate.regions import find_or_create_region
from eclectyc.kernel.errors import Conflict, Invalid
from eclectyc.kernel.plurals import counted


def create_site(actor: Actor, *, organisation: Organisation, name: str, **fields: Any) -> Site:
    """Create a site. Its name is unique in the organisation, ignoring case.

    An editor of the whole organisation may create it anywhere; an editor of a region only there.
    """
    site = Site(organisation=organisation)
    if not actor.may("estate.edit", organisation.pk) and not fields.get("region"):
        actor.require("estate.edit", organisation.pk)
    checked = checked_site_fields({"name": name} | fields)
    with transaction.atomic():
        _set_fields(actor, site, checked)
        actor.require("estate.edit", site.place)
        write(actor, site, None, "site.created", taken=_taken(site), field="name")
    return site


def update_site(actor: Actor, *, site: Site, version: int | None = None, **fields: Any) -> Site:
    """Change a site's fields. Its time zone is fixed once it has readings: they lie in its local days."""
    checked = checked_site_fields(fields)
    with transaction.atomic():
        before = lock(site, version)
        actor.require("estate.edit", site.place)
        _set_fields(actor, site, checked)
        actor.require("estate.edit", site.place)
        if site.timezone != before["timezone"]:
            _refuse_another_zone(site, before["timezone"])
        write(actor, site, before, "site.changed", taken=_taken(site), field="name")
    return site


def delete_site(actor: Actor, *, site: Site, version: int | None = None) -> None:
    """Delete a site that has, and had, no meter."""
    with transaction.atomic():
        before = lock(site, version)
        actor.require("estate.edit", site.place)
        meters = site.meters.count()
        if meters:
            raise Conflict(
                f"{site.name} has {counted(meters, 'meter')}.", "Move them first, or make the site inactive."
            )
        if site.placements.exists():
            raise Conflict(f"{site.name} has usage of meters that were there.", "Make it inactive instead.")
        refuse_if_people_have_roles(site, site=site)
        remove(actor, site, "site.deleted", before)


def _set_fields(actor: Actor, site: Site, checked: Mapping[str, Any]) -> None:
    for name, value in checked.items():
        if name == "region":
            if not (isinstance(value, str) and site.region and value.casefold() == site.region.name.casefold()):
                site.region = find_or_create_region(actor, site.organisation, value)
        elif name == "outside_references":
            site.outside_references = site.outside_references | value
        else:
            setattr(site, name, value)
    if (site.latitude is None) != (site.longitude is None):
        missing = "latitude" if site.latitude is None else "longitude"
        raise Invalid(f"A position has two numbers; the {missing} is missing.", "Give both, or none.", field=missing)


def _refuse_another_zone(site: Site, zone: str) -> None:
    if Series.objects.filter(meter__site=site).exists() or site.placements.exists():
        raise Invalid(
            f"{site.name} has readings in days of {zone}.",
            "Create a new site in the other time zone and import its readings there.",
            field="timezone",
        )


def _taken(site: Site) -> str:
    return f"There is already a site {site.name!r}."
