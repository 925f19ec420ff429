"""Store the pushes of the inbox in the lake: many pushes, one batch, one commit. Safe to be killed at any step.

A push is marked with its batch when the batch begins, and deleted when the batch is done, each in one transaction with
the batch's own state.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation, User
from eclectyc.batches.lifecycle import Guard, begin, committing, record_result, writers_turn
from eclectyc.batches.models import Batch
from eclectyc.estate.models import Series
from eclectyc.intake.push.batching import MOST_PUSHES, WaitingPush, next_batch
from eclectyc.intake.push.encoding import unpack
from eclectyc.intake.push.merge import MergedPushes, merge
from eclectyc.intake.push.models import Push
from eclectyc.intake.push.month_frames import PushMonths, SeriesFacts
from eclectyc.intake.push.report import report_of
from eclectyc.kernel.failpoints import failpoint
from eclectyc.lake.errors import BadReadings
from eclectyc.lake.lease import Lease
from eclectyc.lake.store import connect
from eclectyc.lake.write import WriteResult

FORMAT: Final = "push"
NAME: Final = "pushed readings"
WAIT_S: Final = 600.0
_CANDIDATES: Final = 4 * MOST_PUSHES  # of the inbox, for one batch


@dataclass(slots=True)
class DrainResult:
    """What was stored. ``faulty`` pushes were refused by the lake and stay in the inbox."""

    batches: int = 0
    pushes: int = 0
    readings: int = 0
    faulty: int = 0


def drain_inbox(
    *, wait_s: float = WAIT_S, guard: Guard = nullcontext, on_batch: Callable[[DrainResult], None] = lambda _: None
) -> DrainResult:
    """Store all that waits at this moment; raise ``Busy`` if the writers' turn does not come within ``wait_s`` [s].

    guard : a transaction in which a batch may begin. on_batch : called after each batch.
    """
    result = DrainResult()
    last = Push.objects.filter(fault="").order_by("-pk").values_list("pk", flat=True).first()
    if last is None:
        return result
    with writers_turn(NAME, wait_s=wait_s) as lease:
        most = MOST_PUSHES
        while pushes := next_batch(_waiting(last), most):
            try:
                _drain(pushes, lease, guard, result)
                most = MOST_PUSHES
            except (BadReadings, ValueError) as error:
                most = max(1, len(pushes) // 2)  # one faulty push must not hold up the others
                if len(pushes) == 1:
                    Push.objects.filter(pk=pushes[0].pk).update(fault=str(error)[:500])
                    result.faulty += 1
                    most = MOST_PUSHES
            on_batch(result)
    return result


def _waiting(last: int) -> list[WaitingPush]:
    found = Push.objects.filter(fault="", batch=None, pk__lte=last).order_by("pk")
    return [
        WaitingPush(*row) for row in found.values_list("pk", "organisation", "user", "series", "readings")[:_CANDIDATES]
    ]


def _drain(pushes: list[WaitingPush], lease: Lease, guard: Guard, result: DrainResult) -> None:
    rows = list(Push.objects.filter(pk__in=[push.pk for push in pushes]).order_by("pk"))
    merged = merge([(row.series_id, unpack(bytes(row.data))) for row in rows])
    rows = [row for nth, row in enumerate(rows) if nth not in merged.late]
    known = _known({row.series_id for row in rows})
    months = PushMonths(merged, known)
    batch = _begin(rows, lease, guard)
    failpoint("push.marked")
    _commit(batch, rows, merged, known, months, lease)
    result.batches += 1
    result.pushes += len(rows)
    result.readings += sum(row.readings for row in rows)


def _known(series: set[int]) -> dict[int, SeriesFacts]:
    columns = ("pk", "meter__identifier", "quantity", "unit", "step_minutes", "meter__site__timezone")
    found = Series.objects.filter(pk__in=series).values_list(*columns)
    return {pk: SeriesFacts(*facts) for pk, *facts in found}


def _begin(rows: list[Push], lease: Lease, guard: Guard) -> Batch:
    """Begin the batch of some pushes, and mark them with it."""
    person = User.objects.filter(pk=rows[0].user_id).first()
    actor = Actor(person.email, person.pk) if person else Actor(NAME)
    organisation = Organisation.objects.get(pk=rows[0].organisation_id)
    with transaction.atomic(), guard():
        batch = begin(actor, lease, organisation=organisation, file_name=NAME, format=FORMAT)
        Push.objects.filter(pk__in=[row.pk for row in rows]).update(batch=batch)
    return batch


def _commit(
    batch: Batch,
    rows: list[Push],
    merged: MergedPushes,
    known: dict[int, SeriesFacts],
    months: PushMonths,
    lease: Lease,
) -> None:
    store = connect()

    def before_commit(result: WriteResult) -> None:
        counts: dict[str, Any] = {name: getattr(result, name) for name in ("added", "changed", "unchanged", "kept")}
        report = report_of(rows, merged, known) | counts
        record_result(
            batch, touched=result.touched, report=report, rows=report["rows"], accepted=report["rows"], **counts
        )

    with committing(batch, store, lease):
        store.write(months, lease=lease, batch=batch.pk, before_commit=before_commit)
        failpoint("push.after_commit_of_lake")
