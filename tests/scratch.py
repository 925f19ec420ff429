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
PREFIX: Final = "eclectyc-run-"  # of a run's folder there; the number of its first process follows


def use_memory() -> None:
    """Have temporary files made in memory, where there is room: the product waits for the disk at every commit, and
    nothing here outlives the power. ``TMPDIR`` names another folder."""
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK | os.X_OK) or _room() < ROOM:
        return
    for left in MEMORY.glob(f"{PREFIX}*"):  # by runs that failed, to be looked at, or that were killed
        if not Path("/proc", left.name.removeprefix(PREFIX)).exists():
            shutil.rmtree(left, ignore_errors=True)
    folder = _folder()
    folder.mkdir()
    folder.chmod(0o711)  # PostgreSQL's own user goes through it
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)


def clear() -> None:
    """Remove what this process's run has left there."""
    shutil.rmtree(_folder(), ignore_errors=True)


def _folder() -> Path:
    return MEMORY / f"{PREFIX}{os.getpid()}"


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
