"""Calorific values as a person looks at them: by region and month, with the gaps in them."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.estate.models import Quantity, Series, Site, Utility
from eclectyc.gas.missing_values import Lacking, runs_of
from eclectyc.gas.models import CalorificValue, region_key
from eclectyc.gas.regions import usual_region
from eclectyc.lake.store import connect


@dataclass(frozen=True, slots=True)
class RegionSummary:
    """A region: how many days are known, from when to when; how many meters' volumes rest on it, and what lacks.

    needed : the first and last gas day of those volumes.
    """

    key: str
    name: str
    known: int
    first: date | None
    last: date | None
    needed: tuple[date, date] | None
    lacking: Lacking | None


@dataclass(frozen=True, slots=True)
class Month:
    """A month of a region: its known days, least and greatest value [MJ/m³], and the runs of days that lack."""

    month: date
    known: int
    days: int
    least: Decimal | None
    greatest: Decimal | None
    gaps: tuple[tuple[date, date], ...]


def regions(actor: Actor, organisation: Organisation) -> list[RegionSummary]:
    """Return the regions of an organisation of which values are known, or on which volumes rest."""
    days: dict[str, list[date]] = {}
    names: dict[str, str] = {}
    values = CalorificValue.objects.visible_to(actor).filter(organisation=organisation)
    for name, key, day in values.values_list("region", "region_key", "day"):
        names.setdefault(key, name)
        days.setdefault(key, []).append(day)
    needed = _needed(actor, organisation, names)
    return [
        RegionSummary(
            key, names[key], len(days.get(key, [])), *_edges(days.get(key, [])), needed.get(key),
            _lacking(names[key], set(days.get(key, [])), needed.get(key)),
        )
        for key in sorted(names)
    ]  # fmt: skip


def _edges(days: list[date]) -> tuple[date | None, date | None]:
    return (min(days), max(days)) if days else (None, None)


def _needed(actor: Actor, organisation: Organisation, names: dict[str, str]) -> dict[str, tuple[date, date]]:
    """Return the span of gas days on which volumes rest, by region; name the regions that are only named by sites."""
    usual = usual_region(organisation)
    of_gas = Series.objects.filter(
        quantity=Quantity.VOLUME, unit="m3", is_primary=True, meter__utility=Utility.GAS, meter__formula="",
        meter__site__in=Site.objects.visible_to(actor).filter(organisation=organisation).order_by().values("pk"),
    )  # fmt: skip
    region = dict(of_gas.order_by().values_list("pk", "meter__site__gas_region"))
    found: dict[str, tuple[date, date]] = {}
    for series, first, last in connect().span(list(region)).iter_rows() if region else ():
        name = region[series] or usual
        key = region_key(name)
        names.setdefault(key, name)
        held = found.get(key, (first, last))
        found[key] = (min(held[0], first - timedelta(days=1)), max(held[1], last))
    return found


def _lacking(name: str, known: set[date], needed: tuple[date, date] | None) -> Lacking | None:
    if needed is None:
        return None
    first, last = needed
    gone = [day for n in range((last - first).days + 1) if (day := first + timedelta(days=n)) not in known]
    return Lacking(name, runs_of(gone)) if gone else None


def months(actor: Actor, organisation: Organisation, region: RegionSummary) -> list[Month]:
    """Return the months of a region that have a value or need one, the newest first."""
    values = CalorificValue.objects.visible_to(actor).filter(organisation=organisation, region_key=region.key)
    known = dict(values.order_by().values_list("day", "mj_per_m3"))
    edges = [day for day in (region.first, region.last, *(region.needed or ())) if day is not None]
    if not edges:
        return []
    first, last = min(edges), max(edges)
    found = []
    month = last.replace(day=1)
    while month >= first.replace(day=1):
        length = monthrange(month.year, month.month)[1]
        days = [month + timedelta(days=n) for n in range(length)]
        held = [known[day] for day in days if day in known]
        gone = [day for day in days if day not in known and first <= day <= last]
        least, greatest = (min(held), max(held)) if held else (None, None)
        found.append(Month(month, len(held), length, least, greatest, runs_of(gone)))
        month = (month - timedelta(days=1)).replace(day=1)
    return found


def days(actor: Actor, organisation: Organisation, key: str, month: date) -> list[CalorificValue]:
    """Return the values of one month of a region."""
    end = (month + timedelta(days=32)).replace(day=1)
    values = CalorificValue.objects.visible_to(actor).filter(organisation=organisation, region_key=key)
    return list(values.filter(day__gte=month, day__lt=end).order_by("day"))
