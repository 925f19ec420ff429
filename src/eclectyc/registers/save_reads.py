"""Store registers and reads: new registers first, then a batch's reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eclectyc.batches.models import Batch
from eclectyc.registers.models import Register, RegisterRead
from eclectyc.registers.reads import Reads
from eclectyc.registers.register_config import MAXIMUM, RegisterFacts
from eclectyc.registers.repository import insert, pieces


def create_registers(registers: Sequence[RegisterFacts], meters: Sequence[int]) -> None:
    """Create the registers that are missing, and set their numbers; call it within a transaction.

    meters : the number of each point's meter. A register found to be one of maximum demand is marked as such.
    """
    fresh = [register for register in registers if register.pk is None]
    rows = Register.objects.bulk_create(
        [
            Register(
                meter_id=meters[one.point],
                quantity=one.quantity,
                unit=one.unit,
                serial=one.serial,
                serial_key=one.key[0],
                code=one.code,
                code_key=one.key[1],
                kind=one.kind,
                digits=one.digits,
            )
            for one in fresh
        ],
        batch_size=2000,
    )
    for one, row in zip(fresh, rows, strict=True):
        one.pk = row.pk
    demand = [register.pk for register in registers if register.kind == MAXIMUM and register.pk is not None]
    for piece in pieces(demand):
        Register.objects.filter(pk__in=piece).exclude(kind=MAXIMUM).update(kind=MAXIMUM)


def store_reads(batch: Batch, registers: Sequence[RegisterFacts], reads: Reads, source_terms: Sequence[str]) -> None:
    """Store a batch's reads. source_terms : the source's own term for the kind of each read, or empty."""
    order = np.lexsort((reads.at_s, reads.register))
    numbers = np.array([register.pk or 0 for register in registers], dtype=np.int64)
    value = reads.value[order].astype(object)
    value[np.isnan(reads.value[order])] = None
    insert(
        RegisterRead,
        {
            "register": numbers[reads.register[order]].tolist(),
            "batch": [batch.pk] * len(order),
            "at_s": reads.at_s[order].tolist(),
            "value": value.tolist(),
            "quality": reads.quality[order].tolist(),
            "is_doubtful": reads.is_doubtful[order].astype(np.int8).tolist(),
            "told": [source_terms[n][:20] for n in order.tolist()],
        },
    )
