"""A virtual meter's formula as a user may see it: text and terms, with meters that they do not see hidden.

A user who sees a virtual meter sees its readings; that gives them no right to see the meters in its formula.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from django.db.models import F

from eclectyc.accounts.actor import Actor
from eclectyc.estate.formula.tokens import with_names
from eclectyc.estate.models import FormulaPart, Meter

HIDDEN: Final = "[hidden]"  # in place of a meter that the user does not see; no formula can be typed with it


@dataclass(frozen=True, slots=True)
class VisibleTerm:
    """A term whose meter the user sees, with its site."""

    meter: Meter
    quantity: str
    factor: Fraction


@dataclass(frozen=True, slots=True)
class VisibleFormula:
    """A formula as a user sees it. hidden : how many of its meters they do not see."""

    text: str
    parts: tuple[VisibleTerm, ...] = ()
    hidden: int = 0


def visible_formulas(actor: Actor, meters: Iterable[Meter]) -> dict[int, VisibleFormula]:
    """Return the formulas of meters as an actor may see them, by number: at most two queries."""
    seen = {meter.pk: VisibleFormula(meter.formula) for meter in meters}
    whole = [meter for meter, formula in seen.items() if formula.text]
    if not whole:
        return seen
    parts_of: dict[int, list[FormulaPart]] = {}
    names = {}
    for part in FormulaPart.objects.filter(meter__in=whole).order_by("pk").annotate(name=F("part__identifier")):
        parts_of.setdefault(part.meter_id, []).append(part)
        names[part.part_id] = part.name
    visible = Meter.objects.visible_to(actor).filter(pk__in=names).select_related("site")
    known = {meter.pk: meter for meter in visible}
    return seen | {meter: _visible(seen[meter].text, parts, known, names) for meter, parts in parts_of.items()}


def visible_formula(actor: Actor, meter: Meter) -> VisibleFormula:
    """Return a meter's formula as an actor may see it; empty if it has none."""
    return visible_formulas(actor, [meter])[meter.pk]


def _visible(text: str, parts: list[FormulaPart], known: dict[int, Meter], names: dict[int, str]) -> VisibleFormula:
    hidden = {part.part_id for part in parts} - known.keys()
    shown = [VisibleTerm(known[p.part_id], p.quantity, p.times) for p in parts if p.part_id in known]
    return VisibleFormula(without_names(text, {names[part] for part in hidden}), tuple(shown), len(hidden))


def without_names(text: str, hidden: Collection[str]) -> str:
    """Return a formula with some meters' names left out.

    >>> without_names('A - "B 1" + C', {"B1"})
    'A - [hidden] + C'
    """
    return with_names(text, lambda name: HIDDEN if name in hidden else name) if hidden else text
