"""Commit consumption calculated from reads: the reads are stored first, then the consumption in one commit of the lake.

Reads and tank entries count from the moment their batch is done, and never if it fails: every query for them checks the
batch's state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import polars as pl

from eclectyc.accounts.models import Organisation
from eclectyc.batches.lifecycle import CreatedRecords, Guard, committing
from eclectyc.batches.models import Batch
from eclectyc.batches.own_lake import require_own_lake
from eclectyc.estate.series import SeriesKey, ensure_series, series_rows
from eclectyc.kernel.days import WHOLE_DAY
from eclectyc.kernel.failpoints import failpoint
from eclectyc.lake.lease import Lease
from eclectyc.lake.store import connect
from eclectyc.lake.write import WriteResult
from eclectyc.registers.consumption import NO_SERIES, Consumption

SeriesRequest = tuple[int, str, str, int]  # point, quantity, unit, step [minutes]


class SeriesProvider(Protocol):
    """Finds the series that calculated consumption is written to, and creates those that are missing."""

    def existing(self, target: tuple[int, str, str]) -> dict[int, int]:
        """Return the series that a target already has: step → number."""
        ...

    def create(self, requests: Sequence[SeriesRequest]) -> tuple[list[int], CreatedRecords]:
        """Return the numbers of the requested series; call it within a transaction."""
        ...


@dataclass(slots=True)
class MeterSeries:
    """Series of meters that are in the registry. meters : their numbers; targets name them by index."""

    meters: list[int]
    known: dict[tuple[int, str, str], dict[int, int]] = field(default_factory=dict)

    @classmethod
    def for_meters(cls, meters: list[int]) -> MeterSeries:
        place = {meter: n for n, meter in enumerate(meters)}
        provider = cls(meters)
        columns = ("meter_id", "quantity", "unit", "step_minutes", "pk", "source", "register")
        for meter, quantity, unit, step, pk, source, register in series_rows(meters, *columns):
            if not source and not register:
                provider.known.setdefault((place[meter], quantity, unit), {})[step] = pk
        return provider

    def existing(self, target: tuple[int, str, str]) -> dict[int, int]:
        return self.known.get(target, {})

    def create(self, requests: Sequence[SeriesRequest]) -> tuple[list[int], CreatedRecords]:
        keys = [SeriesKey(self.meters[point], quantity, unit, step) for point, quantity, unit, step in requests]
        found, new = ensure_series(keys)
        return [found[key].pk for key in keys], CreatedRecords(series=[one.pk for one in new])


@dataclass(frozen=True, slots=True)
class SeriesNumbers:
    """The series of each target: for whole days, and for slots (below zero: it has none and needs none).

    others : target and number of further series of the same targets, with steps that they had before; their readings no
    longer count.
    """

    days: np.ndarray
    slots: np.ndarray
    others: list[tuple[int, int]]

    def months(self, consumption: Consumption) -> ConsumptionMonths:
        return ConsumptionMonths(consumption, self)

    def spans(self, consumption: Consumption) -> pl.DataFrame:
        """Return the days to be replaced: series, start, end."""
        target = np.array([target for target, _ in self.others], dtype=np.int64)
        series = np.array([number for _, number in self.others], dtype=np.int64)
        days, slots = (np.arange(len(self.days)), self.days), (np.arange(len(self.slots)), self.slots)
        return consumption.spans([days, slots, (target, series)])


@dataclass(frozen=True, slots=True)
class ConsumptionMonths:
    """Month frames of consumption. They may be iterated more than once; one is in memory at a time."""

    consumption: Consumption
    numbers: SeriesNumbers

    def __iter__(self) -> Iterator[pl.DataFrame]:
        return self.consumption.months(self.numbers.days, self.numbers.slots)


def series_requests(consumption: Consumption) -> tuple[list[SeriesRequest], list[SeriesRequest]]:
    """Return the series that consumption needs: one for whole days for each target, and those for slots."""
    has_slots = set(np.unique(consumption.slots.target).tolist())
    days = [(*target, WHOLE_DAY) for target in consumption.targets]
    slots = [(*consumption.targets[n], int(consumption.step[n])) for n in range(len(days)) if n in has_slots]
    return days, slots


def ensure_numbers(consumption: Consumption, series: SeriesProvider) -> tuple[SeriesNumbers, CreatedRecords]:
    """Return the series of consumption, created if they are missing; call it within a transaction."""
    days, slots = series_requests(consumption)
    numbers, created = series.create([*days, *slots])
    return _numbers_by_target(consumption, series, dict(zip([*days, *slots], numbers, strict=True))), created


def preview_numbers(consumption: Consumption, series: SeriesProvider) -> SeriesNumbers:
    """Return the series of consumption for a dry run; those that are missing have numbers below minus one."""
    found: dict[SeriesRequest, int] = {}
    for part in series_requests(consumption):
        for request in part:
            found[request] = series.existing(request[:3]).get(request[3], -2 - len(found))
    return _numbers_by_target(consumption, series, found)


def _numbers_by_target(
    consumption: Consumption, series: SeriesProvider, found: dict[SeriesRequest, int]
) -> SeriesNumbers:
    days, slots, others = [], [], []
    for n, (target, step) in enumerate(zip(consumption.targets, consumption.step.tolist(), strict=True)):
        days.append(found[*target, WHOLE_DAY])
        slots.append(found.get((*target, step), NO_SERIES) if step != WHOLE_DAY else NO_SERIES)
        others += [(n, number) for number in series.existing(target).values() if number not in {days[-1], slots[-1]}]
    return SeriesNumbers(np.array(days, dtype=np.int64), np.array(slots, dtype=np.int64), others)


def earlier_batches(organisation: Organisation, batch: Batch | None = None) -> list[int]:
    """Return the batches whose calculated days are replaced when these days are recalculated."""
    derived = Batch.objects.filter(organisation=organisation, derives_use=True)
    return list((derived if batch is None else derived.exclude(pk=batch.pk)).order_by().values_list("pk", flat=True))


def preview_consumption(consumption: Consumption, series: SeriesProvider, organisation: Organisation) -> WriteResult:
    """Return what committing consumption would do; nothing is written."""
    numbers = preview_numbers(consumption, series)
    earlier = earlier_batches(organisation)
    require_own_lake()
    return connect().preview_replace(numbers.months(consumption), spans=numbers.spans(consumption), earlier=earlier)


def commit_consumption(
    consumption: Consumption,
    series: SeriesProvider,
    lease: Lease,
    *,
    transaction: Guard,
    begin: Callable[[CreatedRecords], Batch],
    store: Callable[[Batch], None],
    before_commit: Callable[[Batch, WriteResult], None],
) -> tuple[Batch, WriteResult]:
    """Commit consumption as one batch, with the writers' turn held.

    transaction : in which the batch begins. begin : creates the batch's row. store : stores the batch's reads in the
    registry. before_commit : stores its counts.
    """
    with transaction():
        numbers, created = ensure_numbers(consumption, series)
        batch = begin(created)
    failpoint("intake.after_pending")
    done = WriteResult()
    with committing(batch, connect(), lease):
        store(batch)
        failpoint("registers.after_reads")

        def record_counts(result: WriteResult) -> None:
            before_commit(batch, result)
            failpoint("intake.before_write")

        done = replace_consumption(consumption, numbers, lease, batch, record_counts)
        failpoint("intake.after_commit")
    return batch, done


def replace_consumption(
    consumption: Consumption,
    numbers: SeriesNumbers,
    lease: Lease,
    batch: Batch,
    before_commit: Callable[[WriteResult], None] | None = None,
) -> WriteResult:
    """Replace the recalculated days in the lake, in one commit, as a pending batch."""
    return connect().replace_spans(
        numbers.months(consumption),
        spans=numbers.spans(consumption),
        earlier=earlier_batches(batch.organisation, batch),
        lease=lease,
        batch=batch.pk,
        before_commit=before_commit,
    )
