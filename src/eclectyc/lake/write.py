"""Write a batch, or preview it: its months are merged one after another, then committed together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.failpoints import failpoint
from eclectyc.lake.commit import PendingCommit
from eclectyc.lake.errors import CommitConflict
from eclectyc.lake.files import Storage
from eclectyc.lake.lease import Lease
from eclectyc.lake.merge_month import COUNTS, MonthDone, MonthJob, merge_month, no_counts, no_days
from eclectyc.lake.parallel import map_slices
from eclectyc.lake.schema import CLAIM, DAY, RULES
from eclectyc.lake.snapshot import Snapshot
from eclectyc.lake.validate import BatchDays, key_of, months_once, validate

if TYPE_CHECKING:
    from deltalake import DeltaTable

ATTEMPTS: Final = 3


@dataclass(slots=True)
class WriteResult:
    """The slots of a batch by outcome, and the days that changed.

    added, changed, unchanged and kept sum to the batch's slots. removed : slots that an undo left missing.
    touched : series and day of the rows that changed. by_series : the counts of each series.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    kept: int = 0
    removed: int = 0
    touched: pl.DataFrame = field(default_factory=no_days)
    by_series: pl.DataFrame = field(default_factory=no_counts)

    @classmethod
    def from_months(cls, done: list[MonthDone]) -> WriteResult:
        if not done:
            return cls()
        counts = pl.concat([part.counts for part in done])
        by_series = counts.group_by("series").agg(pl.col(*COUNTS).sum()).sort("series")
        touched = pl.concat([part.touched for part in done])
        touched = touched[np.argsort(key_of(touched), kind="stable")]  # months are sorted: a third of ``sort``'s time
        sums = {name: int(by_series[name].sum()) for name in COUNTS}
        return cls(**sums, touched=touched, by_series=by_series)


def write(
    storage: Storage,
    months: Iterable[pl.DataFrame],
    *,
    buckets: int,
    lease: Lease,
    batch: int,
    rule: str,
    progress: Callable[[int], None] | None = None,
    before_commit: Callable[[WriteResult], None] | None = None,
    current: tuple[DeltaTable, Snapshot] | None = None,
) -> WriteResult:
    """Write one batch in one commit. current : see :meth:`PendingCommit.begin`.

    If the lake changes meanwhile, the work is repeated, provided that ``months`` can be iterated again.
    """

    def merge(base: Snapshot) -> Iterator[MonthDone]:
        for part in map_slices(merge_month, month_jobs(storage, base, months, batch=batch, rule=rule)):
            yield part
            if progress:
                progress(int(part.counts.select(pl.sum_horizontal(pl.col(*COUNTS).sum())).item()))

    return commit_months(
        storage,
        merge,
        buckets=buckets,
        lease=lease,
        batch=batch,
        why=f"batch {batch}",
        retry_on=retryable(months),
        before_commit=before_commit,
        current=current,
    )


def commit_months(
    storage: Storage,
    merge: Callable[[Snapshot], Iterable[MonthDone]],
    *,
    buckets: int,
    lease: Lease,
    batch: int,
    why: str,
    retry_on: tuple[type[Exception], ...],
    before_commit: Callable[[WriteResult], None] | None = None,
    current: tuple[DeltaTable, Snapshot] | None = None,
) -> WriteResult:
    """Merge a batch's months on the lake as it is and commit them; do both again if one of ``retry_on`` is raised.

    merge : writes the files of each month, given the lake's state. why : for the lake's log.
    """
    for attempt in range(ATTEMPTS):
        pending = PendingCommit.begin(storage, buckets, lease, current if attempt == 0 else None)
        pending.check(lease, batch)
        failpoint("lake.before_files")
        try:
            done = []
            for part in merge(pending.base):
                pending.added += part.added
                pending.remove(part.removed)
                done.append(part)
            failpoint("lake.after_files")
            result = WriteResult.from_months(done)
            if before_commit:
                before_commit(result)
            pending.commit(lease, batch=batch, why=why)
            return result
        except retry_on:
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def retryable(months: Iterable[pl.DataFrame]) -> tuple[type[Exception], ...]:
    """Return the errors after which a write can be repeated: none if its months can be iterated only once."""
    return () if iter(months) is months else (CommitConflict, FileNotFoundError)


def preview(storage: Storage, snapshot: Snapshot, months: Iterable[pl.DataFrame], *, rule: str) -> WriteResult:
    """Return what writing a batch would do; nothing is written."""
    jobs = month_jobs(storage, snapshot, months, batch=snapshot.last_batch + 1, rule=rule, writes=False)
    return WriteResult.from_months(list(map_slices(merge_month, jobs)))


def month_jobs(
    storage: Storage,
    snapshot: Snapshot,
    months: Iterable[pl.DataFrame],
    *,
    batch: int,
    rule: str,
    writes: bool = True,
) -> Iterator[MonthJob]:
    """Yield the work month by month and bucket by bucket, as the frames come in."""
    if rule not in RULES:
        raise Invalid(f"There is no rule called {rule!r}.", f"Use {' or '.join(RULES)}.", field="rule")
    for month, part in months_once(months):
        for bucket, batch_days in _buckets(validate(part), snapshot.buckets):
            if not len(batch_days):
                continue
            yield MonthJob(
                storage=storage,
                month=month,
                bucket=bucket,
                batch_days=batch_days,
                day_files=month_files(snapshot, DAY, month, bucket, batch_days),
                claim_files=month_files(snapshot, CLAIM, month, bucket, batch_days)
                .filter("overlaps")["path"]
                .to_list(),
                batch=batch,
                rule=RULES[rule],
                writes=writes,
            )


def _buckets(batch_days: BatchDays, buckets: int) -> Iterator[tuple[str, BatchDays]]:
    if buckets == 1:
        yield "0", batch_days
        return
    bucket_of = batch_days.days["series"].to_numpy() % buckets
    for bucket in range(buckets):
        yield str(bucket), batch_days.take((bucket_of == bucket).nonzero()[0])


def month_files(snapshot: Snapshot, layer: str, month: str, bucket: str, batch_days: BatchDays) -> pl.DataFrame:
    """Return a layer's files of a month and bucket; ``overlaps`` marks those that may hold one of the batch's days."""
    series, day = batch_days.days["series"], batch_days.days["day"]
    return snapshot.files.filter(
        (pl.col("layer") == layer) & (pl.col("month") == month) & (pl.col("bucket") == bucket)
    ).select(
        "path",
        "rows",
        overlaps=(pl.col("first_series") <= series.max())
        & (pl.col("last_series") >= series.min())
        & (pl.col("first_day") <= day.max())
        & (pl.col("last_day") >= day.min()),
    )
