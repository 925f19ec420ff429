"""Merge one month of a batch with the stored days: which files to write, which to replace, and the counts.

Nothing here commits. Each month is independent, so months can be merged in parallel, here or on a cluster, and memory
stays at a month or two.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from eclectyc.kernel.quality import ACTUAL, MISSING, UNFLAGGED
from eclectyc.lake.errors import BadReadings
from eclectyc.lake.files import NewFile, Storage
from eclectyc.lake.precedence import MergedSlots, is_equal, merge_slots
from eclectyc.lake.rows import StoredRows, as_claimed, claim_rows, day_rows, match, read_stored_rows, write_rows
from eclectyc.lake.schema import (
    CLAIM,
    CLAIM_COLUMNS,
    DAY,
    DAY_COLUMNS,
    FILE_ROWS,
    GUARDED,
    KEY,
    ROW_GROUP_ROWS,
    empty,
)
from eclectyc.lake.slot_arrays import Slots, stored_quality
from eclectyc.lake.validate import BatchDays

COUNTS = ("added", "changed", "unchanged", "kept", "removed")  # a write removes nothing
MERGE_RATIO = 4  # a file joins a rewrite that has at least a quarter of its rows: few files, little rewriting


def no_days() -> pl.DataFrame:
    """Return a frame of KEY without rows."""
    return pl.DataFrame(schema={"series": pl.Int32, "day": pl.Date})


def no_counts() -> pl.DataFrame:
    """Return a frame of series and COUNTS without rows."""
    return pl.DataFrame(schema={"series": pl.Int32} | dict.fromkeys(COUNTS, pl.Int64))


@dataclass(frozen=True, slots=True)
class MonthJob:
    """A batch's days of one month and bucket, and the stored files there (rows of a snapshot)."""

    storage: Storage
    month: str
    bucket: str
    batch_days: BatchDays
    day_files: (
        pl.DataFrame
    )  # day files of this month and bucket: path, rows, overlaps (may hold one of the batch's days)
    claim_files: list[str]
    batch: int
    rule: int
    writes: bool = True


@dataclass(slots=True)
class MonthDone:
    """Files written and replaced, and the outcome. counts : series and COUNTS. touched : KEY."""

    added: list[NewFile] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    counts: pl.DataFrame = field(default_factory=no_counts)
    touched: pl.DataFrame = field(default_factory=no_days)


@dataclass(frozen=True, slots=True)
class Overlap:
    """Days of a batch that are already stored. row : each one's row among the stored ones.

    original : the stored days as their own batch gave them. is_same : which days equal theirs, and need no merging.
    differs : the other days, by index. merged : of these alone. batch : of the stored row.
    """

    row: np.ndarray
    original: Slots
    batch_days: BatchDays
    is_same: np.ndarray
    differs: np.ndarray
    merged: MergedSlots
    batch: np.ndarray
    is_contested: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """The slots by outcome: shape (days, 4). A day equal to the stored one is unchanged under every rule."""
        counts = np.zeros((len(self.batch_days), 4), dtype=np.int64)
        counts[:, 2] = self.batch_days.slots.per_day(self.batch_days.slots.quality != MISSING)
        counts[self.differs] = self.merged.counts
        return counts


def merge_month(job: MonthJob) -> MonthDone:
    """Merge one month with the lake; write its new files unless the job is a preview."""
    bearing = job.day_files.filter(pl.col("overlaps"))["path"].to_list()
    stored = read_stored_rows(job.storage, bearing)
    hit, row = match(stored.key, job.batch_days.key)
    new_days = job.batch_days if not hit.any() else job.batch_days.take(np.flatnonzero(~hit))
    counts = np.zeros((len(job.batch_days), 4), dtype=np.int64)
    counts[~hit, 0] = new_days.slots.per_day(new_days.slots.quality != MISSING)
    new_rows, claims = fresh_rows(new_days, job.batch, job.rule)
    updates = empty(DAY_COLUMNS)
    updated = np.zeros(0, dtype=np.int64)
    if hit.any():
        overlap = _overlap(
            stored, job.batch_days.take(np.flatnonzero(hit)) if not hit.all() else job.batch_days, row, job.rule
        )
        counts[hit] = overlap.counts
        updates, updated, new_claims = _resolve(job, stored, overlap)
        claims = pl.concat([claims, new_claims])
    done = MonthDone(counts=_by_series(job.batch_days, counts))
    done.touched = job.batch_days.days.select(KEY).filter(pl.Series((counts[:, 0] + counts[:, 1]) > 0))
    if job.writes:
        with ThreadPoolExecutor(1, thread_name_prefix="lake-claims") as beside:
            claims_written = beside.submit(_write_claims, job, done, claims)
            write_days(job, done, stored, updates=updates, updated=updated, new_rows=new_rows)
            claims_written.result()
    return done


def _write_claims(job: MonthJob, done: MonthDone, claims: pl.DataFrame) -> None:
    write_rows(job.storage, done.added, claims, layer=CLAIM, month=job.month, bucket=job.bucket, batch=job.batch)


def fresh_rows(batch_days: BatchDays, batch: int, rule: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return day rows for new days, and the claims that a day row cannot express by itself."""
    if not len(batch_days):
        return empty(DAY_COLUMNS), empty(CLAIM_COLUMNS)
    slots = batch_days.slots
    flagless = slots.quality == UNFLAGGED
    is_unflagged = slots.per_day(flagless) > 0
    mixed = np.zeros(len(batch_days), dtype=bool)
    if is_unflagged.any():
        mixed = is_unflagged & (slots.per_day(slots.quality == ACTUAL) > 0)
        merged = Slots(slots.values, stored_quality(slots.quality), slots.lengths, slots.column)
    else:
        merged = slots
    rows = day_rows(batch_days.days, merged, batch=batch, contested=mixed, unflagged=is_unflagged & ~mixed)
    if not mixed.any():
        return rows, empty(CLAIM_COLUMNS)
    return rows, claim_rows(batch_days.take(np.flatnonzero(mixed)), batch=batch, rule=rule)


def _overlap(stored: StoredRows, batch_days: BatchDays, row: np.ndarray, rule: int) -> Overlap:
    rows = stored.rows(row)
    slots = Slots.from_frame(rows)
    wrong = (slots.lengths != batch_days.slots.lengths) | (
        rows["step"].to_numpy() != batch_days.days["step"].to_numpy()
    )
    if wrong.any():
        series, day, step = rows.filter(pl.Series(wrong)).select("series", "day", "step").row(0)
        raise BadReadings(
            f"Series {series} has {day} stored in other slots, of {step} min.",
            "Its step or its site's time zone has changed since: undo the earlier batches first.",
        )
    first = as_claimed(slots, rows["unflagged"].to_numpy())
    is_same = is_equal(first, batch_days.slots)
    differs = np.flatnonzero(~is_same)
    merged = merge_slots(slots.take(differs), batch_days.slots.take(differs), rule)
    contested = rows["contested"].to_numpy()
    return Overlap(
        row, first, batch_days, is_same, differs, merged, batch=rows["batch"].to_numpy(), is_contested=contested
    )


def _resolve(job: MonthJob, stored: StoredRows, overlap: Overlap) -> tuple[pl.DataFrame, np.ndarray, pl.DataFrame]:
    """Return the day rows that change, the stored rows that they replace, and the claims to add."""
    is_witness = ~overlap.is_contested & overlap.is_same
    same_as = np.where(is_witness, overlap.batch, 0)
    contested = np.flatnonzero(overlap.is_contested)
    if len(contested):
        same_as[contested] = _earlier_claim(job, overlap.batch_days.take(contested))
    witnesses, claimants = np.flatnonzero(same_as), np.flatnonzero(same_as == 0)
    is_split = ~overlap.is_contested & ~overlap.is_same
    split = np.flatnonzero(is_split)
    alone = BatchDays(overlap.batch_days.days[split], overlap.batch_days.key[split], overlap.original.take(split))
    new_claims = [
        claim_rows(overlap.batch_days.take(witnesses), batch=job.batch, rule=job.rule, same_as=same_as[witnesses]),
        claim_rows(overlap.batch_days.take(claimants), batch=job.batch, rule=job.rule),
        claim_rows(alone, batch=overlap.batch[split], rule=GUARDED),
    ]
    changed = overlap.merged.is_changed
    updating = np.flatnonzero(is_split[overlap.differs] | changed)
    update = overlap.differs[updating]
    rows = day_rows(
        overlap.batch_days.days[update],
        overlap.merged.slots.take(updating),
        batch=np.where(changed[updating], job.batch, overlap.batch[update]),
        contested=True,
        unflagged=False,
    )
    return rows, overlap.row[update], pl.concat(new_claims)


def _earlier_claim(job: MonthJob, batch_days: BatchDays) -> np.ndarray:
    """Return, for each contested day, the first batch with an identical claim, or 0."""
    same_as = np.zeros(len(batch_days), dtype=np.int64)
    if not job.claim_files:
        return same_as
    wanted = batch_days.days.select(KEY).with_columns(at=pl.int_range(len(batch_days), dtype=pl.Int64))
    claims = (
        job.storage.scan(job.claim_files, CLAIM)
        .filter(pl.col("same_as").is_null())
        .join(wanted.lazy(), on=KEY, how="inner")
        .sort("batch", descending=True)
        .collect()
    )
    at = claims["at"].to_numpy()
    fits = claims["values"].list.len().to_numpy() == batch_days.slots.lengths[at]
    claims, at = claims.filter(pl.Series(fits)), at[fits]
    if len(claims):
        same = is_equal(Slots.from_frame(claims), batch_days.slots.take(at))
        same_as[at[same]] = claims["batch"].to_numpy()[same]  # newest first, so the oldest stays
    return same_as


def write_days(
    job: MonthJob,
    done: MonthDone,
    stored: StoredRows,
    *,
    updates: pl.DataFrame,
    updated: np.ndarray,
    new_rows: pl.DataFrame,
) -> None:
    """Rewrite the files that change, with the new rows, and small neighbours so that files stay few.

    updated : the stored rows that go, by index. updates : the rows that replace them, which may be fewer.
    """
    rewritten = np.unique(stored.file_of[updated])
    done.removed = [stored.paths[i] for i in rewritten]
    stays = np.isin(stored.file_of, rewritten)
    stays[updated] = False
    # A day corrected once is likely to be corrected again: smaller files mean less to rewrite, by two threads.
    most = ROW_GROUP_ROWS if len(updates) else FILE_ROWS
    parts = [updates, new_rows]
    if len(new_rows):
        neighbours = _neighbours(job.day_files, done.removed, int(stays.sum()) + len(updates) + len(new_rows), most)
        parts.append(read_stored_rows(job.storage, neighbours).frame)
        done.removed += neighbours
    rows, kept = _behind(stored.frame, np.flatnonzero(stays), [part for part in parts if len(part)])
    write_rows(
        job.storage,
        done.added,
        rows,
        layer=DAY,
        month=job.month,
        bucket=job.bucket,
        batch=job.batch,
        kept=kept,
        most=most,
    )


def _behind(
    stored: pl.DataFrame, stays: np.ndarray, parts: list[pl.DataFrame]
) -> tuple[pl.DataFrame, np.ndarray | None]:
    """Return the stored rows and the parts concatenated, and the indices of the rows to keep (None: all)."""
    if not len(stays):
        return pl.concat(parts) if parts else stored.clear(), None
    others = np.arange(len(stored), len(stored) + sum(len(part) for part in parts))
    return pl.concat([stored, *parts]), np.concatenate([stays, others])


def _neighbours(days: pl.DataFrame, removed: list[str], rows: int, most: int) -> list[str]:
    others = days.filter(~pl.col("path").is_in(removed)).sort("rows", "path")
    chosen = []
    for path, size in others.select("path", "rows").iter_rows():
        if size > MERGE_RATIO * rows or size + rows > most:
            break
        chosen.append(path)
        rows += size
    return chosen


def _by_series(batch_days: BatchDays, counts: np.ndarray) -> pl.DataFrame:
    """Sum the counts of each series; the days are sorted by series."""
    series = batch_days.days["series"].to_numpy()
    starts = np.flatnonzero(np.r_[True, series[1:] != series[:-1]]) if len(series) else np.zeros(0, dtype=np.int64)
    sums = np.add.reduceat(counts, starts, axis=0) if len(series) else counts
    columns = {name: pl.Series(sums[:, n]) for n, name in enumerate(COUNTS[:4])}
    frame = pl.DataFrame({"series": pl.Series(series[starts], dtype=pl.Int32), **columns})
    return frame.with_columns(removed=pl.lit(0, pl.Int64))
