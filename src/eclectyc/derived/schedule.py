"""When derived readings are recalculated: soon after something became stale, but not all the time."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import connection, transaction

from eclectyc.jobs import clock
from eclectyc.jobs.models import Job
from eclectyc.jobs.service import enqueue

KIND: Final = "derived.work_out"
APART: Final = timedelta(seconds=5)  # from one recalculation to the next: each is a commit of the lake


def request_recalculation() -> None:
    """Ask for a job that recalculates. Call it in the transaction that makes something stale."""
    with transaction.atomic():  # the caller's: a worker that started a waiting job before it ends would see nothing
        Job.objects.filter(kind=KIND, key=KIND, state=Job.WAITING).select_for_update().first()
    last = Job.objects.filter(kind=KIND).order_by("-pk").values_list("started_at", flat=True).first()
    now = clock.read()
    enqueue(KIND, key=KIND, turn=KIND, run_at=max(now, last + APART) if last else now)


def cancel_waiting_jobs() -> None:
    """Delete the jobs whose work has just been done. Call it with the writers' turn held."""
    with transaction.atomic():
        skip_locked = connection.features.has_select_for_update_skip_locked  # those that another writer still needs
        free = Job.objects.filter(kind=KIND, state=Job.WAITING).select_for_update(skip_locked=skip_locked)
        Job.objects.filter(pk__in=[job.pk for job in free]).delete()
