"""The region whose calorific values apply at sites that name none."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.audit.record import record
from eclectyc.external.outside_facts import place_key
from eclectyc.gas.calorific_values import CALORIFIC_VALUE, EDIT
from eclectyc.gas.invalidation import mark_meters
from eclectyc.gas.models import UsualRegion
from eclectyc.gas.regions import usual_region


def set_usual_region(actor: Actor, *, organisation: Organisation, region: str) -> None:
    """Set the usual region of an organisation; an empty name removes it."""
    actor.require(EDIT, organisation.pk)
    named = CALORIFIC_VALUE.checked_place(region)
    with transaction.atomic():
        before = usual_region(organisation)
        if before == named:
            return
        if named:
            UsualRegion.objects.update_or_create(organisation=organisation, defaults={"region": named})
        else:
            UsualRegion.objects.filter(organisation=organisation).delete()
        if place_key(before) != place_key(named):
            mark_meters(Q(organisation=organisation, site__gas_region=""))
        record(
            actor.by,
            "usual_gas_region.set",
            organisation,
            organisation_id=organisation.pk,
            before={"region": before},
            after={"region": named},
        )
