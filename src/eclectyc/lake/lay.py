"""One month of a batch laid over what the lake holds: which files to write, which to replace, and the counts.

Nothing here commits. A month is worked on by itself, so months can be worked on side by side, here or on a
cluster, and memory stays at a month or two.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import polars as pl

from eclectyc.kernel.failpoints import failpoint
from eclectyc.kernel.quality import ACTUAL, MISSING, UNFLAGGED
from eclectyc.lake.check import Said, key_of
from eclectyc.lake.dense import Slots, laid_quality, summarise
from eclectyc.lake.errors import BadReadings
from eclectyc.lake.files import NewFile, Place
from eclectyc.lake.fold import Laid, lay
from eclectyc.lake.schema import (
    CLAIM,
    CLAIM_COLUMNS,
    DAY,
    DAY_COLUMNS,
    FILE_ROWS,
    GUARDED,
    KEY,
    empty,
)

COUNTS = ("added", "changed", "unchanged", "kept")
MERGE_RATIO = 4  # a file joins a rewrite that has at least a quarter of its rows: few files, little rewriting


@dataclass(frozen=True, slots=True)
class MonthJob:
    """What one batch says of one month and bucket, and the files that bear on it (rows of a snapshot)."""

    place: Place
    month: str
    bucket: str
    said: Said
    days: pl.DataFrame  # day files of this month and bucket: path, rows, bears (may hold one of the said days)
    claims: list[str]
    batch: int
    rule: int
    writes: bool = True


@dataclass(slots=True)
class MonthDone:
    """Files written and replaced, and what became of the slots. counts : series and COUNTS; touched : KEY."""

    added: list[NewFile] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    counts: pl.DataFrame = field(default_factory=pl.DataFrame)
    touched: pl.DataFrame = field(default_factory=pl.DataFrame)


@dataclass(frozen=True, slots=True)
class Held:
    """Day rows out of several files. ``file_of`` tells which file each row is from; ``key`` is not sorted."""

    frame: pl.DataFrame
    key: np.ndarray
    file_of: np.ndarray
    paths: list[str]


@dataclass(frozen=True, slots=True)
class Met:
    """Said days that are already held. ``row`` is each one's row in the held frame."""

    row: np.ndarray
    held: Slots
    said: Said
    laid: Laid
    batch: np.ndarray  # of the held row
    is_contested: np.ndarray
    is_unflagged: np.ndarray


def lay_month(job: MonthJob) -> MonthDone:
    """Lay one month over the lake; write its new files unless the job is a preview."""
    bearing = job.days.filter(pl.col("bears"))["path"].to_list()
    held = read_held(job.place, bearing)
    hit, row = _match(held.key, job.said.key)
    fresh = job.said if not hit.any() else job.said.take(np.flatnonzero(~hit))
    counts = np.zeros((len(job.said), 4), dtype=np.int64)
    counts[~hit, 0] = fresh.slots.per_day(fresh.slots.quality != MISSING)
    new_rows, claims = _fresh_rows(fresh, job.batch, job.rule)
    updates = empty(DAY_COLUMNS)
    updated = np.zeros(0, dtype=np.int64)
    if hit.any():
        met = _meet(held, job.said.take(np.flatnonzero(hit)) if not hit.all() else job.said, row, job.rule)
        counts[hit] = met.laid.counts
        updates, updated, told = _settle(job, held, met)
        claims = pl.concat([claims, told])
    done = MonthDone(counts=_by_series(job.said, counts))
    done.touched = job.said.days.select(KEY).filter(pl.Series((counts[:, 0] + counts[:, 1]) > 0))
    if job.writes:
        _write_days(job, done, held, updates=updates, updated=updated, new_rows=new_rows)
        write_rows(job.place, done.added, claims, layer=CLAIM, month=job.month, bucket=job.bucket, batch=job.batch)
    return done


def read_held(place: Place, paths: list[str]) -> Held:
    """Read whole day files, remembering which row is from which."""
    if not paths:
        return Held(empty(DAY_COLUMNS), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), [])
    frames = pl.collect_all([place.scan([path], DAY) for path in paths])
    frame = pl.concat(frames)
    return Held(frame, key_of(frame), np.repeat(np.arange(len(paths)), [len(f) for f in frames]), paths)


def _match(held: np.ndarray, said: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which said days are held (bool), and for those the row that holds them."""
    if not len(held):
        return np.zeros(len(said), dtype=bool), np.zeros(0, dtype=np.int64)
    order = None if bool((held[1:] > held[:-1]).all()) else np.argsort(held)
    ordered = held if order is None else held[order]
    at = np.minimum(np.searchsorted(ordered, said), len(held) - 1)
    hit = ordered[at] == said
    return hit, at[hit] if order is None else order[at[hit]]


def _fresh_rows(said: Said, batch: int, rule: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return day rows for days not held yet, and the claims that a day row cannot tell by itself."""
    if not len(said):
        return empty(DAY_COLUMNS), empty(CLAIM_COLUMNS)
    slots = said.slots
    flagless = slots.quality == UNFLAGGED
    is_unflagged = slots.per_day(flagless) > 0
    mixed = np.zeros(len(said), dtype=bool)
    if is_unflagged.any():
        mixed = is_unflagged & (slots.per_day(slots.quality == ACTUAL) > 0)
        laid = Slots(slots.values, laid_quality(slots.quality), slots.lengths)
    else:
        laid = slots
    rows = day_rows(said.days, laid, batch=batch, contested=mixed, unflagged=is_unflagged & ~mixed)
    if not mixed.any():
        return rows, empty(CLAIM_COLUMNS)
    return rows, claim_rows(said.take(np.flatnonzero(mixed)), batch=batch, rule=rule)


def day_rows(
    days: pl.DataFrame,
    laid: Slots,
    *,
    batch: int | np.ndarray,
    contested: bool | np.ndarray,
    unflagged: bool | np.ndarray,
) -> pl.DataFrame:
    """Return day rows with their summaries. days : series, day, step."""
    size = len(days)
    frame = days.with_columns(
        **laid.columns(),
        **summarise(laid),
        batch=pl.Series(np.broadcast_to(np.asarray(batch, dtype=np.int64), size)),
        contested=pl.Series(np.broadcast_to(np.asarray(contested, dtype=bool), size)),
        unflagged=pl.Series(np.broadcast_to(np.asarray(unflagged, dtype=bool), size)),
    )
    return frame.select(DAY_COLUMNS.keys())


def claim_rows(said: Said, *, batch: int | np.ndarray, rule: int, same_as: np.ndarray | None = None) -> pl.DataFrame:
    """Return claim rows: the slots themselves, or for a witness (``same_as``) only whose they are."""
    size = len(said)
    slots = said.slots.columns() if same_as is None else {}
    frame = said.days.with_columns(
        **slots,
        batch=pl.Series(np.broadcast_to(np.asarray(batch, dtype=np.int64), size)),
        rule=pl.lit(rule, dtype=pl.Int8),
    )
    if same_as is not None:
        frame = frame.with_columns(same_as=pl.Series(same_as.astype(np.int64)))
    absent = {name: dtype for name, dtype in CLAIM_COLUMNS.items() if name not in frame.columns}
    frame = frame.with_columns(pl.lit(None, dtype=dtype).alias(name) for name, dtype in absent.items())
    return frame.select(CLAIM_COLUMNS.keys())


def _meet(held: Held, said: Said, row: np.ndarray, rule: int) -> Met:
    rows = held.frame if len(row) == len(held.frame) and (row == np.arange(len(row))).all() else held.frame[row]
    slots = Slots.of(rows)
    wrong = (slots.lengths != said.slots.lengths) | (rows["step"].to_numpy() != said.days["step"].to_numpy())
    if wrong.any():
        series, day, step = rows.filter(pl.Series(wrong)).select("series", "day", "step").row(0)
        raise BadReadings(
            f"Series {series} holds {day} in other slots (every {step} min).",
            "Its step or its site's time zone has changed since: undo the earlier batches first.",
        )
    return Met(
        row=row,
        held=slots,
        said=said,
        laid=lay(slots, said.slots, rule),
        batch=rows["batch"].to_numpy(),
        is_contested=rows["contested"].to_numpy(),
        is_unflagged=rows["unflagged"].to_numpy(),
    )


def _settle(job: MonthJob, held: Held, met: Met) -> tuple[pl.DataFrame, np.ndarray, pl.DataFrame]:
    """Return the day rows that change, the held rows that they replace, and the claims to note."""
    first = _as_said(met)
    is_witness = ~met.is_contested & is_equal(first, met.said.slots)
    same_as = np.where(is_witness, met.batch, 0)
    contested = np.flatnonzero(met.is_contested)
    if len(contested):
        same_as[contested] = _earlier_claim(job, met.said.take(contested))
    witnesses, speakers = np.flatnonzero(same_as), np.flatnonzero(same_as == 0)
    is_split = ~met.is_contested & ~is_witness
    split = np.flatnonzero(is_split)
    told = [
        claim_rows(met.said.take(witnesses), batch=job.batch, rule=job.rule, same_as=same_as[witnesses]),
        claim_rows(met.said.take(speakers), batch=job.batch, rule=job.rule),
        claim_rows(
            Said(met.said.days[split], met.said.key[split], first.take(split)), batch=met.batch[split], rule=GUARDED
        ),
    ]
    changed = met.laid.is_changed
    update = np.flatnonzero(is_split | changed)
    rows = day_rows(
        met.said.days[update],
        met.laid.slots.take(update),
        batch=np.where(changed, job.batch, met.batch)[update],
        contested=True,
        unflagged=False,
    )
    return rows, met.row[update], pl.concat(told)


def _as_said(met: Met) -> Slots:
    """Return the held days as the one batch that told them said them: actual without a flag where it had none."""
    if not met.is_unflagged.any():
        return met.held
    flagless = np.repeat(met.is_unflagged, met.held.lengths) & (met.held.quality == ACTUAL)
    return Slots(met.held.values, np.where(flagless, np.int8(UNFLAGGED), met.held.quality), met.held.lengths)


def is_equal(one: Slots, other: Slots) -> np.ndarray:
    """Say for each day whether two claims are the same in every slot, value and quality."""
    differs = one.quality != other.quality
    differs |= (one.values != other.values) & (one.quality != MISSING)
    return one.per_day(differs) == 0


def _earlier_claim(job: MonthJob, said: Said) -> np.ndarray:
    """Return, for each contested day, the batch that once said exactly the same, or 0."""
    same_as = np.zeros(len(said), dtype=np.int64)
    if not job.claims:
        return same_as
    wanted = said.days.select(KEY).with_columns(at=pl.int_range(len(said), dtype=pl.Int64))
    claims = (
        job.place.scan(job.claims, CLAIM)
        .filter(pl.col("same_as").is_null())
        .join(wanted.lazy(), on=KEY, how="inner")
        .sort("batch", descending=True)
        .collect()
    )
    at = claims["at"].to_numpy()
    fits = claims["values"].list.len().to_numpy() == said.slots.lengths[at]
    claims, at = claims.filter(pl.Series(fits)), at[fits]
    if len(claims):
        same = is_equal(Slots.of(claims), said.slots.take(at))
        same_as[at[same]] = claims["batch"].to_numpy()[same]  # newest first, so the oldest stays
    return same_as


def _write_days(
    job: MonthJob,
    done: MonthDone,
    held: Held,
    *,
    updates: pl.DataFrame,
    updated: np.ndarray,
    new_rows: pl.DataFrame,
) -> None:
    """Write the files that change anew, with the new rows, and small neighbours so that files stay few."""
    rewritten = np.unique(held.file_of[updated])
    done.removed = [held.paths[i] for i in rewritten]
    stays = np.isin(held.file_of, rewritten)
    stays[updated] = False
    parts = [held.frame.filter(pl.Series(stays)), updates, new_rows]
    if len(new_rows):
        neighbours = _neighbours(job.days, done.removed, sum(len(part) for part in parts))
        parts.append(read_held(job.place, neighbours).frame)
        done.removed += neighbours
    rows = pl.concat([part for part in parts if len(part)] or parts[:1])
    write_rows(job.place, done.added, rows, layer=DAY, month=job.month, bucket=job.bucket, batch=job.batch)


def _neighbours(days: pl.DataFrame, removed: list[str], rows: int) -> list[str]:
    others = days.filter(~pl.col("path").is_in(removed)).sort("rows", "path")
    chosen = []
    for path, size in others.select("path", "rows").iter_rows():
        if size > MERGE_RATIO * rows or size + rows > FILE_ROWS:
            break
        chosen.append(path)
        rows += size
    return chosen


def write_rows(
    place: Place, added: list[NewFile], rows: pl.DataFrame, *, layer: str, month: str, bucket: str, batch: int
) -> None:
    """Write rows as one file, or several of about equal size where they are many."""
    if rows.is_empty():
        return
    key = key_of(rows)
    if not (key[1:] >= key[:-1]).all():
        rows = rows[np.argsort(key, kind="stable")]
    parts = -(-len(rows) // FILE_ROWS)
    edges = [len(rows) * n // parts for n in range(parts + 1)]
    for start, end in pairwise(edges):
        part = rows[start:end]
        added.append(place.write(part, layer=layer, month=month, bucket=bucket, batch=batch))
        failpoint("lake.between_files")


def _by_series(said: Said, counts: np.ndarray) -> pl.DataFrame:
    """Sum the counts of each series; the days are sorted by series."""
    series = said.days["series"].to_numpy()
    starts = np.flatnonzero(np.r_[True, series[1:] != series[:-1]]) if len(series) else np.zeros(0, dtype=np.int64)
    sums = np.add.reduceat(counts, starts, axis=0) if len(series) else counts
    columns = {name: pl.Series(sums[:, n]) for n, name in enumerate(COUNTS)}
    return pl.DataFrame({"series": pl.Series(series[starts], dtype=pl.Int32), **columns})
