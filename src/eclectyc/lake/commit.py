"""One commit to the lake: files are prepared on one version, then added and removed together.

The commit is pinned to the version that the files were prepared on. If another writer has committed since, it fails
and changes nothing: the caller reads and prepares again, and never resubmits.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from eclectyc.kernel.failpoints import failpoint
from eclectyc.lake.errors import CommitConflict, OutOfOrder, WriterLeaseLost
from eclectyc.lake.files import NewFile, Storage
from eclectyc.lake.identity import NO_LAKE, LakeComparison, LakeIdentity
from eclectyc.lake.lease import Lease
from eclectyc.lake.schema import PARTITIONS, delta_schema
from eclectyc.lake.snapshot import BATCH_APP, BUCKETS_KEY, FENCE_APP, Snapshot

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from deltalake.transaction import AddAction, RemoveAction

CHECKPOINT_EVERY: Final = 20  # commits; a new process reads the log from the last checkpoint on


@dataclass(slots=True)
class PendingCommit:
    """The files that one commit will add and remove. ``table`` stays at the version that ``base`` describes."""

    storage: Storage
    table: DeltaTable
    base: Snapshot
    added: list[NewFile] = field(default_factory=list)
    removed: dict[str, dict[str, str]] = field(default_factory=dict)  # path → its partition

    @classmethod
    def begin(
        cls, storage: Storage, buckets: int, lease: Lease, current: tuple[DeltaTable, Snapshot] | None = None
    ) -> PendingCommit:
        """Start from the newest version; create the lake if there is none. Refuse a lake that has lost readings.

        current : the table at its newest version, with its state, if the caller has them.
        """
        if current is None:
            table = storage.open_if_there()
            if table is None:
                LakeComparison(lease.known, NO_LAKE, storage.is_empty_folder()).require_own()
                create_table(storage, buckets)
                table = storage.open()
            current = table, Snapshot.from_table(table)
        table, base = current
        LakeComparison(lease.known, base.identity).require_own()
        lease.lift_above(base.last_fence)
        return cls(storage, table, base)

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files from the lake; they stay on disk until a vacuum."""
        files = self.base.files.filter(pl.col("path").is_in(list(paths)))
        for file in files.select("path", *PARTITIONS).iter_rows(named=True):
            self.removed[file.pop("path")] = file

    def commit(self, lease: Lease, *, batch: int | None, why: str, data_change: bool = True) -> int:
        """Commit and return the version; raise if the lease is lost, the number is not new or the lake has changed."""
        self.check(lease, batch)
        failpoint("lake.before_commit")
        actions: list[AddAction | RemoveAction] = [_add(file, data_change) for file in self.added]
        actions += [_remove(path, where, data_change) for path, where in self.removed.items()]
        version = self._submit(actions, _stamp(batch, lease.fence), {"eclectyc": why})
        lease.committed = LakeIdentity(self.base.table_id, version, batch or self.base.last_batch)
        failpoint("lake.after_commit")
        return version

    def check(self, lease: Lease, batch: int | None) -> None:
        """Raise unless this writer may commit this batch on the version it has read."""
        if not lease.is_held():
            raise WriterLeaseLost("Another writer has taken over the lake.", "Run this again.")
        if lease.fence < self.base.last_fence:
            raise WriterLeaseLost("A newer writer has taken over the lake.", "Run this again.")
        if batch is not None and batch <= self.base.last_batch:
            raise OutOfOrder(
                f"Batch {batch} is not above {self.base.last_batch}, the last one in the lake's log.",
                "The registry may be older than the lake: restore both from one backup.",
            )

    def _submit(self, actions: list[AddAction | RemoveAction], stamp: list, metadata: dict[str, object]) -> int:
        from deltalake import CommitProperties, PostCommitHookProperties
        from deltalake.exceptions import CommitFailedError

        expected = self.base.version + 1
        try:
            self.table.create_write_transaction(
                actions,
                "append",
                delta_schema(),
                partition_by=list(PARTITIONS),
                commit_properties=CommitProperties(
                    custom_metadata=metadata, max_commit_retries=0, app_transactions=stamp
                ),
                post_commithook_properties=PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False),
            )
        except CommitFailedError as error:
            raise CommitConflict("The lake changed while this was being prepared.", "Run this again.") from error
        if self.storage.is_folder:
            _sync(Path(self.storage.url, "_delta_log"), f"{expected:020d}.json")
        return expected


def create_table(storage: Storage, buckets: int) -> None:
    """Create an empty table, unless another process has just done so."""
    from deltalake import DeltaTable

    DeltaTable.create(
        storage.url,
        delta_schema(),
        mode="ignore",
        partition_by=list(PARTITIONS),
        name="readings",
        configuration={
            BUCKETS_KEY: str(buckets),
            "delta.checkpointInterval": str(CHECKPOINT_EVERY),
            "delta.dataSkippingStatsColumns": "series,day,batch",
        },
        storage_options=storage.storage_options,
        raise_if_key_not_exists=False,
    )


def _stamp(batch: int | None, fence: int) -> list:
    from deltalake import Transaction

    stamp = [Transaction(FENCE_APP, fence)]
    if batch is not None:
        stamp.append(Transaction(BATCH_APP, batch))
    return stamp


def _plain(values: Mapping[str, object]) -> dict[str, object]:
    return {name: v.isoformat() if isinstance(v, date) else v for name, v in values.items()}


def _add(file: NewFile, data_change: bool) -> AddAction:
    from deltalake.transaction import AddAction

    stats = {
        "numRecords": file.rows,
        "minValues": _plain(file.least),
        "maxValues": _plain(file.most),
        "nullCount": dict.fromkeys(file.least, 0),
    }
    partition = {"layer": file.layer, "month": file.month, "bucket": file.bucket}
    return AddAction(file.path, file.size, partition, int(time.time() * 1000), data_change, json.dumps(stats))


def _remove(path: str, partition: dict[str, str], data_change: bool) -> RemoveAction:
    from deltalake.transaction import RemoveAction

    return RemoveAction(path, data_change, int(time.time() * 1000), None, dict(partition))


def _sync(folder: Path, name: str) -> None:
    """Flush a commit to disk, so that it survives a power cut."""
    for path in (folder / name, folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
