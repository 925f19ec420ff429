"""Backup and restore of a whole installation: registry and lake together, as of one moment.

The writers' lease is held only while both are pinned: the registry by an open snapshot, the lake by its version and
log. The bytes are copied afterwards, while imports continue. Keys, ``.env`` and logs are not included.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connection

from eclectyc import __version__
from eclectyc.audit.actor import AuditActor
from eclectyc.audit.record import record
from eclectyc.kernel.errors import EclectycError, Invalid
from eclectyc.kernel.failpoints import failpoint
from eclectyc.kernel.plurals import counted
from eclectyc.operations import home
from eclectyc.operations.registry_copy import SQLITE_FILE, TABLES, held_registry, replace_sqlite, replace_tables

MANIFEST: Final = "manifest.json"
LAKE: Final = "lake"
FORMAT: Final = 1

Tell = Callable[[str], None]


class BadBackup(EclectycError):
    """The folder is not a complete, undamaged backup for this installation."""

    code = "backup"


@dataclass(frozen=True)
class BackupReport:
    """The contents of a backup."""

    folder: Path
    lake_version: int
    last_batch: int
    files: int
    size: int  # [bytes]
    kept_aside: Path | None = None  # the data that a restore replaced


def backup(target: Path, *, now: datetime, tell: Tell = lambda _: None) -> BackupReport:
    """Copy registry and lake into a folder that is empty or does not exist."""
    from eclectyc.batches.lifecycle import writers_turn
    from eclectyc.lake.backup import copy_out, pin_version
    from eclectyc.lake.files import Storage

    target = target.absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Invalid(f"{target} is not empty.", "Name a new folder for each backup.", field="DIR")
    if target.is_relative_to(Path(settings.LAKE_URL).absolute()):
        raise Invalid("A backup cannot lie inside the lake.", "Name another folder.", field="DIR")
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    with writers_turn("backup") as lease, held_registry() as copy_registry:
        held = pin_version(Storage.from_url(settings.LAKE_URL))
        migrations = sorted(home.applied_migrations())
        lease.release()
        failpoint("backup.held")
        tell(f"Copying the registry, and version {held.version} of the lake ({counted(len(held.files), 'file')}).")
        copy_registry(target)
        copy_out(held, target / LAKE)
    facts = {
        "format": FORMAT,
        "made_at": now.isoformat(),
        "eclectyc": __version__,
        "registry": connection.vendor,
        "migrations": migrations,
        "lake_version": held.version,
        "last_batch": held.last_batch,
        "files": _checksums(target),
    }
    failpoint("backup.before_manifest")
    _write_manifest(target, facts)
    _record("backup.made", target, facts)
    return _report(target, facts)


def restore(source: Path, *, now: datetime, force: bool = False, tell: Tell = lambda _: None) -> BackupReport:
    """Restore a backup. No other process may use this home; its data is replaced only with ``force``."""
    source = source.absolute()
    facts = read_manifest(source)
    tell("Checking every file of the backup.")
    verify(source, facts)
    _require_fit(facts)
    with home.alone_in_home():
        unfinished = settings.HOME / home.RESTORING
        if not force and not unfinished.exists() and not is_empty_home():
            raise Invalid(
                f"The home {settings.HOME} is not empty.",
                "Restore into a new ECLECTYC_HOME, or replace what is there with --force.",
                field="force",
            )
        _note(unfinished, str(source))
        aside = _set_aside(now) if not is_empty_home() else None
        failpoint("restore.emptied")
        tell("Restoring the lake, then the registry.")
        _bring_back(source, facts)
        failpoint("restore.copied")
        _settle()
        _record("backup.restored", source, facts)
        unfinished.unlink()
    return _report(source, facts, kept_aside=aside)


def read_manifest(source: Path) -> dict[str, Any]:
    """Return a backup's manifest."""
    try:
        facts = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadBackup(f"{source} is not a complete backup: it has no {MANIFEST}.", "Name another folder.") from None
    except ValueError:
        raise BadBackup(f"{source / MANIFEST} cannot be read.", "Use another backup.") from None
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise BadBackup(f"{source} is a backup of another kind.", f"This version reads format {FORMAT}.")
    return facts


def verify(source: Path, facts: dict[str, Any]) -> None:
    """Compare every file with its checksum; raise ``BadBackup`` for the first that differs."""
    for name, (size, digest) in facts["files"].items():
        path = source / name
        if not path.resolve().is_relative_to(source.resolve()):
            raise BadBackup(f"The backup names a file outside itself: {name}.", "Use another backup.")
        if not path.is_file():
            raise BadBackup(f"The backup is missing {name}.", "Use another backup.")
        if path.stat().st_size != size or _sha256(path) != digest:
            raise BadBackup(f"The backup is damaged: {name} has changed.", "Use another backup.")


def is_empty_home() -> bool:
    """Return whether a restore would replace nothing."""
    from eclectyc.accounts.models import User
    from eclectyc.batches.models import Batch
    from eclectyc.estate.models import Site
    from eclectyc.lake.files import Storage

    if Storage.from_url(settings.LAKE_URL).has_table():
        return False
    if not home.applied_migrations():
        return True
    return not home.missing_migrations() and not any(m.objects.exists() for m in (User, Site, Batch))


def _require_fit(facts: dict[str, Any]) -> None:
    if facts["registry"] != connection.vendor:
        raise BadBackup(
            f"The backup's registry is {facts['registry']}, this installation's is {connection.vendor}.",
            "Set DATABASE_URL to a database of that kind.",
        )
    ahead = {(app, name) for app, name in facts["migrations"]} - home.known_migrations()
    if ahead:
        raise BadBackup(f"The backup was made by Eclectyc {facts['eclectyc']}.", "Install that version or a later one.")


def _bring_back(source: Path, facts: dict[str, Any]) -> None:
    from eclectyc.lake.backup import copy_in
    from eclectyc.lake.files import Storage

    if (source / LAKE).is_dir():
        copy_in(source / LAKE, Storage.from_url(settings.LAKE_URL))
    failpoint("restore.between")
    if connection.vendor == "sqlite":
        replace_sqlite(source / SQLITE_FILE)
    else:
        replace_tables(source / TABLES, {(app, name) for app, name in facts["migrations"]})


def _set_aside(now: datetime) -> Path | None:
    """Move replaced data aside: files are kept in the home, objects of a store are deleted."""
    from eclectyc.lake.backup import remove_lake
    from eclectyc.lake.files import Storage

    aside: Path = settings.HOME / f"replaced-{now:%Y%m%dT%H%M%S}"
    place = Storage.from_url(settings.LAKE_URL)
    if place.is_folder and Path(place.url).exists():
        aside.mkdir(mode=0o700, exist_ok=True)
        Path(place.url).replace(aside / LAKE)
    elif place.has_table():
        remove_lake(place)
    if connection.vendor == "sqlite":
        connection.close()
        registry = Path(str(connection.settings_dict["NAME"]))
        for path in (registry, *(registry.with_name(registry.name + s) for s in ("-wal", "-shm"))):
            if path.exists():
                aside.mkdir(mode=0o700, exist_ok=True)
                path.replace(aside / path.name)
    return aside if aside.exists() else None


def _settle() -> None:
    """Update an older registry, end the lease that the backup held, and recover imports that were interrupted then."""
    from eclectyc.batches.lifecycle import recover
    from eclectyc.lake.models import WriterLease

    home.bring_up_to_date()
    WriterLease.objects.update(holder="", expires_at=None)
    recover()


def _record(action: str, folder: Path, facts: dict[str, Any]) -> None:
    details = {"made_at": facts["made_at"], "lake_version": facts["lake_version"], "last_batch": facts["last_batch"]}
    record(AuditActor(origin="command line"), action, after=details, personal={"folder": str(folder)})


def _checksums(folder: Path) -> dict[str, tuple[int, str]]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): (path.stat().st_size, _sha256(path)) for path in files}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_manifest(folder: Path, facts: dict[str, Any]) -> None:
    draft = folder / f"{MANIFEST}.part"
    with draft.open("w", encoding="utf-8") as file:
        json.dump(facts, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / MANIFEST)
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _note(path: Path, text: str) -> None:
    path.write_text(text + "\n", encoding="utf-8")


def _report(folder: Path, facts: dict[str, Any], kept_aside: Path | None = None) -> BackupReport:
    sizes = [size for size, _ in facts["files"].values()]
    return BackupReport(folder, facts["lake_version"], facts["last_batch"], len(sizes), sum(sizes), kept_aside)
