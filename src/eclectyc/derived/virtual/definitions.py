"""Virtual meters as the registry declares them: their parts, the parts' series, and when each part was installed."""

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
    """A primary series of a part."""

    id: int
    unit: str
    step: int
    register: str


@dataclass(frozen=True, slots=True)
class PartDefinition:
    """One part of a virtual meter. point : numbers the meter and quantity among all parts looked up together."""

    point: int
    meter: int
    quantity: str
    zone: ZoneInfo
    factor: Fraction | None  # to the virtual meter's unit; None if it cannot be converted
    since: date | None
    until: date | None
    series: tuple[PartSeries, ...]

    def term(self, readings: PointReadings) -> FormulaTerm:
        """Return the part with its readings."""
        since = int(midnight(self.since, self.zone).timestamp()) if self.since else -NEVER_S
        until = int(midnight(self.until, self.zone).timestamp()) if self.until else NEVER_S
        return FormulaTerm(NO_READINGS if self.factor is None else readings, float(self.factor or 0), since, until)


@dataclass(frozen=True, slots=True)
class MeterDefinition:
    """A virtual meter as it is declared now."""

    meter: int
    zone: ZoneInfo
    unit: str
    quantity: str
    parts: tuple[PartDefinition, ...]

    @property
    def steps(self) -> list[int]:
        """Every step [minutes] that one of its days can have, given the steps of its parts' series."""
        steps = sorted({series.step for part in self.parts for series in part.series})
        found: set[int] = set()
        for step in steps:
            found |= {common_step([step, other]) for other in found} | {step}
        finest = max((min(series.step for series in part.series) for part in self.parts if part.series), default=0)
        lasting = all(part.since is None and part.until is None for part in self.parts)
        return [step for step in sorted(found) if step >= finest or not lasting]


class PartRequest(NamedTuple):
    """A part to be looked up: of which virtual meter, which meter and quantity, times which factor."""

    meter: int
    part: int
    quantity: str
    factor: Fraction


def definitions_of(meters: Collection[int]) -> list[MeterDefinition]:
    """Return the definitions of some meters, by number; a meter that is not virtual, or was deleted, has none."""
    definitions: list[MeterDefinition] = []
    numbers = sorted(meters)
    for at in range(0, len(numbers), PIECE):
        definitions += _definitions(numbers[at : at + PIECE])
    return definitions


def _definitions(meters: list[int]) -> list[MeterDefinition]:
    virtual = Meter.objects.filter(pk__in=meters).exclude(formula="").order_by("pk")
    found = virtual.values_list("pk", "unit", "direction", "site__timezone")
    columns = {pk: (unit, direction, zone) for pk, unit, direction, zone in found}
    rows = FormulaPart.objects.filter(meter__in=columns).order_by("pk")
    requests = [
        PartRequest(meter, part, quantity, Fraction(factor))
        for meter, part, quantity, factor in rows.values_list("meter", "part", "quantity", "factor")
    ]
    by_meter: dict[int, list[PartDefinition]] = {pk: [] for pk in columns}
    parts = parts_of(requests, {pk: unit for pk, (unit, _, _) in columns.items()})
    for request, part in zip(requests, parts, strict=True):
        by_meter[request.meter].append(part)
    return [
        MeterDefinition(
            pk,
            zone_of(zone),
            unit,
            quantity_of(direction, [part.quantity for part in by_meter[pk]]),
            tuple(by_meter[pk]),
        )
        for pk, (unit, direction, zone) in columns.items()
    ]


def parts_of(requests: list[PartRequest], units: dict[int, str]) -> list[PartDefinition]:
    """Look up parts: two queries. units : of the virtual meters, by number."""
    numbers = {request.part for request in requests}
    found = Meter.objects.filter(pk__in=numbers).values_list("pk", "site__timezone", "installed", "removed")
    installed = {pk: (zone_of(zone), since, until) for pk, zone, since, until in found}
    points: dict[tuple[int, str], int] = {}
    series = _series_of(numbers)
    parts = []
    for request in requests:
        key = request.part, request.quantity
        own = tuple(series.get(key, ()))
        conversion = conversion_between(own[0].unit, units[request.meter]) if own else Fraction(1)
        factor = None if conversion is None else request.factor * conversion
        point = points.setdefault(key, len(points))
        zone, since, until = installed[request.part]
        parts.append(PartDefinition(point, request.part, request.quantity, zone, factor, since, until, own))
    return parts


def _series_of(meters: Iterable[int]) -> dict[tuple[int, str], list[PartSeries]]:
    columns = ("meter", "quantity", "pk", "unit", "step_minutes", "register")
    found: dict[tuple[int, str], list[PartSeries]] = {}
    primary = Series.objects.filter(meter__in=meters, is_primary=True).order_by("pk")
    for meter, quantity, *values in primary.values_list(*columns):
        found.setdefault((meter, quantity), []).append(PartSeries(*values))
    return found


def series_frame(definitions: Iterable[MeterDefinition]) -> pl.DataFrame:
    """Return the series of all parts: series, point, register."""
    parts = {part.point: part for definition in definitions for part in definition.parts}
    rows = [(series.id, point, series.register) for point, part in sorted(parts.items()) for series in part.series]
    return pl.DataFrame(rows, schema=_NO_SERIES, orient="row")
