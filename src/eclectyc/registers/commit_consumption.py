"""A batch that works use out: what it keeps in the registry first, then the use in the lake in one commit, then done.

What it keeps – reads, or entries of a tank – stands from the moment the batch is done, and never if it fails: whoever
reads them asks for the batch's state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import polars as pl

from eclectyc.accounts.models import Organisation
from eclectyc.batches.lifecycle import CreatedRecords, committing
from eclectyc.batches.models import Batch
from eclectyc.estate.series import SeriesKey, ensure_series, series_rows
from eclectyc.kernel.days import WHOLE_DAY
from eclectyc.kernel.failpoints import failpoint
from eclectyc.lake.lease import Lease
from eclectyc.lake.store import connect
from eclectyc.lake.write import WriteResult
from eclectyc.registers.consumption import NO_SERIES, Consumption

SeriesRequest = tuple[int, str, str, int]  # point, quantity, unit, step [minutes]


class SeriesProvider(Protocol):
    """Knows the series of the points of a working out, and makes those that are lacking."""

    def existing(self, target: tuple[int, str, str]) -> dict[int, int]:
        """Return the series of a target that are there already: step → number."""
        ...

    def create(self, wanted: Sequence[SeriesRequest]) -> tuple[list[int], CreatedRecords]:
        """Return the numbers of some series; call it within a transaction."""
        ...


@dataclass(slots=True)
class MeterSeries:
    """Series of meters that are all in the registry, by their numbers."""

    meters: list[int]
    known: dict[tuple[int, str, str], dict[int, int]] = field(default_factory=dict)

    @classmethod
    def for_meters(cls, meters: list[int]) -> MeterSeries:
        """Ask the registry for the series of some meters."""
        place = {meter: n for n, meter in enumerate(meters)}
        maker = cls(meters)
        columns = ("meter_id", "quantity", "unit", "step_minutes", "pk", "source", "register")
        for meter, quantity, unit, step, pk, source, register in series_rows(meters, *columns):
            if not source and not register:
                maker.known.setdefault((place[meter], quantity, unit), {})[step] = pk
        return maker

    def existing(self, target: tuple[int, str, str]) -> dict[int, int]:
        return self.known.get(target, {})

    def create(self, wanted: Sequence[SeriesRequest]) -> tuple[list[int], CreatedRecords]:
        keys = [SeriesKey(self.meters[point], quantity, unit, step) for point, quantity, unit, step in wanted]
        found, new = ensure_series(keys)
        return [found[key].pk for key in keys], CreatedRecords(series=[one.pk for one in new])


@dataclass(frozen=True, slots=True)
class SeriesNumbers:
    """The series of each target: of whole days, and of slots (below zero: it has none and needs none).

    others : further series of the same targets, of steps that they had before: target and number. What was worked out
    for them counts no more.
    """

    days: np.ndarray
    slots: np.ndarray
    others: list[tuple[int, int]]

    def months(self, worked: Consumption) -> ConsumptionMonths:
        """Return what the lake is to hold."""
        return ConsumptionMonths(worked, self)

    def spans(self, worked: Consumption) -> pl.DataFrame:
        """Return the days that are worked out anew."""
        target = np.array([target for target, _ in self.others], dtype=np.int64)
        series = np.array([number for _, number in self.others], dtype=np.int64)
        return worked.spans([(np.arange(len(self.days)), self.days), (np.arange(len(self.slots)), self.slots),
                             (target, series)])  # fmt: skip


@dataclass(frozen=True, slots=True)
class ConsumptionMonths:
    """Month frames of a working out, to be gone through as often as wanted; one is held at a time."""

    consumption: Consumption
    numbers: SeriesNumbers

    def __iter__(self) -> Iterator[pl.DataFrame]:
        return self.consumption.months(self.numbers.days, self.numbers.slots)


def series_requests(worked: Consumption) -> tuple[list[SeriesRequest], list[SeriesRequest]]:
    """Return the series that a working out needs: one of whole days for each target, and those of slots."""
    has_slots = set(np.unique(worked.slots.target).tolist())
    days = [(*target, WHOLE_DAY) for target in worked.targets]
    slots = [(*worked.targets[n], int(worked.step[n])) for n in range(len(days)) if n in has_slots]
    return days, slots


def ensure_numbers(worked: Consumption, maker: SeriesProvider) -> tuple[SeriesNumbers, CreatedRecords]:
    """Return the series of a working out, made where they are lacking; call it within a transaction."""
    days, slots = series_requests(worked)
    numbers, made = maker.create([*days, *slots])
    return _numbers_by_target(worked, maker, dict(zip([*days, *slots], numbers, strict=True))), made


def preview_numbers(worked: Consumption, maker: SeriesProvider) -> SeriesNumbers:
    """Return the series of a working out that is only tried; those that are lacking have numbers below minus one."""
    found: dict[SeriesRequest, int] = {}
    for part in series_requests(worked):
        for wanted in part:
            found[wanted] = maker.existing(wanted[:3]).get(wanted[3], -2 - len(found))
    return _numbers_by_target(worked, maker, found)


def _numbers_by_target(worked: Consumption, maker: SeriesProvider, found: dict[SeriesRequest, int]) -> SeriesNumbers:
    days, slots, others = [], [], []
    for n, (target, step) in enumerate(zip(worked.targets, worked.step.tolist(), strict=True)):
        days.append(found[*target, WHOLE_DAY])
        slots.append(found.get((*target, step), NO_SERIES) if step != WHOLE_DAY else NO_SERIES)
        others += [(n, number) for number in maker.existing(target).values() if number not in {days[-1], slots[-1]}]
    return SeriesNumbers(np.array(days, dtype=np.int64), np.array(slots, dtype=np.int64), others)


def earlier_batches(organisation: Organisation, batch: Batch | None = None) -> list[int]:
    """Return the batches whose word on worked out days counts no more once these are worked out anew."""
    derived = Batch.objects.filter(organisation=organisation, derives_use=True)
    return list((derived if batch is None else derived.exclude(pk=batch.pk)).order_by().values_list("pk", flat=True))


def preview_consumption(worked: Consumption, maker: SeriesProvider, organisation: Organisation) -> WriteResult:
    """Return what writing a working out would do; nothing is written."""
    numbers = preview_numbers(worked, maker)
    earlier = earlier_batches(organisation)
    return connect().preview_replace(numbers.months(worked), spans=numbers.spans(worked), earlier=earlier)


def commit_consumption(
    worked: Consumption,
    maker: SeriesProvider,
    lease: Lease,
    *,
    under: Callable[[], AbstractContextManager[None]],
    begin: Callable[[CreatedRecords], Batch],
    keep: Callable[[Batch], None],
    before_commit: Callable[[Batch, WriteResult], None],
) -> tuple[Batch, WriteResult]:
    """Write a working out as one batch, with the writers' turn held.

    under : the transaction in which the batch begins. begin : makes the batch's row. keep : writes what it keeps in the
    registry. before_commit : writes its counts down.
    """
    with under():
        numbers, made = ensure_numbers(worked, maker)
        batch = begin(made)
    failpoint("intake.after_pending")
    done = WriteResult()
    with committing(batch, connect(), lease):
        keep(batch)
        failpoint("registers.after_reads")

        def note_and_pause(result: WriteResult) -> None:
            before_commit(batch, result)
            failpoint("intake.before_write")

        done = replace_consumption(worked, numbers, lease, batch, note_and_pause)
        failpoint("intake.after_commit")
    return batch, done


def replace_consumption(
    worked: Consumption,
    numbers: SeriesNumbers,
    lease: Lease,
    batch: Batch,
    before_commit: Callable[[WriteResult], None] | None = None,
) -> WriteResult:
    """Write into the lake what some spans hold now, in one commit, as what a pending batch says."""
    return connect().replace_spans(
        numbers.months(worked),
        spans=numbers.spans(worked),
        earlier=earlier_batches(batch.organisation, batch),
        lease=lease,
        batch=batch.pk,
        before_commit=before_commit,
    )
