"""Series: found, and created if they do not exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from django.db import transaction
from django.db.models import QuerySet

from eclectyc.accounts.actor import Actor
from eclectyc.audit.record import record
from eclectyc.estate.models import Meter, Quantity, Series, Utility

_PIECE: Final = 5000  # numbers named in one query: databases bound its length
_FEW: Final = 100


class SeriesKey(NamedTuple):
    """What identifies a series."""

    meter: int
    quantity: str
    unit: str
    step_minutes: int
    source: str = ""
    register: str = ""


def quantity_in(utility: str, quantity: str, unit: str) -> str:
    """Return the quantity of readings in a canonical unit: a gas meter imports kWh, and its m³ are volume.

    >>> quantity_in("gas", "import", "m3"), quantity_in("gas", "import", "kWh"), quantity_in("water", "import", "m3")
    ('volume', 'import', 'import')
    """
    is_gas_volume = utility == Utility.GAS and unit == "m3" and quantity == Quantity.IMPORT
    return str(Quantity.VOLUME) if is_gas_volume else str(quantity)


def series_for(
    actor: Actor, *, meter: Meter, quantity: str = "import", unit: str = "", step_minutes: int = 30, source: str = ""
) -> Series:
    """Return a meter's series of a quantity, unit, step and source; create it if there is none."""
    actor.require("imports.run", meter.organisation_id)
    unit = unit or meter.unit
    key = SeriesKey(meter.pk, quantity_in(meter.utility, quantity, unit), unit, step_minutes, source)
    with transaction.atomic():
        found, created = ensure_series([key])
        for series in created:
            after = {"meter": meter.pk, "quantity": quantity, "unit": series.unit, "step_minutes": step_minutes}
            record(actor.by, "series.created", series, organisation_id=meter.organisation_id, after=after)
    return found[key]


def ensure_series(keys: Iterable[SeriesKey]) -> tuple[dict[SeriesKey, Series], list[Series]]:
    """Return the series of each key, and those that were created; call it within a transaction.

    The first source and unit of a meter's quantity is its primary one: only that is counted. All its steps and
    registers are primary together. Another unit or source is stored without being counted.
    """
    requested = list(dict.fromkeys(keys))
    stored = {_key(series): series for series in series_of({key.meter for key in requested})}
    primary = {(k.meter, k.quantity): (k.unit, k.source) for k, series in stored.items() if series.is_primary}
    created = []
    for key in requested:
        if key in stored:
            continue
        counted = primary.setdefault((key.meter, key.quantity), (key.unit, key.source))
        fields = key._asdict()
        is_primary = counted == (key.unit, key.source)
        created.append(Series(meter_id=fields.pop("meter"), **fields, is_primary=is_primary))
    Series.objects.bulk_create(created, batch_size=500)
    return stored | {_key(series): series for series in created}, created


def series_of(meters: Iterable[int]) -> list[Series]:
    """Return the series of some meters, by number; queried in parts, because databases limit a query's length."""
    return [series for piece in _in_pieces(meters) for series in Series.objects.filter(meter__in=piece)]


def series_rows(meters: Iterable[int], *columns: str) -> Iterator[tuple]:
    """Yield some columns of the series of some meters: a model instance each would take longer than the query."""
    return rows_of(Series.objects.all(), "meter", meters, *columns)


def rows_of(found: QuerySet[Series], field: str, numbers: Iterable[int], *columns: str) -> Iterator[tuple]:
    """Yield some columns of those of ``found`` whose ``field`` is one of some numbers.

    Many numbers that lie close together are queried as a span, and others in it are skipped: naming a thousand takes
    several milliseconds.
    """
    requested = set(numbers)
    low, high = min(requested, default=0), max(requested, default=0)
    if len(requested) > _FEW and high - low < 2 * len(requested):
        span = {f"{field}__gte": low, f"{field}__lte": high}
        rows = found.filter(**span).values_list(field, *columns)
        yield from (row[1:] for row in rows if row[0] in requested)
        return
    for piece in _in_pieces(requested):
        yield from found.filter(**{f"{field}__in": piece}).values_list(*columns)


def all_exist(series: Sequence[int]) -> bool:
    """Return whether all these series are still in the registry."""
    requested = set(series)
    return sum(Series.objects.filter(pk__in=piece).count() for piece in _in_pieces(requested)) == len(requested)


def _in_pieces(numbers: Iterable[int]) -> Iterator[list[int]]:
    ordered = sorted(numbers)
    return (ordered[at : at + _PIECE] for at in range(0, len(ordered), _PIECE))


def _key(series: Series) -> SeriesKey:
    return SeriesKey(series.meter_id, series.quantity, series.unit, series.step_minutes, series.source, series.register)
