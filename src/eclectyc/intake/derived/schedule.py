"""When derived series are worked out: soon after something became stale, and not all the time."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from eclectyc.jobs import clock
from eclectyc.jobs.models import Job
from eclectyc.jobs.service import enqueue

KIND: Final = "derived.work_out"
APART: Final = timedelta(seconds=5)  # from one working out to the next: each is a commit of the lake


def wake() -> None:
    """See to it that what is stale is worked out. Call it in the transaction that makes something stale."""
    last = Job.objects.filter(kind=KIND).order_by("-pk").values_list("started_at", flat=True).first()
    now = clock.read()
    enqueue(KIND, key=KIND, turn=KIND, run_at=max(now, last + APART) if last else now)


def forget() -> None:
    """Take back the jobs that wait for what has just been done. Call it with the writers' turn held."""
    Job.objects.filter(kind=KIND, state=Job.WAITING).delete()
