"""How a meter's formula is declared and changed, as part of the one change of the meter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eclectyc.accounts.actor import Actor
from eclectyc.estate import virtual
from eclectyc.estate.formula_visibility import visible_formula
from eclectyc.estate.models import FormulaPart, Meter
from eclectyc.estate.virtual import FormulaMeaning, MeterTerm
from eclectyc.kernel.errors import Conflict, Invalid


def set_formula(actor: Actor, meter: Meter, checked: Mapping[str, Any]) -> FormulaMeaning | None:
    """Put a formula that was given into a meter whose other fields are in place, and return what it means; None where
    it stays as it is. Call it within the transaction of the change, before the meter is written."""
    given = checked.get("formula")
    if given is None or given == (visible_formula(actor, meter).text if meter.pk else ""):
        _check_unchanged(actor, meter, checked)
        return None
    _refuse_change_of_nature(meter, given)
    virtual.lock_formulas(meter.organisation_id)
    meant = virtual.meaning_of(actor, meter, given)
    virtual.refuse_circle(actor, meter, meant.parts)
    meter.formula = meant.text
    virtual.refuse_own_facts(meter)
    _refuse_another_step(checked, meant.step_minutes)
    meter.step_minutes = meant.step_minutes
    return meant


def store_meaning(meter: Meter, meant: FormulaMeaning | None) -> None:
    """Write down what a formula that was declared means, once the meter is written."""
    if meant is not None:
        virtual.store(meter, meant)


def update_users(meter: Meter, before: Mapping[str, Any]) -> None:
    """Carry a change of a meter into the formulas that name it."""
    if meter.identifier != before["identifier"]:
        virtual.rename_in_formulas(meter, before["identifier"])


def _check_unchanged(actor: Actor, meter: Meter, checked: Mapping[str, Any]) -> None:
    """Refuse changes that a virtual meter's formula, which stays, does not go with."""
    if not meter.is_virtual:
        return
    virtual.refuse_own_facts(meter)
    held = FormulaPart.objects.filter(meter=meter).select_related("part")
    parts = [MeterTerm(one.part, one.quantity, one.times) for one in held]
    step = virtual.common_step(part.meter.step_minutes for part in parts)
    _refuse_another_step(checked, step)
    meter.step_minutes = step
    if "unit" in checked:
        seen = {part.meter.pk for part in visible_formula(actor, meter).parts}
        virtual.refuse_units(meter, parts, hidden={part.meter.pk for part in parts} - seen)


def _refuse_change_of_nature(meter: Meter, given: str) -> None:
    """Refuse a formula that would make a virtual meter of a real one, or the other way round."""
    if not given:
        raise Conflict(f"{meter} is a virtual meter: it has a formula.", "Change the formula, or delete the meter.")
    if meter.pk is None or meter.is_virtual:
        return
    if meter.series.exists():
        raise Conflict(f"{meter} has readings of its own.", "Make a new meter with the formula.")
    if meter.submeters.exists():
        raise Conflict(f"{meter} has sub-meters.", "Make a new meter with the formula.")


def _refuse_another_step(checked: Mapping[str, Any], step: int) -> None:
    given = checked.get("step_minutes")
    if given is not None and given != step:
        raise Invalid(
            f"The step of a virtual meter is that of its parts: {step} minutes.", "Leave it out.", field="step_minutes"
        )
