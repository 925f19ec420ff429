"""Use worked out again because what it stands on has changed: a batch taken back, a register declared otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from eclectyc.batches.models import Batch
from eclectyc.registers.commit_consumption import MeterSeries
from eclectyc.registers.consumption import Worked, work_out
from eclectyc.registers.models import RegisterRead, TankEntry
from eclectyc.registers.reads import Reads
from eclectyc.registers.register_config import Facts
from eclectyc.registers.repository import (
    READ_COLUMNS,
    all_reads,
    as_reads,
    bearing_on,
    pieces,
    points_of,
    registers_of,
)
from eclectyc.registers.save_reads import keep_reads
from eclectyc.registers.tank_consumption import Entries, use_of
from eclectyc.registers.tank_entries import ENTRY_COLUMNS, counting, entries_of, held_entries, keep_entries

LAST: Final = 1 << 60  # goes before every batch that there is


def _nothing(_: Batch) -> None:
    """Keep nothing: what the use stands on is there already."""


@dataclass(frozen=True, slots=True)
class Again:
    """Use worked out again, the meters that it is of, and what its batch keeps."""

    worked: Worked
    maker: MeterSeries
    keep: Callable[[Batch], None] = _nothing


def without(batch: Batch) -> Again:
    """Return the use of the registers or tanks that a batch told, as if it had told nothing."""
    told = RegisterRead.objects.filter(batch=batch).order_by().values_list("register__meter", flat=True).distinct()
    if meters := sorted(told):
        return of_registers(meters, leaving_out=batch.pk)
    tanks = TankEntry.objects.filter(batch=batch).order_by().values_list("meter", flat=True).distinct()
    return of_tanks(sorted(tanks), leaving_out=batch.pk)


def of_registers(meters: Sequence[int], *, leaving_out: int | None = None) -> Again:
    """Work out all the use of some meters' registers; where a batch is left out, of the days that it bears on."""
    facts, known, number = _facts(meters)
    if leaving_out is None:
        reads = touched = as_reads([row for piece in pieces(list(number)) for row in all_reads(piece)], number)
    else:
        gone = RegisterRead.objects.filter(batch=leaving_out).values_list(*READ_COLUMNS)
        touched = as_reads(list(gone), number)
        reads = bearing_on(facts, touched, leaving_out=leaving_out)
    return Again(work_out(facts, reads, touched), MeterSeries.of(known))


def with_read(meter: int, register: int, at_s: int, value: float | None, quality: int) -> Again:
    """Work out a meter's use with one read more; without a value, one that is taken back."""
    facts, known, number = _facts([meter])
    held = as_reads([row for piece in pieces(list(number)) for row in all_reads(piece)], number)
    told = as_reads([(register, at_s, value, quality, False, LAST)], number)
    worked = work_out(facts, Reads.joined([held, told]), told)
    return Again(worked, MeterSeries.of(known), lambda batch: keep_reads(batch, facts.registers, told, ["typed"]))


def _facts(meters: Sequence[int]) -> tuple[Facts, list[int], dict[int, int]]:
    """Return what is known of some meters and their registers, the meters in order, and each register's index."""
    known = points_of(meters)
    index = {meter: n for n, meter in enumerate(known)}
    facts = Facts(list(known.values()))
    for meter, register in registers_of(list(known), known):
        facts.registers.append(replace(register, point=index[meter]))
    number = {register.pk: n for n, register in enumerate(facts.registers) if register.pk is not None}
    return facts, list(known), number


def of_tanks(meters: Sequence[int], *, leaving_out: int | None = None) -> Again:
    """Work out all the use of some meters' tanks."""
    known = points_of(meters)
    place = {meter: n for n, meter in enumerate(known)}
    held = held_entries(list(known), without=leaving_out)
    gone = TankEntry.objects.filter(batch=leaving_out).values_list(*ENTRY_COLUMNS) if leaving_out is not None else []
    touched = entries_of(list(gone), place)
    return Again(use_of(list(known.values()), held, touched, counting(list(known))), MeterSeries.of(list(known)))


def with_entry(meter: int, at_s: int, litres: float | None, quality: int, kind: str, reference: str) -> Again:
    """Work out a tank's use with one entry more; without litres, one that is taken back."""
    known = points_of([meter])
    told = entries_of([(meter, at_s, litres, quality, LAST, kind, reference)], {meter: 0})
    worked = use_of(list(known.values()), Entries.joined(held_entries([meter]), told), told, counting([meter]))
    return Again(worked, MeterSeries.of([meter]), lambda batch: keep_entries(batch, [meter], told))
