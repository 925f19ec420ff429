"""What the registry says of virtual meters: their parts, the series of these, and when each part was there."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl

from eclectyc.derived.virtual.evaluate import NEVER_S, NO_READINGS, FormulaTerm, PointReadings
from eclectyc.estate.models import FormulaPart, Meter, Series
from eclectyc.estate.virtual import common_step, conversion_between, quantity_of
from eclectyc.kernel.days import midnight, zone_of

SOURCE: Final = "formula"  # of the series of virtual meters
PIECE: Final = 5000
_NO_SERIES: Final[dict[str, pl.DataType]] = {"series": pl.Int32(), "point": pl.Int32(), "register": pl.String()}


class PartSeries(NamedTuple):
    """A series that counts for a part."""

    id: int
    unit: str
    step: int
    register: str


@dataclass(frozen=True, slots=True)
class PartDefinition:
    """One part of a virtual meter. ``point`` numbers the meter and quantity among all parts of the same rules."""

    point: int
    meter: int
    quantity: str
    zone: ZoneInfo
    factor: Fraction | None  # with the conversion to the virtual meter's unit; None: there is none
    since: date | None
    until: date | None
    series: tuple[PartSeries, ...]

    def term(self, rows: PointReadings) -> FormulaTerm:
        """Return the part with its readings."""
        since = int(midnight(self.since, self.zone).timestamp()) if self.since else -NEVER_S
        until = int(midnight(self.until, self.zone).timestamp()) if self.until else NEVER_S
        return FormulaTerm(NO_READINGS if self.factor is None else rows, float(self.factor or 0), since, until)


@dataclass(frozen=True, slots=True)
class MeterDefinition:
    """One virtual meter as it is declared now."""

    meter: int
    zone: ZoneInfo
    unit: str
    quantity: str
    parts: tuple[PartDefinition, ...]

    @property
    def steps(self) -> list[int]:
        """Every step that a day of it can have, by the steps of its parts' series."""
        steps = sorted({held.step for part in self.parts for held in part.series})
        found: set[int] = set()
        for step in steps:
            found |= {common_step([step, other]) for other in found} | {step}
        finest = max((min(held.step for held in part.series) for part in self.parts if part.series), default=0)
        lasting = all(part.since is None and part.until is None for part in self.parts)
        return [step for step in sorted(found) if step >= finest or not lasting]


class PartRequest(NamedTuple):
    """A part as it is declared: of which meter, and of what."""

    meter: int
    part: int
    quantity: str
    factor: Fraction


def definitions_of(meters: Collection[int]) -> list[MeterDefinition]:
    """Return the rules of some meters, by number; one that is not virtual, or is gone, has none."""
    rules: list[MeterDefinition] = []
    numbers = sorted(meters)
    for at in range(0, len(numbers), PIECE):
        rules += _definitions(numbers[at : at + PIECE])
    return rules


def _definitions(meters: list[int]) -> list[MeterDefinition]:
    facts = ("pk", "unit", "direction", "site__timezone")
    found = Meter.objects.filter(pk__in=meters).exclude(formula="").values_list(*facts)
    whole = {pk: (unit, direction, zone) for pk, unit, direction, zone in found.order_by("pk")}
    held = FormulaPart.objects.filter(meter__in=whole).order_by("pk")
    wanted = [
        PartRequest(m, p, q, Fraction(f)) for m, p, q, f in held.values_list("meter", "part", "quantity", "factor")
    ]
    parts = parts_of(wanted, {pk: unit for pk, (unit, _, _) in whole.items()})
    by_meter: dict[int, list[PartDefinition]] = {}
    for one, part in zip(wanted, parts, strict=True):
        by_meter.setdefault(one.meter, []).append(part)
    return [
        MeterDefinition(pk, zone_of(zone), unit, quantity_of(direction, [p.quantity for p in by_meter.get(pk, [])]),
             tuple(by_meter.get(pk, [])))
        for pk, (unit, direction, zone) in whole.items()
    ]  # fmt: skip


def parts_of(wanted: list[PartRequest], units: dict[int, str]) -> list[PartDefinition]:
    """Return parts with what the registry says of them: two queries. units : of the virtual meters, by number."""
    numbers = {one.part for one in wanted}
    facts = Meter.objects.filter(pk__in=numbers).values_list("pk", "site__timezone", "installed", "removed")
    lives = {pk: (zone_of(zone), since, until) for pk, zone, since, until in facts}
    points: dict[tuple[int, str], int] = {}
    series = _series_of(numbers)
    made = []
    for one in wanted:
        key = one.part, one.quantity
        of_part = tuple(series.get(key, ()))
        times = conversion_between(of_part[0].unit, units[one.meter]) if of_part else Fraction(1)
        factor = None if times is None else one.factor * times
        point = points.setdefault(key, len(points))
        zone, since, until = lives[one.part]
        made.append(PartDefinition(point, one.part, one.quantity, zone, factor, since, until, of_part))
    return made


def _series_of(meters: Iterable[int]) -> dict[tuple[int, str], list[PartSeries]]:
    columns = ("meter", "quantity", "pk", "unit", "step_minutes", "register")
    found: dict[tuple[int, str], list[PartSeries]] = {}
    for meter, quantity, *held in (
        Series.objects.filter(meter__in=meters, is_primary=True).order_by("pk").values_list(*columns)
    ):
        found.setdefault((meter, quantity), []).append(PartSeries(*held))
    return found


def series_frame(rules: Iterable[MeterDefinition]) -> pl.DataFrame:
    """Return the series of all parts: series, point, register."""
    parts = {part.point: part for rule in rules for part in rule.parts}
    rows = [(held.id, point, held.register) for point, part in sorted(parts.items()) for held in part.series]
    return pl.DataFrame(rows, schema=_NO_SERIES, orient="row")
