"""Replace derived days: a new batch supersedes what earlier batches of the same derivation stored.

Consumption derived from register reads changes when a read comes late, is corrected or is undone. The batch that
recalculates it contains the days of some spans as they are now; the claims of earlier batches on these spans are
marked undone in the same commit, and remain in the history. Claims of other batches on the same days, such as a
supplier's own totals, are merged with the new ones by the usual rules. A day that has not changed is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from eclectyc.kernel.quality import MISSING
from eclectyc.lake.errors import BadReadings
from eclectyc.lake.files import Storage
from eclectyc.lake.history import merge_claims, with_values
from eclectyc.lake.lease import Lease
from eclectyc.lake.merge_month import COUNTS, MonthDone, MonthJob, fresh_rows, write_days
from eclectyc.lake.parallel import map_slices
from eclectyc.lake.precedence import is_equal, missing_days
from eclectyc.lake.rows import as_claimed, claim_rows, match, read_stored_rows, write_rows
from eclectyc.lake.schema import BATCH_COLUMNS, CLAIM, CLAIM_COLUMNS, DAY, GUARDED, KEY, empty
from eclectyc.lake.slot_arrays import Slots, stored_quality
from eclectyc.lake.snapshot import Snapshot
from eclectyc.lake.validate import BatchDays, key_of, months_once, validate
from eclectyc.lake.write import WriteResult, commit_months, retryable


@dataclass(frozen=True, slots=True)
class DerivedSpans:
    """The days to replace: half-open spans, sorted by series and start. earlier : the numbers of the batches that are
    superseded on them; None: all batches."""

    series: np.ndarray
    start: np.ndarray  # [days since 1970]
    end: np.ndarray
    earlier: np.ndarray | None

    @classmethod
    def from_frame(cls, spans: pl.DataFrame, earlier: Collection[int] | None) -> DerivedSpans:
        """Return the spans of a frame of series, start, end (dates); spans of one series must not overlap."""
        spans = spans.sort("series", "start")
        start, end = (spans[name].to_physical().to_numpy().astype(np.int64) for name in ("start", "end"))
        series = spans["series"].to_numpy()
        if ((series[1:] == series[:-1]) & (start[1:] < end[:-1])).any():
            raise BadReadings("Two spans of a series overlap.", "Give each day of a series once.")
        numbers = None if earlier is None else np.sort(np.array(list(earlier), dtype=np.int64))
        return cls(series, start, end, numbers)

    def contain(self, frame: pl.DataFrame) -> np.ndarray:
        """Return which rows of a frame of series and day lie within a span."""
        if not len(self.series):
            return np.zeros(len(frame), dtype=bool)
        opens = (self.series.astype(np.int64) << 32) + self.start
        at = np.maximum(np.searchsorted(opens, key_of(frame), side="right") - 1, 0)
        series, day = frame["series"].to_numpy(), frame["day"].to_physical().to_numpy()
        return (self.series[at] == series) & (self.start[at] <= day) & (day < self.end[at])

    def superseded(self, claims: pl.DataFrame) -> np.ndarray:
        """Return which claims are in effect and belong to a superseded batch."""
        counts = claims["undone_by"].is_null().to_numpy()
        return counts if self.earlier is None else counts & np.isin(claims["batch"].to_numpy(), self.earlier)

    def touch(self, month: str) -> bool:
        first, end = _days_of(month)
        return bool(((self.start < end) & (self.end > first)).any())

    def file_filter(self, first_day: int, end_day: int) -> pl.Expr:
        """Return the filter of files that may hold one of the days between two days [since 1970]."""
        here = (self.start < end_day) & (self.end > first_day)
        if not here.any():
            return pl.lit(False)
        first, end = max(int(self.start[here].min()), first_day), min(int(self.end[here].max()), end_day)
        reach = (pl.col("first_series") <= int(self.series[here].max())) & (
            pl.col("last_series") >= int(self.series[here].min())
        )
        days = pl.col("first_day").to_physical() < end
        return reach & days & (pl.col("last_day").to_physical() >= first)


@dataclass(frozen=True, slots=True)
class RederiveJob:
    """One month and bucket: its new days, which may be none, and the spans."""

    month: MonthJob
    spans: DerivedSpans


def replace_spans(
    storage: Storage,
    months: Iterable[pl.DataFrame],
    spans: DerivedSpans,
    *,
    buckets: int,
    lease: Lease,
    batch: int,
    before_commit: Callable[[WriteResult], None] | None = None,
) -> WriteResult:
    """Replace the days of some spans in one commit. Every day of the batch must lie within a span of its series."""
    return commit_months(
        storage,
        lambda base: map_slices(rederive_month, _jobs(storage, base, months, spans, batch)),
        buckets=buckets,
        lease=lease,
        batch=batch,
        why=f"batch {batch} rederives",
        retry_on=retryable(months),
        before_commit=before_commit,
    )


def preview_replace(
    storage: Storage, snapshot: Snapshot, months: Iterable[pl.DataFrame], spans: DerivedSpans
) -> WriteResult:
    """Return what :func:`replace_spans` would do; nothing is written."""
    jobs = _jobs(storage, snapshot, months, spans, snapshot.last_batch + 1, writes=False)
    return WriteResult.from_months(list(map_slices(rederive_month, jobs)))


def _jobs(
    storage: Storage,
    snapshot: Snapshot,
    months: Iterable[pl.DataFrame],
    spans: DerivedSpans,
    batch: int,
    *,
    writes: bool = True,
) -> Iterator[RederiveJob]:
    """Yield the months with new days, then those in which earlier days may have to go."""
    seen: set[str] = set()
    for month, part in months_once(months):
        seen.add(month)
        yield from _jobs_of(storage, snapshot, month, validate(part), spans, batch, writes=writes)
    for month in sorted(set(snapshot.files["month"].to_list()) - seen):
        if spans.touch(month):
            batch_days = validate(pl.DataFrame(schema=BATCH_COLUMNS))
            yield from _jobs_of(storage, snapshot, month, batch_days, spans, batch, writes=writes)


def _jobs_of(
    storage: Storage,
    snapshot: Snapshot,
    month: str,
    batch_days: BatchDays,
    spans: DerivedSpans,
    batch: int,
    *,
    writes: bool,
) -> Iterator[RederiveJob]:
    """Yield the buckets of a month that have any work."""
    if not spans.contain(batch_days.days).all():
        raise BadReadings("A day lies outside the spans of its series.", "Widen the span.")
    overlaps = spans.file_filter(*_days_of(month))
    for bucket in range(snapshot.buckets):
        here = (pl.col("month") == month) & (pl.col("bucket") == str(bucket))
        files = snapshot.files.filter(here).select("layer", "path", "rows", overlaps=overlaps)
        days = files.filter(pl.col("layer") == DAY).drop("layer")
        claims = files.filter((pl.col("layer") == CLAIM) & pl.col("overlaps"))["path"].to_list()
        own = batch_days.take(np.flatnonzero(batch_days.days["series"].to_numpy() % snapshot.buckets == bucket))
        if len(own) or claims or days["overlaps"].any():
            yield RederiveJob(
                MonthJob(storage, month, str(bucket), own, days, claims, batch, GUARDED, writes=writes), spans
            )


def _days_of(month: str) -> tuple[int, int]:
    """Return a month's first day and the day after its last [days since 1970]."""
    first, end = ((np.datetime64(month, "M") + n).astype("datetime64[D]").astype(np.int64) for n in (0, 1))
    return int(first), int(end)


def rederive_month(job: RederiveJob) -> MonthDone:
    """Replace the days of one month; write its new files unless the job is a preview."""
    month, batch_days = job.month, job.month.batch_days
    stored = read_stored_rows(month.storage, month.day_files.filter(pl.col("overlaps"))["path"].to_list())
    here = np.flatnonzero(job.spans.contain(stored.frame))
    known = _known_claims(job, stored.rows(here))
    is_old = known["is_old"].to_numpy()
    same = _is_unchanged(known.filter(pl.Series(is_old)), batch_days)
    work = np.setdiff1d(np.union1d(key_of(known)[is_old], batch_days.key), batch_days.key[same], assume_unique=True)
    before = here[np.isin(stored.key[here], work)]
    is_fresh = ~np.isin(batch_days.key, stored.key) & ~np.isin(batch_days.key, key_of(known))
    again = batch_days.take(np.flatnonzero(~is_fresh & ~same))
    merged = _merged_rows(job, known, work, again)
    rows, claims = fresh_rows(batch_days.take(np.flatnonzero(is_fresh)), month.batch, month.rule)
    left = stored.rows(here[np.isin(stored.key[here], batch_days.key[same])])
    done = MonthDone()
    _count(done, batch_days, pl.concat([stored.rows(before), left]), pl.concat([merged, rows, left]))
    if month.writes:
        is_update, _ = match(np.sort(stored.key[before]), key_of(merged))
        new_rows = pl.concat([merged.filter(pl.Series(~is_update)), rows])
        updates = merged.filter(pl.Series(is_update))
        write_days(month, done, stored, updates=updates, updated=before, new_rows=new_rows)
        _write_claims(job, done, pl.concat([claims, _new_claims(job, known, work, again)]), work)
    return done


def _known_claims(job: RederiveJob, rows: pl.DataFrame) -> pl.DataFrame:
    """Return every claim on the days concerned, with values, and ``is_old`` and ``is_alone``.

    These days are the new ones and those with a claim of a superseded batch (``is_old``). A day row that is not
    contested is a claim too (``is_alone``).
    """
    spans, batch_days = job.spans, job.month.batch_days
    claims = empty(CLAIM_COLUMNS)
    if job.month.claim_files:
        claims = job.month.storage.scan(job.month.claim_files, CLAIM).collect()
        claims = claims.filter(pl.Series(spans.contain(claims)))
    alone = rows.filter(~pl.col("contested"))
    slots = as_claimed(Slots.from_frame(alone), alone["unflagged"].to_numpy())
    days = BatchDays(alone.select("series", "day", "step"), key_of(alone), slots)
    implied = claim_rows(days, batch=alone["batch"].to_numpy(), rule=GUARDED)
    every = with_values(pl.concat([claims.with_columns(is_alone=False), implied.with_columns(is_alone=True)]))
    is_old = spans.superseded(every)
    every = every.with_columns(is_old=pl.Series(is_old, dtype=pl.Boolean))
    key = key_of(every)
    matters = np.isin(key, np.union1d(key[is_old], batch_days.key))
    return every.filter(pl.Series(matters))


def _is_unchanged(old: pl.DataFrame, batch_days: BatchDays) -> np.ndarray:
    """Return which new days equal the one claim of a superseded batch."""
    same = np.zeros(len(batch_days), dtype=bool)
    key = key_of(old)
    values, counts = np.unique(key, return_counts=True)
    once = old.filter(pl.Series(np.isin(key, values[counts == 1])))
    hit, row = match(key_of(once), batch_days.key)
    at = np.flatnonzero(hit)
    if len(at):
        earlier = Slots.from_frame(once[row])
        _refuse_other_slots(earlier.lengths != batch_days.slots.lengths[at], batch_days, at)
        same[at] = is_equal(earlier, batch_days.slots.take(at))
    return same


def _refuse_other_slots(wrong: np.ndarray, batch_days: BatchDays, at: np.ndarray) -> None:
    if wrong.any():
        series, day = batch_days.days.select(KEY).row(int(at[np.flatnonzero(wrong)[0]]))
        raise BadReadings(
            f"Series {series} has {day} stored with another number of slots.",
            "Its site's time zone has changed since: undo the earlier batches first.",
        )


def _merged_rows(job: RederiveJob, known: pl.DataFrame, work: np.ndarray, batch_days: BatchDays) -> pl.DataFrame:
    """Return the merged rows of the days to replace; a day without any claim left has none."""
    lives = known["undone_by"].is_null().to_numpy() & ~known["is_old"].to_numpy() & np.isin(key_of(known), work)
    others = known.filter(pl.Series(lives)).select(CLAIM_COLUMNS.keys())
    hit, row = match(key_of(others), batch_days.key)
    at = np.flatnonzero(hit)
    if len(at):
        lengths = others["values"].list.len().to_numpy()[row]
        _refuse_other_slots(lengths != batch_days.slots.lengths[at], batch_days, at)
    return merge_claims(pl.concat([others, claim_rows(batch_days, batch=job.month.batch, rule=GUARDED)]))


def _new_claims(job: RederiveJob, known: pl.DataFrame, work: np.ndarray, batch_days: BatchDays) -> pl.DataFrame:
    """Return the claims that no file holds yet: the new ones, and those that were only day rows before."""
    alone = known.filter(pl.Series(known["is_alone"].to_numpy() & np.isin(key_of(known), work)))
    by = pl.when("is_old").then(pl.lit(job.month.batch, pl.Int64))
    alone = alone.with_columns(undone_by=by).select(CLAIM_COLUMNS.keys())
    return pl.concat([claim_rows(batch_days, batch=job.month.batch, rule=GUARDED), alone])


def _write_claims(job: RederiveJob, done: MonthDone, new_claims: pl.DataFrame, work: np.ndarray) -> None:
    """Write the new claims, and mark the superseded ones undone in the files that hold them."""
    month, parts = job.month, [new_claims]
    for path in month.claim_files:
        frame = month.storage.scan([path], CLAIM).collect()
        ours = job.spans.superseded(frame) & np.isin(key_of(frame), work) & job.spans.contain(frame)
        if ours.any():
            marked = pl.when(pl.Series(ours)).then(pl.lit(month.batch, pl.Int64)).otherwise(pl.col("undone_by"))
            parts.append(frame.with_columns(undone_by=marked))
            done.removed.append(path)
    rows = pl.concat(parts)
    write_rows(month.storage, done.added, rows, layer=CLAIM, month=month.month, bucket=month.bucket, batch=month.batch)


def _count(done: MonthDone, batch_days: BatchDays, before: pl.DataFrame, after: pl.DataFrame) -> None:
    """Count the new slots, and those that are no longer claimed, by outcome. before, after : day rows."""
    claimed_slots = Slots(batch_days.slots.values, stored_quality(batch_days.slots.quality), batch_days.slots.lengths)
    parts = [
        (batch_days.days, claimed_slots),
        *((rows.select("series", "day", "step"), Slots.from_frame(rows)) for rows in (before, after)),
    ]
    days = pl.concat([part for part, _ in parts]).unique(KEY, keep="any").sort(KEY)
    key, lengths = key_of(days), np.zeros(len(days), dtype=np.int64)
    for part, slots in parts:
        lengths[np.searchsorted(key, key_of(part))] = slots.lengths
    claimed, was, now = (
        missing_days(lengths).replace(np.searchsorted(key, key_of(part)), slots) for part, slots in parts
    )
    has_claim, had, has = (slots.quality != MISSING for slots in (claimed, was, now))
    is_laid = (now.values == claimed.values) & (now.quality == claimed.quality)
    differs = (now.quality != was.quality) | ((now.values != was.values) & has)
    flags = {
        "added": has_claim & is_laid & ~had,
        "changed": differs & had & has & (is_laid | ~has_claim),
        "unchanged": has_claim & is_laid & had & ~differs,
        "kept": has_claim & ~is_laid,
        "removed": had & ~has,
    }
    counts = {name: pl.Series(now.per_day(flags[name])) for name in COUNTS}
    done.counts = days.select("series").with_columns(**counts).group_by("series").agg(pl.col(*COUNTS).sum())
    done.touched = days.select(KEY).filter(pl.Series(now.per_day(differs) > 0))
