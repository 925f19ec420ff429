"""One change to many meters or sites: all or none, each checked for rights; one audit event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django.db import models, transaction

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.audit.record import record
from eclectyc.estate import virtual
from eclectyc.estate.change_events import EstateChange, announce
from eclectyc.estate.changes import fields_of
from eclectyc.estate.fields import checked_meter_fields, checked_site_fields, first_fault
from eclectyc.estate.models import Meter, Series, Site
from eclectyc.estate.regions import find_or_create_region
from eclectyc.estate.suppliers import find_or_create_supplier
from eclectyc.kernel.errors import Invalid, NotFound

Thing = TypeVar("Thing", Meter, Site)

MOST_AT_ONCE: Final = 10_000
METER_CHANGES: Final = frozenset(
    {"supplier", "utility", "direction", "unit", "step_minutes", "is_active", "installed", "removed"}
)
SITE_CHANGES: Final = frozenset({"region", "company", "site_type", "is_active", "opening_hours", "floor_area_m2"})
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class BulkResult:
    """How many meters or sites a bulk edit changed, and how many had the values already."""

    changed: int
    unchanged: int


def change_meters(actor: Actor, *, which: Iterable[int], **change: Any) -> BulkResult:
    """Make one change to meters, by number: all or none. Numbers that the actor cannot see do not exist."""
    _refuse_change(change, METER_CHANGES)
    checked = checked_meter_fields(change)
    with transaction.atomic():
        meters = _locked(Meter.objects.visible_to(actor).select_related("site", "organisation", "supplier"), which)
        return _changed(actor, meters, checked, "meters.changed", _of_meter)


def change_sites(actor: Actor, *, which: Iterable[int], **change: Any) -> BulkResult:
    """Make one change to sites, by number: all or none."""
    _refuse_change(change, SITE_CHANGES)
    checked = checked_site_fields(change)
    with transaction.atomic():
        sites = _locked(Site.objects.visible_to(actor).select_related("organisation", "region"), which)
        return _changed(actor, sites, checked, "sites.changed", _of_site)


def _of_meter(actor: Actor, organisation: Organisation, checked: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(checked)
    if "supplier" in found:
        found["supplier"] = find_or_create_supplier(actor, organisation, found["supplier"])
    return found


def _of_site(actor: Actor, organisation: Organisation, checked: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(checked)
    if "region" in found:
        found["region"] = find_or_create_region(actor, organisation, found["region"])
    return found


def _refuse_change(change: Mapping[str, Any], known: frozenset[str]) -> None:
    if not change:
        raise Invalid("No change is given.", f"Name one of: {', '.join(sorted(known))}.")
    strange = sorted(set(change) - known)
    if strange:
        remedy = f"Use: {', '.join(sorted(known))}."
        raise Invalid(f"{strange[0][:60]!r} cannot be changed for many at once.", remedy, field=strange[0])


def _locked(visible: models.QuerySet[Thing], which: Iterable[int]) -> list[Thing]:
    numbers = sorted(set(which))
    if len(numbers) > MOST_AT_ONCE:
        raise Invalid(f"{len(numbers):,} are too many at once.", f"Change {MOST_AT_ONCE:,} at a time.", field="ids")
    found: list[Thing] = []
    for at in range(0, len(numbers), _BATCH):
        found += visible.filter(pk__in=numbers[at : at + _BATCH]).select_for_update(of=("self",), no_key=True)
    if len(found) != len(numbers):
        missing = min(set(numbers) - {thing.pk for thing in found})
        raise NotFound(f"Number {missing} does not exist.", "Reload the list.", field="ids")
    return found


def _changed(actor: Actor, things: Sequence[Thing], checked: Mapping[str, Any], action: str, of: Any) -> BulkResult:
    by_organisation: dict[int, list[Thing]] = {}
    for thing in things:
        actor.require("estate.edit", thing.place)
        by_organisation.setdefault(thing.organisation_id, []).append(thing)
    changed = 0
    for group in by_organisation.values():
        changed += _of_one_organisation(actor, group, of(actor, group[0].organisation, checked), action)
    return BulkResult(changed, len(things) - changed)


def _of_one_organisation(actor: Actor, group: Sequence[Thing], change: Mapping[str, Any], action: str) -> int:
    different: list[Thing] = []
    before: dict[str, dict[str, Any]] = {}
    after: dict[str, Any] = {}
    for thing in group:
        was = fields_of(thing)
        for name, value in change.items():
            setattr(thing, name, value)
        now = fields_of(thing)
        earlier = {name: was[name] for name in now if now[name] != was[name]}
        if earlier:
            _refuse_faults(actor, thing)
            before[str(thing.pk)] = earlier
            after |= {name: now[name] for name in earlier}
            thing.version += 1
            different.append(thing)
    if different:
        _refuse_units(different, change)
        type(different[0])._default_manager.bulk_update(different, [*change, "version"], batch_size=_BATCH)
        announce([_change_of(thing, action, before[str(thing.pk)]) for thing in different])
        organisation = different[0].organisation_id
        record(actor.by, action, different[0].organisation, organisation_id=organisation, before=before, after=after)
    return len(different)


def _change_of(thing: Meter | Site, action: str, before: Mapping[str, Any]) -> EstateChange:
    return EstateChange(thing, action, before, {name: getattr(thing, name) for name in before})


def _refuse_faults(actor: Actor, thing: Meter | Site) -> None:
    actor.require("estate.edit", thing.place)
    fault = first_fault(thing)
    if fault is not None:
        raise fault
    if isinstance(thing, Meter) and thing.is_virtual:
        virtual.refuse_own_facts(thing)
    if isinstance(thing, Meter) and thing.installed and thing.removed and thing.removed < thing.installed:
        raise Invalid(f"{thing} would be removed before it is installed.", "Choose another date.", field="removed")


def _refuse_units(things: Sequence[Meter | Site], change: Mapping[str, Any]) -> None:
    """Refuse another unit or step for meters with readings: it describes how the readings arrive."""
    if not {"unit", "step_minutes"} & set(change):
        return
    whole = next((thing for thing in things if isinstance(thing, Meter) and thing.is_virtual), None)
    if whole is not None:
        raise Invalid(f"{whole} is a virtual meter.", "Change its unit by itself.", field=next(iter(change)))
    for at in range(0, len(things), _BATCH):
        numbers = [thing.pk for thing in things[at : at + _BATCH]]
        series = Series.objects.filter(meter__in=numbers).select_related("meter").first()
        if series is not None:
            raise Invalid(f"{series.meter} has readings.", "Change its unit by itself.", field=next(iter(change)))
