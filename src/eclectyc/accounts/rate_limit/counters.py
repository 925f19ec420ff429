"""Counters of rate limits, shared by all processes of an installation.

On one machine the counts are in a file of the home, in slots of 32 bytes with a lock each: about 20 µs a request. A row
in SQLite would make every read of the API wait for the registry's one writer. On PostgreSQL, which several machines may
share, they are in a table (``rate_limit.database``). Only keyed digests of token numbers and addresses are stored.
"""

from __future__ import annotations

import fcntl
import hashlib
import math
import os
import struct
import threading
import time
from pathlib import Path
from typing import Final, Protocol

from django.conf import settings
from django.db import connection

from eclectyc.accounts.rate_limit.database import RegistryCounters
from eclectyc.accounts.rate_limit.window import Count, Rate
from eclectyc.kernel.errors import TooMany

SLOTS: Final = 65_536  # 2 MiB; when they are full, the least recent are overwritten
_PROBES: Final = 8  # slots that may hold a key
_SLOT: Final = struct.Struct("<16sQII")  # digest, number of the window, count in it, count in the one before

INVITATIONS: Final = Rate("invitation", 100, 3600)  # by one person


def failed_tokens_rate() -> Rate:
    """Return how often one address may try invalid tokens."""
    return Rate("failed token", settings.FAILED_TOKENS_PER_MINUTE, 60)


def tokens_rate() -> Rate:
    """Return how often one token may be used."""
    return Rate("token", settings.TOKEN_REQUESTS_PER_MINUTE, 60)


def consume(rate: Rate, who: str, *, now_s: float | None = None) -> None:
    """Count one more; raise ``TooMany``, without counting, if that exceeds the rate."""
    wait = _counters().consume(rate, digest_of(rate, who), time.time() if now_s is None else now_s)
    if wait > 0:
        raise TooMany(f"That was more than {rate.most} in {rate.window_s} s.", retry_after_s=max(1, math.ceil(wait)))


def restore(rate: Rate, who: str) -> None:
    """Undo one count, of a use that is not limited after all."""
    _counters().restore(rate, digest_of(rate, who), time.time())


def digest_of(rate: Rate, who: str) -> bytes:
    """Return the 16 bytes to count by; without this installation's key they identify no one."""
    text = f"{rate.name}:{rate.window_s}:{who}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16, key=settings.SECRET_KEY.encode()[:64]).digest()


class Counters(Protocol):
    """A store of counts."""

    def consume(self, rate: Rate, digest: bytes, now_s: float) -> float:
        """Count one more and return 0; or count nothing and return the time to wait [s]."""

    def restore(self, rate: Rate, digest: bytes, now_s: float) -> None:
        """Count one fewer."""


class FileCounters:
    """The file of counts, open in this process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._threads = threading.Lock()  # the file's own locks tell processes apart, not threads

    def consume(self, rate: Rate, digest: bytes, now_s: float) -> float:
        """Count one more and return 0; or count nothing and return the time to wait [s]."""
        return self._count(rate, digest, now_s, more=True)

    def restore(self, rate: Rate, digest: bytes, now_s: float) -> None:
        """Count one fewer."""
        self._count(rate, digest, now_s, more=False)

    def _count(self, rate: Rate, digest: bytes, now_s: float, *, more: bool) -> float:
        first = int.from_bytes(digest[:4], "little") % (SLOTS - _PROBES)
        start, length = first * _SLOT.size, _PROBES * _SLOT.size
        window, part = rate.window_at(now_s), rate.part_at(now_s)
        with self._threads:
            fcntl.lockf(self._file, fcntl.LOCK_EX, length, start)
            try:
                stored = os.pread(self._file, length, start).ljust(length, b"\0")
                at, count = _find_slot(stored, digest, window)
                wait = count.wait_s(rate, part) if more else 0.0
                if wait <= 0:
                    slot = _SLOT.pack(digest, count.window, max(0, count.now + (1 if more else -1)), count.before)
                    os.pwrite(self._file, slot, start + at * _SLOT.size)
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN, length, start)
        return max(0.0, wait)


def _find_slot(stored: bytes, digest: bytes, window: int) -> tuple[int, Count]:
    """Return the slot of a digest and its count; if it has none, the least recent slot and a count of zero."""
    slots = [_SLOT.unpack_from(stored, k * _SLOT.size) for k in range(_PROBES)]
    for k, (whose, seen, now, before) in enumerate(slots):
        if whose == digest:
            return k, Count(seen, now, before).in_window(window)
    oldest = min(range(_PROBES), key=lambda k: slots[k][1])
    return oldest, Count(window, 0, 0)


_files: dict[tuple[int, Path], FileCounters] = {}
_files_lock = threading.Lock()


def _counters() -> Counters:
    if connection.vendor == "postgresql":
        return RegistryCounters()
    key = (os.getpid(), settings.HOME)  # a file lock belongs to a process
    with _files_lock:
        if key not in _files:
            _files[key] = FileCounters(settings.HOME / "throttle")
        return _files[key]
