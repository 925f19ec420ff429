"""A virtual meter's formula on its page: its parts with what each gave on the day that is shown, and what lacks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from eclectyc.accounts.actor import Actor
from eclectyc.derived.models import Stale
from eclectyc.derived.virtual.invalidation import NAME
from eclectyc.derived.virtual.preview import PartOfDay, parts_on
from eclectyc.estate.formula.terms import written
from eclectyc.estate.formula_visibility import VisibleFormula, VisibleTerm, visible_formula
from eclectyc.estate.models import Meter, Quantity
from eclectyc.kernel.number_format import figure
from eclectyc.kernel.plurals import counted
from eclectyc.web.clock import short_day

_QUANTITIES = dict(Quantity.choices)


@dataclass(frozen=True, slots=True)
class Line:
    """A part that is seen: what it gave, and in words what lacks. ``remedy`` is what to do where that is known."""

    meter: Meter
    quantity: str
    factor: str
    value: str
    state: str
    is_whole: bool
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula as somebody sees it, with its parts on one day.

    hidden : how many are out of sight. is_waiting : days of it are still to be worked out anew. fault : why some could
    not be.
    """

    text: str
    day: str
    lines: list[Line]
    hidden: int
    hidden_lack: bool
    is_waiting: bool = False
    fault: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether nothing lacks on that day."""
        return not self.hidden_lack and all(line.is_whole for line in self.lines)


def formula_of(actor: Actor, meter: Meter, day: date) -> Formula | None:
    """Return a virtual meter's formula on a day; None for another meter."""
    if not meter.is_virtual:
        return None
    seen = visible_formula(actor, meter)
    told = {(part.meter, part.quantity): part for part in parts_on(meter, day)}
    keys = [(part, (part.meter.pk, part.quantity)) for part in seen.parts]
    lines = [_line(part, told[key], day, meter) for part, key in keys if key in told]  # it may have changed meanwhile
    shown = {(part.meter.pk, part.quantity) for part in seen.parts}
    lacks = any(not part.is_complete for key, part in told.items() if key not in shown)
    return Formula(_text(seen), short_day(day), lines, seen.hidden, lacks, *_waiting(actor, meter))


def _waiting(actor: Actor, meter: Meter) -> tuple[bool, str]:
    """Return whether days are still to be worked out anew, and why some could not be."""
    waiting = Stale.objects.visible_to(actor).filter(kind=NAME, meter=meter).order_by("fault")
    faults = list(waiting.values_list("fault", flat=True)[:1000])
    return "" in faults, next((fault for fault in faults if fault), "")


def _text(seen: VisibleFormula) -> str:
    return seen.text.replace("*", "×").replace(" - ", " − ")


def _line(part: VisibleTerm, told: PartOfDay, day: date, whole: Meter) -> Line:
    words, remedy = _state(part, told, day)
    value = str(figure(told.value, whole.unit)) if told.value is not None else "–"
    quantity = str(_QUANTITIES.get(part.quantity, part.quantity)).lower()
    return Line(
        part.meter, quantity, f"× {written(part.factor)}".replace("-", "−"), value, words, told.is_whole, remedy
    )


def _state(part: VisibleTerm, told: PartOfDay, day: date) -> tuple[str, str]:
    """Return in words what a part gave on a day, and what to do where that mends what lacks."""
    if told.has_other_unit:
        return "counts in another unit", "Change the formula: its readings cannot be turned into this unit."
    if told.is_not_installed:
        return "was not there: counts nothing", ""
    if told.present:
        return ("" if told.is_complete else f"{told.present} of {counted(told.slots, 'slot')}"), ""
    if told.first is None:
        return "has no readings yet", ""
    if day < told.first and part.meter.installed is None:
        return (
            f"no readings before {short_day(told.first)}",
            "If it was not there yet, give it its day of installation.",
        )
    if told.last is not None and day > told.last and part.meter.removed is None:
        return f"no readings since {short_day(told.last)}", "If it is gone, give it the day it was removed."
    return "no readings on this day", ""
