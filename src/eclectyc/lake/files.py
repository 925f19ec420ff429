"""The lake's storage, a folder or an object store, and writing Parquet files to it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import polars as pl

from eclectyc.lake.schema import COLUMNS, PLAIN_COLUMNS, ROW_GROUP_ROWS, ZSTD_LEVEL

if TYPE_CHECKING:
    from deltalake import DeltaTable

_STORE_SETTINGS: Final = "AWS_"
STAGING: Final = "_staging"  # in the lake's folder; Delta's readers and its vacuum ignore such names

# deltalake starts this many threads when it is first used, and only one if the variable is not set.
os.environ.setdefault("TOKIO_WORKER_THREADS", str(os.cpu_count() or 1))


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that is written but not yet part of the lake, with the facts for its log entry."""

    path: str
    layer: str
    month: str
    bucket: str
    size: int
    rows: int
    least: dict[str, object]
    most: dict[str, object]


@dataclass(frozen=True, slots=True)
class Storage:
    """The lake's root. options : settings of the object store; a folder needs none."""

    url: str
    options: dict[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def from_url(cls, url: str) -> Storage:
        """Return the storage at a path or URL; an object store is configured by ``AWS_…`` environment variables."""
        if "://" not in url:
            return cls(str(Path(url).absolute()))
        if url.startswith("file://"):
            return cls(url.removeprefix("file://"))
        options = {name: value for name, value in os.environ.items() if name.startswith(_STORE_SETTINGS)}
        return cls(url.rstrip("/"), options)

    @property
    def is_folder(self) -> bool:
        return "://" not in self.url

    @property
    def storage_options(self) -> dict[str, str] | None:
        return dict(self.options) or None

    def url_of(self, path: str) -> str:
        """Return the URL of a file from its path inside the lake."""
        return f"{self.url}/{path}"

    def open(self, version: int | None = None) -> DeltaTable:
        """Open the table at its newest version, or at another one."""
        from deltalake import DeltaTable

        return DeltaTable(self.url, version=version, storage_options=self.storage_options)

    def open_if_there(self) -> DeltaTable | None:
        """Open the table at its newest version; return None if there is none.

        (Delta's own ``is_deltatable`` blocks every other thread while an object store answers.)
        """
        from deltalake.exceptions import TableNotFoundError

        if self.is_folder and not Path(self.url, "_delta_log").is_dir():
            return None
        try:
            return self.open()
        except TableNotFoundError:
            return None

    def mark_of(self, version: int) -> tuple[int, int] | None:
        """Return what distinguishes this version's log file from another lake's; None if that is unknown."""
        if not self.is_folder:
            return None
        try:
            found = Path(self.url, "_delta_log", f"{version:020d}.json").stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def is_empty_folder(self) -> bool:
        """Return whether this is a folder without anything in it, as if a volume were not mounted."""
        return self.is_folder and Path(self.url).is_dir() and not any(Path(self.url).iterdir())

    def has_table(self) -> bool:
        return self.open_if_there() is not None

    def scan(self, paths: Sequence[str], layer: str) -> pl.LazyFrame:
        """Scan files of one layer, given their paths inside the lake."""
        return pl.scan_parquet(
            [self.url_of(path) for path in paths],
            schema=COLUMNS[layer],
            missing_columns="insert",
            extra_columns="ignore",
            hive_partitioning=False,
            glob=False,
            storage_options=self.storage_options,
            credential_provider=None,
        )

    def write(self, frame: pl.DataFrame, *, layer: str, month: str, bucket: str, batch: int) -> NewFile:
        """Write rows, sorted by series and day, as one new file. Only a commit adds it to the lake."""
        frame = frame.select(COLUMNS[layer].keys())
        path = f"layer={layer}/month={month}/bucket={bucket}/{batch:08d}-{uuid4().hex}"
        path, size = self._write_folder(frame, path) if self.is_folder else self._write_store(frame, path)
        edges = pl.col("series", "day", "batch")
        least, most = (frame.select(edge).row(0, named=True) for edge in (edges.min(), edges.max()))
        return NewFile(path, layer, month, bucket, size, len(frame), least, most)

    def _write_folder(self, frame: pl.DataFrame, path: str) -> tuple[str, int]:
        temporary = Path(self.url, STAGING, uuid4().hex)
        full = Path(self.url, f"{path}.parquet")
        full.parent.mkdir(parents=True, exist_ok=True)
        try:
            name, size = _encode(frame, str(temporary))
            with Path(temporary, name).open("rb") as written:
                os.fsync(written.fileno())  # after a power cut, a commit must never name files that are lost
            Path(temporary, name).replace(full)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return f"{path}.parquet", size

    def _write_store(self, frame: pl.DataFrame, path: str) -> tuple[str, int]:
        """Write to an object store. It cannot rename: the file stays in its own folder, whose log a vacuum removes."""
        name, size = _encode(frame, self.url_of(path), self.storage_options)
        return f"{path}/{name}", size


def _encode(frame: pl.DataFrame, url: str, options: dict[str, str] | None = None) -> tuple[str, int]:
    """Write a frame as one Parquet file into an empty folder; return the file's name and size.

    deltalake's encoder has dictionary pages, which Polars' lacks for doubles: a quarter fewer bytes a reading. It only
    writes whole tables, so this creates a small one and uses its file.
    """
    from deltalake import ColumnProperties, DeltaTable, WriterProperties, write_deltalake

    properties = WriterProperties(
        compression="ZSTD",
        compression_level=ZSTD_LEVEL,
        max_row_group_size=ROW_GROUP_ROWS,
        column_properties={name: ColumnProperties(dictionary_enabled=False) for name in PLAIN_COLUMNS},
    )
    write_deltalake(url, frame, storage_options=options, writer_properties=properties, target_file_size=1 << 40)
    if "://" not in url:
        file = next(Path(url).glob("*.parquet"))
        return file.name, file.stat().st_size
    written = pl.DataFrame(DeltaTable(url, storage_options=options).get_add_actions(flatten=True))
    return written["path"].item(), written["size_bytes"].item()
