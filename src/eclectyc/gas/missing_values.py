"""Where calorific values are lacking: gas days on which there are volumes that cannot be converted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from eclectyc.estate.models import Meter, Quantity, Series, SeriesQuerySet, Utility
from eclectyc.estate.series import rows_of
from eclectyc.gas.models import CalorificValue
from eclectyc.gas.regions import key_at, usual_region
from eclectyc.kernel.days import WHOLE_DAY
from eclectyc.kernel.plurals import counted
from eclectyc.lake.store import connect

_SHOWN = 3  # runs of days that a sentence names


@dataclass(frozen=True, slots=True)
class Lacking:
    """A region's gas days, in runs (both days named), whose volumes cannot be converted."""

    region: str
    runs: tuple[tuple[date, date], ...]

    @property
    def days(self) -> int:
        """How many gas days."""
        return sum((last - first).days + 1 for first, last in self.runs)

    def words(self) -> str:
        """Say it: "3 gas days of SE (1–3 June 2025)"."""
        of = f" of {self.region}" if self.region else ""
        return f"{counted(self.days, 'gas day')}{of} ({runs_in_words(self.runs)})"


def runs_in_words(runs: Sequence[tuple[date, date]]) -> str:
    """Say runs of days, the first few of them."""
    more = " and others" if len(runs) > _SHOWN else ""
    return ", ".join(_span(first, last) for first, last in runs[:_SHOWN]) + more


def _span(first: date, last: date) -> str:
    if first == last:
        return f"{first:%-d %B %Y}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{last:%-d %B %Y}"
    return f"{first:%-d %B %Y} – {last:%-d %B %Y}"


def remarks(touched: pl.DataFrame) -> list[str]:
    """Say of which touched days of m³ the calorific value is not known. touched : series and day."""
    found = [one.words() for one in _lacking(touched)]
    return [
        f"No calorific value is known for {words}: those volumes have no kWh until it is. "
        "Give them with eclectyc external calorific FILE."
        for words in found
    ]


def lacking_of(meter: Meter) -> Lacking | None:
    """Return the gas days that lack for a meter's volumes, or None. The actor who may see the meter may see this."""
    if meter.utility != Utility.GAS:
        return None
    series = list(_volumes().filter(meter=meter).values_list("pk", flat=True))
    if not series:
        return None
    days = connect().days(series, date.min, date.max).select("series", "day")
    found = _lacking(days)
    return found[0] if found else None


def _volumes() -> SeriesQuerySet:
    return Series.objects.filter(  # of m³ that are to be kWh
        quantity=Quantity.VOLUME, unit="m3", is_primary=True, meter__utility=Utility.GAS, meter__formula=""
    )


def _lacking(touched: pl.DataFrame) -> list[Lacking]:
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
    needed = pl.concat([
        days.select("organisation", "key", "day"),
        days.filter("has_early").select("organisation", "key", pl.col("day") - timedelta(days=1)),
    ]).unique()  # fmt: skip
    return [
        Lacking(name[organisation, key], runs_of(sorted(set(part["day"]) - _known(organisation, key, part["day"]))))
        for (organisation, key), part in sorted(needed.partition_by("organisation", "key", as_dict=True).items())
        if set(part["day"]) - _known(organisation, key, part["day"])
    ]


def _known(organisation: int, key: str, days: Iterable[date]) -> set[date]:
    within = list(days)
    values = CalorificValue.objects.filter(
        organisation=organisation, region_key=key, day__gte=min(within), day__lte=max(within)
    )
    return set(values.order_by().values_list("day", flat=True))


def runs_of(days: list[date]) -> tuple[tuple[date, date], ...]:
    """Return days in order as runs, the first and the last day of each."""
    runs: list[tuple[date, date]] = []
    for day in days:
        if runs and day - runs[-1][1] == timedelta(days=1):
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return tuple(runs)
