"""The kWh of gas meters, derived from their volumes (see ``derived.protocol``).

Each primary series of m³ – half-hourly, daily, of a register – has a series of kWh with the source ``DERIVED``. It
counts for the meter unless the supplier sends kWh too: then the supplier's series counts and this one does not.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from django.db.models import Q, QuerySet

from eclectyc.batches.lifecycle import CreatedRecords
from eclectyc.derived import spans
from eclectyc.derived.virtual.invalidation import mark_dependents
from eclectyc.estate.models import Correction, Meter, Quantity, Series, Utility
from eclectyc.estate.series import SeriesKey, ensure_series, rows_of
from eclectyc.gas.invalidation import NAME
from eclectyc.gas.models import DERIVED
from eclectyc.gas.regions import RegionValues, key_at, usual_region
from eclectyc.gas.rules import converted, kwh_per_m3, slots_before
from eclectyc.kernel.days import WHOLE_DAY, zone_of
from eclectyc.lake.slot_arrays import Slots
from eclectyc.lake.store import connect

_PIECE: Final = 5000
_ONE_DAY: Final = timedelta(days=1)
# A virtual meter's volumes are not converted: for its kWh, make a formula over the kWh of its meters.
_VOLUME: Final = Q(quantity=Quantity.VOLUME, unit="m3", is_primary=True, meter__formula="")


class GasMeter(NamedTuple):
    """What the conversion of a meter depends on. corrections : since (the first: date.min) and factor, in order."""

    zone: str
    region: str  # its key
    corrections: tuple[tuple[date, Decimal], ...]

    def correction_on(self, gas_day: date) -> Decimal:
        return next(factor for since, factor in reversed(self.corrections) if since <= gas_day)


@dataclass(slots=True)
class GasPlan:
    """The kWh of some gas meters on some days.

    sources : series (of kWh), source (its m³), meter. spans : of series of kWh. volumes : those parts of the spans in
    which there are volumes to convert. meters : by number.
    """

    spans: pl.DataFrame
    created: CreatedRecords
    volumes: pl.DataFrame = field(default_factory=lambda: spans.empty("series"))
    sources: pl.DataFrame = field(default_factory=pl.DataFrame)
    meters: dict[int, GasMeter] = field(default_factory=dict)
    values: RegionValues = field(default_factory=RegionValues)

    def __iter__(self) -> Iterator[pl.DataFrame]:
        for first, end, part in spans.months_of(self.volumes):
            of = self.sources.join(part.select("series").unique(), on="series", how="semi")
            held = connect().days(of["source"].to_numpy(), first, end, values=True)
            rows = held.rename({"series": "source"}).join(of, on="source", how="inner")
            rows = rows.join(spans.days_of(part, "series"), on=["series", "day"], how="semi", maintain_order="left")
            if len(rows):
                yield self._converted(rows, first, end)

    def _converted(self, rows: pl.DataFrame, first: date, end: date) -> pl.DataFrame:
        slots = Slots.from_frame(rows)
        before, after, early = self._factors(rows, first, end)
        kwh, quality = converted(slots.values, slots.quality, slots.lengths, early=early, before=before, after=after)
        return rows.select("series", "day", "step").with_columns(**Slots(kwh, quality, slots.lengths).columns())

    def _factors(self, rows: pl.DataFrame, first: date, end: date) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return for each day row the factors of the gas day before and of its own, and its number of early slots."""
        days = [first + timedelta(days=n) for n in range((end - first).days)]
        kinds: dict[GasMeter, int] = {}
        number = {meter: kinds.setdefault(self.meters[meter], len(kinds)) for meter in set(rows["meter"])}
        table = np.array([[self._factor(meter, day) for day in [first - _ONE_DAY, *days]] for meter in kinds])
        which = np.array([number[meter] for meter in rows["meter"]], dtype=np.int64)
        at = (rows["day"] - first).dt.total_days().to_numpy()
        opens: dict[tuple[str, int], np.ndarray] = {}
        early = np.zeros(len(rows), dtype=np.int64)
        zones, steps = np.array([self.meters[meter].zone for meter in rows["meter"]]), rows["step"].to_numpy()
        for zone, step in {(str(z), int(s)) for z, s in zip(zones, steps, strict=True)}:
            mine = (zones == zone) & (steps == step)
            opens[zone, step] = np.array([slots_before(day, zone_of(zone), step) for day in days], dtype=np.int64)
            early[mine] = opens[zone, step][at[mine]]
        return table[which, at], table[which, at + 1], early

    def _factor(self, meter: GasMeter, gas_day: date) -> float:
        value = self.values.on(meter.region, gas_day)
        return float("nan") if value is None else kwh_per_m3(value, meter.correction_on(gas_day))


class GasDerivation:
    """The derivation."""

    name: Final = NAME
    title: Final = "kWh from m³"

    def dependents(self, touched: pl.DataFrame) -> pl.DataFrame:
        """That day's kWh depend on a day of m³; which of the two counts depends on a day of the supplier's kWh."""
        volumes: list[tuple[int, int]] = []
        others: list[tuple[int, int]] = []
        of_gas = Series.objects.filter(meter__utility=Utility.GAS).exclude(source=DERIVED)
        found = of_gas.filter(_VOLUME | Q(quantity=Quantity.IMPORT)).order_by()
        of_touched = rows_of(found, "pk", touched["series"].unique().to_list(), "pk", "meter", "quantity")
        for series, meter, quantity in of_touched:
            (volumes if quantity == Quantity.VOLUME else others).append((series, meter))
        if others:
            with_volumes = {meter for _, meter in volumes}
            for piece in _pieces([meter for _, meter in others]):
                held = Series.objects.filter(_VOLUME, meter__in=piece).order_by()
                with_volumes.update(held.values_list("meter", flat=True))
            others = [(series, meter) for series, meter in others if meter in with_volumes]
        if not volumes and not others:
            return spans.empty()
        rows = pl.DataFrame([*volumes, *others], schema={"series": pl.Int32, "meter": pl.Int64}, orient="row")
        return spans.runs(touched.join(rows, on="series").select("meter", "day"))

    def series_needed(self, requested: pl.DataFrame) -> list[int]:
        """Return the series of volumes or energy of some meters."""
        pieces = _pieces(requested["meter"].unique().to_list())
        return [series for piece in pieces for series in _of_gas(piece).values_list("pk", flat=True)]

    def plan(self, requested: pl.DataFrame, stored: pl.DataFrame) -> GasPlan:
        """Look up everything that the conversion of some meters' days needs; see :class:`Derivation`."""
        return _Planning.for_days(requested, stored).plan()

    def remarks(self, touched: pl.DataFrame) -> list[str]:
        """Return which touched days of m³ have no calorific value."""
        from eclectyc.gas.missing_values import remarks

        return remarks(touched)


GAS: Final = GasDerivation()


class _GasSeries(NamedTuple):
    """A series of a gas meter."""

    pk: int
    meter: int
    quantity: str
    unit: str
    step: int
    source: str
    register: str
    is_primary: bool

    @property
    def is_volume(self) -> bool:
        """Whether it is of m³ that are converted."""
        is_counted = self.is_primary and self.source != DERIVED
        return is_counted and self.quantity == Quantity.VOLUME and self.unit == "m3"


@dataclass(slots=True)
class _Planning:
    """The registry's and the lake's data of the requested meters."""

    wanted: pl.DataFrame
    organisation: int
    meters: dict[int, GasMeter]
    series: list[_GasSeries]
    held: pl.DataFrame  # series, first, last

    @classmethod
    def for_days(cls, wanted: pl.DataFrame, held: pl.DataFrame) -> _Planning:
        numbers = wanted["meter"].unique().to_list()
        columns = ("pk", "utility", "organisation", "site__timezone", "site__gas_region", "correction", "formula")
        rows = [r for piece in _pieces(numbers) for r in Meter.objects.filter(pk__in=piece).values_list(*columns)]
        organisation = rows[0][2] if rows else 0
        usual = usual_region(organisation)
        dated: dict[int, list[tuple[date, Decimal]]] = {}
        names = ("pk", "meter", "quantity", "unit", "step_minutes", "source", "register", "is_primary")
        series: list[_GasSeries] = []
        for piece in _pieces(numbers):
            for meter, since, factor in Correction.objects.filter(meter__in=piece).values_list(
                "meter", "since", "factor"
            ):
                dated.setdefault(meter, []).append((since or date.min, factor))
            series += [_GasSeries(*row) for row in _of_gas(piece).order_by("pk").values_list(*names)]
        meters = {
            pk: GasMeter(zone, key_at(region, usual), tuple(dated.get(pk, [(date.min, correction)])))
            for pk, utility, _, zone, region, correction, formula in rows
            if utility == Utility.GAS and not formula
        }
        return cls(wanted, organisation, meters, series, held)

    def plan(self) -> GasPlan:
        """Return the plan; create missing series that will have values."""
        volumes = [one for one in self.series if one.meter in self.meters and one.is_volume]
        bounded = self._spans_of(volumes, by="source")
        values = self._values(bounded)
        worth = self._worth(bounded, {one.pk: one.meter for one in volumes}, values)
        own = [one for one in self.series if one.source == DERIVED]
        target = {(one.meter, one.step, one.register): one.pk for one in own}
        missing = [one for one in volumes if one.pk in worth and (one.meter, one.step, one.register) not in target]
        keys = [SeriesKey(v.meter, Quantity.IMPORT, "kWh", v.step, DERIVED, v.register) for v in missing]
        found, new = ensure_series(keys) if keys else ({}, [])
        target |= {(key.meter, key.step_minutes, key.register): found[key].pk for key in keys}
        self._count_one([(one.pk, one.meter) for one in own] + [(one.pk, one.meter_id) for one in new])
        pairs = [
            (target[key], one.pk, one.meter)
            for one in volumes
            if (key := (one.meter, one.step, one.register)) in target
        ]
        schema = {"series": pl.Int32, "source": pl.Int32, "meter": pl.Int64}
        sources = pl.DataFrame(pairs, schema=schema, orient="row")
        to_convert = bounded.join(sources.select("source", "series"), on="source").select("series", "start", "end")
        every = spans.merged(pl.concat([to_convert, self._spans_of(own, by="series")]), "series")
        made = CreatedRecords(series=[series.pk for series in new])
        return GasPlan(every, made, spans.merged(to_convert, "series"), sources, self.meters, values)

    def _spans_of(self, series: list[_GasSeries], *, by: str) -> pl.DataFrame:
        """Return the requested days on which some series have data."""
        of = pl.DataFrame([(s.pk, s.meter) for s in series], schema={by: pl.Int32, "meter": pl.Int64}, orient="row")
        asked = self.wanted.join(of, on="meter").select(by, "start", "end")
        return spans.bounded(asked, self.held.rename({"series": by}), by)

    def _values(self, bounded: pl.DataFrame) -> RegionValues:
        if bounded.is_empty():
            return RegionValues()
        first: date = bounded["start"].min()  # type: ignore[assignment]
        end: date = bounded["end"].max()  # type: ignore[assignment]
        return RegionValues.of(self.organisation, {f.region for f in self.meters.values()}, first - _ONE_DAY, end)

    def _worth(self, bounded: pl.DataFrame, meter_of: dict[int, int], values: RegionValues) -> set[int]:
        """Return the volumes that have a calorific value for some of their days; a day of slots includes part of the
        gas day before."""
        days = {key: sorted(known) for key, known in values.known.items()}
        whole = {one.pk for one in self.series if one.step == WHOLE_DAY}
        worth = set()
        for series, start, end in bounded.iter_rows():
            known = days.get(self.meters[meter_of[series]].region, [])
            at = bisect_left(known, start if series in whole else start - _ONE_DAY)
            if at < len(known) and known[at] < end:
                worth.add(series)
        return worth

    def _count_one(self, own: list[tuple[int, int]]) -> None:
        """Count one source of a meter's kWh: the supplier's if there are any, else the derived one.

        own : the derived series, each with its meter.
        """
        sends = set(self.held["series"].to_list())
        theirs = [s for s in self.series if s.quantity == Quantity.IMPORT and s.unit == "kWh" and s.source != DERIVED]
        send = {s.meter for s in theirs if s.pk in sends}
        converted_too = {meter for _, meter in own}
        first: dict[int, str] = {}
        for one in theirs:
            first.setdefault(one.meter, one.source)
        of_supplier = {s.pk: s.meter in send and s.source == first[s.meter] for s in theirs if s.meter in converted_too}
        is_counted = of_supplier | {pk: meter in self.meters and meter not in send for pk, meter in own}
        meter_of = {s.pk: s.meter for s in theirs} | dict(own)
        changed: set[int] = set()
        for wanted in (True, False):
            for piece in _pieces([pk for pk, counts in is_counted.items() if counts == wanted]):
                wrong = Series.objects.filter(pk__in=piece, is_primary=not wanted)
                changed.update(meter_of[pk] for pk in wrong.values_list("pk", flat=True))
                wrong.update(is_primary=wanted)
        if changed:
            mark_dependents(changed)  # their formulas used the source that counted before


def _of_gas(meters: list[int]) -> QuerySet[Series]:
    return Series.objects.filter(meter__in=meters, quantity__in=(Quantity.VOLUME, Quantity.IMPORT)).order_by()


def _pieces(numbers: list[int]) -> Iterator[list[int]]:
    """Yield numbers in parts: databases limit a query's length."""
    for at in range(0, len(numbers), _PIECE):
        yield numbers[at : at + _PIECE]
