"""A queue of read events, on their way into the registry.

A page view must not wait for the registry's one writer. So a *read* is appended to a file in the home (one for each
process, mode 0600) before the response is sent, and stored in the registry within about a second, and at shutdown. A
killed process loses nothing: the next one finds its file. Only a power cut can lose the last second of reads. Changes,
exports, imports and sign-ins do not use the queue: ``record`` writes them at once.

An entry never contains an email address or a name: only numbers, and the origin of the request.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils.timezone import now

from eclectyc.audit.actor import AuditActor
from eclectyc.audit.record import write

FOLDER: Final = "audit-waiting"
_lock = threading.Lock()
_open: dict[tuple[int, Path], tuple[Path, int]] = {}  # this process's file of each home


def record_read(
    by: AuditActor,
    action: str,
    *,
    subject_type: str = "",
    subject_id: object = "",
    organisation_id: int | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    """Record that something was read. after : details, which must not name a person."""
    note = {
        "at": now().isoformat(),
        "user_id": by.user_id,
        "origin": by.origin,
        "action": action,
        "subject_type": subject_type,
        "subject_id": str(subject_id),
        "organisation_id": organisation_id,
        "after": dict(after or {}),
    }
    line = (json.dumps(note, default=str) + "\n").encode()
    with _lock:
        os.write(_own_file()[1], line)


def store_waiting() -> int:
    """Store the waiting entries in the registry; return how many. Safe to call from any thread or process."""
    taken = 0
    with _lock:
        own = _open.pop((os.getpid(), Path(settings.HOME)), None)
    folder = Path(settings.HOME) / FOLDER
    for path in sorted(folder.glob("*.jsonl")) if folder.is_dir() else ():
        handle = own[1] if own and own[0] == path else _orphan(path)
        if handle is None:
            continue  # another process is writing to it
        try:
            taken += _store(path)
        finally:
            os.close(handle)
    return taken


def _store(path: Path) -> int:
    """Store a file's entries and delete it after the commit: an entry may be stored twice, but is never lost."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:  # another thread was quicker
        return 0
    notes = [json.loads(line) for line in content.splitlines(keepends=True) if line.endswith(b"\n")]
    if notes:
        with transaction.atomic():
            for note in notes:
                _write(note)
    path.unlink(missing_ok=True)
    return len(notes)


def _write(note: dict[str, Any]) -> None:
    write(
        AuditActor(note["user_id"], "", note["origin"]),
        note["action"],
        note["subject_type"],
        note["subject_id"],
        organisation_id=note["organisation_id"],
        after=note["after"],
        at=datetime.fromisoformat(note["at"]),
    )


def _own_file() -> tuple[Path, int]:
    key = (os.getpid(), Path(settings.HOME))
    if key not in _open:
        folder = key[1] / FOLDER
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{key[0]}-{secrets.token_hex(6)}.jsonl"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)  # marks the file as in use by a living process
        _open[key] = (path, handle)
    return _open[key]


def _orphan(path: Path) -> int | None:
    """Return a handle on the file of a process that has ended; None if it lives, or another process was quicker."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle
