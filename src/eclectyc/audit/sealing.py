"""Seal the audit in the background, verify it, and restart its chain."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import close_old_connections, connection, transaction
from django.utils.timezone import now

from eclectyc.audit import keys, read_log_queue
from eclectyc.audit.actor import AuditActor
from eclectyc.audit.content_hashes import hash_people_again
from eclectyc.audit.models import Event, Head, Seal
from eclectyc.audit.record import record
from eclectyc.audit.sealed_chain import deletion_allowed, problems, seal_pending, unsealed
from eclectyc.kernel.errors import EclectycError
from eclectyc.kernel.plurals import counted, plural

STORE_S: Final = 1.0
SEAL_S: Final = 5.0
FULL_PASS_S: Final = 3600.0  # every event is checked that often
SETTLED: Final = timedelta(minutes=10)  # longer than any transaction: no event with a lower number can still appear
MOST_PROBLEMS: Final = 100
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of verifying. A few ``unsealed`` events are normal: they are younger than the last sealing."""

    problems: tuple[str, ...]
    sealed: int
    unsealed: int

    @property
    def is_sound(self) -> bool:
        return not self.problems


def verify() -> Verification:
    """Check the whole chain against its key. A missing or wrong key is a problem like any other."""
    found: list[str] = []
    try:
        key = keys.key()
    except EclectycError as error:
        found.append(str(error))
    else:
        for problem in problems(key):
            found.append(problem)
            if len(found) >= MOST_PROBLEMS:
                found.append("There are more problems than these.")
                break
    late = unsealed().filter(at__lt=now() - timedelta(hours=1)).count()
    if late and Head.objects.filter(last__gt=0).exists():
        old = f"{counted(late, 'event')} older than an hour {plural(late, 'is', 'are')} not sealed."
        found.append(f"{old} Sealing is not running, or they were inserted.")
    return Verification(tuple(found), Seal.objects.count(), unsealed().count())


def seal_now() -> int:
    """Store waiting reads and seal all events; return how many were sealed."""
    read_log_queue.store_waiting()
    if not unsealed().exists():
        return 0
    return seal_pending(keys.fitting_key())


def restart_chain(by: AuditActor) -> int:
    """Seal all events again with the present key, after the old one was lost. Record this as an event."""
    with transaction.atomic():
        before = Head.objects.filter(pk=1).first()
        with deletion_allowed():
            Seal.objects.all().delete()
        Head.objects.all().delete()
        record(by, "audit.sealed_anew", before={"events": before.last if before else 0})
        hash_people_again(key := keys.key())
    return seal_pending(key)


def seal_after_command() -> None:
    """Seal the events of a command. A failure is logged and does not fail the command."""
    try:
        seal_now()
    except Exception as error:
        log.warning("The audit could not be sealed now; the next process will seal it: %s", error)


class SealingThread:
    """The thread that stores reads and seals events; one in each serving process."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._below = 0  # every event up to this one is sealed
        self._full_pass_at = 0.0
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)

    def start(self) -> None:
        self._thread.start()
        atexit.register(self.stop)

    def stop(self) -> None:
        """Stop the thread and store the waiting reads."""
        if not self._stop.is_set():
            self._stop.set()
            self._thread.join(timeout=5)
            self._guarded(read_log_queue.store_waiting)

    def _run(self) -> None:
        sealed_at = 0.0
        while not self._stop.wait(STORE_S):
            self._guarded(read_log_queue.store_waiting)
            if time.monotonic() - sealed_at >= SEAL_S:
                self._guarded(self.seal)
                sealed_at = time.monotonic()

    def seal(self) -> int:
        """Seal new events; now and then check all of them, for those of a slow transaction."""
        if time.monotonic() - self._full_pass_at >= FULL_PASS_S or not self._full_pass_at:
            self._below, self._full_pass_at = 0, time.monotonic()
        settled = Event.objects.filter(at__lt=now() - SETTLED, pk__gt=self._below).order_by("-pk")
        below = settled.values_list("pk", flat=True).first()
        if not unsealed(self._below).exists():
            count = 0
        else:
            count = seal_pending(keys.fitting_key(), self._below)
        self._below = below or self._below
        return count

    def _guarded(self, action: Callable[[], object]) -> None:
        try:
            close_old_connections()
            action()
        except Exception as error:  # the registry may be away for a while; a request must not be
            log.warning("The audit cannot be sealed at the moment: %s", error)
            self._stop.wait(SEAL_S)
        finally:
            if connection.vendor == "postgresql":
                connection.close()


_threads: dict[int, SealingThread] = {}
_starting = threading.Lock()


def start_sealing() -> SealingThread:
    """Start the thread of this process, if it has none yet."""
    with _starting:
        if os.getpid() not in _threads:
            _threads[os.getpid()] = SealingThread()
            _threads[os.getpid()].start()
        return _threads[os.getpid()]
