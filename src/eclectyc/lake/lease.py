"""The writers' turn: one writer at a time, across processes and machines, with a fence against those who slept.

Each new holder gets a higher fence. The lake's log carries the fence of its last commit, and a commit with a
lower one is refused, so a holder that was frozen past its turn cannot write any more.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from django.db import Error, connection, transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.utils import timezone

from eclectyc.kernel.errors import Busy
from eclectyc.kernel.process_identity import has_ended, holder_name
from eclectyc.lake.errors import WriterLeaseLost
from eclectyc.lake.models import WriterLease

LEASE_S: Final = 30.0
NAME: Final = "lake"
_POLL_S: Final = (0.02, 0.15)


class Lease:
    """The turn of one writer. ``fence`` orders the turns."""

    def __init__(self, holder: str, fence: int, *, lease_s: float = LEASE_S) -> None:
        self.holder = holder
        self.fence = fence
        self.lease_s = lease_s

    def renew(self) -> None:
        """Hold on for another span; raise ``LeaseLost`` if another writer has taken over."""
        now = _clock()
        if not self._mine().update(expires_at=_later(now, self.lease_s)):
            raise WriterLeaseLost("Another writer has taken over the lake.", "Run this again.")

    def is_held(self) -> bool:
        """Say whether this is still the current turn; renews it if so."""
        try:
            self.renew()
        except WriterLeaseLost:
            return False
        return True

    def lift_above(self, fence: int) -> None:
        """Raise this turn's fence above one found in the lake's log.

        A registry restored from a backup can lag behind its lake. Nobody else is fenced out wrongly: only the
        holder of the current turn gets here.
        """
        if self.fence >= fence:
            return
        if not self._mine().update(fence=fence + 1):
            raise WriterLeaseLost("Another writer has taken over the lake.", "Run this again.")
        self.fence = fence + 1

    def release(self) -> None:
        """End the turn; nothing happens if it has passed already."""
        self._mine().update(expires_at=None, holder="")

    def _mine(self) -> QuerySet[WriterLease]:
        return WriterLease.objects.filter(name=NAME, holder=self.holder, fence=self.fence)


@contextmanager
def writer_lease(
    holder: str, wait_s: float = 60.0, *, lease_s: float = LEASE_S, waiting: Callable[[str], None] | None = None
) -> Iterator[Lease]:
    """Wait for the writers' turn and hold it; raise ``Busy`` where it does not come within ``wait_s`` [s].

    waiting : called once with the other writer's name, if there is one to wait for.
    """
    lease = _wait_for(holder_name(holder), wait_s, lease_s, waiting)
    done = threading.Event()
    renewal = threading.Thread(target=_renew_until, args=(lease, done), name="lake-lease", daemon=True)
    renewal.start()
    try:
        yield lease
    finally:
        done.set()
        renewal.join()
        lease.release()


def claim_lease(holder: str, *, lease_s: float = LEASE_S) -> Lease | None:
    """Take the turn if nobody has it, else return None. One short transaction."""
    seen, _ = WriterLease.objects.get_or_create(name=NAME)
    if seen.holder and not has_ended(seen.holder) and not _has_expired(seen):
        return None  # waiting takes no lock
    with transaction.atomic():
        row = WriterLease.objects.select_for_update().get(name=NAME)
        now = _clock()
        free = Q(expires_at=None) | Q(expires_at__lt=now)
        if row.holder and has_ended(row.holder):
            free |= Q(holder=row.holder)
        taken = WriterLease.objects.filter(free, name=NAME).update(
            holder=holder, fence=F("fence") + 1, expires_at=_later(now, lease_s)
        )
        if not taken:
            return None
        row.refresh_from_db()
        return Lease(holder, row.fence, lease_s=lease_s)


def _wait_for(holder: str, wait_s: float, lease_s: float, waiting: Callable[[str], None] | None = None) -> Lease:
    give_up = time.monotonic() + wait_s
    while True:
        lease = claim_lease(holder, lease_s=lease_s)
        if lease is not None:
            return lease
        if time.monotonic() >= give_up or waiting:
            other = WriterLease.objects.get(name=NAME).holder.split(" ")[0] or "another process"
        if waiting:
            waiting(other)
            waiting = None
        if time.monotonic() >= give_up:
            raise Busy(f"Readings are being written by {other}.", "Try again when it has finished.")
        time.sleep(random.uniform(*_POLL_S))


def _renew_until(lease: Lease, done: threading.Event) -> None:
    """Renew the lease until ``done``. A database that is away for a moment is asked again; a lost lease ends it."""
    try:
        while not done.wait(lease.lease_s / 3):
            try:
                lease.renew()
            except WriterLeaseLost:
                return
            except Error:
                connection.close()
    finally:
        connection.close()


def _has_expired(row: WriterLease) -> bool:
    return WriterLease.objects.filter(pk=row.pk, fence=row.fence, expires_at__gte=_clock()).count() == 0


def _clock() -> datetime | Combinable:
    """Return the clock that all writers share: the database's where it is a server, else this machine's."""
    return Now() if connection.vendor == "postgresql" else timezone.now()


def _later(now: datetime | Combinable, span_s: float) -> datetime | Combinable:
    span = timedelta(seconds=span_s)
    return now + span if isinstance(now, datetime) else ExpressionWrapper(now + span, output_field=DateTimeField())
