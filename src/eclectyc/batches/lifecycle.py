"""The life of a batch: pending, committed, then done, failed or undone; and recovery after a crash.

The lake's log decides. A batch's row is written (pending) before the lake is, together with the meters and series that
the batch creates; a batch left pending is settled by the next process that has the writers' turn, according to the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.audit.actor import AuditActor
from eclectyc.audit.record import record
from eclectyc.batches.models import Batch
from eclectyc.batches.own_lake import claim_own_lake
from eclectyc.batches.subscribers import subscribers
from eclectyc.estate.models import Meter, Series, Site
from eclectyc.kernel.errors import Busy, EclectycError
from eclectyc.kernel.failpoints import failpoint
from eclectyc.lake.errors import OutOfOrder
from eclectyc.lake.known import remember
from eclectyc.lake.lease import Lease, writer_lease
from eclectyc.lake.store import Lake, connect

if TYPE_CHECKING:
    import polars as pl

UNFINISHED: Final = (Batch.PENDING, Batch.COMMITTED)
WAIT_S: Final = 600.0  # for another writer's turn to end

COUNTS: Final = ("rows", "accepted", "rejected", "added", "changed", "unchanged", "kept")

WaitingCallback = Callable[[str], None]
Guard = Callable[[], AbstractContextManager[None]]


@dataclass(slots=True)
class CreatedRecords:
    """Sites, meters and series that a batch created, by number; deleted again if the batch is never committed."""

    sites: list[int] = field(default_factory=list)
    meters: list[int] = field(default_factory=list)
    series: list[int] = field(default_factory=list)

    def as_dict(self) -> dict[str, list[int]]:
        return {"sites": self.sites, "meters": self.meters, "series": self.series}


class AlreadyImported(EclectycError):
    """A stored upload was imported before: an earlier attempt was given up too soon."""

    code = "already_in"

    def __init__(self, batch: Batch) -> None:
        super().__init__(f"The file was already imported (batch {batch.pk}).", "There is nothing more to do.")
        self.batch = batch


@dataclass(frozen=True, slots=True)
class UploadClaim:
    """The stored upload that a batch imports, if any. guard : a transaction that fails if the job is no longer ours."""

    upload: int | None = None
    guard: Guard = nullcontext

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Open the transaction in which the batch begins: once for each upload, and only while the job is ours."""
        with transaction.atomic(), self.guard():
            done = (Batch.DONE, Batch.UNDONE)
            earlier = Batch.objects.filter(upload=self.upload, state__in=done).first() if self.upload else None
            if earlier:
                raise AlreadyImported(earlier)
            yield


@contextmanager
def writers_turn(holder: str, *, waiting: WaitingCallback | None = None, wait_s: float = WAIT_S) -> Iterator[Lease]:
    """Hold the writers' turn, with every unfinished batch settled first. Raise ``LakeLost`` if the lake is not ours."""
    failpoint("intake.before_lease")
    with writer_lease(holder, wait_s, waiting=waiting) as lease:
        settle_pending(connect(), lease)
        yield lease


def begin(
    actor: Actor,
    lease: Lease,
    *,
    organisation: Organisation,
    kind: str = Batch.IMPORT,
    created: CreatedRecords | None = None,
    **fields: Any,
) -> Batch:
    """Store a pending batch. Call it within a transaction, with the writers' turn held."""
    batch = Batch.objects.create(
        organisation=organisation,
        kind=kind,
        fence=lease.fence,
        user_id=actor.user_id,
        actor_label=actor.label,
        report={"made": (created or CreatedRecords()).as_dict()},
        **fields,
    )
    last = connect().last_batch()
    if batch.pk <= last:  # recovery would take it for the batch in the log
        raise OutOfOrder(
            f"The next batch would be {batch.pk}, but the lake already has batch {last}.",
            "The registry is older than the lake: restore both from one backup.",
        )
    audit_step(batch, "started", by=actor.by)
    return batch


def record_result(batch: Batch, *, touched: pl.DataFrame, report: Mapping[str, Any], **counts: int) -> None:
    """Store a pending batch's counts before the lake commits, so that recovery finds them, and have every subscriber
    store what depends on the days that it changes. touched : series and day."""
    batch.report = {**batch.report, **report}
    for name, count in counts.items():
        setattr(batch, name, count)
    with transaction.atomic():
        batch.save(update_fields=["report", *counts])
        for subscriber in subscribers:
            subscriber.on_touched(batch, touched)


def finish(batch: Batch, lease: Lease) -> None:
    """Mark a batch that the lake has as committed, then as done. From here on the registry insists on this lake."""
    batch.state, batch.committed_at = Batch.COMMITTED, timezone.now()
    with transaction.atomic():
        batch.save(update_fields=["state", "committed_at"])
        if lease.committed:
            remember(lease.committed)
    lease.known = lease.committed or lease.known
    failpoint("intake.before_done")
    with transaction.atomic():
        _mark_done(batch)


def _mark_done(batch: Batch) -> None:
    batch.state, batch.finished_at = Batch.DONE, timezone.now()
    batch.committed_at = batch.committed_at or batch.finished_at
    batch.save(update_fields=["state", "committed_at", "finished_at"])
    audit_step(batch, "done", after={name: getattr(batch, name) for name in COUNTS})
    if batch.undoes_id:
        Batch.objects.filter(pk=batch.undoes_id).update(state=Batch.UNDONE)
    for subscriber in subscribers:
        subscriber.on_done(batch)


@contextmanager
def committing(batch: Batch, store: Lake, lease: Lease) -> Iterator[None]:
    """Write a pending batch into the lake within this context; at its end the batch is done.

    If anything fails, the batch is settled at once by the lake's log. The error is raised again unless the lake has the
    batch, in which case all is well; what stops the process (``KeyboardInterrupt``) is always raised.
    """
    try:
        yield
        finish(batch, lease)
    except BaseException as error:
        with suppress(EclectycError):  # another writer has the turn now, and settles it
            settle_pending(store, lease)
        batch.refresh_from_db(fields=["state"])
        if batch.state != Batch.DONE or not isinstance(error, Exception):
            raise


def settle_pending(lake: Lake, lease: Lease) -> list[Batch]:
    """Settle every batch that a dead or fenced writer left: done if the lake's log has it, else failed.

    Raise ``LakeLost``, with nothing settled, if the lake is not the registry's own or has lost readings.
    """
    claim_own_lake(lake, lease)
    unfinished = list(Batch.objects.filter(state__in=UNFINISHED).order_by("pk"))
    if not unfinished:
        return []
    if any(batch.pk > lake.last_batch() for batch in unfinished):
        lake.fence_off(lease)  # a writer that slept through its turn can no longer commit
    last = lake.last_batch()
    for batch in unfinished:
        with transaction.atomic():
            if batch.state == Batch.COMMITTED or batch.pk <= last:
                _mark_done(batch)
                remember(lake.compare(None).found)
            else:
                mark_failed(batch)
    return unfinished


def mark_failed(batch: Batch) -> None:
    """Mark a batch that was never committed as failed, and delete what it created."""
    batch.state, batch.finished_at = Batch.FAILED, timezone.now()
    batch.added = batch.changed = batch.unchanged = batch.kept = 0
    created = CreatedRecords(**batch.report.get("made", {}))
    batch.report = {**batch.report, "made": CreatedRecords().as_dict()}
    batch.save()
    audit_step(batch, "failed")
    in_use: set[int] = set()
    for subscriber in subscribers:
        subscriber.on_failed(batch)
        in_use |= subscriber.series_in_use(created.series) if created.series else set()
    Series.objects.filter(pk__in=set(created.series) - in_use).delete()
    Meter.objects.filter(pk__in=created.meters, series=None, submeters=None, used_in=None).delete()
    Site.objects.filter(pk__in=created.sites, meters=None).delete()


def audit_step(
    batch: Batch, what: str, *, by: AuditActor | None = None, after: Mapping[str, object] | None = None
) -> None:
    """Record one step of a batch in the audit, by the user who began it, also if another process settles it."""
    details = {"format": batch.format} | ({"undoes": batch.undoes_id} if batch.undoes_id else {}) | dict(after or {})
    record(
        by or AuditActor(batch.user_id),
        f"{batch.kind}.{what}",
        batch,
        organisation_id=batch.organisation_id,
        after=details,
        personal={"file": batch.file_name},
    )


def recover(wait_s: float = 0.0) -> list[Batch]:
    """Settle the batches that killed processes left, unless another writer is at work. Call it at start-up."""
    if not Batch.objects.filter(state__in=UNFINISHED).exists():
        return []
    try:
        with writer_lease("recovery", wait_s) as lease:
            return settle_pending(connect(), lease)
    except Busy:
        return []  # that writer settles them, or is the one that wrote them
