"""The lease queue: a job is claimed, its lease renewed, its attempt ended. Each step is one short transaction.

A claim gives the job a higher fence. Everything written for a job is written under the fence of its claim, so a worker
that was frozen, and whose job was reclaimed meanwhile, can no longer write.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django.db import IntegrityError, connection, transaction
from django.db.models import BooleanField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet

from eclectyc import __version__
from eclectyc.jobs import alerts, clock, kinds
from eclectyc.jobs.models import Job, JobQuerySet, Run
from eclectyc.kernel.process_identity import has_ended

LEASE_S: Final = 30.0
LONGEST_DELAY_S: Final = 3600.0
MOST_TEXT: Final = 2000
SILENT: Final = "The worker stopped, or stopped responding, while running this job."
SILENT_REMEDY: Final = "Check whether the machine ran out of memory, then retry."


@dataclass(frozen=True, slots=True)
class JobClaim:
    """A job claimed by a worker, as it was when claimed, and its run."""

    job: Job
    run_id: int
    fence: int
    holder: str
    lease_s: float

    def still_held(self) -> JobQuerySet:
        """Return the job, if this claim still holds."""
        return Job.objects.filter(pk=self.job.pk, fence=self.fence, state__in=Job.HELD)


def claim(holder: str, kind_names: Collection[str], *, lease_s: float = LEASE_S) -> JobClaim | None:
    """Claim the next due job; None if there is none. The check alone takes no lock."""
    while _next(kind_names).exists():
        try:
            with transaction.atomic():
                job = locked(_next(kind_names)).first()
                return _begin(job, holder, lease_s) if job is not None else None
        except IntegrityError:  # a job of the same turn was claimed at the same moment: there may be another
            continue
    return None


def is_due(kind_names: Collection[str]) -> bool:
    """Return whether a job could be claimed now."""
    return _next(kind_names).exists()


Rows = TypeVar("Rows", bound=QuerySet)


def locked(rows: Rows) -> Rows:
    """Lock rows, skipping those locked by others. SQLite has one writer: there, the transaction is the lock."""
    if not connection.features.has_select_for_update_skip_locked:
        return rows
    return rows.select_for_update(skip_locked=True, of=("self",))


def _next(kind_names: Collection[str]) -> JobQuerySet:
    busy = Job.objects.filter(turn=OuterRef("turn"), state__in=Job.HELD)
    due = Job.objects.filter(state=Job.WAITING, run_at__lte=clock.now(), kind__in=kind_names)
    return due.filter(Q(turn="") | ~Exists(busy)).order_by("-priority", "run_at", "id")


def _begin(job: Job, holder: str, lease_s: float) -> JobClaim:
    kind = kinds.find(job.kind)
    free: dict[str, Any] = {"key": ""} if kind is not None and kind.frees_key_at_start else {}
    moment = clock.read()
    fields = {
        "state": Job.RUNNING,
        "holder": holder,
        "fence": job.fence + 1,
        "attempt": job.attempt + 1,
        "started_at": moment,
        "done": None,
        "total": None,
        "text": "",
        "per_second": None,
        "progress_at": None,
    } | free
    Job.objects.filter(pk=job.pk).update(**fields, lease_until=clock.later(lease_s))
    for name, value in fields.items():
        setattr(job, name, value)
    run = Run.objects.create(
        job=job,
        fence=job.fence,
        attempt=job.attempt,
        worker=holder,
        version=__version__,
        began_at=moment,
        waited_s=max(0.0, (moment - job.run_at).total_seconds()),
    )
    return JobClaim(job, run.pk, job.fence, holder, lease_s)


def renew(held: JobClaim) -> bool:
    """Renew the lease; False if another worker has the job."""
    return bool(held.still_held().update(lease_until=clock.later(held.lease_s)))


def finish(held: JobClaim, result: dict[str, Any] | None, **also: Any) -> bool:
    """End the job as done; False, and nothing written, if another worker has it."""
    fields = {"state": Job.DONE, "result": result, "fault": "", "error": "", "remedy": ""}
    return _end(held, Run.DONE, fields, {"result": result}, also)


def stop(held: JobClaim, **also: Any) -> bool:
    """End a cancelled job."""
    return _end(held, Run.CANCELLED, {"state": Job.CANCELLED}, {}, also)


def hand_back(held: JobClaim, **also: Any) -> bool:
    """Return the job to the queue because the worker stops; it does not count as an attempt."""
    return _end(held, Run.GIVEN_BACK, _retry_fields(0.0) | {"attempt": F("attempt") - 1}, {}, also)


def fail(held: JobClaim, error: str, remedy: str, *, trace: str = "", is_final: bool = False, **also: Any) -> bool:
    """End a failed attempt: another follows later, unless it was the last or the error is final."""
    error, job = error[:MOST_TEXT], held.job
    why = {"fault": Job.ERROR, "error": error, "remedy": remedy[:MOST_TEXT]}
    if is_final or job.attempt >= job.attempts:
        fields = why | {"state": Job.FAILED}
    else:
        fields = why | _retry_fields(delay_s(job.kind, job.attempt))
    return _end(held, Run.FAILED, fields, {"error": error, "trace": trace[-8000:]}, also)


def reclaim() -> int:
    """Reclaim jobs of workers that have ended, or are silent past their lease; return how many.

    A process on this machine that has ended is detected at once; one on another machine, or frozen, by its lease.
    """
    count = 0
    for pk, fence in _abandoned():
        with transaction.atomic():
            job = locked(Job.objects.filter(pk=pk, fence=fence, state__in=Job.HELD)).first()
            if job is None or not (_has_lapsed(job) or has_ended(job.holder)):
                continue  # renewed after all, or reclaimed by another worker
            _reclaim_one(job)
            count += 1
    return count


def release(held: JobClaim) -> None:
    """Return the job of a thread that does not stop in time to the queue."""
    with transaction.atomic():
        job = held.still_held().select_for_update().first()
        if job is not None:
            _close(job, Run.GIVEN_BACK, _retry_fields(0.0) | {"attempt": F("attempt") - 1, "fence": F("fence") + 1}, {})


def delay_s(kind_name: str, attempt: int, spread: float | None = None) -> float:
    """Return the delay after the n-th attempt [s]: four times longer each time, ±10%."""
    kind = kinds.find(kind_name)
    first = kind.first_delay_s if kind else 30.0
    wait = min(first * 4.0 ** (attempt - 1), max(LONGEST_DELAY_S, first))
    return wait * (random.uniform(0.9, 1.1) if spread is None else spread)


def _abandoned() -> list[tuple[int, int]]:
    lapsed = ExpressionWrapper(Q(lease_until__lt=clock.now()), output_field=BooleanField())
    held = Job.objects.filter(state__in=Job.HELD).values_list("pk", "fence", "holder", lapsed)
    return sorted((pk, fence) for pk, fence, holder, is_late in held if is_late or has_ended(holder))


def _has_lapsed(job: Job) -> bool:
    return Job.objects.filter(pk=job.pk, lease_until__lt=clock.now()).exists()


def _reclaim_one(job: Job) -> None:
    fields: dict[str, Any] = {"fence": F("fence") + 1}
    if job.attempt >= job.attempts:
        fields |= {"state": Job.FAILED, "fault": Job.DIED, "error": SILENT, "remedy": SILENT_REMEDY}
    else:
        fields |= _retry_fields(0.0)
    _close(job, Run.DIED, fields, {"error": SILENT})


def _retry_fields(delay: float) -> dict[str, Any]:
    return {"state": Job.WAITING, "run_at": clock.later(delay)}


def _end(
    held: JobClaim, outcome: str, fields: dict[str, Any], outcome_fields: dict[str, Any], also: dict[str, Any]
) -> bool:
    """Record the end of an attempt under its fence; ``also`` are the job's final progress and cursor."""
    with transaction.atomic():
        job = held.still_held().select_for_update().first()
        if job is None:
            return False
        _close(job, outcome, fields | also, outcome_fields)
    return True


def _close(job: Job, outcome: str, fields: dict[str, Any], outcome_fields: dict[str, Any]) -> None:
    """Save the state of a claimed job and the outcome of its run; a cancelling job becomes cancelled."""
    if job.state == Job.CANCELLING and fields["state"] in (Job.WAITING, Job.FAILED):
        fields = fields | {"state": Job.CANCELLED, "error": "", "remedy": "", "fault": ""}
        outcome = Run.DIED if outcome == Run.DIED else Run.CANCELLED
    moment = clock.read()
    fields = {"holder": "", "lease_until": None} | fields
    if fields["state"] in Job.ENDED:
        fields["finished_at"] = moment
    Job.objects.filter(pk=job.pk).update(**fields)
    counts = {name: fields.get(name, getattr(job, name)) for name in ("done", "total", "unit")}
    Run.objects.filter(job=job.pk, fence=job.fence).update(outcome=outcome, ended_at=moment, **counts, **outcome_fields)
    if fields["state"] == Job.FAILED:
        alerts.job_failed(job, fields["error"], fields["remedy"])
