"""A worker: one process that runs a few jobs at a time until it is stopped.

The main thread checks once a second for due work and otherwise sleeps; each slot is a thread that claims a job, runs it
and claims the next; the heartbeat renews their leases. Workers know each other through the registry alone.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from django.db import Error as DatabaseFault
from django.db import close_old_connections, connection

from eclectyc.jobs import attempt, kinds, queue, schedules, wake, worker_registry
from eclectyc.jobs.context import HandedBack, JobContext
from eclectyc.jobs.heartbeat import Heartbeat, pulse
from eclectyc.jobs.queue import LEASE_S, JobClaim
from eclectyc.kernel.process_identity import holder_name

LOOK_S: Final = 1.0
LISTEN_S: Final = 0.25  # how soon a signal takes effect
SCHEDULES_S: Final = 3.0
SIGN_OF_LIFE_S: Final = 15.0
HURRY_S: Final = 3.0  # for handlers that were asked to hand their job back
log = logging.getLogger(__name__)


class JobWorker:
    """Runs jobs in ``threads`` slots. ``lease_s`` is how long it may be silent before others reclaim its jobs."""

    def __init__(self, *, threads: int = 2, lease_s: float = LEASE_S, label: str = "worker") -> None:
        self.name = holder_name(label)
        self.lease_s = lease_s
        self._beat = Heartbeat()
        self._work = threading.Condition()  # idle slots wait here
        self._nudge = threading.Event()  # ends the main thread's sleep
        self._busy = 0  # slots that claim or run a job
        self._is_ending = False
        self._is_registry_away = False
        self._signed_at = self._ticked_at = 0.0
        self._slots = [threading.Thread(target=self._slot, name=f"jobs-{n}", daemon=True) for n in range(threads)]

    def run(self, *, until_empty: bool = False, is_orphan: Callable[[], bool] = lambda: False) -> None:
        """Run until ``end`` is called or the parent process has ended; with ``until_empty``, until nothing is due."""
        wake.listen(self._nudge)
        self._guarded(lambda: worker_registry.register(self.name, len(self._slots)))
        self._guarded(schedules.sync_declared)
        self._beat.start()
        for slot in self._slots:
            slot.start()
        while not self._is_ending and not is_orphan():
            is_idle = self._look()
            if until_empty and is_idle:
                break
            self._sleep(0.05 if until_empty else LOOK_S)
        wake.stop_listening(self._nudge)
        self._is_ending = True
        with self._work:
            self._work.notify_all()
        connection.close()

    def end(self) -> None:
        """Claim no more jobs; ``run`` returns soon. Safe in a signal handler: it takes no lock."""
        self._is_ending = True

    def drain(self, grace_s: float) -> bool:
        """Let running jobs finish for some time, then hand them back. False if a handler does not stop."""
        self._wait_for_slots(grace_s)
        for running in self._beat.jobs():
            running.stop = running.stop or HandedBack
        self._wait_for_slots(HURRY_S)
        is_done = not self._busy
        for running in self._beat.jobs():
            self._guarded(partial(queue.release, running.claim))
        self._beat.stop()
        self._guarded(lambda: worker_registry.unregister(self.name))
        return is_done

    def _sleep(self, span_s: float) -> None:
        until = time.monotonic() + span_s
        while not self._is_ending and (left := until - time.monotonic()) > 0:
            if self._nudge.wait(min(left, LISTEN_S)):
                break
        self._nudge.clear()

    def _look(self) -> bool:
        """Do what is due for all workers, and wake a slot if there is a job. Return whether this worker is idle."""
        is_busy, is_due = bool(self._busy), False

        def look() -> None:
            nonlocal is_due
            if time.monotonic() - self._signed_at > SIGN_OF_LIFE_S:
                worker_registry.report_alive(self.name)
                worker_registry.fail_unknown_kinds()
                self._signed_at = time.monotonic()
            queue.reclaim()
            if time.monotonic() - self._ticked_at > SCHEDULES_S:
                schedules.tick()
                self._ticked_at = time.monotonic()
            is_due = queue.is_due(kinds.known())

        is_done_looking = self._guarded(look)
        if is_due:
            with self._work:
                self._work.notify_all()
        return is_done_looking and not is_due and not is_busy

    def _slot(self) -> None:
        while self._turn_to():
            claim: JobClaim | None = None

            def take() -> None:
                nonlocal claim
                claim = queue.claim(self.name, kinds.known(), lease_s=self.lease_s)

            self._guarded(take)
            if claim is not None:
                self._guarded(partial(self._run_one, claim))
            self._rest(is_idle=claim is None)
        connection.close()

    def _turn_to(self) -> bool:
        """Count a slot as busy before it claims, so that the worker never seems idle in between."""
        with self._work:
            self._busy += not self._is_ending
            return not self._is_ending

    def _rest(self, *, is_idle: bool) -> None:
        with self._work:
            self._busy -= 1
            if is_idle and not self._is_ending:
                self._work.wait()

    def _run_one(self, claim: JobClaim) -> None:
        running = JobContext(claim)
        self._beat.add(running)
        try:
            close_old_connections()
            attempt.run(running)
        finally:
            self._beat.remove(running)

    def _wait_for_slots(self, span_s: float) -> None:
        until = time.monotonic() + span_s
        while self._busy and time.monotonic() < until:
            time.sleep(0.05)

    def _guarded(self, deed: Callable[[], object]) -> bool:
        """Use the registry, which may be unavailable for a while; return whether it was done."""
        try:
            close_old_connections()
            deed()
            self._is_registry_away = False
            return True
        except DatabaseFault as error:
            if not self._is_registry_away:  # logged once
                log.warning("The registry does not answer; the worker waits: %s", error)
            self._is_registry_away = True
        except Exception:  # an error in one place must not stop everything else
            log.exception("Internal error; the worker continues")
        connection.close()
        return False


def run_waiting(limit: int = 1000) -> int:
    """Run the due jobs in this thread, one after another; return how many. For tests, and if there is no worker: leases
    are renewed only at progress steps."""
    name, count = holder_name("here"), 0
    while count < limit and (claim := queue.claim(name, kinds.known())) is not None:
        running = JobContext(claim, pulse=pulse)
        attempt.run(running)
        count += 1
    return count
