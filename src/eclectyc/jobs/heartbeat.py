"""The heartbeat of a worker: a thread that renews its leases, writes down progress, and hears of cancelling.

Handlers only speak into memory; twice a second this thread looks at all of them with one query, and writes where there
is something to write.
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
    """The thread, and the jobs it keeps alive."""

    def __init__(self) -> None:
        self._running: set[JobContext] = set()
        self._lock = threading.Lock()
        self._some = threading.Event()  # there is something to keep alive
        self._thread = threading.Thread(target=self._run, name="jobs-beat", daemon=True)
        self._is_over = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread. What still runs is kept alive no longer."""
        self._is_over = True
        self._some.set()
        self._thread.join(timeout=5)

    def add(self, running: JobContext) -> None:
        """Keep a job alive from now on."""
        with self._lock:
            self._running.add(running)
            self._some.set()

    def remove(self, running: JobContext) -> None:
        """Keep it alive no longer."""
        with self._lock:
            self._running.discard(running)
            if not self._running and not self._is_over:
                self._some.clear()

    def jobs(self) -> list[JobContext]:
        """Return what is kept alive."""
        with self._lock:
            return list(self._running)

    def _run(self) -> None:
        try:
            while self._some.wait() and not self._is_over:
                try:
                    close_old_connections()
                    pulse(self.jobs())
                except DatabaseFault:  # away for a moment, as the worker says; the leases outlast that
                    connection.close()
                except Exception:  # without a heartbeat every job of this worker would be taken away
                    log.exception("A fault in Eclectyc itself; the heartbeat goes on")
                time.sleep(BEAT_S)
        finally:
            connection.close()


def pulse(runnings: list[JobContext]) -> None:
    """Hear what became of some jobs, renew what is ours still, and write down what they said."""
    found = dict(
        Job.objects.filter(pk__in=[one.job_id for one in runnings], state__in=Job.HELD).values_list("pk", "fence")
    )
    asked = set(
        Job.objects.filter(pk__in=found, state=Job.CANCELLING).values_list("pk", flat=True)
    )  # fmt: skip
    for one in runnings:
        if found.get(one.job_id) != one.fence:
            one.stop = JobLeaseLost
            continue
        if one.job_id in asked and one.stop is None:
            one.stop = Cancelled
        renew_and_report(one)


def renew_and_report(one: JobContext) -> None:
    """Renew a lease where it is time, and write progress and log lines where there are any."""
    fields = one.take_changes()
    if not fields and not one.lines and time.monotonic() - one.renewed_at < one.claim.lease_s / 3:
        return
    try:
        with transaction.atomic():
            if fields:
                fields["progress_at"] = clock.now()
            # A row that an effect holds is passed over: nobody else can take it meanwhile.
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
    """Write the lines that a run has logged since the last time."""
    lines: list[Any] = [Line(run_id=one.claim.run_id, at=at, text=text) for at, text in one.take_lines()]
    if lines:
        Line.objects.bulk_create(lines)
