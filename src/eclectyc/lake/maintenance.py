"""Maintain the lake under the writers' lease: merge small files, shorten the log, remove leftovers. Reading goes on."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import polars as pl

from eclectyc.kernel.errors import Invalid
from eclectyc.lake.commit import PendingCommit
from eclectyc.lake.errors import WriterLeaseLost
from eclectyc.lake.files import STAGING, NewFile, Storage
from eclectyc.lake.lease import Lease
from eclectyc.lake.parallel import map_slices
from eclectyc.lake.rows import write_rows
from eclectyc.lake.schema import FILE_ROWS
from eclectyc.lake.snapshot import Snapshot

RETENTION: Final = timedelta(days=7)  # longer than any reader or backup
TEMPORARY: Final = timedelta(days=1)  # longer than any write
SMALL_ROWS: Final = FILE_ROWS // 4


@dataclass(frozen=True, slots=True)
class MaintenanceReport:
    """What maintenance did, in files."""

    merged: int = 0
    into: int = 0
    vacuumed: int = 0
    swept: int = 0
    version: int = -1


@dataclass(frozen=True, slots=True)
class MergeJob:
    """Small files of one layer, month and bucket."""

    storage: Storage
    layer: str
    month: str
    bucket: str
    paths: list[str]
    batch: int


def maintain(
    storage: Storage, *, lease: Lease, keep: timedelta, keep_temporary: timedelta, may_shorten: bool
) -> MaintenanceReport:
    """Compact, checkpoint, vacuum and sweep. Readers and backups rely on RETENTION unless ``may_shorten``."""
    if not may_shorten and (keep < RETENTION or keep_temporary < TEMPORARY):
        raise Invalid(
            f"Files are kept {RETENTION.days} days for readers and backups.",
            "Keep them that long, or allow a shorter time if no one is reading.",
            field="keep",
        )
    if not storage.has_table():
        return MaintenanceReport()
    merged, into = _compact(storage, lease)
    table = storage.open()
    table.create_checkpoint()
    if not lease.is_held():
        raise WriterLeaseLost("Another writer has taken over the lake.", "Run this again.")
    vacuumed = table.vacuum(
        retention_hours=int(keep.total_seconds() // 3600),
        dry_run=False,
        enforce_retention_duration=False,
        full=True,
    )
    table.cleanup_metadata()
    swept = _sweep(storage, keep_temporary) if storage.is_folder else 0
    return MaintenanceReport(merged, into, len(vacuumed), swept, table.version())


def _compact(storage: Storage, lease: Lease) -> tuple[int, int]:
    """Merge the small files of each layer, month and bucket in one commit; return how many, into how many."""
    change = PendingCommit.begin(storage, 1, lease)
    for added, paths in map_slices(_merge, _jobs(storage, change.base)):
        change.added += added
        change.remove(paths)
    if change.removed:
        change.commit(lease, batch=None, why="compact", data_change=False)
    return len(change.removed), len(change.added)


def _jobs(storage: Storage, snapshot: Snapshot) -> Iterator[MergeJob]:
    small = snapshot.files.filter(pl.col("rows") < SMALL_ROWS).sort("first_series", "first_day", "path")
    groups = small.group_by("layer", "month", "bucket", maintain_order=True).agg("path", pl.col("rows").sum())
    for layer, month, bucket, paths, _ in groups.filter(pl.col("path").list.len() > 1).iter_rows():
        yield MergeJob(storage, layer, month, bucket, paths, snapshot.last_batch)


def _merge(job: MergeJob) -> tuple[list[NewFile], list[str]]:
    rows = pl.concat(pl.collect_all([job.storage.scan([path], job.layer) for path in job.paths]))
    rows = rows.sort("series", "day", "batch")
    added: list[NewFile] = []
    write_rows(job.storage, added, rows, layer=job.layer, month=job.month, bucket=job.bucket, batch=job.batch)
    return added, job.paths


def _sweep(storage: Storage, keep: timedelta) -> int:
    """Remove leftovers of killed writers that a vacuum does not see: staging folders and half-written files."""
    old = time.time() - keep.total_seconds()
    swept = 0
    for path in [*Path(storage.url, STAGING).glob("*"), *Path(storage.url).rglob("*#*")]:
        if path.stat().st_mtime < old:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            swept += 1
    return swept
