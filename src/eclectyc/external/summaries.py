"""The values of a fact from outside by place and by month, with their gaps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.external.gaps import Gaps, Run, gaps_between
from eclectyc.external.outside_facts import Grain, OutsideFact, OutsideRow, Time

ONE_DAY = timedelta(days=1)
Needed = Mapping[str, tuple[Any, Any]]  # by key of the place: the first and last time at which a value is needed


@dataclass(frozen=True, slots=True)
class PlaceSummary:
    """A place: how many values are known, from when to when; when they are needed, and which are missing."""

    key: str
    name: str
    known: int
    first: Time | None
    last: Time | None
    needed: tuple[Any, Any] | None
    gaps: Gaps | None


@dataclass(frozen=True, slots=True)
class MonthSummary:
    """A month of a place: its known values, how many it can have, the least and greatest, and the gaps."""

    month: date
    known: int
    slots: int
    least: Decimal | None
    greatest: Decimal | None
    gaps: tuple[Run, ...]


def places(
    actor: Actor, fact: OutsideFact[Any], organisation: Organisation, *, names: Mapping[str, str], needed: Needed
) -> list[PlaceSummary]:
    """Return the places of which values are known or needed. names : by key, of those that are needed."""
    known: dict[str, set[Time]] = {key: set() for key in names}
    spelling: dict[str, str] = {}
    rows = _rows(actor, fact, organisation).values_list(fact.place, fact.place_field, fact.time)
    for name, key, moment in rows:
        spelling.setdefault(key, name)
        known.setdefault(key, set()).add(moment)
    every = {**names, **spelling}
    return [_place(fact, key, every[key], known[key], needed.get(key)) for key in sorted(every)]


def _place(
    fact: OutsideFact[Any], key: str, name: str, known: set[Time], needed: tuple[Any, Any] | None
) -> PlaceSummary:
    first, last = (min(known), max(known)) if known else (None, None)
    runs = gaps_between(*needed, known, step=fact.grain.value) if needed else ()
    gaps = Gaps(fact.time_name, name, runs, fact.grain.value) if runs else None
    return PlaceSummary(key, name, len(known), first, last, needed, gaps)


def months(actor: Actor, fact: OutsideFact[Any], organisation: Organisation, place: PlaceSummary) -> list[MonthSummary]:
    """Return the months of a place that have or need a value, the newest first."""
    rows = _rows(actor, fact, organisation).filter(**{fact.place_field: place.key})
    known = dict(rows.order_by().values_list(fact.time, fact.value))
    edges = [moment for moment in (place.first, place.last, *(place.needed or ())) if moment is not None]
    if not edges:
        return []
    by_month: dict[date, list[Decimal]] = {}
    for moment, value in known.items():
        by_month.setdefault(_day(moment).replace(day=1), []).append(value)
    first, last = min(edges), max(edges)
    found = []
    month = _day(last).replace(day=1)
    while month >= _day(first).replace(day=1):
        start, end = _bounds(fact, month)
        low, high = max(start, first), min(end - fact.grain.value, last)
        gaps = gaps_between(low, high, known, step=fact.grain.value)
        found.append(_month(month, by_month.get(month, []), (end - start) // fact.grain.value, gaps))
        month = (month - ONE_DAY).replace(day=1)
    return found


def _month(month: date, values: list[Decimal], slots: int, gaps: tuple[Run, ...]) -> MonthSummary:
    least, greatest = (min(values), max(values)) if values else (None, None)
    return MonthSummary(month, len(values), slots, least, greatest, gaps)


def month_values(
    actor: Actor, fact: OutsideFact[OutsideRow], organisation: Organisation, key: str, month: date
) -> list[OutsideRow]:
    """Return the values of one month of a place."""
    start, end = _bounds(fact, month)
    within = {fact.place_field: key, f"{fact.time}__gte": start, f"{fact.time}__lt": end}
    return list(_rows(actor, fact, organisation).filter(**within).order_by(fact.time))


def _rows(actor: Actor, fact: OutsideFact[Any], organisation: Organisation) -> Any:
    return fact.model._default_manager.visible_to(actor).filter(organisation=organisation)


def _bounds(fact: OutsideFact[Any], month: date) -> tuple[Any, Any]:
    """Return the first time of a month, and that of the next."""
    following = (month + timedelta(days=32)).replace(day=1)
    if fact.grain is Grain.DAY:
        return month, following
    return datetime.combine(month, time(), UTC), datetime.combine(following, time(), UTC)


def _day(moment: Any) -> date:
    return moment.date() if isinstance(moment, datetime) else moment
