"""One version of the lake: its files and what each may hold, read from the log alone."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from eclectyc.lake.files import Storage
from eclectyc.lake.identity import LakeIdentity
from eclectyc.lake.schema import empty

if TYPE_CHECKING:
    from deltalake import DeltaTable

BATCH_APP: Final = "eclectyc-batch"
FENCE_APP: Final = "eclectyc-fence"
BUCKETS_KEY: Final = "eclectyc.buckets"

FILE_COLUMNS: Final[dict[str, pl.DataType]] = {
    "path": pl.String(),
    "layer": pl.String(),
    "month": pl.String(),
    "bucket": pl.String(),
    "size": pl.Int64(),
    "rows": pl.Int64(),
    "first_series": pl.Int32(),
    "last_series": pl.Int32(),
    "first_day": pl.Date(),
    "last_day": pl.Date(),
    "first_batch": pl.Int64(),
    "last_batch": pl.Int64(),
}
_FROM_LOG: Final = {
    "size": "size_bytes",
    "rows": "num_records",
    "layer": "partition.layer",
    "month": "partition.month",
    "bucket": "partition.bucket",
    "first_series": "min.series",
    "last_series": "max.series",
    "first_day": "min.day",
    "last_day": "max.day",
    "first_batch": "min.batch",
    "last_batch": "max.batch",
}
_YOUNG_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A version of the lake; version -1: there is no table yet. files : FILE_COLUMNS."""

    version: int
    files: pl.DataFrame
    last_batch: int
    last_fence: int
    buckets: int
    table_id: str = ""  # Delta's own; a copy keeps it

    @classmethod
    def empty(cls, buckets: int = 1) -> Snapshot:
        """Return the state of a lake that does not exist yet."""
        return cls(-1, empty(FILE_COLUMNS), 0, 0, buckets)

    @classmethod
    def from_table(cls, table: DeltaTable) -> Snapshot:
        """Read a table's state from its log."""
        actions = pl.DataFrame(table.get_add_actions(flatten=True))
        if actions.is_empty():
            files = empty(FILE_COLUMNS)
        else:
            names = {source: name for name, source in _FROM_LOG.items()}
            files = actions.rename(names).select(pl.col(name).cast(dtype) for name, dtype in FILE_COLUMNS.items())
        metadata = table.metadata()
        return cls(
            version=table.version(),
            files=files,
            last_batch=table.transaction_version(BATCH_APP) or 0,
            last_fence=table.transaction_version(FENCE_APP) or 0,
            buckets=int(metadata.configuration.get(BUCKETS_KEY, "1")),
            table_id=str(metadata.id),
        )

    @property
    def identity(self) -> LakeIdentity:
        return LakeIdentity(self.table_id, self.version, self.last_batch)

    def pick(
        self,
        layer: str,
        *,
        start: date | None = None,
        end: date | None = None,
        series: np.ndarray | None = None,
    ) -> pl.DataFrame:
        """Return the files of a layer that may hold rows of these series on these days (half-open)."""
        wanted = pl.col("layer") == layer
        if start is not None:
            wanted &= pl.col("last_day") >= start
        if end is not None:
            wanted &= pl.col("first_day") < end
        if series is not None and len(series):
            wanted &= (pl.col("last_series") >= int(series.min())) & (pl.col("first_series") <= int(series.max()))
            if self.buckets > 1 and len(series) < self.buckets:
                wanted &= pl.col("bucket").is_in([str(b) for b in np.unique(series % self.buckets)])
        return self.files.filter(wanted)


class Watch:
    """The newest snapshot, cached for this process; reading it costs one poll of the log. Thread-safe."""

    def __init__(self, storage: Storage, buckets: int) -> None:
        self._storage = storage
        self._buckets = buckets
        self._lock = threading.Lock()
        self._table: DeltaTable | None = None
        self._snapshot: Snapshot | None = None
        self._polled = 0.0
        self._opened = 0.0
        self._entry: tuple[int, tuple[int, int]] | None = None  # the version that was opened, and its mark
        self._newest: tuple[int, tuple[int, int]] | None = None  # the version of the last poll, and its mark

    def now(self) -> Snapshot:
        """Return the newest snapshot. Threads that wait while another polls the log share its result."""
        asked = time.monotonic()
        with self._lock:
            if self._snapshot is None or self._polled < asked:
                self._poll()
            return self._snapshot or Snapshot.empty(self._buckets)

    def claim_table(self) -> tuple[DeltaTable, Snapshot] | None:
        """Give the recently opened table, brought up to date, to a writer, which from then on owns it.

        Return None if there is none, if it was opened a while ago, or if the lake may have been replaced since then by
        a restore, whose log may seem to continue this one. In an object store that can never be ruled out.
        """
        with self._lock:
            if self._table is None or self._entry is None or time.monotonic() - self._opened > _YOUNG_S:
                return None
            version, mark = self._entry
            if self._storage.mark_of(version) != mark:
                return None
            self._poll()
            table, snapshot = self._table, self._snapshot
            self._table = self._snapshot = None
            return (table, snapshot) if table is not None and snapshot is not None else None

    def reopen(self) -> Snapshot:
        """Open the lake again and return its newest snapshot: it may have been replaced as a whole."""
        with self._lock:
            self._table = self._snapshot = None
            self._poll()
            return self._snapshot or Snapshot.empty(self._buckets)

    def _poll(self) -> None:
        from deltalake.exceptions import DeltaError

        self._polled = time.monotonic()
        if self._table is not None and self._entry_of(self._table) != self._newest:
            self._table = self._snapshot = None  # replaced or removed; ``update_incremental`` would not notice
        if self._table is not None:
            try:
                self._table.update_incremental()
            except (DeltaError, OSError):  # the lake was replaced or removed: its log does not continue ours
                self._table = self._snapshot = None
        if self._table is None:
            self._table, self._opened = self._storage.open_if_there(), self._polled
            self._entry = self._entry_of(self._table)
        self._newest = self._entry_of(self._table)
        if self._table is not None and (self._snapshot is None or self._snapshot.version != self._table.version()):
            self._snapshot = Snapshot.from_table(self._table)

    def _entry_of(self, table: DeltaTable | None) -> tuple[int, tuple[int, int]] | None:
        mark = self._storage.mark_of(table.version()) if table is not None else None
        return (table.version(), mark) if table is not None and mark is not None else None
