"""Keeping the audit: sealing in the background, verifying, and beginning the chain anew."""

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
from eclectyc.kernel.plurals import counted

TAKE_IN_S: Final = 1.0
SEAL_S: Final = 5.0
LOOK_THROUGH_S: Final = 3600.0  # every event is looked at anew that often
SETTLED: Final = timedelta(minutes=10)  # longer than any transaction: below such an event none comes any more
MOST_PROBLEMS: Final = 100
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verification:
    """What verifying found. ``unsealed`` events are younger than the last sealing: normal, where they are few."""

    problems: tuple[str, ...]
    sealed: int
    unsealed: int

    @property
    def is_sound(self) -> bool:
        return not self.problems


def verify() -> Verification:
    """Read the whole chain against its key. A key that is missing or does not fit is a problem like any other."""
    told: list[str] = []
    try:
        key = keys.key()
    except EclectycError as error:
        told.append(str(error))
    else:
        for problem in problems(key):
            told.append(problem)
            if len(told) >= MOST_PROBLEMS:
                told.append("There is more; this is not all.")
                break
    late = unsealed().filter(at__lt=now() - timedelta(hours=1)).count()
    if late and Head.objects.filter(last__gt=0).exists():
        old = f"Older than an hour and not sealed: {counted(late, 'event')}."
        told.append(f"{old} Sealing does not run, or they were put in.")
    return Verification(tuple(told), Seal.objects.count(), unsealed().count())


def seal_now() -> int:
    """Take in what waits, and seal everything; return how many events were sealed."""
    read_log_queue.store_waiting()
    if not unsealed().exists():
        return 0
    return seal_pending(keys.fitting_key())


def restart_chain(by: AuditActor) -> int:
    """Seal everything again under the key there is now: after the old one was lost. It is itself an event."""
    with transaction.atomic():
        before = Head.objects.filter(pk=1).first()
        with deletion_allowed():
            Seal.objects.all().delete()
        Head.objects.all().delete()
        record(by, "audit.sealed_anew", before={"events": before.last if before else 0})
        hash_people_again(key := keys.key())
    return seal_pending(key)


def seal_after_command() -> None:
    """Seal what a command did. A fault here is told, and spoils nothing that was done."""
    try:
        seal_now()
    except Exception as error:
        log.warning("The audit could not be sealed now, which the next process makes good: %s", error)


class SealingThread:
    """The thread that takes in and seals; one in each serving process."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._below = 0  # every event up to this one is sealed
        self._looked_through = 0.0
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)

    def start(self) -> None:
        self._thread.start()
        atexit.register(self.stop)

    def stop(self) -> None:
        """End, with everything taken in."""
        if not self._stop.is_set():
            self._stop.set()
            self._thread.join(timeout=5)
            self._guarded(read_log_queue.store_waiting)

    def _run(self) -> None:
        sealed_at = 0.0
        while not self._stop.wait(TAKE_IN_S):
            self._guarded(read_log_queue.store_waiting)
            if time.monotonic() - sealed_at >= SEAL_S:
                self._guarded(self.seal)
                sealed_at = time.monotonic()

    def seal(self) -> int:
        """Seal what is new; now and then look through everything, for what a slow transaction left behind."""
        if time.monotonic() - self._looked_through >= LOOK_THROUGH_S or not self._looked_through:
            self._below, self._looked_through = 0, time.monotonic()
        settled = Event.objects.filter(at__lt=now() - SETTLED, pk__gt=self._below).order_by("-pk")
        below = settled.values_list("pk", flat=True).first()
        if not unsealed(self._below).exists():
            count = 0
        else:
            count = seal_pending(keys.fitting_key(), self._below)
        self._below = below or self._below
        return count

    def _guarded(self, deed: Callable[[], object]) -> None:
        try:
            close_old_connections()
            deed()
        except Exception as error:  # the registry may be away for a while; a request must not be
            log.warning("The audit waits: %s", error)
            self._stop.wait(SEAL_S)
        finally:
            if connection.vendor == "postgresql":
                connection.close()


_keepers: dict[int, SealingThread] = {}
_starting = threading.Lock()


def start_sealing() -> SealingThread:
    """Start the thread of this process, if it has none yet."""
    with _starting:
        if os.getpid() not in _keepers:
            _keepers[os.getpid()] = SealingThread()
            _keepers[os.getpid()].start()
        return _keepers[os.getpid()]
