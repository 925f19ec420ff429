"""The state of the queue: waiting, running, stuck and failed jobs, and workers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import Count, Min, Q

from eclectyc.jobs import clock, worker_registry
from eclectyc.jobs.models import Job, Schedule

LATELY: Final = timedelta(hours=24)
STUCK: Final = timedelta(minutes=2)  # past its lease and not reclaimed: no worker checks
OVERDUE: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class QueueSummary:
    """The queue at one moment. ``due`` of the waiting jobs could start now, one of them for ``oldest_due_s``. ``stuck``
    are the numbers of jobs whose worker has been silent for long. ``late`` schedules have not run."""

    waiting: int
    due: int
    running: int
    oldest_due_s: float
    stuck: list[int]
    failed_24h: int
    ended_24h: int
    late: list[str]
    workers: list[str]

    @property
    def failure_share(self) -> float | None:
        """The share of failed jobs among those ended in 24 hours, 0 to 1; None if none ended."""
        return self.failed_24h / self.ended_24h if self.ended_24h else None


def summary() -> QueueSummary:
    """Return the state of the queue, in five queries."""
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
        late=list(late.values_list("name", flat=True)[:20]),
        workers=[str(one) for one in worker_registry.alive()],
    )
