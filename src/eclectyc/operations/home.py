"""Updates the home's registry: migrates its schema, creates one organisation in a new one.

An embedded registry (SQLite) is updated by the first command; others wait at a file lock. A server's (PostgreSQL) is
migrated by ``eclectyc migrate`` or ``serve``, so that one process decides when.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from django.apps import apps
from django.conf import settings
from django.db import connection

from eclectyc.kernel.errors import Busy, EclectycError
from eclectyc.kernel.plurals import counted

FIRST_ORGANISATION: Final = "My organisation"
RESTORING: Final = "restore.unfinished"  # present while a restore replaces the home's contents

_held: dict[Path, int] = {}  # the open, locked file that marks a home as used by this process


class NotUpToDate(EclectycError):
    """The registry's schema is not this version's."""

    code = "schema"


def make_ready() -> None:
    """Prepare the home for a command: no restore is running, and its schema is this version's."""
    use_home()
    behind = missing_migrations()
    if not behind:
        return
    if connection.vendor != "sqlite":
        raise NotUpToDate(f"The database is missing {counted(len(behind), 'migration')}.", "Run eclectyc migrate.")
    bring_up_to_date()


def bring_up_to_date() -> int:
    """Migrate the registry and create its first organisation, once; return the migrations run."""
    from django.core.management import call_command

    from eclectyc.accounts.models import Organisation

    with _only_one("migrating"):
        behind = missing_migrations()
        if behind:
            call_command("migrate", interactive=False, verbosity=0)
        if not Organisation.objects.exists():
            Organisation.objects.create(name=FIRST_ORGANISATION)
    return len(behind)


def known_migrations() -> set[tuple[str, str]]:
    """Return (app, name) of every migration this version has, from the folders: nothing is imported."""
    known = set()
    for app in apps.get_app_configs():
        folder = Path(app.path) / "migrations"
        if folder.is_dir():
            known |= {(app.label, f.stem) for f in folder.glob("[0-9]*.py")}
    return known


def applied_migrations() -> set[tuple[str, str]]:
    """Return (app, name) of every migration the registry has seen; empty for a fresh one."""
    with connection.cursor() as cursor:
        if "django_migrations" not in connection.introspection.table_names(cursor):
            return set()
        cursor.execute("SELECT app, name FROM django_migrations")
        return set(cursor.fetchall())


def missing_migrations() -> set[tuple[str, str]]:
    """Return the pending migrations; refuse a registry newer than this version."""
    known, applied = known_migrations(), applied_migrations()
    ours = {app.label for app in apps.get_app_configs()}
    ahead = {(app, name) for app, name in applied - known if app in ours}
    if ahead:
        app, name = max(ahead)
        raise NotUpToDate(
            f"The registry was written by a newer Eclectyc: it has {app} {name}.",
            "Install that version or a later one.",
        )
    return known - applied


def use_home() -> None:
    """Mark the home as used by this process until it ends; refuse while a restore is running or unfinished."""
    if settings.HOME not in _held:
        mark = _open_lock("in-use")
        try:
            fcntl.flock(mark, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(mark)
            raise Busy("A restore into this home is running.", "Wait until it has ended.") from None
        _held[settings.HOME] = mark
    if (settings.HOME / RESTORING).exists():
        raise EclectycError(
            "A restore into this home was interrupted: registry and lake may not agree.", "Repeat that restore."
        )


def leave_home() -> None:
    """Remove this process's mark on the home."""
    mark = _held.pop(settings.HOME, None)
    if mark is not None:
        os.close(mark)


@contextmanager
def alone_in_home() -> Iterator[None]:
    """Hold the home exclusively: no other process uses it or starts to use it."""
    leave_home()
    lock = _open_lock("in-use")
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(
                f"Another Eclectyc process is using {settings.HOME}.", "Stop it (serve, web or an import) first."
            ) from None
        yield
    finally:
        os.close(lock)


@contextmanager
def _only_one(name: str) -> Iterator[None]:
    lock = _open_lock(name)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _open_lock(name: str) -> int:
    folder = settings.HOME / "locks"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600)
