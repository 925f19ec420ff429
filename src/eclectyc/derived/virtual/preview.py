"""A virtual meter's parts on a day, and what a formula that is being typed would give: worked out for a page alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

import numpy as np

from eclectyc.derived.virtual.definitions import MeterDefinition, PartDefinition, PartRequest, definitions_of, parts_of
from eclectyc.derived.virtual.evaluate import FormulaTerm, evaluate, slot_grid, term_slots
from eclectyc.derived.virtual.part_readings import read_parts
from eclectyc.estate.models import Meter
from eclectyc.estate.virtual import FormulaMeaning, quantity_of
from eclectyc.kernel.days import day_bounds, zone_of
from eclectyc.lake.store import connect

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PartOfDay:
    """What a part gave on one day. value : times its factor, in the virtual meter's unit, of the slots that are there.

    present, slots : of the slots in which the day is worked out; none where no part has anything. is_away : it was not
    installed yet, or removed. first, last : the days that its readings span; None without any. is_unlike : it counts in
    a unit that cannot be turned into the virtual meter's.
    """

    meter: int
    quantity: str
    factor: Fraction
    value: float | None
    present: int
    slots: int
    is_not_installed: bool
    first: date | None
    last: date | None
    has_other_unit: bool

    @property
    def is_complete(self) -> bool:
        """Whether nothing lacks because of it."""
        return self.is_not_installed or 0 < self.present == self.slots


@dataclass(frozen=True, slots=True)
class PreviewDay:
    """What one day would be: value over the slots that are there; None where none is."""

    day: date
    value: float | None
    present: int
    slots: int


def parts_on(meter: Meter, day: date) -> list[PartOfDay]:
    """Return what each part of a virtual meter gave on one of its local days, in the order of the formula."""
    rules = definitions_of([meter.pk])
    if not rules:
        return []
    (rule,) = rules
    rows = read_parts([rule], day - _DAY, day + 2 * _DAY)
    spans = _spans_of(rule)
    sources = [part.term(rows[part.point]) for part in rule.parts]
    frame = slot_grid(np.array([day], dtype="datetime64[D]"), rule.zone, sources)
    opens, closes = (int(edge.timestamp()) for edge in day_bounds(day, rule.zone))
    found = []
    for part, source in zip(rule.parts, sources, strict=True):
        said = term_slots(source, frame)
        present = int(said.has_value.sum())
        value = float(round(source.factor * said.value[said.has_value].sum(), 9)) if present else None
        is_away = not present and _is_not_installed(source, opens, closes)
        found.append(PartOfDay(part.meter, part.quantity, part.factor or Fraction(0), value, present,
                               len(frame.start), is_away, *spans[part.point], part.factor is None))  # fmt: skip
    return found


def _is_not_installed(source: FormulaTerm, opens: int, closes: int) -> bool:
    return closes <= source.since or opens >= source.until


def preview_formula(meter: Meter, meant: FormulaMeaning, start: date, end: date) -> list[PreviewDay]:
    """Return what a formula would give on some days of a meter's site; nothing is stored."""
    wanted = [PartRequest(0, part.meter.pk, part.quantity, part.factor) for part in meant.parts]
    parts = tuple(parts_of(wanted, {0: meter.unit}))
    quantity = quantity_of(meter.direction, [part.quantity for part in parts])
    rule = MeterDefinition(0, zone_of(meter.site.timezone), meter.unit, quantity, parts)
    days = np.arange(np.datetime64(start, "D"), np.datetime64(end, "D"))
    rows = read_parts([rule], start - _DAY, end + _DAY)
    found = evaluate(days, rule.zone, [part.term(rows[part.point]) for part in parts])
    by_day = {row["day"]: row["values"] for row in found.frame().iter_rows(named=True)}
    return [_preview_day(day, by_day.get(day, [])) for day in days.tolist()]


def _preview_day(day: date, values: list[float | None]) -> PreviewDay:
    known = [value for value in values if value is not None]
    return PreviewDay(day, round(sum(known), 9) if known else None, len(known), len(values))


def _spans_of(rule: MeterDefinition) -> dict[int, tuple[date | None, date | None]]:
    """Return the first and last day with readings of each part, by point."""
    series = [held.id for part in rule.parts for held in part.series]
    held = {row[0]: row[1:] for row in connect().span(series).iter_rows()} if series else {}
    return {part.point: _span(part, held) for part in rule.parts}


def _span(part: PartDefinition, held: dict[int, tuple[date, date]]) -> tuple[date | None, date | None]:
    known = [held[one.id] for one in part.series if one.id in held]
    if not known:
        return None, None
    return min(first for first, _ in known), max(last for _, last in known)
