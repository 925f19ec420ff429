"""Copies of one version of the lake: out to a folder, and from there into an empty lake.

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
    """A version to be copied: its log in hand, its files (path → size) still in the lake. -1: no lake yet."""

    storage: Storage
    version: int
    last_batch: int = 0
    log: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)


def pin_version(place: Storage) -> LakeVersion:
    """Take the lake's newest version in hand. Call it under the writers' lease, so that the log stands still.

    Its files may be copied afterwards without the lease: maintenance keeps them longer than a copy takes.
    """
    if not place.has_table():
        return LakeVersion(place, -1)
    snapshot = Snapshot.from_table(place.open())
    files = dict(snapshot.files.select("path", "size").iter_rows())
    return LakeVersion(place, snapshot.version, snapshot.last_batch, _log(place, snapshot.version), files)


def copy_out(held: LakeVersion, target: Path, progress: Callable[[int], None] = lambda _: None) -> None:
    """Write a held version into a folder, each file flushed to disk; the log comes last."""
    for path, size in held.files.items():
        _write(target / path, _read(held.storage, path))
        progress(size)
    for name, content in held.log.items():
        _write(target / name, content)


def copy_in(source: Path, place: Storage) -> None:
    """Make a lake out of a copy. There must be none; it appears whole, when the log is written, or not at all."""
    if place.has_table():
        raise EclectycError(f"There is a lake at {place.url} already.", "Restore into an empty place.")
    names = [path.relative_to(source).as_posix() for path in sorted(source.rglob("*")) if path.is_file()]
    names.sort(key=lambda name: (name.startswith(LOG), name == LAST_CHECKPOINT, name))
    if not place.is_folder:
        for name in names:
            _send(place, name, source / name)
        return
    fresh = Path(f"{place.url}.restoring")
    shutil.rmtree(fresh, ignore_errors=True)
    for name in names:
        _write(fresh / name, (source / name).read_bytes())
    if names:
        shutil.rmtree(place.url, ignore_errors=True)  # holds no table
        fresh.replace(place.url)


def remove_lake(place: Storage) -> None:
    """Remove a lake with all it holds, its log first: half removed, it is no lake."""
    if place.is_folder:
        shutil.rmtree(Path(place.url, LOG), ignore_errors=True)
        shutil.rmtree(place.url, ignore_errors=True)
        return
    from deltalake._internal import DeltaFileSystemHandler

    store = DeltaFileSystemHandler(place.url, place.storage_options, None)
    for folder in (LOG, ""):
        store.delete_dir(folder)


def _log(place: Storage, version: int) -> dict[str, bytes]:
    """Return the log's files needed to open a version: the last checkpoint and every commit after it."""
    log: dict[str, bytes] = {}
    first = 0
    pointer = _read_if_there(place, LAST_CHECKPOINT)
    if pointer is not None:
        said: dict[str, Any] = json.loads(pointer)
        if said["version"] <= version:
            first = said["version"]
            log |= {name: _read(place, name) for name in _checkpoint_files(said)}
            log[LAST_CHECKPOINT] = pointer
    for number in range(first, version + 1):
        name = f"{LOG}/{number:020d}.json"
        content = _read_if_there(place, name) if number == first and log else _read(place, name)
        if content is not None:
            log[name] = content
    return log


def _checkpoint_files(said: dict[str, Any]) -> Iterator[str]:
    stem, parts = f"{LOG}/{said['version']:020d}.checkpoint", said.get("parts")
    if not parts:
        yield f"{stem}.parquet"
        return
    for part in range(1, parts + 1):
        yield f"{stem}.{part:010d}.{parts:010d}.parquet"


def _read(place: Storage, path: str) -> bytes:
    if place.is_folder:
        return Path(place.url, path).read_bytes()
    from deltalake._internal import DeltaFileSystemHandler

    file = DeltaFileSystemHandler(place.url, place.storage_options, None).open_input_file(path)
    return bytes(file.read(file.size()))


def _read_if_there(place: Storage, path: str) -> bytes | None:
    try:
        return _read(place, path)
    except FileNotFoundError:
        return None


def _send(place: Storage, name: str, source: Path) -> None:
    from deltalake._internal import DeltaFileSystemHandler

    stream = DeltaFileSystemHandler(place.url, place.storage_options, None).open_output_stream(name, None)
    stream.write(source.read_bytes())
    stream.close()  # type: ignore[attr-defined]


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
