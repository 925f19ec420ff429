"""Use worked out again because what it stands on has changed: a batch taken back, a register declared otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from eclectyc.intake.models import Batch
from eclectyc.intake.registers.deriving import OfMeters
from eclectyc.intake.registers.facts import Facts
from eclectyc.intake.registers.models import RegisterRead, TankEntry
from eclectyc.intake.registers.stored import (
    READ_COLUMNS,
    all_reads,
    as_reads,
    bearing_on,
    pieces,
    points_of,
    registers_of,
)
from eclectyc.intake.registers.tank import use_of
from eclectyc.intake.registers.tanks import ENTRY_COLUMNS, counting, entries_of, held_entries
from eclectyc.intake.registers.working import Worked, work_out


@dataclass(frozen=True, slots=True)
class Again:
    """Use worked out again, and the meters that it is of."""

    worked: Worked
    maker: OfMeters


def without(batch: Batch) -> Again:
    """Return the use of the registers or tanks that a batch told, as if it had told nothing."""
    told = RegisterRead.objects.filter(batch=batch).order_by().values_list("register__meter", flat=True).distinct()
    if meters := sorted(told):
        return of_registers(meters, leaving_out=batch.pk)
    tanks = TankEntry.objects.filter(batch=batch).order_by().values_list("meter", flat=True).distinct()
    return of_tanks(sorted(tanks), leaving_out=batch.pk)


def of_registers(meters: Sequence[int], *, leaving_out: int | None = None) -> Again:
    """Work out all the use of some meters' registers; where a batch is left out, of the days that it bears on."""
    known = points_of(meters)
    index = {meter: n for n, meter in enumerate(known)}
    facts = Facts(list(known.values()))
    for meter, register in registers_of(list(known), known):
        facts.registers.append(replace(register, point=index[meter]))
    number = {register.pk: n for n, register in enumerate(facts.registers) if register.pk is not None}
    if leaving_out is None:
        reads = touched = as_reads([row for piece in pieces(list(number)) for row in all_reads(piece)], number)
    else:
        gone = RegisterRead.objects.filter(batch=leaving_out).values_list(*READ_COLUMNS)
        touched = as_reads(list(gone), number)
        reads = bearing_on(facts, touched, leaving_out=leaving_out)
    return Again(work_out(facts, reads, touched), OfMeters.of(list(known)))


def of_tanks(meters: Sequence[int], *, leaving_out: int | None = None) -> Again:
    """Work out all the use of some meters' tanks."""
    known = points_of(meters)
    place = {meter: n for n, meter in enumerate(known)}
    held = held_entries(list(known), without=leaving_out)
    gone = TankEntry.objects.filter(batch=leaving_out).values_list(*ENTRY_COLUMNS) if leaving_out is not None else []
    touched = entries_of(list(gone), place)
    return Again(use_of(list(known.values()), held, touched, counting(list(known))), OfMeters.of(list(known)))
