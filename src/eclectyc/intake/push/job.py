"""Store pushed readings in the background: soon after a push, and on a schedule in case that fails."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any, Final

from eclectyc.intake.push.drain import DrainResult, drain_inbox
from eclectyc.intake.push.models import Push
from eclectyc.jobs.context import JobContext, TryLater
from eclectyc.jobs.models import Job
from eclectyc.kernel.errors import Busy, EclectycError

TURN_S: Final = 5.0  # of waiting for the writers' turn, before the job checks whether to stop
PATIENCE_S: Final = 1800.0  # of waiting for another writer


def run_drain(running: JobContext) -> dict[str, Any]:
    """Store what waits, and what arrives meanwhile. If scheduled, retry what the lake refused."""
    if running.due_at is not None:
        Push.objects.exclude(fault="").update(fault="")
    done = DrainResult()
    _drain(running, done)
    with running.effect():  # from here on a push enqueues a new job
        Job.objects.filter(pk=running.job_id).update(key="")
    _drain(running, done)  # what arrived meanwhile
    return asdict(done)


def _drain(running: JobContext, done: DrainResult) -> None:
    """Store what waits now, and add the counts to ``done``."""
    earlier, until = asdict(done), time.monotonic() + PATIENCE_S

    def add_counts(result: DrainResult) -> None:
        for name, count in asdict(result).items():
            setattr(done, name, earlier[name] + count)
        running.progress(done=done.readings, unit="readings", text="Storing pushed readings")

    while True:
        running.progress()
        try:
            drain_inbox(wait_s=TURN_S, guard=running.effect, on_batch=add_counts)
            return
        except Busy:
            running.progress(text="Waiting for another writer")
            if time.monotonic() > until:
                raise
        except EclectycError as error:
            raise TryLater(error.reason, error.remedy) from error
