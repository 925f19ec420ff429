"""Adopt the lake that is there in place of the registry's own, which is lost: what is not in it is given up.

A given-up import is *failed*: nothing of it is stored. Its counts are kept in its report, and the sites and meters that
it created stay. Given-up reads of registers and deliveries are in the registry, so their batches stay done, and the
consumption is calculated again. An import whose undo is given up counts again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.models import Q, Sum
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.audit.record import record
from eclectyc.batches.lifecycle import UNFINISHED, WAIT_S, audit_step, mark_failed
from eclectyc.batches.models import Batch
from eclectyc.batches.own_lake import compare_lakes
from eclectyc.derived.invalidation import mark_all_stale
from eclectyc.estate.models import Meter
from eclectyc.kernel.errors import Forbidden
from eclectyc.kernel.failpoints import failpoint
from eclectyc.lake.identity import OLDER, LakeComparison
from eclectyc.lake.known import replace_known
from eclectyc.lake.lease import Lease, writer_lease
from eclectyc.lake.store import connect
from eclectyc.registers.entries import recalculate_consumption

COUNTS: Final = ("added", "changed", "unchanged", "kept")
_SHOWN: Final = 1000  # batches in the audit event


@dataclass(frozen=True, slots=True)
class Adoption:
    """What adopting gives up. lost : missing, empty, another or older; "" if the lake is the registry's own.

    batches : those that are not in the lake, oldest first. readings : how many of them their imports had added.
    meters : whose consumption is recalculated from the registry's reads and deliveries.
    """

    lost: str
    reason: str
    batches: list[int] = field(default_factory=list)
    readings: int = 0
    meters: list[int] = field(default_factory=list)


def consequences() -> Adoption:
    """Return what adopting the lake that is there would give up; nothing is written."""
    compared = compare_lakes()
    if not compared.lost:
        return Adoption("", "")
    gone = _not_in(compared)
    readings = gone.filter(state=Batch.DONE, kind=Batch.IMPORT).aggregate(sum=Sum("added"))["sum"]
    batches = sorted(gone.values_list("pk", flat=True))
    return Adoption(compared.lost, compared.reason, batches, readings or 0, _meters_to_recalculate(batches))


def adopt(actor: Actor, *, wait_s: float = WAIT_S) -> Adoption:
    """Make the lake that is there the registry's own. Does nothing if it is already."""
    if not actor.operator:
        raise Forbidden("Only an operator may adopt a lake.", "Ask one.")
    with writer_lease("lake adopt", wait_s) as lease:
        compared, adoption = compare_lakes(), consequences()
        if not adoption.lost:
            return adoption
        held = connect().span(None)
        with transaction.atomic():
            _fail_unfinished(compared)
            for batch in Batch.objects.filter(pk__in=adoption.batches).order_by("pk"):
                _give_up(batch, gone=set(adoption.batches))
            replace_known(compared.found)
            _continue_numbers_above(compared.found.last_batch)
            mark_all_stale(held)
            record(actor.by, "lake.adopted", after=_facts(adoption, compared))
        failpoint("lake.adopted")
        _fence_off(lease, compared)
    for meter in Meter.objects.filter(pk__in=adoption.meters).order_by("pk"):
        recalculate_consumption(actor, meter=meter)
    return adoption


def _not_in(compared: LakeComparison) -> Any:
    """Return the ended batches that changed the registry's lake and are not in the one that is there.

    Numbers tell only in an older version of the same lake: in another one they are someone else's.
    """
    wrote = Q(kind__in=(Batch.UNDO, Batch.DERIVED))
    for name in COUNTS:
        wrote |= Q(**{f"{name}__gt": 0})
    ended = Batch.objects.filter(wrote, state__in=(Batch.DONE, Batch.UNDONE), report__given_up__isnull=True)
    return ended.filter(pk__gt=compared.found.last_batch) if compared.lost == OLDER else ended


def _meters_to_recalculate(batches: list[int]) -> list[int]:
    own = Q(registers__reads__batch__in=batches) | Q(tank_entries__batch__in=batches)
    undone = Q(registers__reads__batch__undone_by__in=batches) | Q(tank_entries__batch__undone_by__in=batches)
    return sorted(Meter.objects.filter(own | undone).values_list("pk", flat=True).distinct().order_by())


def _fail_unfinished(compared: LakeComparison) -> None:
    last = compared.found.last_batch if compared.lost == OLDER else 0
    for batch in Batch.objects.filter(state__in=UNFINISHED, pk__gt=last).order_by("pk"):
        mark_failed(batch)


def _give_up(batch: Batch, *, gone: set[int]) -> None:
    counts = {name: getattr(batch, name) for name in COUNTS}
    batch.report = {**batch.report, "given_up": {"at": timezone.now().isoformat(), **counts}}
    if not batch.derives_use:  # reads and deliveries are in the registry: they still count
        for name in COUNTS:
            setattr(batch, name, 0)
        if batch.state == Batch.DONE:
            batch.state = Batch.FAILED
        if batch.kind == Batch.UNDO and batch.undoes_id and batch.undoes_id not in gone:
            Batch.objects.filter(pk=batch.undoes_id, state=Batch.UNDONE).update(state=Batch.DONE)
    batch.save()
    audit_step(batch, "given_up", after=counts)


def _continue_numbers_above(last: int) -> None:
    """Have batches numbered above those of the lake, whose log takes rising numbers only."""
    highest = Batch.objects.order_by("-pk").first()
    if highest is None or highest.pk >= last:
        return
    mark = Batch.objects.create(pk=last, organisation=highest.organisation, state=Batch.FAILED)
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [Batch]):
            cursor.execute(statement)
    mark.delete()


def _fence_off(lease: Lease, compared: LakeComparison) -> None:
    """Stop a writer that slept through its turn, if there is a lake to write to."""
    lease.known = compared.found
    if compared.found.version >= 0:
        connect().fence_off(lease)


def _facts(adoption: Adoption, compared: LakeComparison) -> dict[str, object]:
    known, found = compared.known, compared.found
    return {
        "lost": adoption.lost,
        "batches": adoption.batches[:_SHOWN],
        "batch_count": len(adoption.batches),
        "readings": adoption.readings,
        "lake": {"id": found.table_id, "version": found.version, "last_batch": found.last_batch},
        "lake_before": known and {"id": known.table_id, "version": known.version, "last_batch": known.last_batch},
    }
