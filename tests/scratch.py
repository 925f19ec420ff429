"""Where the tests of a run make their files, and what its processes make once and copy."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

MEMORY: Final = Path("/dev/shm")
ROOM: Final = 4 << 30  # [bytes] that must be free there


def use_memory() -> None:
    """Have temporary files made in memory, where there is room: the product waits for the disk at every commit, and
    nothing here outlives the power. ``TMPDIR`` names another folder."""
    if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK | os.X_OK) and _room() >= ROOM:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def _room() -> int:
    """Return how many bytes fit into memory without another file being put out of it."""
    free = shutil.disk_usage(MEMORY).free
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            free = min(free, int(line.split()[1]) << 10)
    return free


def once(shared: Path, name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder ``name`` in ``shared``, made by the first process that asks; the others wait for it."""
    ready, making = shared / name, shared / f"{name}.making"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir(mode=0o700)
            make(making)
            making.rename(ready)
    return ready
