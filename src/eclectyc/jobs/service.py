"""Enqueue, cancel and retry jobs.

``enqueue`` takes no actor and writes no audit event: the calling service checks rights and records its own action. It
joins that service's transaction: a job that is rolled back never runs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.db import IntegrityError, transaction

from eclectyc.audit.record import record
from eclectyc.jobs import clock, kinds, rights, wake
from eclectyc.jobs.models import Job, Schedule
from eclectyc.kernel.errors import Conflict, Forbidden, NotFound

if TYPE_CHECKING:
    from eclectyc.accounts.actor import Actor

MOST_ARGS: Final = 64 * 1024  # [bytes]


@dataclass(frozen=True, slots=True)
class DueMoment:
    """The schedule for which a job is made; ``moment`` is None if a person requested it."""

    schedule: Schedule
    moment: datetime | None


def enqueue(
    kind: str,
    args: dict[str, Any] | None = None,
    *,
    organisation_id: int | None = None,
    person: int | None = None,
    key: str = "",
    turn: str = "",
    priority: int = 0,
    run_at: datetime | None = None,
    attempts: int | None = None,
    due: DueMoment | None = None,
) -> Job:
    """Enqueue a job. It runs once the caller's transaction is committed.

    args : JSON, at most 64 kB; nothing secret. person : the number of the person who requested it.
    key : while a job of this kind and key is open, that one is returned, with ``was_there`` set.
    turn : jobs with the same turn run one at a time. priority : higher first. run_at : not before.
    """
    job = Job(
        kind=kind,
        args=_checked(kind, args or {}),
        organisation_id=organisation_id,
        person_id=person,
        key=key,
        turn=turn,
        priority=priority,
        run_at=run_at or clock.now(),
        attempts=attempts or kinds.find(kind).attempts,  # type: ignore[union-attr]
        schedule=due.schedule if due else None,
        due_at=due.moment if due else None,
    )
    if key:
        job = _saved_once(job)
    else:
        job.save(force_insert=True)
    if not job.was_there:
        if not isinstance(job.run_at, datetime):
            job.refresh_from_db(fields=["run_at"])
        transaction.on_commit(wake.wake)
    return job


def cancel(actor: Actor, *, job: Job) -> Job:
    """Cancel a job: a waiting one at once, a running one at its next progress step. Idempotent."""
    with transaction.atomic():
        job = _locked_for(actor, job)
        if job.state == Job.CANCELLING:
            return job
        if not job.may_be_cancelled:
            raise Conflict("The job has already ended.", "Nothing needs to be cancelled.")
        before = job.state
        job.state = Job.CANCELLED if before == Job.WAITING else Job.CANCELLING
        if job.state == Job.CANCELLED:
            job.finished_at = clock.read()
        job.save(update_fields=["state", "finished_at"])
        record(
            actor.by,
            "job.cancelled",
            job,
            organisation_id=job.organisation_id,
            before={"state": before},
            after={"kind": job.kind, "state": job.state},
        )
    return job


def retry(actor: Actor, *, job: Job) -> Job:
    """Retry a failed or cancelled job with all its attempts, from its cursor."""
    with transaction.atomic():
        job = _locked_for(actor, job)
        if not job.may_be_retried:
            raise Conflict("Only a failed or cancelled job can be retried.", "Check the state of the job.")
        before = job.state
        requeue(job)
        record(
            actor.by,
            "job.retried",
            job,
            organisation_id=job.organisation_id,
            before={"state": before},
            after={"kind": job.kind},
        )
    return job


def requeue(job: Job) -> None:
    """Return an ended job to the queue with all its attempts; raise ``Conflict`` if another has its key."""
    job.state, job.attempt, job.fence, job.run_at = Job.WAITING, 0, job.fence + 1, clock.read()
    job.fault = job.error = job.remedy = ""
    job.finished_at = job.done = job.total = job.per_second = None
    try:
        with transaction.atomic():
            job.save()
    except IntegrityError:
        raise Conflict("The same work is already waiting or running.", "Open that job.") from None
    transaction.on_commit(wake.wake)


def _locked_for(actor: Actor, job: Job) -> Job:
    """Lock a job that the actor may manage."""
    found = Job.objects.visible_to(actor).filter(pk=job.pk).select_for_update(of=("self",)).first()
    if found is None:
        raise NotFound("This job does not exist.", "Reload the list.")
    if not rights.may(actor, kinds.MANAGE, found):
        raise Forbidden("Your role does not allow this.", "Ask an administrator of your organisation.")
    return found


def _checked(kind: str, args: dict[str, Any]) -> dict[str, Any]:
    if kinds.find(kind) is None:
        raise LookupError(f"there is no job kind {kind!r}")
    if len(json.dumps(args)) > MOST_ARGS:
        raise ValueError(f"the arguments of a {kind} job are larger than {MOST_ARGS} bytes")
    return args


def _saved_once(job: Job) -> Job:
    """Save a job unless one of its kind and key is open, and return that one. The database decides which was first."""
    while True:
        try:
            with transaction.atomic():
                job.save(force_insert=True)
            return job
        except IntegrityError:
            found = Job.objects.filter(kind=job.kind, key=job.key, state__in=Job.OPEN).first()
            if found is None:  # it ended between the two checks
                continue
            if found.organisation_id != job.organisation_id:
                raise ValueError(f"the key {job.key!r} does not distinguish organisations") from None
            found.was_there = True
            return found
