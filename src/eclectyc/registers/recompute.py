"""Use worked out again because what it stands on has changed: a batch taken back, a register declared otherwise."""

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

LAST: Final = 1 << 60  # goes before every batch that there is


def _store_nothing(_: Batch) -> None:
    """Keep nothing: what the use stands on is there already."""


@dataclass(frozen=True, slots=True)
class Recalculation:
    """Use worked out again, the meters that it is of, and what its batch keeps."""

    consumption: Consumption
    series: MeterSeries
    store: Callable[[Batch], None] = _store_nothing


def without_batch(batch: Batch) -> Recalculation:
    """Return the use of the registers or tanks that a batch told, as if it had told nothing."""
    told = RegisterRead.objects.filter(batch=batch).order_by().values_list("register__meter", flat=True).distinct()
    if meters := sorted(told):
        return for_registers(meters, leaving_out=batch.pk)
    tanks = TankEntry.objects.filter(batch=batch).order_by().values_list("meter", flat=True).distinct()
    return for_tanks(sorted(tanks), leaving_out=batch.pk)


def for_registers(meters: Sequence[int], *, leaving_out: int | None = None) -> Recalculation:
    """Work out all the use of some meters' registers; where a batch is left out, of the days that it bears on."""
    facts, known, number = _facts(meters)
    if leaving_out is None:
        reads = touched = as_reads([row for piece in pieces(list(number)) for row in all_reads(piece)], number)
    else:
        gone = RegisterRead.objects.filter(batch=leaving_out).values_list(*READ_COLUMNS)
        touched = as_reads(list(gone), number)
        reads = reads_around(facts, touched, leaving_out=leaving_out)
    return Recalculation(calculate_consumption(facts, reads, touched), MeterSeries.for_meters(known))


def with_read(meter: int, register: int, at_s: int, value: float | None, quality: int) -> Recalculation:
    """Work out a meter's use with one read more; without a value, one that is taken back."""
    facts, known, number = _facts([meter])
    held = as_reads([row for piece in pieces(list(number)) for row in all_reads(piece)], number)
    told = as_reads([(register, at_s, value, quality, False, LAST)], number)
    worked = calculate_consumption(facts, Reads.joined([held, told]), told)
    return Recalculation(
        worked, MeterSeries.for_meters(known), lambda batch: store_reads(batch, facts.registers, told, ["typed"])
    )


def _facts(meters: Sequence[int]) -> tuple[RegisterConfig, list[int], dict[int, int]]:
    """Return what is known of some meters and their registers, the meters in order, and each register's index."""
    known = load_points(meters)
    index = {meter: n for n, meter in enumerate(known)}
    facts = RegisterConfig(list(known.values()))
    for meter, register in load_registers(list(known), known):
        facts.registers.append(replace(register, point=index[meter]))
    number = {register.pk: n for n, register in enumerate(facts.registers) if register.pk is not None}
    return facts, list(known), number


def for_tanks(meters: Sequence[int], *, leaving_out: int | None = None) -> Recalculation:
    """Work out all the use of some meters' tanks."""
    known = load_points(meters)
    place = {meter: n for n, meter in enumerate(known)}
    held = stored_entries(list(known), without=leaving_out)
    gone = TankEntry.objects.filter(batch=leaving_out).values_list(*ENTRY_COLUMNS) if leaving_out is not None else []
    touched = as_entries(list(gone), place)
    return Recalculation(
        tank_consumption(list(known.values()), held, touched, measured_by_tank(list(known))),
        MeterSeries.for_meters(list(known)),
    )


def with_entry(meter: int, at_s: int, litres: float | None, quality: int, kind: str, reference: str) -> Recalculation:
    """Work out a tank's use with one entry more; without litres, one that is taken back."""
    known = load_points([meter])
    told = as_entries([(meter, at_s, litres, quality, LAST, kind, reference)], {meter: 0})
    worked = tank_consumption(
        list(known.values()), Entries.joined(stored_entries([meter]), told), told, measured_by_tank([meter])
    )
    return Recalculation(worked, MeterSeries.for_meters([meter]), lambda batch: store_entries(batch, [meter], told))
