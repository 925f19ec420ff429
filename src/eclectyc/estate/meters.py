"""Meters: created, changed, deleted. Their moves, exchanges and facts have dates: ``estate.history``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db import transaction

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.audit.record import record
from eclectyc.estate import formula_changes, virtual
from eclectyc.estate.changes import lock, refuse_if_people_have_roles, remove, write
from eclectyc.estate.fields import METER_FIELDS, checked_meter_fields, first_fault
from eclectyc.estate.models import Meter, Site
from eclectyc.estate.suppliers import find_or_create_supplier
from eclectyc.kernel.errors import Conflict, Forbidden, Invalid
from eclectyc.kernel.identifiers import identify
from eclectyc.kernel.plurals import counted

DEEPEST: Final = 20  # meters one below the other
_ALIKE: Final = METER_FIELDS - {"identifier", "site", "parent", "formula"}


def create_meter(actor: Actor, *, site: Site, identifier: str, **fields: Any) -> Meter:
    """Create a meter at a site; with a ``formula``, a virtual one. Its identifier is unique in the organisation."""
    actor.require("estate.edit", site.place)
    meter = Meter(organisation=site.organisation, site=site)
    checked = checked_meter_fields({"identifier": identifier} | fields)
    with transaction.atomic():
        _set_fields(actor, meter, checked)
        actor.require("estate.edit", meter.place)
        meaning = formula_changes.set_formula(actor, meter, checked)
        write(actor, meter, None, "meter.created", taken=_taken(meter), field="identifier")
        formula_changes.store_meaning(meter, meaning)
    return meter


def create_meters(actor: Actor, *, site: Site, identifiers: Sequence[str], **alike: Any) -> list[Meter]:
    """Create many meters at one site that differ only in their identifiers; none may exist yet."""
    actor.require("estate.edit", site.place)
    if set(alike) - _ALIKE:
        raise Invalid("Meters created together share their site.", "Set sites and parents afterwards.", field="site")
    checked = checked_meter_fields(alike)
    if "supplier" in checked:
        checked["supplier"] = find_or_create_supplier(actor, site.organisation, checked["supplier"])
    longest = max(identifiers, key=len, default="")
    fault = first_fault(Meter(organisation=site.organisation, site=site, identifier=longest, **checked))
    if fault is not None:
        raise fault
    names = [checked_meter_fields({"identifier": identifier})["identifier"] for identifier in identifiers]
    new = [Meter(organisation=site.organisation, site=site, identifier=name, **checked) for name in names]
    made = Meter.objects.bulk_create(new, batch_size=500)
    after = {"meters": [meter.pk for meter in made], "site_id": site.pk}
    record(actor.by, "meters.created", site, organisation_id=site.organisation_id, after=after)
    return made


def update_meter(actor: Actor, *, meter: Meter, version: int | None = None, **fields: Any) -> Meter:
    """Correct a meter's fields, from the start.

    A change from a day on (site, device, multiplier) is an entry of a history: see :mod:`eclectyc.estate.history`.
    """
    checked = checked_meter_fields(fields)
    with transaction.atomic():
        before = lock(meter, version)
        actor.require("estate.edit", meter.place)
        _set_fields(actor, meter, checked)
        actor.require("estate.edit", meter.place)
        meaning = formula_changes.set_formula(actor, meter, checked)
        if write(actor, meter, before, "meter.changed", taken=_taken(meter), field="identifier"):
            _correct_newest_entries(meter, before)
            formula_changes.update_users(meter, before)
        formula_changes.store_meaning(meter, meaning)
    return meter


def delete_meter(actor: Actor, *, meter: Meter, version: int | None = None) -> None:
    """Delete a meter that has no readings and no sub-meters and is in no formula."""
    with transaction.atomic():
        before = refuse_deletion(actor, meter, version, has_readings=meter.series.exists())
        remove(actor, meter, "meter.deleted", before)


def refuse_deletion(
    actor: Actor, meter: Meter, version: int | None = None, *, has_readings: bool = False
) -> dict[str, Any]:
    """Lock a meter that is to be deleted and return its fields; refuse if something depends on it.

    has_readings : whether it has readings that must stay; those of a virtual meter go with it. Call it within the
    transaction of the deletion.
    """
    before = lock(meter, version)
    actor.require("estate.edit", meter.place)
    virtual.refuse_if_used(actor, meter)
    if has_readings:
        raise Conflict(f"{meter} has readings.", "Make it inactive, with the day it was removed.")
    below = meter.submeters.count()
    if below:
        raise Conflict(f"{meter} has {counted(below, 'sub-meter')}.", "Give them another main meter first.")
    refuse_if_people_have_roles(meter, meter=meter)
    return before


def warnings_of(meter: Meter) -> list[str]:
    """Return warnings about a meter: an MPAN whose check digit is wrong."""
    warning = identify(meter.identifier, utility=meter.utility).warning
    return [warning] if warning else []


def _set_fields(actor: Actor, meter: Meter, checked: Mapping[str, Any]) -> None:
    for name, value in checked.items():
        if name == "site":
            meter.site = _site(actor, meter, value)
        elif name == "parent":
            meter.parent = _parent(actor, meter, value)
        elif name == "supplier":
            meter.supplier = _supplier(actor, meter, value)
        elif name == "outside_references":
            meter.outside_references = meter.outside_references | value
        elif name != "formula":  # its meaning depends on the other fields: see formula_changes
            setattr(meter, name, value)
    if meter.installed and meter.removed and meter.removed < meter.installed:
        raise Invalid("The meter is removed before it is installed.", "Correct one date.", field="removed")


def _site(actor: Actor, meter: Meter, given: Site | str) -> Site:
    site = given
    if not isinstance(site, Site):
        if meter.site_id and site.casefold() == meter.site.name.casefold():
            return meter.site
        visible = Site.objects.visible_to(actor).select_related("region")
        found = visible.filter(organisation=meter.organisation, name__iexact=site).first()
        if found is None:
            raise Invalid(f"There is no site {site!r}.", "Create it first, or check its spelling.", field="site")
        site = found
    refuse_site(meter, site)
    return site


def refuse_site(meter: Meter, site: Site) -> None:
    """Refuse a site of another organisation, or one with another time zone than the meter's readings."""
    if site.organisation_id != meter.organisation_id:
        raise Invalid("Meters stay in their organisation.", "Choose one of its sites.", field="site")
    if meter.pk is not None and site.timezone != meter.site.timezone and meter.series.exists():
        raise Invalid(
            f"{meter} has readings in days of {meter.site.timezone}; {site.name} has {site.timezone}.",
            "Create a new meter there.",
            field="site",
        )


def _supplier(actor: Actor, meter: Meter, given: Any) -> Any:
    if isinstance(given, str) and meter.supplier and given.casefold() == meter.supplier.name.casefold():
        return meter.supplier
    return find_or_create_supplier(actor, meter.organisation, given)


def _parent(actor: Actor, meter: Meter, given: Meter | str | None) -> Meter | None:
    if given is None or given == "":
        return None
    parent = given
    if not isinstance(parent, Meter):
        if meter.parent is not None and meter.parent.identifier == parent:
            return meter.parent
        found = Meter.objects.visible_to(actor).filter(organisation=meter.organisation, identifier=parent).first()
        if found is None:
            raise Invalid(f"There is no meter {parent!r}.", "Create the parent meter first.", field="parent")
        parent = found
    if parent.organisation_id != meter.organisation_id:
        raise Invalid("There is no such meter.", "Choose one of this organisation.", field="parent")
    virtual.refuse_if_virtual(parent, "sub-meters: it counts nothing itself", field="parent")
    # One at a time in an organisation: two changes at once could close a circle that neither sees.
    Organisation.objects.select_for_update(no_key=True).get(pk=meter.organisation_id)
    _refuse_circle(meter, parent)
    return parent


def _refuse_circle(meter: Meter, parent: Meter) -> None:
    above: int | None = parent.pk
    for _ in range(DEEPEST):
        if above is None:
            return
        if above == meter.pk:
            raise Invalid(f"{meter.identifier} would be its own parent.", "Choose another parent.", field="parent")
        above = Meter.objects.filter(pk=above).values_list("parent", flat=True).first()
    raise Invalid(f"Meters can be at most {DEEPEST} levels deep.", "Choose a parent further up.", field="parent")


def _correct_newest_entries(meter: Meter, before: Mapping[str, Any]) -> None:
    """Carry a correction into the newest entry of the meter's histories, so that they agree."""
    if meter.serial != before["serial"]:
        meter.devices.filter(until=None).update(serial=meter.serial)
    if meter.multiplier != before["multiplier"]:
        newest = meter.multipliers.last()
        if newest is not None:
            newest.factor = meter.multiplier
            newest.save(update_fields=["factor"])
    if meter.correction != before["correction"]:
        last = meter.corrections.last()
        if last is not None:
            last.factor = meter.correction
            last.save(update_fields=["factor"])
    if meter.site_id != before["site_id"]:
        meter.placements.filter(until=None).update(site=meter.site)


def require_editor(actor: Actor, meter: Meter, site: Site) -> None:
    """Raise ``Forbidden`` unless the actor edits where the meter is and where it goes."""
    actor.require("estate.edit", meter.place)
    if not actor.may("estate.edit", site.place):
        raise Forbidden(f"You may not change meters at {site.name}.", "Ask an administrator of your organisation.")


def _taken(meter: Meter) -> str:
    return f"There is already a meter {meter.identifier}."
