"""A virtual meter's formula on its page: its parts with the value of each on a day, and what is missing."""

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
class FormulaPartLine:
    """A part of a formula on one day. state : what is missing, in words; remedy : what to do about it, if known."""

    meter: Meter
    quantity: str
    factor: str
    value: str
    state: str
    is_whole: bool
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class FormulaDay:
    """A formula as a person may see it, with its parts on one day.

    hidden : how many parts are not visible. is_waiting : some days are still to be recalculated. fault : why some days
    could not be.
    """

    text: str
    day: str
    lines: list[FormulaPartLine]
    hidden: int
    hidden_lack: bool
    is_waiting: bool = False
    fault: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing on that day."""
        return not self.hidden_lack and all(line.is_whole for line in self.lines)


def formula_day(actor: Actor, meter: Meter, day: date) -> FormulaDay | None:
    """Return a virtual meter's formula on a day; None for another meter."""
    if not meter.is_virtual:
        return None
    visible = visible_formula(actor, meter)
    parts = {(part.meter, part.quantity): part for part in parts_on(meter, day)}
    keys = [(term, (term.meter.pk, term.quantity)) for term in visible.parts]
    lines = [_line(term, parts[key], day, meter) for term, key in keys if key in parts]  # it may just have changed
    shown = {key for _, key in keys}
    hidden_lack = any(not part.is_complete for key, part in parts.items() if key not in shown)
    waiting = _waiting(actor, meter)
    return FormulaDay(_text(visible), short_day(day), lines, visible.hidden, hidden_lack, *waiting)


def _waiting(actor: Actor, meter: Meter) -> tuple[bool, str]:
    """Return whether days are still to be recalculated, and why some could not be."""
    waiting = Stale.objects.visible_to(actor).filter(kind=NAME, meter=meter).order_by("fault")
    faults = list(waiting.values_list("fault", flat=True)[:1000])
    return "" in faults, next((fault for fault in faults if fault), "")


def _text(visible: VisibleFormula) -> str:
    return visible.text.replace("*", "×").replace(" - ", " − ")


def _line(term: VisibleTerm, part: PartOfDay, day: date, whole: Meter) -> FormulaPartLine:
    state, remedy = _state(term, part, day)
    return FormulaPartLine(
        term.meter,
        str(_QUANTITIES.get(term.quantity, term.quantity)).lower(),
        f"× {written(term.factor)}".replace("-", "−"),
        str(figure(part.value, whole.unit)),
        state,
        part.is_complete,
        remedy,
    )


def _state(term: VisibleTerm, part: PartOfDay, day: date) -> tuple[str, str]:
    """Return in words what is missing of a part on a day, and what to do about it."""
    if part.has_other_unit:
        return "is in another unit", "Change the formula: its readings cannot be converted to this unit."
    if part.is_not_installed:
        return "not installed: not included", ""
    if part.present:
        return ("" if part.is_complete else f"{part.present} of {counted(part.slots, 'interval')}"), ""
    if part.first is None:
        return "has no readings yet", ""
    if day < part.first and term.meter.installed is None:
        return f"no readings before {short_day(part.first)}", "If it was installed later, enter its installation date."
    if part.last is not None and day > part.last and term.meter.removed is None:
        return f"no readings since {short_day(part.last)}", "If it was removed, enter the date of its removal."
    return "no readings on this day", ""
