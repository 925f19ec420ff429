"""Series: found, and made where there is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet

from eclectyc.accounts.actor import Actor
from eclectyc.audit.record import record
from eclectyc.estate.models import Meter, Quantity, Series, Utility


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
    return [series for piece in _pieces(meters) for series in piece]


def series_rows(meters: Iterable[int], *columns: str) -> Iterator[tuple]:
    """Yield some columns of the series of some meters: a model instance each would take longer than the query."""
    for piece in _pieces(meters):
        yield from piece.values_list(*columns)


def are_there(series: Sequence[int]) -> bool:
    """Say whether all these series still are in the registry."""
    wanted = sorted(set(series))
    pieces = (wanted[at : at + 5000] for at in range(0, len(wanted), 5000))
    return sum(Series.objects.filter(pk__in=piece).count() for piece in pieces) == len(wanted)


def _pieces(meters: Iterable[int]) -> Iterator[QuerySet[Series]]:
    numbers = sorted(meters)
    for at in range(0, len(numbers), 5000):
        yield Series.objects.filter(meter__in=numbers[at : at + 5000])


def _key(series: Series) -> SeriesKey:
    return SeriesKey(series.meter_id, series.quantity, series.unit, series.step_minutes, series.source, series.register)
