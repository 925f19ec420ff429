"""How often something may happen: counted for all processes of this machine, without touching the registry.

The counts stand in one small file of the home, in slots of 32 bytes under a lock each: some twenty microseconds
a request, where a row in SQLite would make every read of the API wait for the registry's one writer. Several machines
that share one registry each count for themselves, so that a token may do that many times as much on all of them
together; what is protected is each machine's time, and no guessing finds a key of 32 random bytes. Nothing personal
is kept: slots hold keyed digests of a token's number or of an address.

The rate is that of a sliding window: the last whole window counts by the part of it that is still within reach.
"""

from __future__ import annotations

import fcntl
import hashlib
import math
import os
import struct
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings

from eclectyc.kernel.errors import TooMany

SLOTS: Final = 65_536  # 2 MiB; the least recent are forgotten where more are wanted
_PROBES: Final = 8  # slots in which one key may be
_SLOT: Final = struct.Struct("<16sQII")  # digest, number of the window, count in it, count in the one before


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in a window of so many seconds."""

    name: str
    most: int
    window_s: int


INVITATIONS: Final = Rate("invitation", 100, 3600)  # of one person


@dataclass(frozen=True, slots=True)
class Count:
    """How often something happened in a window and the one before."""

    window: int
    now: int
    before: int

    def at(self, window: int) -> Count:
        """Return the count as it stands in a window; a clock that was set back stays where it was."""
        if window <= self.window:
            return self
        return Count(window, 0, self.now if window == self.window + 1 else 0)

    def wait_s(self, rate: Rate, part: float) -> float:
        """Return how long until one more fits, ``part`` of the window having gone by [s]; 0: at once."""
        if self.before * (1 - part) + self.now + 1 <= rate.most:
            return 0.0
        if self.now + 1 <= rate.most:  # the window before is still too near
            return (1 - (rate.most - self.now - 1) / self.before - part) * rate.window_s
        return (1 - part + 1 - (rate.most - 1) / self.now) * rate.window_s


def failed_tokens_rate() -> Rate:
    """Return how often one address may try a token that does not count."""
    return Rate("failed token", settings.FAILED_TOKENS_PER_MINUTE, 60)


def tokens_rate() -> Rate:
    """Return how often one token may be used, as this installation is set."""
    return Rate("token", settings.TOKEN_REQUESTS_PER_MINUTE, 60)


def take(rate: Rate, who: str, *, now_s: float | None = None) -> None:
    """Count one more; raise ``TooMany`` where it does not fit. What is refused is not counted."""
    wait = _counters(settings.HOME).take(rate, who, time.time() if now_s is None else now_s)
    if wait > 0:
        raise TooMany(f"That was more than {rate.most} in {rate.window_s} s.", retry_after_s=max(1, math.ceil(wait)))


def put_back(rate: Rate, who: str) -> None:
    """Take back one that was counted: it turned out to be none of those that are limited."""
    _counters(settings.HOME).put_back(rate, who, time.time())


class Counters:
    """The file of counts, open in this process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._threads = threading.Lock()  # the file's own locks tell processes apart, not threads

    def take(self, rate: Rate, who: str, now_s: float) -> float:
        """Count one more and return 0, or return how long it has to wait [s]."""
        return self._count(rate, who, now_s, more=True)

    def put_back(self, rate: Rate, who: str, now_s: float) -> None:
        """Count one fewer."""
        self._count(rate, who, now_s, more=False)

    def _count(self, rate: Rate, who: str, now_s: float, *, more: bool) -> float:
        digest = hashlib.blake2b(
            f"{rate.name}:{rate.window_s}:{who}".encode(), digest_size=16, key=settings.SECRET_KEY.encode()[:64]
        ).digest()
        first = int.from_bytes(digest[:4], "little") % (SLOTS - _PROBES)
        start, length = first * _SLOT.size, _PROBES * _SLOT.size
        window, part = int(now_s // rate.window_s), now_s % rate.window_s / rate.window_s
        with self._threads:
            fcntl.lockf(self._file, fcntl.LOCK_EX, length, start)
            try:
                held = os.pread(self._file, length, start).ljust(length, b"\0")
                at, count = _found(held, digest, window)
                wait = count.wait_s(rate, part) if more else 0.0
                if wait <= 0:
                    slot = _SLOT.pack(digest, count.window, max(0, count.now + (1 if more else -1)), count.before)
                    os.pwrite(self._file, slot, start + at * _SLOT.size)
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN, length, start)
        return max(0.0, wait)


def _found(held: bytes, digest: bytes, window: int) -> tuple[int, Count]:
    """Return the slot of a digest and its count; where it has none, the least recent slot and nothing counted."""
    slots = [_SLOT.unpack_from(held, k * _SLOT.size) for k in range(_PROBES)]
    for k, (whose, seen, now, before) in enumerate(slots):
        if whose == digest:
            return k, Count(seen, now, before).at(window)
    oldest = min(range(_PROBES), key=lambda k: slots[k][1])
    return oldest, Count(window, 0, 0)


_open: dict[tuple[int, Path], Counters] = {}
_opening = threading.Lock()


def _counters(home: Path) -> Counters:
    key = (os.getpid(), home)  # a file lock is a process's own
    with _opening:
        if key not in _open:
            _open[key] = Counters(home / "throttle")
        return _open[key]
