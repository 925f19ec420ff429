"""Sessions that are over are cleared away: a job, due every night. Who was last seen when is retention's affair."""

from __future__ import annotations

from django.contrib.sessions.models import Session
from django.utils import timezone

from eclectyc.jobs.context import JobContext


def run(running: JobContext) -> dict[str, int]:
    """Delete the sessions that have expired; return how many."""
    with running.effect():
        count, _ = Session.objects.filter(expire_date__lt=timezone.now()).delete()
    return {"sessions": count}
