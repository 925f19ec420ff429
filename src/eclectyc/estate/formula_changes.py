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
    """Set a given formula on a meter whose other fields are set already, and return its meaning; None if it does not
    change. Call it within the transaction of the change, before the meter is stored."""
    given = checked.get("formula")
    if given is None or given == (visible_formula(actor, meter).text if meter.pk else ""):
        _check_unchanged(actor, meter, checked)
        return None
    _refuse_change_of_nature(meter, given)
    virtual.lock_formulas(meter.organisation_id)
    meaning = virtual.meaning_of(actor, meter, given)
    virtual.refuse_circle(actor, meter, meaning.parts)
    meter.formula = meaning.text
    virtual.refuse_own_facts(meter)
    _refuse_another_step(checked, meaning.step_minutes)
    meter.step_minutes = meaning.step_minutes
    return meaning


def store_meaning(meter: Meter, meaning: FormulaMeaning | None) -> None:
    """Store the meaning of a new formula, once the meter is stored."""
    if meaning is not None:
        virtual.store(meter, meaning)


def update_users(meter: Meter, before: Mapping[str, Any]) -> None:
    """Update the formulas that name a renamed meter."""
    if meter.identifier != before["identifier"]:
        virtual.rename_in_formulas(meter, before["identifier"])


def _check_unchanged(actor: Actor, meter: Meter, checked: Mapping[str, Any]) -> None:
    """Refuse changes that do not fit the unchanged formula of a virtual meter."""
    if not meter.is_virtual:
        return
    virtual.refuse_own_facts(meter)
    stored = FormulaPart.objects.filter(meter=meter).select_related("part")
    parts = [MeterTerm(one.part, one.quantity, one.times) for one in stored]
    step = virtual.common_step(part.meter.step_minutes for part in parts)
    _refuse_another_step(checked, step)
    meter.step_minutes = step
    if "unit" in checked:
        seen = {part.meter.pk for part in visible_formula(actor, meter).parts}
        virtual.refuse_units(meter, parts, hidden={part.meter.pk for part in parts} - seen)


def _refuse_change_of_nature(meter: Meter, given: str) -> None:
    """Refuse a formula that would turn a real meter into a virtual one, or the reverse."""
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
