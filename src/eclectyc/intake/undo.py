"""One import taken back, as a batch of its own: what it said is kept, but counts no more."""

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
    """What undoing an import did: how many slots went back to an earlier value, and how many are missing now."""

    batch: int
    by: int
    changed: int
    removed: int
    unchanged: int
    meters_kept: int  # meters that the import made stay, even where they have no readings now


def undo_batch(
    actor: Actor, *, batch: int, waiting: Callable[[str], None] | None = None, wait_s: float = WAIT_S
) -> UndoResult:
    """Take an import back. Raises ``NotFound`` or ``Invalid`` where there is nothing to take back."""
    _batch_to_undo(actor, batch)
    with writers_turn(f"undo {batch}", waiting=waiting, wait_s=wait_s) as lease:
        undone = _batch_to_undo(actor, batch)  # another may have been quicker
        store = connect()
        with transaction.atomic():
            by = begin(actor, lease, organisation=undone.organisation, kind=Batch.UNDO, undoes=undone,
                       file_name=undone.file_name, format=undone.format, derives_use=undone.derives_use)  # fmt: skip
        failpoint("intake.after_pending")
        result = WriteResult()

        def before_commit(told: WriteResult) -> None:
            nonlocal result
            result = told
            counts = {"changed": told.changed, "unchanged": told.unchanged}
            record_result(by, touched=told.touched, report={"removed": told.removed}, **counts)

        with committing(by, store, lease):
            if undone.derives_use:
                _recalculate_without(undone, by, lease, before_commit)
            else:
                store.undo(batch, lease=lease, by=by.pk, before_commit=before_commit)
            failpoint("intake.after_commit")
    made = undone.report.get("made", {}).get("meters", [])
    return UndoResult(batch, by.pk, result.changed, result.removed, result.unchanged, len(made))


def _recalculate_without(undone: Batch, by: Batch, lease: Lease, before_commit: Callable[[WriteResult], None]) -> None:
    """Work use out again as if a batch had told no read and no delivery; its reads stop standing when this is done."""
    again = without_batch(undone)
    with transaction.atomic():
        numbers, _ = ensure_numbers(again.consumption, again.series)
    replace_consumption(again.consumption, numbers, lease, by, before_commit)


def _batch_to_undo(actor: Actor, number: int) -> Batch:
    batch = Batch.objects.visible_to(actor).select_related("organisation").filter(pk=number).first()
    if batch is None:
        raise NotFound(f"There is no batch {number}.", "eclectyc batches lists them.", field="batch")
    actor.require("imports.run", batch.organisation_id)
    if batch.kind == Batch.DERIVED:
        reason = f"Batch {number} only worked out what rests on other readings."
        raise Invalid(reason, "Undo the import of those readings: what rests on them follows.", field="batch")
    if batch.kind != Batch.IMPORT:
        raise Invalid(f"Batch {number} took batch {batch.undoes_id} back.", "Import that file again.", field="batch")
    if batch.format in ("sites", "meters"):
        raise Invalid(f"Batch {number} held {batch.format}, not readings.", "Import a corrected file.", field="batch")
    if batch.format == DECLARED:
        raise Invalid(f"Batch {number} only worked use out again.", "Change what was declared instead.", field="batch")
    if batch.state == Batch.UNDONE:
        raise Invalid(f"Batch {number} has been undone already.", "Import its file again.", field="batch")
    if batch.state == Batch.FAILED:
        raise Invalid(f"Batch {number} never came in: there is nothing to undo.", "", field="batch")
    return batch
