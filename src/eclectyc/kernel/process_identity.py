"""Names of lease holders, from which another process on the same machine can see whether the holder has ended."""

from __future__ import annotations

import hashlib
import os
import threading
from functools import lru_cache
from pathlib import Path


def holder_name(label: str) -> str:
    """Return the name of a holder: a label for display, then machine, process, its start, and thread."""
    shown = "-".join(label.split())[:40] or "process"
    return f"{shown} {_machine()} {os.getpid()} {_started(os.getpid())} {threading.get_ident() % 10**8}"


def has_ended(holder: str) -> bool:
    """Return whether a holder has certainly ended: a process on this machine that no longer runs.

    Nothing is known of a process on another machine: its lease has to expire.
    """
    parts = holder.split(" ")
    if len(parts) != 5 or parts[1] != _machine():
        return False
    return _started(int(parts[2])) != parts[3]


@lru_cache(maxsize=1)
def _machine() -> str:
    """Return a digest of this machine, its last start and this container's process table."""
    marks = [os.uname().nodename]
    try:
        marks.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii"))
        marks.append(str(Path("/proc/self/ns/pid").readlink()))
    except OSError:
        marks.append("no /proc")
    return hashlib.sha256("".join(marks).encode()).hexdigest()[:12]


def _started(pid: int) -> str:
    """Return when a process started (ticks since the machine's start); ``-`` if it does not run."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):  # the latter if it ends between opening and reading
        return "-" if Path("/proc/self/stat").exists() else _started_elsewhere(pid)
    fields = stat.rsplit(")", 1)[1].split()
    return "-" if fields[0] == "Z" else fields[19]


def _started_elsewhere(pid: int) -> str:
    """Return whether a process runs, which is all that is known without /proc."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "-"
    except PermissionError:
        pass
    return "runs"
