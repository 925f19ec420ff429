"""What the registry knows of the meters that a file names, asked for by set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from django.db.models import QuerySet, Value
from django.db.models.functions import Replace

from eclectyc.accounts.models import Organisation
from eclectyc.estate.models import Meter
from eclectyc.estate.series import series_rows

_PIECE: Final = 5000
_KEPT: Final = 10_000  # meters of an estate that are kept whole
_MANY: Final = 200  # identifiers to look for by name
_OF_METERS: Final = ("pk", "identifier", "site__timezone", "unit", "direction", "step_minutes", "utility", "formula")
_OF_SERIES: Final = ("meter_id", "pk", "quantity", "unit", "step_minutes", "source", "register")


class SeriesRecord(NamedTuple):
    """A series that a point has already."""

    id: int
    quantity: str
    unit: str
    step: int
    source: str
    register: str = ""


class MeterRecord(NamedTuple):
    """What matters of a meter to an import."""

    pk: int
    identifier: str
    zone: str
    unit: str
    direction: str
    step: int
    utility: str
    formula: str


class MeterLookup:
    """Looks up the meters of an organisation. A file that comes in many blocks has its whole estate looked up at once,
    unless that is a large one: two queries for each block took longer than reading the block, and so does a query that
    names a thousand meters."""

    def __init__(self, organisation: Organisation) -> None:
        self._meters: QuerySet[Meter] = Meter.objects.filter(organisation=organisation)
        self._times_asked = 0
        self._estate: dict[str, MeterRecord] | None = None
        self._series: dict[int, list[SeriesRecord]] | None = None

    def meters(self, identifiers: Sequence[str]) -> dict[str, MeterRecord]:
        """Return the meters that have one of some identifiers, by it."""
        self._times_asked += 1
        is_worth_it = self._times_asked == 2 or len(identifiers) > _MANY
        if self._estate is None and is_worth_it and self._meters.count() <= _KEPT:
            self._estate = {meter.identifier: meter for meter in _rows(self._meters)}
            self._series = _by_meter(meter.pk for meter in self._estate.values())
        if self._estate is not None:
            return {text: meter for text in identifiers if (meter := self._estate.get(text))}
        return {meter.identifier: meter for piece in _pieces(identifiers) for meter in self._named(piece)}

    def by_serial(self, serials: Sequence[str]) -> dict[str, list[MeterRecord]]:
        """Return the meters that have one of some serials, compared without their spaces, by it."""
        found: dict[str, list[MeterRecord]] = {}
        plain = self._meters.exclude(serial="").annotate(plain=Replace("serial", Value(" "), Value("")))
        for piece in _pieces(serials):
            for *meter, serial in plain.filter(plain__in=piece).values_list(*_OF_METERS, "plain"):
                found.setdefault(serial, []).append(MeterRecord(*meter))
        return found

    def series(self, meters: Iterable[int]) -> dict[int, list[SeriesRecord]]:
        """Return the series of some meters, by meter."""
        if self._series is None:
            return _by_meter(meters)
        return {meter: self._series[meter] for meter in meters if meter in self._series}

    def _named(self, identifiers: Sequence[str]) -> Iterable[MeterRecord]:
        return _rows(self._meters.filter(identifier__in=identifiers))


def _rows(meters: QuerySet[Meter]) -> Iterable[MeterRecord]:
    return (MeterRecord(*row) for row in meters.values_list(*_OF_METERS))


def _by_meter(meters: Iterable[int]) -> dict[int, list[SeriesRecord]]:
    series: dict[int, list[SeriesRecord]] = {}
    for meter, *held in series_rows(meters, *_OF_SERIES):
        series.setdefault(meter, []).append(SeriesRecord(*held))
    return series


def _pieces(texts: Sequence[str]) -> Iterable[Sequence[str]]:
    return (texts[at : at + _PIECE] for at in range(0, len(texts), _PIECE))
