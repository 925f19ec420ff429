"""Series: found, and made where there is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from django.db import transaction
from django.db.models import QuerySet

from eclectyc.accounts.actor import Actor
from eclectyc.audit.record import record
from eclectyc.estate.models import Meter, Series


def series_for(
    actor: Actor, *, meter: Meter, quantity: str = "import", unit: str = "", step_minutes: int = 30, source: str = ""
) -> Series:
    """Return a meter's series of a quantity, unit, step and source; make it where there is none."""
    actor.require("imports.run", meter.organisation_id)
    key = (meter.pk, quantity, unit or meter.unit, step_minutes, source)
    with transaction.atomic():
        found, made = ensure_series([key])
        for series in made:
            record(actor.by, "series.created", series, organisation_id=meter.organisation_id,
                   after={"meter": meter.pk, "quantity": quantity, "unit": series.unit, "step_minutes": step_minutes},
                   )  # fmt: skip
    return found[key]


SeriesKey = tuple[int, str, str, int, str]  # meter, quantity, unit, step [minutes], source


def ensure_series(keys: Iterable[SeriesKey]) -> tuple[dict[SeriesKey, Series], list[Series]]:
    """Return the series of each key, and which of them had to be made; call it within a transaction.

    The first source and unit of a meter's quantity is its primary one: only that is counted. All its steps are
    primary together. Another unit or source stands beside it.
    """
    wanted = list(dict.fromkeys(keys))
    meters = {key[0] for key in wanted}
    held = {_key(series): series for series in series_of(meters)}
    primary = {(k[0], k[1]): (k[2], k[4]) for k, series in held.items() if series.is_primary}
    made = []
    for key in wanted:
        if key in held:
            continue
        meter, quantity, unit, step, source = key
        counted = primary.setdefault((meter, quantity), (unit, source))
        made.append(
            Series(meter_id=meter, quantity=quantity, unit=unit, step_minutes=step, source=source,
                   is_primary=counted == (unit, source))
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
    return series.meter_id, series.quantity, series.unit, series.step_minutes, series.source
