"""Series: found, and made where there is none."""

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
    """What tells one series from another."""

    meter: int
    quantity: str
    unit: str
    step_minutes: int
    source: str = ""
    register: str = ""


def quantity_in(utility: str, quantity: str, unit: str) -> str:
    """Return the quantity that readings in a canonical unit are of: a gas meter brings kWh in, and its m³ are volume.

    >>> quantity_in("gas", "import", "m3"), quantity_in("gas", "import", "kWh"), quantity_in("water", "import", "m3")
    ('volume', 'import', 'import')
    """
    is_gas_volume = utility == Utility.GAS and unit == "m3" and quantity == Quantity.IMPORT
    return str(Quantity.VOLUME) if is_gas_volume else str(quantity)


def series_for(
    actor: Actor, *, meter: Meter, quantity: str = "import", unit: str = "", step_minutes: int = 30, source: str = ""
) -> Series:
    """Return a meter's series of a quantity, unit, step and source; make it where there is none."""
    actor.require("imports.run", meter.organisation_id)
    unit = unit or meter.unit
    key = SeriesKey(meter.pk, quantity_in(meter.utility, quantity, unit), unit, step_minutes, source)
    with transaction.atomic():
        found, made = ensure_series([key])
        for series in made:
            record(actor.by, "series.created", series, organisation_id=meter.organisation_id,
                   after={"meter": meter.pk, "quantity": quantity, "unit": series.unit, "step_minutes": step_minutes},
                   )  # fmt: skip
    return found[key]


def ensure_series(keys: Iterable[SeriesKey]) -> tuple[dict[SeriesKey, Series], list[Series]]:
    """Return the series of each key, and which of them had to be made; call it within a transaction.

    The first source and unit of a meter's quantity is its primary one: only that is counted. All its steps and
    registers are primary together. Another unit or source stands beside it.
    """
    wanted = list(dict.fromkeys(keys))
    held = {_key(series): series for series in series_of({key.meter for key in wanted})}
    primary = {(k.meter, k.quantity): (k.unit, k.source) for k, series in held.items() if series.is_primary}
    made = []
    for key in wanted:
        if key in held:
            continue
        counted = primary.setdefault((key.meter, key.quantity), (key.unit, key.source))
        made.append(
            Series(meter_id=key.meter, quantity=key.quantity, unit=key.unit, step_minutes=key.step_minutes,
                   source=key.source, register=key.register, is_primary=counted == (key.unit, key.source))
        )  # fmt: skip
    Series.objects.bulk_create(made, batch_size=500)
    return held | {_key(series): series for series in made}, made


def series_of(meters: Iterable[int]) -> list[Series]:
    """Return the series of some meters, by number; in pieces, because databases bound a query's length."""
    return [series for piece in _in_pieces(meters) for series in Series.objects.filter(meter__in=piece)]


def series_rows(meters: Iterable[int], *columns: str) -> Iterator[tuple]:
    """Yield some columns of the series of some meters: a model instance each would take longer than the query."""
    return rows_of(Series.objects.all(), "meter", meters, *columns)


def rows_of(found: QuerySet[Series], field: str, numbers: Iterable[int], *columns: str) -> Iterator[tuple]:
    """Yield some columns of those of ``found`` whose ``field`` is one of some numbers.

    Many numbers that lie close together are asked for as a span, and what else lies in it is passed over: naming a
    thousand takes several milliseconds.
    """
    wanted = set(numbers)
    low, high = min(wanted, default=0), max(wanted, default=0)
    if len(wanted) > _FEW and high - low < 2 * len(wanted):
        span = {f"{field}__gte": low, f"{field}__lte": high}
        rows = found.filter(**span).values_list(field, *columns)
        yield from (row[1:] for row in rows if row[0] in wanted)
        return
    for piece in _in_pieces(wanted):
        yield from found.filter(**{f"{field}__in": piece}).values_list(*columns)


def all_exist(series: Sequence[int]) -> bool:
    """Say whether all these series still are in the registry."""
    wanted = set(series)
    return sum(Series.objects.filter(pk__in=piece).count() for piece in _in_pieces(wanted)) == len(wanted)


def _in_pieces(numbers: Iterable[int]) -> Iterator[list[int]]:
    ordered = sorted(numbers)
    return (ordered[at : at + _PIECE] for at in range(0, len(ordered), _PIECE))


def _key(series: Series) -> SeriesKey:
    return SeriesKey(series.meter_id, series.quantity, series.unit, series.step_minutes, series.source, series.register)
