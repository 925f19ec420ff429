"""Where the lake's files are, a folder or an object store, and how a Parquet file is written there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import polars as pl

from eclectyc.lake.schema import COLUMNS, PLAIN_COLUMNS, ROW_GROUP_ROWS, ZSTD_LEVEL

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from deltalake._internal import DeltaFileSystemHandler

_STORE_SETTINGS: Final = "AWS_"
STAGING: Final = "_staging"  # in the lake's folder; Delta's readers and its vacuum leave such names alone

# deltalake starts as many threads as it is told here when it is first used, and one where it is told nothing.
os.environ.setdefault("TOKIO_WORKER_THREADS", str(os.cpu_count() or 1))


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file written but not yet part of the lake: what its entry in the log will say."""

    path: str
    layer: str
    month: str
    bucket: str
    size: int
    rows: int
    least: dict[str, object]
    most: dict[str, object]


@dataclass(frozen=True, slots=True)
class Place:
    """The lake's root. ``options`` go to the object store; a folder needs none."""

    url: str
    options: dict[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def at(cls, url: str) -> Place:
        """Return the place of a URL; an object store takes its settings from the ``AWS_…`` environment."""
        if "://" not in url:
            return cls(str(Path(url).absolute()))
        if url.startswith("file://"):
            return cls(url.removeprefix("file://"))
        options = {name: value for name, value in os.environ.items() if name.startswith(_STORE_SETTINGS)}
        return cls(url.rstrip("/"), options)

    @property
    def is_folder(self) -> bool:
        """Whether the lake is a folder of this machine's file system."""
        return "://" not in self.url

    @property
    def storage_options(self) -> dict[str, str] | None:
        """The options in the form that Delta and Polars take them."""
        return dict(self.options) or None

    def full(self, path: str) -> str:
        """Return the address of a file by its path inside the lake."""
        return f"{self.url}/{path}"

    def open(self, version: int | None = None) -> DeltaTable:
        """Open the table as it now is, or at one version."""
        from deltalake import DeltaTable

        return DeltaTable(self.url, version=version, storage_options=self.storage_options)

    def has_table(self) -> bool:
        """Say whether there is a table here."""
        from deltalake import DeltaTable

        return DeltaTable.is_deltatable(self.url, self.storage_options)

    def scan(self, paths: Sequence[str], layer: str) -> pl.LazyFrame:
        """Scan files of one layer by their paths inside the lake."""
        return pl.scan_parquet(
            [self.full(path) for path in paths],
            schema=COLUMNS[layer],
            missing_columns="insert",
            extra_columns="ignore",
            hive_partitioning=False,
            glob=False,
            storage_options=self.storage_options,
            credential_provider=None,
        )

    def write(self, frame: pl.DataFrame, *, layer: str, month: str, bucket: str, batch: int) -> NewFile:
        """Write rows, sorted by series and day, as one new file; it joins the lake only by a commit."""
        frame = frame.select(COLUMNS[layer].keys())
        path = f"layer={layer}/month={month}/bucket={bucket}/{batch:08d}-{uuid4().hex}.parquet"
        size = self._write_folder(frame, path) if self.is_folder else self._write_store(frame, path)
        least = frame.select(pl.col("series", "day", "batch").min()).row(0, named=True)
        most = frame.select(pl.col("series", "day", "batch").max()).row(0, named=True)
        return NewFile(path, layer, month, bucket, size, len(frame), least, most)

    def _write_folder(self, frame: pl.DataFrame, path: str) -> int:
        full = Path(self.url, path)
        full.parent.mkdir(parents=True, exist_ok=True)
        with _encoded(frame, Path(self.url, STAGING)) as file:
            with file.open("rb") as written:
                os.fsync(written.fileno())  # a commit must never outlive, in a power cut, the files that it names
            file.replace(full)
        return full.stat().st_size

    def _write_store(self, frame: pl.DataFrame, path: str) -> int:
        with tempfile.TemporaryDirectory(prefix="eclectyc-lake-") as folder, _encoded(frame, Path(folder)) as file:
            content = file.read_bytes()
        self.put(path, content)
        return len(content)

    def put(self, path: str, content: bytes) -> None:
        """Write one file of an object store."""
        stream = self._handler().open_output_stream(path, None)
        stream.write(content)
        stream.close()  # type: ignore[attr-defined]  # missing in its stub

    def get(self, path: str) -> bytes:
        """Read one file whole."""
        if self.is_folder:
            return Path(self.url, path).read_bytes()
        stream = self._handler().open_input_file(path)
        return bytes(stream.read(stream.size()))

    def _handler(self) -> DeltaFileSystemHandler:
        from deltalake._internal import DeltaFileSystemHandler

        return DeltaFileSystemHandler(self.url, self.storage_options, None)


@contextmanager
def _encoded(frame: pl.DataFrame, folder: Path) -> Iterator[Path]:
    """Encode a frame as one Parquet file in a passing folder.

    deltalake's encoder is used for the sake of its dictionary pages: Polars' own writes doubles plain, at a
    quarter more bytes a reading. It only writes whole tables, so a small one is made here and its file taken.
    """
    from deltalake import ColumnProperties, WriterProperties, write_deltalake

    properties = WriterProperties(
        compression="ZSTD",
        compression_level=ZSTD_LEVEL,
        max_row_group_size=ROW_GROUP_ROWS,
        column_properties={name: ColumnProperties(dictionary_enabled=False) for name in PLAIN_COLUMNS},
    )
    passing = folder / uuid4().hex
    try:
        write_deltalake(str(passing), frame, writer_properties=properties, target_file_size=1 << 40)
        yield next(passing.glob("*.parquet"))
    finally:
        shutil.rmtree(passing, ignore_errors=True)
