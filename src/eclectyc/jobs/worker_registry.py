"""The workers that are alive, and jobs of kinds that none of them has."""

from __future__ import annotations

from typing import Final

from django.db import transaction

from eclectyc import __version__
from eclectyc.jobs import alerts, clock, kinds
from eclectyc.jobs.models import Job, Worker
from eclectyc.jobs.queue import locked
from eclectyc.jobs.service import requeue
from eclectyc.kernel.errors import Conflict
from eclectyc.kernel.process_identity import has_ended

REMEDY: Final = "Install the version that created it, or a later one: the job is then retried automatically."


def register(name: str, threads: int) -> None:
    """Register a worker, delete ended ones, and requeue jobs whose kind no worker had until now."""
    moment = clock.read()
    Worker.objects.update_or_create(
        name=name,
        defaults={
            "version": __version__,
            "threads": threads,
            "kinds": kinds.known(),
            "started_at": moment,
            "seen_at": moment,
        },
    )
    _delete_ended()
    for job in Job.objects.filter(state=Job.FAILED, fault=Job.UNKNOWN_KIND, kind__in=kinds.known()):
        _requeue(job)


def report_alive(name: str) -> None:
    Worker.objects.filter(name=name).update(seen_at=clock.now())


def unregister(name: str) -> None:
    Worker.objects.filter(name=name).delete()


def alive() -> list[Worker]:
    """Return the workers that reported lately and have not ended."""
    moment = clock.read()
    return [one for one in Worker.objects.all() if one.is_living(moment) and not has_ended(one.name)]


def fail_unknown_kinds() -> int:
    """Fail due jobs of kinds that no live worker has; return how many.

    During an upgrade, workers of the older release leave the newer one's jobs to its own workers.
    """
    known = set(kinds.known()).union(*(one.kinds for one in alive()))
    strange = Job.objects.filter(state=Job.WAITING, run_at__lte=clock.now()).exclude(kind__in=known)
    count = 0
    for pk in list(strange.values_list("pk", flat=True)[:1000]):
        with transaction.atomic():
            job = locked(strange.filter(pk=pk)).first()
            if job is not None:
                _fail_unknown(job)
                count += 1
    return count


def _fail_unknown(job: Job) -> None:
    error = f"Eclectyc {__version__} has no job kind {job.kind!r}."
    Job.objects.filter(pk=job.pk).update(
        state=Job.FAILED, fault=Job.UNKNOWN_KIND, error=error, remedy=REMEDY, finished_at=clock.now()
    )
    alerts.job_failed(job, error, REMEDY)


def _requeue(job: Job) -> None:
    with transaction.atomic():
        found = locked(Job.objects.filter(pk=job.pk, state=Job.FAILED)).first()
        if found is None:
            return
        try:
            requeue(found)
        except Conflict:  # the same work is queued already
            Job.objects.filter(pk=job.pk).update(fault=Job.ERROR)


def _delete_ended() -> None:
    moment = clock.read()
    gone = [one.pk for one in Worker.objects.all() if has_ended(one.name) or not one.is_living(moment)]
    Worker.objects.filter(pk__in=gone).delete()
