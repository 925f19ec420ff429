"""Virtual meters: the meaning of a formula, and what is refused. Who sees it is in ``estate.formula_visibility``.

A user who enters a formula must see every meter in it; for them another meter does not exist.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Final

from django.db.models import Q

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.estate.formula.parse import parse
from eclectyc.estate.formula.terms import Term, written
from eclectyc.estate.formula.tokens import hyphenated, printed_name, spelled_out, with_names
from eclectyc.estate.models import FormulaPart, Meter, Series, Utility
from eclectyc.kernel.days import WHOLE_DAY
from eclectyc.kernel.errors import Conflict, Invalid
from eclectyc.kernel.identifiers import clean_identifier
from eclectyc.kernel.plurals import counted
from eclectyc.kernel.units import is_added

MOST_ABOVE: Final = 8  # levels of virtual meters
UNIT_OF_QUANTITY: Final = {"reactive_import": "kVArh", "reactive_export": "kVArh", "volume": "m3"}
_ALIKE: Final = {("m3", "litre"): Fraction(1000), ("litre", "m3"): Fraction(1, 1000)}


@dataclass(frozen=True, slots=True)
class MeterTerm:
    """A term of a formula and the meter that it names."""

    meter: Meter
    quantity: str
    factor: Fraction


@dataclass(frozen=True, slots=True)
class FormulaMeaning:
    """The meaning of a formula: its unambiguous text, and its terms in order."""

    text: str
    parts: tuple[MeterTerm, ...]

    @property
    def step_minutes(self) -> int:
        """The finest step that all terms fit into."""
        return common_step(part.meter.step_minutes for part in self.parts)


def common_step(steps: Iterable[int]) -> int:
    """Return the finest step [minutes] into which slots of all these steps fit whole.

    >>> common_step([30, 10]), common_step([30, 20]), common_step([30, 1440])
    (30, 60, 1440)
    """
    every = list(steps)
    return WHOLE_DAY if WHOLE_DAY in every else lcm(*every)


def meaning_of(actor: Actor, meter: Meter, text: str) -> FormulaMeaning:
    """Return the meaning of a formula for a meter, which may not be stored yet.

    Raises ``Invalid`` if the actor does not see one of its meters, or if one has another organisation or unit.
    """
    visible = Meter.objects.visible_to(actor).filter(organisation=meter.organisation)
    words = hyphenated(text)
    known = set(visible.filter(identifier__in=words).values_list("identifier", flat=True)) if words else set()
    spelled = spelled_out(text, known)
    terms = parse(spelled)
    found = {one.identifier: one for one in visible.filter(identifier__in={term.meter for term in terms})}
    if meter.pk is None and meter.identifier:
        found.pop(meter.identifier, None)
    for term in terms:
        if term.meter not in found:
            raise Invalid(f"There is no meter {term.meter!r}.", "Check its identifier.", field="formula")
    parts = _parts(terms, found)
    refuse_units(meter, parts)
    return FormulaMeaning(spelled, parts)


def _parts(terms: tuple[Term, ...], found: Mapping[str, Meter]) -> tuple[MeterTerm, ...]:
    """Return the terms with their meters; a quantity that is left out and one that is named may be the same."""
    factors: dict[tuple[str, str], Fraction] = {}
    for term in terms:
        key = term.meter, term.quantity or found[term.meter].direction
        factors[key] = factors.get(key, Fraction(0)) + term.factor
    for (name, _), factor in factors.items():
        if not factor:
            raise Invalid(f"{name} cancels out.", "Leave it out of the formula.", field="formula")
    return tuple(MeterTerm(found[name], quantity, factor) for (name, quantity), factor in factors.items())


def refuse_units(meter: Meter, parts: Collection[MeterTerm], hidden: Collection[int] = ()) -> None:
    """Refuse terms whose unit cannot be converted to the meter's. hidden : meters that errors must not name."""
    if not is_added(meter.unit):
        raise Invalid(f"Amounts in {meter.unit} do not add up.", "Choose kWh, kVArh, m3, litre or kg.", field="unit")
    units = units_of(parts)
    for part in parts:
        unit = units[part.meter.pk, part.quantity]
        if conversion_between(unit, meter.unit) is None:
            name = "[hidden]" if part.meter.pk in hidden else part.meter.identifier
            raise Invalid(
                f"{name} counts {part.quantity.replace('_', ' ')} in {unit}, not in {meter.unit}.",
                "Use meters of one unit, or name another of its quantities: A.export.",
                field="formula",
            )


def units_of(parts: Iterable[MeterTerm]) -> dict[tuple[int, str], str]:
    """Return the unit of each term, by meter and quantity: that of its readings if it has any."""
    every = list(parts)
    series = Series.objects.filter(meter__in={part.meter.pk for part in every}, is_primary=True)
    units = {(meter, quantity): unit for meter, quantity, unit in series.values_list("meter", "quantity", "unit")}
    for part in every:
        units.setdefault((part.meter.pk, part.quantity), _usual_unit(part))
    return units


def _usual_unit(part: MeterTerm) -> str:
    """Return the unit of a term without readings; gas that is read as a volume imports kWh, derived from it."""
    is_gas_volume = part.meter.utility == Utility.GAS and part.meter.unit == "m3"
    return UNIT_OF_QUANTITY.get(part.quantity, "kWh" if is_gas_volume else part.meter.unit)


def conversion_between(unit: str, other: str) -> Fraction | None:
    """Return the factor from one canonical unit to another; None if they measure different things."""
    return Fraction(1) if unit == other else _ALIKE.get((unit, other))


def quantity_of(direction: str, quantities: Collection[str]) -> str:
    """Return what a virtual meter measures: the quantity of its terms if all measure the same volume or reactive
    energy, else that of its direction.

    >>> quantity_of("import", ["import", "export"]), quantity_of("import", ["volume", "volume"])
    ('import', 'volume')
    """
    only = set(quantities)
    return only.pop() if len(only) == 1 and only <= set(UNIT_OF_QUANTITY) else direction


def lock_formulas(organisation: int) -> None:
    """Let formulas of an organisation change one at a time: two at once could close a circle that neither sees."""
    Organisation.objects.select_for_update(no_key=True).get(pk=organisation)


def refuse_circle(actor: Actor, meter: Meter, parts: Collection[MeterTerm]) -> None:
    """Refuse terms that depend on the meter itself, naming the circle; call it with the formulas locked."""
    below: dict[int, set[int]] = {}
    may_go_on = ~Q(part__formula="") | Q(part=meter.pk)
    pairs = FormulaPart.objects.filter(may_go_on, meter__organisation=meter.organisation)
    for whole, part in pairs.values_list("meter", "part"):
        below.setdefault(whole, set()).add(part)
    below[meter.pk or 0] = {part.meter.pk for part in parts if part.meter.is_virtual or part.meter.pk == meter.pk}
    way = _way_back(meter.pk or 0, below)
    if way:
        raise Invalid(
            f"{meter.identifier} would depend on itself: {_describe_way(actor, way)}.",
            "Leave one of them out of the other.",
            field="formula",
        )
    if _height(below) > MOST_ABOVE:
        raise Invalid(
            f"Virtual meters would depend on each other more than {MOST_ABOVE} levels deep.",
            "Use the meters of their formulas instead.",
            field="formula",
        )


def _way_back(start: int, below: Mapping[int, Collection[int]]) -> list[int]:
    """Return the meters of a circle through ``start``, which is first and last; empty if there is none."""
    came_from: dict[int, int] = {}
    waiting = [start]
    while waiting:
        now = waiting.pop(0)
        for following in sorted(below.get(now, ())):
            if following == start:
                way = [start, now]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return way[::-1] if now != start else [start, start]
            if following not in came_from:
                came_from[following] = now
                waiting.append(following)
    return []


def _describe_way(actor: Actor, way: list[int]) -> str:
    seen = dict(Meter.objects.visible_to(actor).filter(pk__in=way).values_list("pk", "identifier"))
    return " → ".join(seen.get(meter, "[hidden]") for meter in way)


def _height(below: Mapping[int, Collection[int]]) -> int:
    """Return the most levels of virtual meters; there must be no circle."""
    known: dict[int, int] = {}

    def height(meter: int) -> int:
        if meter not in known:
            known[meter] = 1 + max((height(part) for part in below.get(meter, ())), default=0)
        return known[meter]

    return max(map(height, below), default=0)


def store(meter: Meter, meaning: FormulaMeaning) -> None:
    """Replace the stored terms of a formula."""
    FormulaPart.objects.filter(meter=meter).delete()
    FormulaPart.objects.bulk_create(
        FormulaPart(meter=meter, part=part.meter, quantity=part.quantity, factor=written(part.factor))
        for part in meaning.parts
    )


def rename_in_formulas(meter: Meter, before: str) -> None:
    """Use a meter's new identifier in the formulas that name it."""
    new = printed_name(meter.identifier)
    for whole in Meter.objects.filter(formula_parts__part=meter).distinct():
        whole.formula = with_names(whole.formula, lambda name: new if name == clean_identifier(before) else name)
        whole.save(update_fields=["formula"])


def refuse_if_used(actor: Actor, meter: Meter) -> None:
    """Refuse to delete a meter that is used in formulas."""
    users = list(Meter.objects.filter(formula_parts__part=meter).distinct().order_by("identifier")[:100])
    if not users:
        return
    seen = Meter.objects.visible_to(actor).filter(pk__in=[user.pk for user in users])
    names = list(seen.order_by("identifier").values_list("identifier", flat=True)[:3])
    others = len(users) - len(names)
    listed = ", ".join([*names, *([counted(others, "virtual meter")] if others else [])])
    raise Conflict(f"{meter} is used in the formula of {listed}.", "Change that formula first.")


def refuse_if_virtual(meter: Meter, what: str, *, field: str = "") -> None:
    """Refuse something that only a meter with a device has. what : completes "it has no …"."""
    if meter.is_virtual:
        raise Invalid(f"{meter} is a virtual meter: it has no {what}.", "Choose a meter of its formula.", field=field)


def refuse_own_facts(meter: Meter) -> None:
    """Refuse fields that a virtual meter cannot have: those of a device, a main meter, a supplier."""
    refused = {
        "serial": (bool(meter.serial), "serial number"),
        "multiplier": (meter.multiplier != 1, "multiplier"),
        "parent": (meter.parent_id is not None, "main meter: it is counted by its parts"),
        "supplier": (meter.supplier_id is not None, "supplier"),
    }
    for field, (is_there, what) in refused.items():
        if is_there:
            refuse_if_virtual(meter, what, field=field)
