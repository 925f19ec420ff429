"""A virtual meter's parts on one day, and the result of a formula that is being typed: for pages, nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

import numpy as np

from eclectyc.derived.virtual.definitions import MeterDefinition, PartDefinition, PartRequest, definitions_of, parts_of
from eclectyc.derived.virtual.evaluate import evaluate, slot_grid, term_slots
from eclectyc.derived.virtual.part_readings import read_parts
from eclectyc.estate.models import Meter
from eclectyc.estate.virtual import FormulaMeaning, quantity_of
from eclectyc.kernel.days import day_bounds, zone_of
from eclectyc.lake.store import connect

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PartOfDay:
    """A part on one day. value : its readings times its factor, in the virtual meter's unit; None without readings.

    present, slots : how many of the day's slots have a reading; both 0 if no part has any. is_not_installed : not yet,
    or no longer. first, last : of its readings; None without any. has_other_unit : one that cannot be converted to
    the virtual meter's.
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
        """Whether no slot is missing because of this part."""
        return self.is_not_installed or 0 < self.present == self.slots


@dataclass(frozen=True, slots=True)
class PreviewDay:
    """The result for one day: the sum of its slots; None if none has a value."""

    day: date
    value: float | None
    present: int
    slots: int


def parts_on(meter: Meter, day: date) -> list[PartOfDay]:
    """Return each part of a virtual meter on one of its local days, in the order of the formula."""
    definitions = definitions_of([meter.pk])
    if not definitions:
        return []
    (definition,) = definitions
    readings = read_parts([definition], day - _DAY, day + 2 * _DAY)
    spans = _spans_of(definition)
    terms = [part.term(readings[part.point]) for part in definition.parts]
    grid = slot_grid(np.array([day], dtype="datetime64[D]"), definition.zone, terms)
    opens, closes = (int(edge.timestamp()) for edge in day_bounds(day, definition.zone))
    found = []
    for part, term in zip(definition.parts, terms, strict=True):
        slots = term_slots(term, grid)
        present = int(slots.has_value.sum())
        first, last = spans[part.point]
        found.append(
            PartOfDay(
                meter=part.meter,
                quantity=part.quantity,
                factor=part.factor or Fraction(0),
                value=float(round(term.factor * slots.value[slots.has_value].sum(), 9)) if present else None,
                present=present,
                slots=len(grid.start),
                is_not_installed=not present and (closes <= term.since or opens >= term.until),
                first=first,
                last=last,
                has_other_unit=part.factor is None,
            )
        )
    return found


def preview_formula(meter: Meter, meaning: FormulaMeaning, start: date, end: date) -> list[PreviewDay]:
    """Return the result of a formula on some days of a meter's site."""
    requests = [PartRequest(0, part.meter.pk, part.quantity, part.factor) for part in meaning.parts]
    parts = tuple(parts_of(requests, {0: meter.unit}))
    quantity = quantity_of(meter.direction, [part.quantity for part in parts])
    definition = MeterDefinition(0, zone_of(meter.site.timezone), meter.unit, quantity, parts)
    days = np.arange(np.datetime64(start, "D"), np.datetime64(end, "D"))
    readings = read_parts([definition], start - _DAY, end + _DAY)
    found = evaluate(days, definition.zone, [part.term(readings[part.point]) for part in parts])
    by_day = {row["day"]: row["values"] for row in found.frame().iter_rows(named=True)}
    return [_preview_day(day, by_day.get(day, [])) for day in days.tolist()]


def _preview_day(day: date, values: list[float | None]) -> PreviewDay:
    known = [value for value in values if value is not None]
    return PreviewDay(day, round(sum(known), 9) if known else None, len(known), len(values))


def _spans_of(definition: MeterDefinition) -> dict[int, tuple[date | None, date | None]]:
    """Return the first and last day with readings of each part, by point."""
    series = [series.id for part in definition.parts for series in part.series]
    spans = {row[0]: row[1:] for row in connect().span(series).iter_rows()} if series else {}
    return {part.point: _span(part, spans) for part in definition.parts}


def _span(part: PartDefinition, spans: dict[int, tuple[date, date]]) -> tuple[date | None, date | None]:
    known = [spans[one.id] for one in part.series if one.id in spans]
    if not known:
        return None, None
    return min(first for first, _ in known), max(last for _, last in known)
