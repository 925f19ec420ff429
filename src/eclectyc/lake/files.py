"""Where the lake's files are, a folder or an object store, and how a Parquet file is written there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import polars as pl

from eclectyc.lake.schema import COLUMNS, PAGE_BYTES, ROW_GROUP_ROWS, ZSTD_LEVEL

if TYPE_CHECKING:
    from deltalake import DeltaTable

_STORE_SETTINGS: Final = "AWS_"


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
        with full.open("wb") as file:
            _write_parquet(frame, file)
            file.flush()
            os.fsync(file.fileno())  # the commit must never outlive, in a power cut, the files that it names
            return file.tell()

    def _write_store(self, frame: pl.DataFrame, path: str) -> int:
        import io

        from deltalake._internal import DeltaFileSystemHandler

        buffer = io.BytesIO()
        _write_parquet(frame, buffer)
        handler = DeltaFileSystemHandler(self.url, self.storage_options, None)
        stream = handler.open_output_stream(path, None)
        stream.write(buffer.getvalue())
        stream.close()
        return buffer.tell()


def _write_parquet(frame: pl.DataFrame, file: object) -> None:
    frame.write_parquet(
        file,  # type: ignore[arg-type]
        compression="zstd",
        compression_level=ZSTD_LEVEL,
        row_group_size=ROW_GROUP_ROWS,
        data_page_size=PAGE_BYTES,
        statistics=True,
    )
