"""What is stale worked out anew: one batch and one commit of the lake a round. Safe to be killed at any step.

Stale rows are marked with the batch that works them out when it is begun, and go when it is done, each in one
transaction with the batch's own state. What rests on what was just worked out is stale then, and the next round's.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl
from django.db import transaction

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.batches.lifecycle import Guard, WaitingCallback, begin, committing, record_result, writers_turn
from eclectyc.batches.models import Batch
from eclectyc.derived import schedule
from eclectyc.derived.models import Stale
from eclectyc.derived.protocol import Derivation, DerivationPlan
from eclectyc.derived.registry import all_derivations
from eclectyc.derived.spans import merged
from eclectyc.kernel.errors import EclectycError
from eclectyc.kernel.failpoints import failpoint
from eclectyc.lake.errors import BadReadings
from eclectyc.lake.lease import Lease
from eclectyc.lake.store import connect
from eclectyc.lake.write import WriteResult

NAME: Final = "derived series"
WAIT_S: Final = 600.0
MOST_ROWS: Final = 5_000  # stale rows of one round
MOST_DEEP: Final = 50  # of what rests on what rests on …
_ACTOR: Final = Actor.system(NAME)


@dataclass(slots=True)
class RecalculationResult:
    """What was brought up to date. ``faulty`` rows were refused by the lake and stay stale."""

    batches: int = 0
    changed: int = 0  # slots that are other than before, or were not there
    faulty: int = 0


@dataclass(slots=True)
class _Rounds:
    """The rounds of one bringing up to date. deep : how far each batch of it is from what was stale at first."""

    guard: Guard
    result: RecalculationResult
    depths: dict[int, int] = field(default_factory=dict)
    limit: int = MOST_ROWS

    def depth_of(self, rows: list[Stale]) -> int:
        """Return how deep a round of these rows is; raise where that can only be a circle."""
        depth = 1 + max(self.depths.get(row.batch_id or 0, 0) for row in rows)
        if depth > MOST_DEEP:
            raise EclectycError(
                f"Derived meters rest on each other more than {MOST_DEEP} deep: meter {rows[0].meter} among them.",
                "There is a circle among them: correct what they are worked out from.",
            )
        return depth


def recalculate(
    *,
    wait_s: float = WAIT_S,
    under: Guard = nullcontext,
    waiting: WaitingCallback | None = None,
    tell: Callable[[RecalculationResult], None] = lambda _: None,
) -> RecalculationResult:
    """Work out all that is stale, and what rests on it in turn; where nothing is, nothing is written.

    Raises ``Busy`` where the writers' turn does not come within ``wait_s`` [s]. under : a transaction in which a batch
    may be begun. tell : called after each round. Several processes may do this at once.
    """
    done = RecalculationResult()
    rounds = _Rounds(under, done)
    while _next_rows(1):
        with writers_turn(NAME, waiting=waiting, wait_s=wait_s) as lease:
            _round(rounds, lease)
            if not _next_rows(1):
                schedule.cancel_waiting_jobs()
        tell(done)
    return done


def retry_faulty() -> None:
    """Let what the lake refused be tried again."""
    Stale.objects.exclude(fault="").update(fault="")


def _next_rows(most: int) -> list[Stale]:
    """Return stale rows of one organisation and one kind: those that came first, of the kind that comes first."""
    names = [kind.name for kind in all_derivations()]
    found = Stale.objects.waiting().filter(fault="", kind__in=names).order_by("pk")
    first = found.values_list("meter__organisation", flat=True).first()
    if first is None:
        return []
    of_one = found.filter(meter__organisation=first)
    kinds = set(of_one.order_by().values_list("kind", flat=True).distinct())
    kind = next(name for name in names if name in kinds)
    return list(of_one.filter(kind=kind).select_related("meter")[:most])


def _round(rounds: _Rounds, lease: Lease) -> None:
    rows = _next_rows(rounds.limit)
    if not rows:
        return  # another process was quicker
    depth = rounds.depth_of(rows)
    kind = next(one for one in all_derivations() if one.name == rows[0].kind)
    try:
        batch, result = _recalculate(kind, rows, lease, rounds.guard)
    except BadReadings as error:
        if len({row.meter_id for row in rows}) > 1:
            rounds.limit = max(1, len(rows) // 2)  # the others are not to wait for the one that cannot be taken
        else:
            Stale.objects.filter(pk__in=[row.pk for row in rows]).update(fault=str(error)[:500])
            rounds.result.faulty += len(rows)
            rounds.limit = MOST_ROWS
        return
    if batch is not None:
        rounds.depths[batch.pk] = depth
        rounds.result.batches += 1
        rounds.result.changed += result.added + result.changed + result.removed


def _recalculate(kind: Derivation, rows: list[Stale], lease: Lease, under: Guard) -> tuple[Batch | None, WriteResult]:
    """Work some stale rows out as one batch; without one where there is nothing to write or to take away."""
    numbers, wanted = [row.pk for row in rows], _requested_days(rows)
    held = connect().span(list(kind.series_needed(wanted)))
    with transaction.atomic(), under():
        plan = kind.plan(wanted, held)
        if plan.spans.is_empty():
            Stale.objects.filter(pk__in=numbers).delete()
            return None, WriteResult()
        organisation = Organisation.objects.get(pk=rows[0].meter.organisation_id)
        batch = begin(_ACTOR, lease, organisation=organisation, kind=Batch.DERIVED, made=plan.created, format=kind.name,
                      file_name=kind.title)  # fmt: skip
        Stale.objects.filter(pk__in=numbers).update(worked_by=batch)
    failpoint("derived.begun")
    return batch, _commit(batch, plan, lease)


def _requested_days(rows: list[Stale]) -> pl.DataFrame:
    spans = [(row.meter_id, row.start, row.end) for row in rows]
    return merged(pl.DataFrame(spans, schema={"meter": pl.Int64, "start": pl.Date, "end": pl.Date}, orient="row"))


def _commit(batch: Batch, plan: DerivationPlan, lease: Lease) -> WriteResult:
    store, done = connect(), WriteResult()

    def before_commit(result: WriteResult) -> None:
        counts: dict[str, Any] = {name: getattr(result, name) for name in ("added", "changed", "unchanged", "kept")}
        record_result(batch, touched=result.touched, report={"removed": result.removed}, **counts)
        failpoint("derived.before_write")

    with committing(batch, store, lease):
        done = store.replace_spans(
            plan, spans=plan.spans, earlier=None, lease=lease, batch=batch.pk, before_commit=before_commit
        )
        failpoint("derived.after_commit_of_lake")
    return done
