"""Calorific values written down, whoever tells them – a file, a page, the API – and what rests on them marked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Any, Final

import polars as pl
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.audit.record import record
from eclectyc.derived import spans
from eclectyc.estate import checks
from eclectyc.estate.models import Site
from eclectyc.gas.invalidation import mark_meters
from eclectyc.gas.models import LONGEST_REGION, CalorificValue, UsualRegion, region_key
from eclectyc.gas.regions import usual_region
from eclectyc.gas.rules import PLAUSIBLE
from eclectyc.kernel.errors import Invalid, NotFound

EDIT: Final = "imports.run"  # who may tell them
PLACES: Final = 6
MOST_RUNS: Final = 20  # days that lie further apart are marked as one span: the same is worked out again, and stays
_TOLD: Final = 50  # corrected values that the audit names


@dataclass(frozen=True, slots=True)
class Put:
    """What became of values: how many were not there, differed, or were there already; and of how many meters the kWh
    are worked out anew."""

    region: str
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    meters: int = 0


def checked_region(region: object) -> str:
    """Return the name of a region; nothing is the one of an organisation that has but one."""
    said = checks.text("region", "" if region is None else region)
    if len(said) > LONGEST_REGION:
        raise Invalid("The region's name is too long.", f"Use {LONGEST_REGION} characters.", field="region")
    return said


def checked_value(given: object) -> Decimal:
    """Return a calorific value [MJ/m³], exactly as it was told."""
    try:
        found = Decimal(str(given).strip())
    except InvalidOperation:
        found = Decimal("NaN")
    if isinstance(given, bool) or not found.is_finite():
        raise Invalid(f"{str(given)[:40]!r} is not a number.", "Write such as 39.47333.", field="calorific_value")
    if not PLAUSIBLE[0] <= found <= PLAUSIBLE[1]:
        reason = f"{str(given).strip()[:40]} MJ/m³ is not what gas is worth."
        raise Invalid(reason, "Natural gas has about 37 to 44 MJ/m³: check the unit.", field="calorific_value")
    kept = found.quantize(Decimal(1).scaleb(-PLACES), rounding=ROUND_DOWN)
    if kept != found:
        raise Invalid(f"{found} has too many decimals.", f"Give at most {PLACES}.", field="calorific_value")
    return kept


def put_values(
    actor: Actor, *, organisation: Organisation, region: str = "", values: Mapping[date, Any], source: str = ""
) -> Put:
    """Write down a region's calorific values [MJ/m³] by gas day; what differs from what is there is corrected.

    Without a region they are those of the organisation's usual one. source : where they are from.
    """
    actor.require(EDIT, organisation.pk)
    named = checked_region(region)
    told = {checks.day_required("date", day): checked_value(value) for day, value in values.items()}
    with transaction.atomic():
        put, days = _write(organisation, named or usual_region(organisation), told, source[:255])
        if not days:
            return put
        meters = _mark(organisation, region_key(put.region), days)
        record(actor.by, "calorific_values.put", organisation, organisation_id=organisation.pk,
               before=_corrected(days), after={"region": put.region, "added": put.added, "changed": put.changed,
               "first": min(days), "last": max(days)}, personal={"source": source[:255]})  # fmt: skip
    return Put(put.region, put.added, put.changed, put.unchanged, meters)


def remove_value(actor: Actor, *, value: CalorificValue) -> None:
    """Take one value out: what rests on it is missing from then on."""
    actor.require(EDIT, value.organisation_id)
    with transaction.atomic():
        held = CalorificValue.objects.select_for_update().filter(pk=value.pk).first()
        if held is None:
            raise NotFound("There is no such calorific value.", "It has been taken out already.")
        held.delete()
        _mark(value.organisation, value.region_key, {value.day: None})
        record(actor.by, "calorific_value.removed", value, organisation_id=value.organisation_id,
               before={"region": value.region, "day": value.day, "mj_per_m3": value.mj_per_m3})  # fmt: skip


def set_usual_region(actor: Actor, *, organisation: Organisation, region: str) -> None:
    """Say which region's values hold at sites that name none; nothing takes it back."""
    actor.require(EDIT, organisation.pk)
    named = checked_region(region)
    with transaction.atomic():
        before = usual_region(organisation)
        if before == named:
            return
        if named:
            UsualRegion.objects.update_or_create(organisation=organisation, defaults={"region": named})
        else:
            UsualRegion.objects.filter(organisation=organisation).delete()
        if region_key(before) != region_key(named):
            mark_meters(Q(organisation=organisation, site__gas_region=""))
        record(actor.by, "usual_gas_region.set", organisation, organisation_id=organisation.pk,
               before={"region": before}, after={"region": named})  # fmt: skip


Before = dict[date, Decimal | None]  # of each day that is other now: what was known


def _write(organisation: Organisation, region: str, told: Mapping[date, Decimal], source: str) -> tuple[Put, Before]:
    key = region_key(region)
    Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)  # one writer at a time
    ours = CalorificValue.objects.filter(organisation=organisation, region_key=key)
    span = ours.filter(day__gte=min(told), day__lte=max(told)) if told else ours.none()
    held = {one.day: one for one in span}
    spelt = ours.values_list("region", flat=True).first()
    fresh = [
        CalorificValue(organisation=organisation, region=region if spelt is None else spelt, region_key=key, day=day,
                       mj_per_m3=value, source=source)
        for day, value in told.items() if day not in held
    ]  # fmt: skip
    before: Before = {one.day: None for one in fresh}
    changed = [held[day] for day, value in told.items() if day in held and held[day].mj_per_m3 != value]
    for one in changed:
        before[one.day] = one.mj_per_m3
        one.mj_per_m3, one.source, one.told_at = told[one.day], source, timezone.now()
    CalorificValue.objects.bulk_create(fresh, batch_size=500)
    CalorificValue.objects.bulk_update(changed, ["mj_per_m3", "source", "told_at"], batch_size=200)
    unchanged = len(told) - len(fresh) - len(changed)
    return Put(spelt or region, len(fresh), len(changed), unchanged), before


def _mark(organisation: Organisation, key: str, days: Before) -> int:
    """Mark the days that rest on some gas days: each local day has a part of the gas day before."""
    rows = pl.DataFrame({"meter": [0] * len(days), "day": list(days)}, schema={"meter": pl.Int64, "day": pl.Date})
    runs = spans.merged(spans.widened(spans.runs(rows), after=1))
    if len(runs) > MOST_RUNS:
        runs = runs.select("meter", pl.col("start").min(), pl.col("end").max()).head(1)
    usual = region_key(usual_region(organisation))
    named = Site.objects.filter(organisation=organisation).order_by().values_list("gas_region", flat=True).distinct()
    regions = [name for name in named if (region_key(name) if name else usual) == key]
    which = Q(organisation=organisation, site__gas_region__in=regions)
    return mark_meters(which, [(start, end) for _, start, end in runs.iter_rows()])


def _corrected(days: Before) -> dict[str, Any]:
    """Return the values that were corrected, by day, as far as the audit names them."""
    corrected = {day.isoformat(): str(value) for day, value in sorted(days.items()) if value is not None}
    return {"corrected": dict(list(corrected.items())[:_TOLD])} if corrected else {}
