"""Look up a file's meters and series in bulk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from django.db.models import QuerySet, Value
from django.db.models.functions import Replace

from eclectyc.accounts.models import Organisation
from eclectyc.estate.models import Meter
from eclectyc.estate.series import series_rows

_PIECE: Final = 5000
_KEPT: Final = 10_000  # meters: a larger estate is not loaded whole
_MANY: Final = 200  # identifiers: more are not looked up by name
_OF_METERS: Final = ("pk", "identifier", "site__timezone", "unit", "direction", "step_minutes", "utility", "formula")
_OF_SERIES: Final = ("meter_id", "pk", "quantity", "unit", "step_minutes", "source", "register")


class SeriesRecord(NamedTuple):
    """An existing series of a point."""

    id: int
    quantity: str
    unit: str
    step: int
    source: str
    register: str = ""


class MeterRecord(NamedTuple):
    """The fields of a meter that an import needs."""

    pk: int
    identifier: str
    zone: str
    unit: str
    direction: str
    step: int
    utility: str
    formula: str


class MeterLookup:
    """Looks up the meters of an organisation.

    For a file of many blocks the whole estate is loaded at once, unless it is large: two queries for each block took
    longer than reading the block, and so does a query that names a thousand meters.
    """

    def __init__(self, organisation: Organisation) -> None:
        self._meters: QuerySet[Meter] = Meter.objects.filter(organisation=organisation)
        self._times_asked = 0
        self._estate: dict[str, MeterRecord] | None = None
        self._series: dict[int, list[SeriesRecord]] | None = None

    def meters(self, identifiers: Sequence[str]) -> dict[str, MeterRecord]:
        """Return the meters with these identifiers, by identifier."""
        self._times_asked += 1
        is_worth_it = self._times_asked == 2 or len(identifiers) > _MANY
        if self._estate is None and is_worth_it and self._meters.count() <= _KEPT:
            self._estate = {meter.identifier: meter for meter in _rows(self._meters)}
            self._series = _by_meter(meter.pk for meter in self._estate.values())
        if self._estate is not None:
            return {text: meter for text in identifiers if (meter := self._estate.get(text))}
        return {meter.identifier: meter for piece in _pieces(identifiers) for meter in self._named(piece)}

    def by_serial(self, serials: Sequence[str]) -> dict[str, list[MeterRecord]]:
        """Return the meters with these serials, compared without spaces, by serial."""
        found: dict[str, list[MeterRecord]] = {}
        plain = self._meters.exclude(serial="").annotate(plain=Replace("serial", Value(" "), Value("")))
        for piece in _pieces(serials):
            for *meter, serial in plain.filter(plain__in=piece).values_list(*_OF_METERS, "plain"):
                found.setdefault(serial, []).append(MeterRecord(*meter))
        return found

    def series(self, meters: Iterable[int]) -> dict[int, list[SeriesRecord]]:
        """Return the series of these meters, by meter."""
        if self._series is None:
            return _by_meter(meters)
        return {meter: self._series[meter] for meter in meters if meter in self._series}

    def _named(self, identifiers: Sequence[str]) -> Iterable[MeterRecord]:
        return _rows(self._meters.filter(identifier__in=identifiers))


def _rows(meters: QuerySet[Meter]) -> Iterable[MeterRecord]:
    return (MeterRecord(*row) for row in meters.values_list(*_OF_METERS))


def _by_meter(meters: Iterable[int]) -> dict[int, list[SeriesRecord]]:
    series: dict[int, list[SeriesRecord]] = {}
    for meter, *fields in series_rows(meters, *_OF_SERIES):
        series.setdefault(meter, []).append(SeriesRecord(*fields))
    return series


def _pieces(texts: Sequence[str]) -> Iterable[Sequence[str]]:
    return (texts[at : at + _PIECE] for at in range(0, len(texts), _PIECE))
