"""Missing calorific values: gas days on which there are volumes that cannot be converted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import polars as pl

from eclectyc.estate.models import Meter, Quantity, Series, SeriesQuerySet, Utility
from eclectyc.estate.series import rows_of
from eclectyc.external.gaps import Gaps, runs_of
from eclectyc.gas.calorific_values import CALORIFIC_VALUE
from eclectyc.gas.models import CalorificValue
from eclectyc.gas.regions import key_at, usual_region
from eclectyc.kernel.days import WHOLE_DAY
from eclectyc.lake.store import connect


def remarks(touched: pl.DataFrame) -> list[str]:
    """Return which touched days of m³ have no calorific value. touched : series and day."""
    found = [one.words() for one in _gaps(touched)]
    return [
        f"No calorific value is known for {words}: those volumes have no kWh until it is. "
        "Import them with eclectyc external calorific FILE."
        for words in found
    ]


def gaps_of(meter: Meter) -> Gaps | None:
    """Return the gas days that a meter's volumes need and that are missing, or None. Anyone who sees the meter may."""
    if meter.utility != Utility.GAS:
        return None
    series = list(_volumes().filter(meter=meter).values_list("pk", flat=True))
    if not series:
        return None
    days = connect().days(series, date.min, date.max).select("series", "day")
    found = _gaps(days)
    return found[0] if found else None


def _volumes() -> SeriesQuerySet:
    return Series.objects.filter(  # of m³ that are to be kWh
        quantity=Quantity.VOLUME, unit="m3", is_primary=True, meter__utility=Utility.GAS, meter__formula=""
    )


def _gaps(touched: pl.DataFrame) -> list[Gaps]:
    columns = ("pk", "step_minutes", "meter__organisation", "meter__site__gas_region")
    rows = list(rows_of(_volumes().order_by(), "pk", touched["series"].unique().to_list(), *columns))
    if not rows:
        return []
    usual = {organisation: usual_region(organisation) for organisation in {row[2] for row in rows}}
    name: dict[tuple[int, str], str] = {}
    of: list[tuple[int, int, str, bool]] = []
    for series, step, organisation, region in rows:
        key = key_at(region, usual[organisation])
        name.setdefault((organisation, key), region or usual[organisation])
        of.append((series, organisation, key, step != WHOLE_DAY))
    schema = {"series": pl.Int32, "organisation": pl.Int64, "key": pl.String, "has_early": pl.Boolean}
    days = touched.join(pl.DataFrame(of, schema=schema, orient="row"), on="series")
    before = days.filter("has_early").select("organisation", "key", pl.col("day") - timedelta(days=1))
    needed = pl.concat([days.select("organisation", "key", "day"), before]).unique()
    found = []
    for (organisation, key), part in sorted(needed.partition_by("organisation", "key", as_dict=True).items()):
        missing = sorted(set(part["day"]) - _known(organisation, key, part["day"]))
        if missing:
            found.append(Gaps(CALORIFIC_VALUE.time_name, name[organisation, key], runs_of(missing)))
    return found


def _known(organisation: int, key: str, days: Iterable[date]) -> set[date]:
    within = list(days)
    values = CalorificValue.objects.filter(
        organisation=organisation, region_key=key, day__gte=min(within), day__lte=max(within)
    )
    return set(values.order_by().values_list("day", flat=True))
