"""Undo an import, as a batch of its own: its readings stay in the lake, but no longer count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction

from eclectyc.accounts.actor import Actor
from eclectyc.batches.lifecycle import WAIT_S, begin, committing, record_result, writers_turn
from eclectyc.batches.models import Batch
from eclectyc.kernel.errors import Invalid, NotFound
from eclectyc.kernel.failpoints import failpoint
from eclectyc.lake.lease import Lease
from eclectyc.lake.store import connect
from eclectyc.lake.write import WriteResult
from eclectyc.registers.commit_consumption import ensure_numbers, replace_consumption
from eclectyc.registers.entries import DECLARED
from eclectyc.registers.recompute import without_batch


@dataclass(frozen=True, slots=True)
class UndoResult:
    """changed : slots that returned to an earlier value. removed : slots that are missing now."""

    batch: int
    by: int
    changed: int
    removed: int
    unchanged: int
    meters_kept: int  # meters that the import created; they stay, even without readings


def undo_batch(
    actor: Actor, *, batch: int, waiting: Callable[[str], None] | None = None, wait_s: float = WAIT_S
) -> UndoResult:
    """Undo an import. Raises ``NotFound`` or ``Invalid`` if there is nothing to undo."""
    _batch_to_undo(actor, batch)
    with writers_turn(f"undo {batch}", waiting=waiting, wait_s=wait_s) as lease:
        undone = _batch_to_undo(actor, batch)  # another undo may have been quicker
        store = connect()
        with transaction.atomic():
            by = begin(
                actor,
                lease,
                organisation=undone.organisation,
                kind=Batch.UNDO,
                undoes=undone,
                file_name=undone.file_name,
                format=undone.format,
                derives_use=undone.derives_use,
            )
        failpoint("intake.after_pending")
        result = WriteResult()

        def before_commit(found: WriteResult) -> None:
            nonlocal result
            result = found
            counts = {"changed": found.changed, "unchanged": found.unchanged}
            record_result(by, touched=found.touched, report={"removed": found.removed}, **counts)

        with committing(by, store, lease):
            if undone.derives_use:
                _recalculate_without(undone, by, lease, before_commit)
            else:
                store.undo(batch, lease=lease, by=by.pk, before_commit=before_commit)
            failpoint("intake.after_commit")
    created = undone.report.get("made", {}).get("meters", [])
    return UndoResult(batch, by.pk, result.changed, result.removed, result.unchanged, len(created))


def _recalculate_without(undone: Batch, by: Batch, lease: Lease, before_commit: Callable[[WriteResult], None]) -> None:
    """Recalculate consumption as if a batch had no reads and no deliveries; these no longer count once this is done."""
    recalculation = without_batch(undone)
    with transaction.atomic():
        numbers, _ = ensure_numbers(recalculation.consumption, recalculation.series)
    replace_consumption(recalculation.consumption, numbers, lease, by, before_commit)


def _batch_to_undo(actor: Actor, number: int) -> Batch:
    batch = Batch.objects.visible_to(actor).select_related("organisation").filter(pk=number).first()
    if batch is None:
        raise NotFound(f"There is no batch {number}.", "eclectyc batches lists them.", field="batch")
    actor.require("imports.run", batch.organisation_id)
    if batch.kind == Batch.DERIVED:
        reason = f"Batch {number} recalculated derived readings; it imported nothing."
        raise Invalid(reason, "Undo the import that they depend on: they are recalculated after it.", field="batch")
    if batch.kind != Batch.IMPORT:
        raise Invalid(f"Batch {number} undid batch {batch.undoes_id}.", "Import that file again.", field="batch")
    if batch.format in ("sites", "meters"):
        raise Invalid(
            f"Batch {number} imported {batch.format}, not readings.", "Import a corrected file.", field="batch"
        )
    if batch.format == DECLARED:
        reason = f"Batch {number} only recalculated consumption."
        raise Invalid(reason, "Change the register's settings instead.", field="batch")
    if batch.state == Batch.UNDONE:
        raise Invalid(f"Batch {number} has been undone already.", "Import its file again.", field="batch")
    if batch.state == Batch.FAILED:
        raise Invalid(f"Batch {number} failed: there is nothing to undo.", "", field="batch")
    return batch
