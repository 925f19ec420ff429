"""Undo a batch: mark its claims undone, and merge the other claims of its days again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from eclectyc.kernel.quality import MISSING
from eclectyc.lake.errors import CommitConflict
from eclectyc.lake.files import Storage
from eclectyc.lake.history import merge_claims, with_values
from eclectyc.lake.lease import Lease
from eclectyc.lake.merge_month import COUNTS, MonthDone
from eclectyc.lake.parallel import map_slices
from eclectyc.lake.precedence import missing_days
from eclectyc.lake.rows import StoredRows, as_claimed, claim_rows, match, read_stored_rows, write_rows
from eclectyc.lake.schema import CLAIM, CLAIM_COLUMNS, DAY, GUARDED, KEY, empty
from eclectyc.lake.slot_arrays import Slots
from eclectyc.lake.snapshot import Snapshot
from eclectyc.lake.validate import BatchDays, key_of
from eclectyc.lake.write import WriteResult, commit_months

_SUMS = [pl.col(name).sum() for name in ("changed", "unchanged", "removed")]


@dataclass(frozen=True, slots=True)
class UndoJob:
    """A batch to undo in one month and bucket, and the files there: rows of a snapshot."""

    storage: Storage
    month: str
    bucket: str
    batch: int
    by: int
    day_files: pl.DataFrame
    claim_files: pl.DataFrame


def undo(
    storage: Storage,
    batch: int,
    *,
    buckets: int,
    lease: Lease,
    by: int,
    before_commit: Callable[[WriteResult], None] | None = None,
) -> WriteResult:
    """Undo a batch in one commit. by : the batch number of the undo itself."""
    return commit_months(
        storage,
        lambda base: map_slices(undo_month, _jobs(storage, base, batch, by)),
        buckets=buckets,
        lease=lease,
        batch=by,
        why=f"batch {by} undoes {batch}",
        retry_on=(CommitConflict,),
        before_commit=before_commit,
    )


def _jobs(storage: Storage, snapshot: Snapshot, batch: int, by: int) -> Iterator[UndoJob]:
    """Yield the months in which a file may hold rows or claims of the batch."""
    overlaps = (pl.col("first_batch") <= batch) & (pl.col("last_batch") >= batch)
    files = snapshot.files.with_columns(overlaps=overlaps)
    for month, bucket in (
        files.filter("overlaps").select("month", "bucket").unique().sort("month", "bucket").iter_rows()
    ):
        here = files.filter((pl.col("month") == month) & (pl.col("bucket") == bucket))
        days, claims = (here.filter(pl.col("layer") == layer) for layer in (DAY, CLAIM))
        yield UndoJob(storage, month, bucket, batch, by, days, claims)


def undo_month(job: UndoJob) -> MonthDone:
    """Undo a batch in one month and bucket; write its new files."""
    done = MonthDone()
    keys = _days_of_batch(job)
    if keys.is_empty():
        return done
    stored = read_stored_rows(job.storage, _paths_reaching(job.day_files, keys))
    row = match(stored.key, key_of(keys))[1]
    rows = stored.rows(row)
    sole_claims = _sole_claims(job, rows)
    claims = with_values(pl.concat([_claims_of(job, keys), sole_claims]))
    live = claims.filter(pl.col("undone_by").is_null() & (pl.col("batch") != job.batch))
    merged = merge_claims(live.join(rows.filter(_is_remerged(job)), on=KEY, how="semi"))
    days = _compare(job, rows, claims, merged)
    done.counts = days.group_by("series").agg(*_SUMS, added=pl.lit(0, pl.Int64), kept=pl.lit(0, pl.Int64))
    done.counts = done.counts.select("series", *COUNTS)
    done.touched = days.filter(pl.col("changed") + pl.col("removed") > 0).select(KEY)
    _write_days(job, done, stored, row, merged)
    _write_claims(job, done, sole_claims)
    return done


def _days_of_batch(job: UndoJob) -> pl.DataFrame:
    """Return the days with a claim of the batch that is in effect: series, day; sorted."""
    of_batch = pl.col("batch") == job.batch
    parts = []
    days, claims = (files.filter("overlaps")["path"].to_list() for files in (job.day_files, job.claim_files))
    if days:
        parts.append(job.storage.scan(days, DAY).filter(of_batch & ~pl.col("contested")).select(KEY))
    if claims:
        parts.append(job.storage.scan(claims, CLAIM).filter(of_batch & pl.col("undone_by").is_null()).select(KEY))
    return pl.concat(pl.collect_all(parts)).unique().sort(KEY)


def _paths_reaching(files: pl.DataFrame, keys: pl.DataFrame) -> list[str]:
    """Return the paths of files that may hold one of these days."""
    series, day = keys["series"], keys["day"]
    reach = (pl.col("first_series") <= series.max()) & (pl.col("last_series") >= series.min())
    reach &= (pl.col("first_day") <= day.max()) & (pl.col("last_day") >= day.min())
    return files.filter(reach)["path"].to_list()


def _claims_of(job: UndoJob, keys: pl.DataFrame) -> pl.DataFrame:
    paths = _paths_reaching(job.claim_files, keys)
    if not paths:
        return empty(CLAIM_COLUMNS)
    return job.storage.scan(paths, CLAIM).join(keys.lazy(), on=KEY, how="semi").collect()


def _sole_claims(job: UndoJob, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the batch's claims, marked undone, on days that only it has touched: no claim row holds them yet."""
    alone = rows.filter(~pl.col("contested") & (pl.col("batch") == job.batch))
    if alone.is_empty():
        return empty(CLAIM_COLUMNS)
    slots = as_claimed(Slots.from_frame(alone), alone["unflagged"].to_numpy())
    batch_days = BatchDays(alone.select("series", "day", "step"), key_of(alone), slots)
    claims = claim_rows(batch_days, batch=job.batch, rule=GUARDED)
    return claims.with_columns(undone_by=pl.lit(job.by, dtype=pl.Int64))


def _compare(job: UndoJob, rows: pl.DataFrame, claims: pl.DataFrame, merged: pl.DataFrame) -> pl.DataFrame:
    """Return, for each day of the batch, how many of its slots are now changed, unchanged and removed.

    rows : the days as they were. claims : with values. merged : the days merged again; days without any claim left
    are absent.
    """
    again = rows.filter(_is_remerged(job)).sort(KEY)
    before = Slots.from_frame(again)
    hit, row = match(key_of(merged), key_of(again))
    after = missing_days(before.lengths).replace(np.flatnonzero(hit), Slots.from_frame(merged[row]))
    is_gone = (before.quality != MISSING) & (after.quality == MISSING)
    differs = (before.quality != after.quality) | ((before.values != after.values) & (after.quality != MISSING))
    claimed = Slots.from_frame(claims.filter(pl.col("batch") == job.batch).join(again, on=KEY, how="semi").sort(KEY))
    removed, changed = before.per_day(is_gone), before.per_day(differs & ~is_gone)
    unchanged = claimed.per_day(claimed.quality != MISSING) - removed - changed
    columns = {"changed": changed, "unchanged": unchanged, "removed": removed}
    counted = again.select(KEY).with_columns(**{name: pl.Series(counts) for name, counts in columns.items()})
    witnessed = rows.filter(~_is_remerged(job)).select(
        *KEY, changed=pl.lit(0, pl.Int64), unchanged=pl.col("present").cast(pl.Int64), removed=pl.lit(0, pl.Int64)
    )
    return pl.concat([counted, witnessed])


def _is_remerged(job: UndoJob) -> pl.Expr:
    """Whether a day is merged again: not if the batch only confirmed what a single other batch wrote."""
    return pl.col("contested") | (pl.col("batch") == job.batch)


def _write_days(job: UndoJob, done: MonthDone, stored: StoredRows, row: np.ndarray, merged: pl.DataFrame) -> None:
    """Rewrite the files of the days merged again; a day without any claim left has no row."""
    replaced = row[stored.frame[row].select(_is_remerged(job)).to_series().to_numpy()]
    rewritten = np.unique(stored.file_of[replaced])
    stays = np.isin(stored.file_of, rewritten)
    stays[replaced] = False
    done.removed += [stored.paths[n] for n in rewritten]
    rows = pl.concat([stored.frame.filter(pl.Series(stays)), merged])
    write_rows(job.storage, done.added, rows, layer=DAY, month=job.month, bucket=job.bucket, batch=job.by)


def _write_claims(job: UndoJob, done: MonthDone, sole_claims: pl.DataFrame) -> None:
    """Mark the batch's claims undone in the files that hold them, and add ``sole_claims``."""
    ours = (pl.col("batch") == job.batch) & pl.col("undone_by").is_null()
    marked = pl.when(ours).then(pl.lit(job.by, pl.Int64)).otherwise(pl.col("undone_by")).alias("undone_by")
    parts = [sole_claims]
    for path in job.claim_files.filter("overlaps")["path"]:
        frame = job.storage.scan([path], CLAIM).collect()
        if frame.select(ours.any()).item():
            parts.append(frame.with_columns(marked))
            done.removed.append(path)
    rows = pl.concat(parts)
    write_rows(job.storage, done.added, rows, layer=CLAIM, month=job.month, bucket=job.bucket, batch=job.by)
