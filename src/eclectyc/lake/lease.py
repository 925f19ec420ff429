"""The writers' lease: one writer at a time, across processes and machines.

Each new holder gets a higher fence. The lake's log records the fence of its last commit and a commit with a lower one
is refused, so a holder that was frozen past its lease can no longer write.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from django.db import Error, connection, transaction
from django.db.models import F, Q, QuerySet

from eclectyc.jobs import clock
from eclectyc.kernel.errors import Busy
from eclectyc.kernel.process_identity import has_ended, holder_name
from eclectyc.lake.errors import WriterLeaseLost
from eclectyc.lake.identity import LakeIdentity
from eclectyc.lake.known import known_lake
from eclectyc.lake.models import WriterLease

LEASE_S: Final = 30.0
NAME: Final = "lake"
_POLL_S: Final = (0.02, 0.15)


class Lease:
    """One writer's lease. ``fence`` grows from one to the next.

    known : the lake that the registry knows; a commit to another or an older one is refused. committed : the lake as of
    this writer's last commit, for the registry to remember.
    """

    def __init__(self, holder: str, fence: int, *, lease_s: float = LEASE_S) -> None:
        self.holder = holder
        self.fence = fence
        self.lease_s = lease_s
        self.known: LakeIdentity | None = None
        self.committed: LakeIdentity | None = None

    def renew(self) -> None:
        """Extend the lease; raise ``WriterLeaseLost`` if another writer has taken over."""
        if not self._mine().update(expires_at=clock.later(self.lease_s)):
            raise WriterLeaseLost("Another writer has taken over the lake.", "Run this again.")

    def is_held(self) -> bool:
        """Return whether this is still the current lease; renew it if so."""
        try:
            self.renew()
        except WriterLeaseLost:
            return False
        return True

    def lift_above(self, fence: int) -> None:
        """Raise this lease's fence above one found in the lake's log.

        A registry restored from a backup can lag behind its lake. No other writer is fenced out wrongly: only the
        holder of the current lease gets here.
        """
        if self.fence >= fence:
            return
        if not self._mine().update(fence=fence + 1):
            raise WriterLeaseLost("Another writer has taken over the lake.", "Run this again.")
        self.fence = fence + 1

    def release(self) -> None:
        """End the lease; if it has passed to another writer, do nothing."""
        self._mine().update(expires_at=None, holder="")

    def _mine(self) -> QuerySet[WriterLease]:
        return WriterLease.objects.filter(name=NAME, holder=self.holder, fence=self.fence)


@contextmanager
def writer_lease(
    holder: str, wait_s: float = 60.0, *, lease_s: float = LEASE_S, waiting: Callable[[str], None] | None = None
) -> Iterator[Lease]:
    """Wait for the writers' lease and hold it; raise ``Busy`` after ``wait_s`` [s].

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
    """Claim the lease if it is free; otherwise return None. One short transaction."""
    seen, _ = WriterLease.objects.get_or_create(name=NAME)
    if seen.holder and not has_ended(seen.holder) and not _has_expired(seen):
        return None  # waiting takes no lock
    with transaction.atomic():
        row = WriterLease.objects.select_for_update().get(name=NAME)
        free = Q(expires_at=None) | Q(expires_at__lt=clock.now())
        if row.holder and has_ended(row.holder):
            free |= Q(holder=row.holder)
        taken = WriterLease.objects.filter(free, name=NAME).update(
            holder=holder, fence=F("fence") + 1, expires_at=clock.later(lease_s)
        )
        if not taken:
            return None
        row.refresh_from_db()
        lease = Lease(holder, row.fence, lease_s=lease_s)
        lease.known = known_lake()
        return lease


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
    """Renew the lease until ``done`` or until it is lost. After a database error, the next round tries again."""
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
    return WriterLease.objects.filter(pk=row.pk, fence=row.fence, expires_at__gte=clock.now()).count() == 0
