"""When derived series are worked out: soon after something became stale, and not all the time."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import connection, transaction

from eclectyc.jobs import clock
from eclectyc.jobs.models import Job
from eclectyc.jobs.service import enqueue

KIND: Final = "derived.work_out"
APART: Final = timedelta(seconds=5)  # from one working out to the next: each is a commit of the lake


def request_recalculation() -> None:
    """See to it that what is stale is worked out. Call it in the transaction that makes something stale."""
    with transaction.atomic():  # the caller's: a worker that started a waiting job before that ends would see nothing
        Job.objects.filter(kind=KIND, key=KIND, state=Job.WAITING).select_for_update().first()
    last = Job.objects.filter(kind=KIND).order_by("-pk").values_list("started_at", flat=True).first()
    now = clock.read()
    enqueue(KIND, key=KIND, turn=KIND, run_at=max(now, last + APART) if last else now)


def cancel_waiting_jobs() -> None:
    """Take back the jobs that wait for what has just been done. Call it with the writers' turn held."""
    with transaction.atomic():
        passes_over = connection.features.has_select_for_update_skip_locked  # one that somebody still relies on
        free = Job.objects.filter(kind=KIND, state=Job.WAITING).select_for_update(skip_locked=passes_over)
        Job.objects.filter(pk__in=[job.pk for job in free]).delete()
