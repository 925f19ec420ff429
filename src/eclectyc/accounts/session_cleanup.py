"""Job: delete expired sessions. Devices and addresses are deleted by retention (``deletions``)."""

from __future__ import annotations

from django.contrib.sessions.models import Session
from django.utils import timezone

from eclectyc.jobs.context import JobContext


def run(running: JobContext) -> dict[str, int]:
    """Delete expired sessions; return how many."""
    with running.effect():
        count, _ = Session.objects.filter(expire_date__lt=timezone.now()).delete()
    return {"sessions": count}
