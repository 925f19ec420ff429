"""Recalculate what is stale: each round is one batch and one commit of the lake. Safe to be killed at any step.

Stale rows are marked with the batch that recalculates them when it begins, and deleted when it is done, each in one
transaction with the batch's own state. What depends on the days just recalculated is then stale: the next round's work.
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
MOST_DEEP: Final = 50  # rounds of which each depends on the one before
_ACTOR: Final = Actor.system(NAME)


@dataclass(slots=True)
class RecalculationResult:
    """``faulty`` rows were refused by the lake and stay stale."""

    batches: int = 0
    changed: int = 0  # slots with another value than before, added and removed ones included
    faulty: int = 0


@dataclass(slots=True)
class _Rounds:
    """The rounds of one recalculation. depths : how many rounds each batch is away from what was stale at first."""

    guard: Guard
    result: RecalculationResult
    depths: dict[int, int] = field(default_factory=dict)
    limit: int = MOST_ROWS

    def depth_of(self, rows: list[Stale]) -> int:
        """Return the depth of a round of these rows; raise if it can only be a circle."""
        depth = 1 + max(self.depths.get(row.batch_id or 0, 0) for row in rows)
        if depth > MOST_DEEP:
            raise EclectycError(
                f"Derived meters depend on each other in a circle, more than {MOST_DEEP} deep: "
                f"meter {rows[0].meter} is one of them.",
                "Correct one of their formulas.",
            )
        return depth


def recalculate(
    *,
    wait_s: float = WAIT_S,
    guard: Guard = nullcontext,
    waiting: WaitingCallback | None = None,
    on_round: Callable[[RecalculationResult], None] = lambda _: None,
) -> RecalculationResult:
    """Recalculate all that is stale, and then what depends on it. If nothing is stale, nothing is written.

    Raises ``Busy`` if the writers' turn does not come within ``wait_s`` [s]. guard : a transaction in which a batch may
    begin. Several processes may do this at once.
    """
    result = RecalculationResult()
    rounds = _Rounds(guard, result)
    while _next_rows(1):
        with writers_turn(NAME, waiting=waiting, wait_s=wait_s) as lease:
            _round(rounds, lease)
            if not _next_rows(1):
                schedule.cancel_waiting_jobs()
        on_round(result)
    return result


def retry_faulty() -> None:
    """Let rows that the lake refused be tried again."""
    Stale.objects.exclude(fault="").update(fault="")


def _next_rows(limit: int) -> list[Stale]:
    """Return stale rows of one organisation and one derivation: the oldest ones of the lowest rank."""
    names = [derivation.name for derivation in all_derivations()]
    waiting = Stale.objects.waiting().filter(fault="", kind__in=names).order_by("pk")
    organisation = waiting.values_list("meter__organisation", flat=True).first()
    if organisation is None:
        return []
    of_one = waiting.filter(meter__organisation=organisation)
    kinds = set(of_one.order_by().values_list("kind", flat=True).distinct())
    kind = next(name for name in names if name in kinds)
    return list(of_one.filter(kind=kind).select_related("meter")[:limit])


def _round(rounds: _Rounds, lease: Lease) -> None:
    rows = _next_rows(rounds.limit)
    if not rows:
        return  # another process was quicker
    depth = rounds.depth_of(rows)
    derivation = next(one for one in all_derivations() if one.name == rows[0].kind)
    try:
        batch, result = _recalculate(derivation, rows, lease, rounds.guard)
    except BadReadings as error:
        if len({row.meter_id for row in rows}) > 1:
            rounds.limit = max(1, len(rows) // 2)  # one faulty meter must not hold up the others
        else:
            Stale.objects.filter(pk__in=[row.pk for row in rows]).update(fault=str(error)[:500])
            rounds.result.faulty += len(rows)
            rounds.limit = MOST_ROWS
        return
    if batch is not None:
        rounds.depths[batch.pk] = depth
        rounds.result.batches += 1
        rounds.result.changed += result.added + result.changed + result.removed


def _recalculate(
    derivation: Derivation, rows: list[Stale], lease: Lease, guard: Guard
) -> tuple[Batch | None, WriteResult]:
    """Recalculate stale rows as one batch; without a batch if there is nothing to write or to remove."""
    numbers, requested = [row.pk for row in rows], _requested_days(rows)
    stored = connect().span(list(derivation.series_needed(requested)))
    with transaction.atomic(), guard():
        plan = derivation.plan(requested, stored)
        if plan.spans.is_empty():
            Stale.objects.filter(pk__in=numbers).delete()
            return None, WriteResult()
        batch = begin(
            _ACTOR,
            lease,
            organisation=Organisation.objects.get(pk=rows[0].meter.organisation_id),
            kind=Batch.DERIVED,
            created=plan.created,
            format=derivation.name,
            file_name=derivation.title,
        )
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
