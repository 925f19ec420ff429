"""Recalculate consumption because its reads have changed: a batch is undone, a read entered, a register redefined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from eclectyc.batches.models import Batch
from eclectyc.registers.commit_consumption import MeterSeries
from eclectyc.registers.consumption import Consumption, calculate_consumption
from eclectyc.registers.models import RegisterRead, TankEntry
from eclectyc.registers.reads import Reads
from eclectyc.registers.register_config import RegisterConfig
from eclectyc.registers.repository import (
    READ_COLUMNS,
    all_reads,
    as_reads,
    load_points,
    load_registers,
    pieces,
    reads_around,
)
from eclectyc.registers.save_reads import store_reads
from eclectyc.registers.tank_consumption import Entries, tank_consumption
from eclectyc.registers.tank_entries import ENTRY_COLUMNS, as_entries, measured_by_tank, store_entries, stored_entries

LAST: Final = 1 << 60  # takes precedence over every stored batch


def _store_nothing(_: Batch) -> None:
    """The reads are stored already."""


@dataclass(frozen=True, slots=True)
class Recalculation:
    """Recalculated consumption, its series, and what stores the batch's reads."""

    consumption: Consumption
    series: MeterSeries
    store: Callable[[Batch], None] = _store_nothing


def without_batch(batch: Batch) -> Recalculation:
    """Recalculate the registers or tanks of a batch as if it had no reads."""
    of_batch = RegisterRead.objects.filter(batch=batch).order_by().values_list("register__meter", flat=True).distinct()
    if meters := sorted(of_batch):
        return for_registers(meters, leaving_out=batch.pk)
    tanks = TankEntry.objects.filter(batch=batch).order_by().values_list("meter", flat=True).distinct()
    return for_tanks(sorted(tanks), leaving_out=batch.pk)


def for_registers(meters: Sequence[int], *, leaving_out: int | None = None) -> Recalculation:
    """Recalculate the registers of some meters on all days; if a batch is left out, on the days that it affects."""
    config, known, number = _load(meters)
    if leaving_out is None:
        reads = touched = as_reads([row for piece in pieces(list(number)) for row in all_reads(piece)], number)
    else:
        removed = RegisterRead.objects.filter(batch=leaving_out).values_list(*READ_COLUMNS)
        touched = as_reads(list(removed), number)
        reads = reads_around(config, touched, leaving_out=leaving_out)
    return Recalculation(calculate_consumption(config, reads, touched), MeterSeries.for_meters(known))


def with_read(meter: int, register: int, at_s: int, value: float | None, quality: int) -> Recalculation:
    """Recalculate a meter with one more read; without a value, with one read withdrawn."""
    config, known, number = _load([meter])
    stored = as_reads([row for piece in pieces(list(number)) for row in all_reads(piece)], number)
    new = as_reads([(register, at_s, value, quality, False, LAST)], number)
    consumption = calculate_consumption(config, Reads.joined([stored, new]), new)
    return Recalculation(
        consumption, MeterSeries.for_meters(known), lambda batch: store_reads(batch, config.registers, new, ["typed"])
    )


def _load(meters: Sequence[int]) -> tuple[RegisterConfig, list[int], dict[int, int]]:
    """Look up meters and their registers. Return them, the meters in order, and each register's index."""
    known = load_points(meters)
    index = {meter: n for n, meter in enumerate(known)}
    config = RegisterConfig(list(known.values()))
    for meter, register in load_registers(list(known), known):
        config.registers.append(replace(register, point=index[meter]))
    number = {register.pk: n for n, register in enumerate(config.registers) if register.pk is not None}
    return config, list(known), number


def for_tanks(meters: Sequence[int], *, leaving_out: int | None = None) -> Recalculation:
    """Recalculate the tanks of some meters on all days; if a batch is left out, on the days that it affects."""
    known = load_points(meters)
    place = {meter: n for n, meter in enumerate(known)}
    stored = stored_entries(list(known), without=leaving_out)
    touched = stored
    if leaving_out is not None:
        removed = TankEntry.objects.filter(batch=leaving_out).values_list(*ENTRY_COLUMNS)
        touched = as_entries(list(removed), place)
    return Recalculation(
        tank_consumption(list(known.values()), stored, touched, measured_by_tank(list(known))),
        MeterSeries.for_meters(list(known)),
    )


def with_entry(meter: int, at_s: int, litres: float | None, quality: int, kind: str, reference: str) -> Recalculation:
    """Recalculate a tank with one more entry; without litres, with one entry withdrawn."""
    known = load_points([meter])
    new = as_entries([(meter, at_s, litres, quality, LAST, kind, reference)], {meter: 0})
    consumption = tank_consumption(
        list(known.values()), Entries.joined(stored_entries([meter]), new), new, measured_by_tank([meter])
    )
    return Recalculation(consumption, MeterSeries.for_meters([meter]), lambda batch: store_entries(batch, [meter], new))
