"""The state of the queue: waiting, running, stuck and failed jobs, and workers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Exists, Min, OuterRef, Q

from eclectyc.jobs import clock, worker_registry
from eclectyc.jobs.models import Job, Schedule
from eclectyc.kernel.health import DEGRADED, HEALTHY, CheckResult
from eclectyc.kernel.plurals import age_in_words, counted, plural

LATELY: Final = timedelta(hours=24)
STUCK: Final = timedelta(minutes=2)  # past its lease and not reclaimed: no worker checks
OVERDUE: Final = timedelta(minutes=15)
DUE_LONG: Final = timedelta(minutes=15)
FAILED_MANY: Final = 3
FAILED_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True)
class QueueSummary:
    """The queue at one moment.

    ``due`` of the waiting jobs could start now, one of them for ``oldest_due_s``. ``stuck`` are the numbers of jobs
    whose worker has been silent for long. ``late`` schedules have not run. ``unattended`` of the failed jobs were
    started by no one, so that no one saw them fail, and did not succeed later.
    """

    waiting: int
    due: int
    running: int
    oldest_due_s: float
    stuck: list[int]
    failed_24h: int
    ended_24h: int
    unattended: int
    late: list[str]
    workers: list[str]

    @property
    def failure_share(self) -> float | None:
        """The share of failed jobs among those ended in 24 hours, 0 to 1; None if none ended."""
        return self.failed_24h / self.ended_24h if self.ended_24h else None


def summary() -> QueueSummary:
    """Return the state of the queue, in six queries."""
    now = clock.read()
    due = Q(state=Job.WAITING, run_at__lte=now)
    ended = Q(state__in=(Job.DONE, Job.FAILED))
    lately = Job.objects.filter(Q(state__in=Job.OPEN) | Q(finished_at__gte=now - LATELY))
    found = lately.aggregate(
        waiting=Count("pk", filter=Q(state=Job.WAITING)),
        due=Count("pk", filter=due),
        running=Count("pk", filter=Q(state__in=Job.HELD)),
        oldest=Min("run_at", filter=due),
        ended=Count("pk", filter=ended),
        failed=Count("pk", filter=ended & Q(state=Job.FAILED)),
    )
    stuck = Job.objects.filter(state__in=Job.HELD, lease_until__lt=now - STUCK)
    late = Schedule.objects.filter(is_paused=False, next_at__lt=now - OVERDUE)
    return QueueSummary(
        waiting=found["waiting"],
        due=found["due"],
        running=found["running"],
        oldest_due_s=(now - found["oldest"]).total_seconds() if found["oldest"] else 0.0,
        stuck=list(stuck.values_list("pk", flat=True)[:20]),
        failed_24h=found["failed"],
        ended_24h=found["ended"],
        unattended=_unattended(now - LATELY),
        late=list(late.values_list("name", flat=True)[:20]),
        workers=[str(one) for one in worker_registry.alive()],
    )


def jobs(*, now: datetime, deep: bool) -> CheckResult:
    """Check whether background jobs run: how many wait, are stuck or fail."""
    found = summary()
    detail = asdict(found) | {"failure_share": found.failure_share}
    if found.stuck:
        stuck = f"{_jobs(len(found.stuck), 'is', 'are')} stuck: the worker does not respond."
        return CheckResult(DEGRADED, stuck, detail)
    if found.oldest_due_s > DUE_LONG.total_seconds() or found.late:
        oldest = f"the oldest for {age_in_words(timedelta(seconds=found.oldest_due_s))}"
        worker = "" if found.workers else " No worker is running: start eclectyc worker."
        waiting = f"{_jobs(found.due, 'waits', 'wait')} for a worker, {oldest if found.due else 'schedules are late'}."
        return CheckResult(DEGRADED, f"{waiting}{worker}", detail)
    many = found.failed_24h >= FAILED_MANY and (found.failure_share or 0.0) >= FAILED_SHARE
    if many or found.unattended:
        failed = f"{found.failed_24h} of {counted(found.ended_24h, 'job')} failed in 24 hours."
        return CheckResult(DEGRADED, f"{failed} See Administration, Background jobs.", detail)
    running = f"{found.running} {plural(found.running, 'runs', 'run')}"
    return CheckResult(HEALTHY, f"{_jobs(found.waiting, 'waits', 'wait')}, {running}.", detail)


def _unattended(since: datetime) -> int:
    same = (Q(key=OuterRef("key")) & ~Q(key="")) | Q(schedule=OuterRef("schedule"))
    later = Job.objects.filter(same, kind=OuterRef("kind"), pk__gt=OuterRef("pk"), state=Job.DONE)
    failed = Job.objects.filter(~Exists(later), state=Job.FAILED, person_id=None, finished_at__gte=since)
    return failed.count()


def _jobs(count: int, one: str, many: str) -> str:
    return f"{counted(count, 'job')} {plural(count, one, many)}"
