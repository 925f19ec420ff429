"""The heartbeat of a worker: a thread that renews leases, saves progress and detects cancelled jobs.

Handlers report in memory only; twice a second this thread checks all jobs with one query and saves what has changed.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Final

from django.db import Error as DatabaseFault
from django.db import close_old_connections, connection, transaction

from eclectyc.jobs import clock
from eclectyc.jobs.context import Cancelled, JobContext, JobLeaseLost
from eclectyc.jobs.models import Job, Line
from eclectyc.jobs.queue import locked

BEAT_S: Final = 0.5
log = logging.getLogger(__name__)


class Heartbeat:
    """The thread and the jobs whose leases it renews."""

    def __init__(self) -> None:
        self._running: set[JobContext] = set()
        self._lock = threading.Lock()
        self._some = threading.Event()  # there are leases to renew
        self._thread = threading.Thread(target=self._run, name="jobs-beat", daemon=True)
        self._is_over = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread; leases are no longer renewed."""
        self._is_over = True
        self._some.set()
        self._thread.join(timeout=5)

    def add(self, running: JobContext) -> None:
        with self._lock:
            self._running.add(running)
            self._some.set()

    def remove(self, running: JobContext) -> None:
        with self._lock:
            self._running.discard(running)
            if not self._running and not self._is_over:
                self._some.clear()

    def jobs(self) -> list[JobContext]:
        with self._lock:
            return list(self._running)

    def _run(self) -> None:
        try:
            while self._some.wait() and not self._is_over:
                try:
                    close_old_connections()
                    pulse(self.jobs())
                except DatabaseFault:  # unavailable for a moment; the leases outlast that
                    connection.close()
                except Exception:  # without a heartbeat this worker would lose every job
                    log.exception("Internal error; the heartbeat continues")
                time.sleep(BEAT_S)
        finally:
            connection.close()


def pulse(runnings: list[JobContext]) -> None:
    """Check some jobs: detect lost leases and cancellation, renew the others and save their progress."""
    found = dict(
        Job.objects.filter(pk__in=[one.job_id for one in runnings], state__in=Job.HELD).values_list("pk", "fence")
    )
    cancelling = set(Job.objects.filter(pk__in=found, state=Job.CANCELLING).values_list("pk", flat=True))
    for one in runnings:
        if found.get(one.job_id) != one.fence:
            one.stop = JobLeaseLost
            continue
        if one.job_id in cancelling and one.stop is None:
            one.stop = Cancelled
        renew_and_report(one)


def renew_and_report(one: JobContext) -> None:
    """Renew a lease if it is time, and save progress and log lines if there are any."""
    fields = one.take_changes()
    if not fields and not one.lines and time.monotonic() - one.renewed_at < one.claim.lease_s / 3:
        return
    try:
        with transaction.atomic():
            if fields:
                fields["progress_at"] = clock.now()
            # A row locked by an effect is skipped: no other worker can claim it meanwhile.
            mine = list(locked(one.claim.still_held()).values_list("pk", flat=True))
            if mine:
                Job.objects.filter(pk__in=mine).update(lease_until=clock.later(one.claim.lease_s), **fields)
                write_lines(one)
    except DatabaseFault:
        one.restore_changes(fields)
        raise
    if mine:
        one.renewed_at = time.monotonic()
    else:
        one.restore_changes(fields)


def write_lines(one: JobContext) -> None:
    """Save the lines logged since the last time."""
    lines: list[Any] = [Line(run_id=one.claim.run_id, at=at, text=text) for at, text in one.take_lines()]
    if lines:
        Line.objects.bulk_create(lines)
