"""Schedule the storing of pushed readings: soon after a push, but not constantly."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from eclectyc.jobs import clock
from eclectyc.jobs.models import Job
from eclectyc.jobs.service import enqueue

KIND: Final = "intake.fold"
APART: Final = timedelta(seconds=5)  # between two jobs: each commits to the lake


def wake() -> None:
    """Enqueue a job that stores the inbox. Call it in the transaction that adds a push."""
    last = Job.objects.filter(kind=KIND).order_by("-pk").values("key", "state", "started_at").first()
    if last is not None and last["key"] and last["state"] in Job.OPEN:
        return
    now = clock.read()
    begun = last["started_at"] if last else None
    enqueue(KIND, key=KIND, turn=KIND, run_at=max(now, begun + APART) if begun else now)
