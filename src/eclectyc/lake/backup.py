"""Copy one version of the lake to a folder, and from there into an empty lake.

A copy holds the files of that version, the log from its last checkpoint on, and nothing else.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from eclectyc.kernel.errors import EclectycError
from eclectyc.lake.files import Storage
from eclectyc.lake.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

LOG: Final = "_delta_log"
LAST_CHECKPOINT: Final = f"{LOG}/_last_checkpoint"


@dataclass(frozen=True, slots=True)
class LakeVersion:
    """A version to copy: its log, and its files (path → size), which are still in the lake. version -1: no lake yet."""

    storage: Storage
    version: int
    last_batch: int = 0
    log: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)


def pin_version(storage: Storage) -> LakeVersion:
    """Return the lake's newest version. Hold the writers' lease, so that the log does not change meanwhile.

    Its files may be copied afterwards without the lease: maintenance keeps them longer than a copy takes.
    """
    if not storage.has_table():
        return LakeVersion(storage, -1)
    snapshot = Snapshot.from_table(storage.open())
    files = dict(snapshot.files.select("path", "size").iter_rows())
    return LakeVersion(storage, snapshot.version, snapshot.last_batch, _log(storage, snapshot.version), files)


def copy_out(pinned: LakeVersion, target: Path, progress: Callable[[int], None] = lambda _: None) -> None:
    """Write a version into a folder, each file flushed to disk; the log comes last."""
    for path, size in pinned.files.items():
        _write(target / path, _read(pinned.storage, path))
        progress(size)
    for name, content in pinned.log.items():
        _write(target / name, content)


def copy_in(source: Path, storage: Storage) -> None:
    """Create a lake from a copy. It appears whole, once the log is written, or not at all."""
    if storage.has_table():
        raise EclectycError(f"There is already a lake at {storage.url}.", "Restore into an empty folder or bucket.")
    names = [path.relative_to(source).as_posix() for path in sorted(source.rglob("*")) if path.is_file()]
    names.sort(key=lambda name: (name.startswith(LOG), name == LAST_CHECKPOINT, name))
    if not storage.is_folder:
        for name in names:
            _send(storage, name, source / name)
        return
    fresh = Path(f"{storage.url}.restoring")
    shutil.rmtree(fresh, ignore_errors=True)
    for name in names:
        _write(fresh / name, (source / name).read_bytes())
    if names:
        shutil.rmtree(storage.url, ignore_errors=True)  # holds no table
        fresh.replace(storage.url)


def remove_lake(storage: Storage) -> None:
    """Remove a lake, its log first: if this is interrupted, what is left is not a lake."""
    if storage.is_folder:
        shutil.rmtree(Path(storage.url, LOG), ignore_errors=True)
        shutil.rmtree(storage.url, ignore_errors=True)
        return
    from deltalake._internal import DeltaFileSystemHandler

    store = DeltaFileSystemHandler(storage.url, storage.storage_options, None)
    for folder in (LOG, ""):
        store.delete_dir(folder)


def _log(storage: Storage, version: int) -> dict[str, bytes]:
    """Return the log files needed to open a version: the last checkpoint and every commit after it."""
    log: dict[str, bytes] = {}
    first = 0
    pointer = _read_if_there(storage, LAST_CHECKPOINT)
    if pointer is not None:
        checkpoint: dict[str, Any] = json.loads(pointer)
        if checkpoint["version"] <= version:
            first = checkpoint["version"]
            log |= {name: _read(storage, name) for name in _checkpoint_files(checkpoint)}
            log[LAST_CHECKPOINT] = pointer
    for number in range(first, version + 1):
        name = f"{LOG}/{number:020d}.json"
        content = _read_if_there(storage, name) if number == first and log else _read(storage, name)
        if content is not None:
            log[name] = content
    return log


def _checkpoint_files(checkpoint: dict[str, Any]) -> Iterator[str]:
    stem, parts = f"{LOG}/{checkpoint['version']:020d}.checkpoint", checkpoint.get("parts")
    if not parts:
        yield f"{stem}.parquet"
        return
    for part in range(1, parts + 1):
        yield f"{stem}.{part:010d}.{parts:010d}.parquet"


def _read(storage: Storage, path: str) -> bytes:
    if storage.is_folder:
        return Path(storage.url, path).read_bytes()
    from deltalake._internal import DeltaFileSystemHandler

    file = DeltaFileSystemHandler(storage.url, storage.storage_options, None).open_input_file(path)
    return bytes(file.read(file.size()))


def _read_if_there(storage: Storage, path: str) -> bytes | None:
    try:
        return _read(storage, path)
    except FileNotFoundError:
        return None


def _send(storage: Storage, name: str, source: Path) -> None:
    from deltalake._internal import DeltaFileSystemHandler

    stream = DeltaFileSystemHandler(storage.url, storage.storage_options, None).open_output_stream(name, None)
    stream.write(source.read_bytes())
    stream.close()  # type: ignore[attr-defined]


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
