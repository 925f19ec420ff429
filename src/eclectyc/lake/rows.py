"""Rows of the two layers: made out of slots, read with their provenance, found by key, written as files."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from eclectyc.kernel.failpoints import failpoint
from eclectyc.kernel.quality import ACTUAL, UNFLAGGED
from eclectyc.lake.files import NewFile, Storage
from eclectyc.lake.schema import CLAIM_COLUMNS, DAY, DAY_COLUMNS, FILE_ROWS, empty
from eclectyc.lake.slot_arrays import Slots, ragged, summarise
from eclectyc.lake.validate import BatchDays, key_of


@dataclass(frozen=True, slots=True)
class StoredRows:
    """Day rows out of several files. ``file_of`` tells which file each row is from; ``key`` is not sorted.

    stored : the rows as they are stored, most of which are only written again: see ``told_quality``.
    """

    frame: pl.DataFrame
    key: np.ndarray
    file_of: np.ndarray
    paths: list[str]

    def rows(self, at: np.ndarray) -> pl.DataFrame:
        """Return some of the rows, by index, with the quality of every slot."""
        is_all = len(at) == len(self.frame) and bool((at == np.arange(len(at))).all())
        return with_quality(self.frame if is_all else self.frame[at])


def read_stored_rows(storage: Storage, paths: list[str]) -> StoredRows:
    """Read whole day files, remembering which row is from which."""
    if not paths:
        return StoredRows(empty(DAY_COLUMNS), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), [])
    frames = _read_stored(storage, paths, None)
    stored = pl.concat(frames)
    return StoredRows(stored, key_of(stored), np.repeat(np.arange(len(paths)), [len(f) for f in frames]), paths)


def read_days(storage: Storage, paths: list[str], wanted: pl.Expr | None = None) -> list[pl.DataFrame]:
    """Read day rows with their slots, one frame a file."""
    return [with_quality(frame) for frame in _read_stored(storage, paths, wanted)]


def _read_stored(storage: Storage, paths: list[str], wanted: pl.Expr | None) -> list[pl.DataFrame]:
    """Read day rows as they are stored; quality only from files that have a day with estimated slots."""
    scans = [storage.scan([path], DAY) for path in paths]
    if wanted is not None:
        scans = [scan.filter(wanted) for scan in (_cut(scans, wanted) if storage.is_folder else scans)]
    frames = pl.collect_all([scan.drop("quality") for scan in scans])
    mixed = [n for n, frame in enumerate(frames) if (frame["estimated"] > 0).any()]
    qualities = pl.collect_all([scans[n].select("quality") for n in mixed])
    for n, quality in zip(mixed, qualities, strict=True):
        frames[n] = frames[n].hstack(quality)
    no_quality = pl.lit(None, dtype=DAY_COLUMNS["quality"]).alias("quality")
    return [(f if "quality" in f.columns else f.with_columns(no_quality)).select(DAY_COLUMNS.keys()) for f in frames]


def _cut(scans: list[pl.LazyFrame], wanted: pl.Expr) -> list[pl.LazyFrame]:
    """Cut each scan to the rows from the first that is wanted to the last.

    Rows stand in the order of their keys. Slots are decoded for a slice alone, where a filter has those of a whole
    row group decoded first (measured: 8 ms and 24 ms for 20 meters of 1,000). On an object store, reading the keys
    first would cost a round trip.
    """
    cut, columns = [], sorted(set(wanted.meta.root_names()))
    for scan, keys in zip(scans, pl.collect_all([scan.select(columns) for scan in scans]), strict=True):
        rows = keys.select(wanted).to_series().arg_true()
        first, end = (rows[0], rows[-1] + 1) if len(rows) else (0, 0)
        cut.append(scan.slice(first, end - first))
    return cut


def without_implied_quality(rows: pl.DataFrame) -> pl.DataFrame:
    """Return day rows as they are stored: quality only where it tells something.

    The quality of a day without estimated slots follows from its values (actual where there is one), so null stands
    for it: writing it costs nearly as much time as writing the values themselves (measured: 40 % of the encoding).
    """
    is_told = pl.col("estimated") > 0
    return rows.with_columns(quality=pl.when(is_told).then("quality"))


def with_quality(rows: pl.DataFrame) -> pl.DataFrame:
    """Return stored day rows with the quality of every slot."""
    no_quality = rows["quality"].null_count()
    if not no_quality:
        return rows
    implied = _implied_quality(rows["values"])
    return rows.with_columns(implied if no_quality == len(rows) else pl.coalesce("quality", implied).alias("quality"))


def _implied_quality(values: pl.Series) -> pl.Series:
    """Return the quality of days that hold actual readings and gaps only."""
    flat = values.explode(empty_as_null=False)
    quality = flat.is_not_null().cast(pl.Int8) * ACTUAL
    return ragged(quality, values.list.len().to_numpy().astype(np.int64)).alias("quality")


def match(stored_keys: np.ndarray, said: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which said days are held (bool), and for those the row that holds them."""
    if not len(stored_keys):
        return np.zeros(len(said), dtype=bool), np.zeros(0, dtype=np.int64)
    order = None if bool((stored_keys[1:] > stored_keys[:-1]).all()) else np.argsort(stored_keys)
    ordered = stored_keys if order is None else stored_keys[order]
    at = np.minimum(np.searchsorted(ordered, said), len(stored_keys) - 1)
    hit = ordered[at] == said
    return hit, at[hit] if order is None else order[at[hit]]


def day_rows(
    days: pl.DataFrame,
    merged: Slots,
    *,
    batch: int | np.ndarray,
    contested: bool | np.ndarray,
    unflagged: bool | np.ndarray,
) -> pl.DataFrame:
    """Return day rows with their summaries. days : series, day, step."""
    size = len(days)
    frame = days.with_columns(
        **merged.columns(),
        **summarise(merged),
        batch=pl.Series(np.broadcast_to(np.asarray(batch, dtype=np.int64), size)),
        contested=pl.Series(np.broadcast_to(np.asarray(contested, dtype=bool), size)),
        unflagged=pl.Series(np.broadcast_to(np.asarray(unflagged, dtype=bool), size)),
    )
    return frame.select(DAY_COLUMNS.keys())


def claim_rows(
    said: BatchDays, *, batch: int | np.ndarray, rule: int, same_as: np.ndarray | None = None
) -> pl.DataFrame:
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


def as_claimed(merged: Slots, is_unflagged: np.ndarray) -> Slots:
    """Return laid days as the one batch that told them said them: without a flag where it gave none."""
    if not is_unflagged.any():
        return merged
    flagless = np.repeat(is_unflagged, merged.lengths) & (merged.quality == ACTUAL)
    return Slots(merged.values, np.where(flagless, np.int8(UNFLAGGED), merged.quality), merged.lengths)


def write_rows(
    storage: Storage,
    added: list[NewFile],
    rows: pl.DataFrame,
    *,
    layer: str,
    month: str,
    bucket: str,
    batch: int,
    kept: np.ndarray | None = None,
    most: int = FILE_ROWS,
) -> None:
    """Write rows, in the order of their keys, as one file, or several of about equal size where they are more than
    ``most``.

    kept : which of them, by index; None for all. They are copied into their order once, each file's by its own thread.
    """
    key = key_of(rows) if kept is None else key_of(rows)[kept]
    if not len(key):
        return
    if not (key[1:] >= key[:-1]).all():
        order = np.argsort(key, kind="stable")
        kept = order if kept is None else kept[order]

    def write(edges: tuple[int, int]) -> NewFile:
        piece = rows[slice(*edges)] if kept is None else rows[kept[slice(*edges)]]
        piece = without_implied_quality(piece) if layer == DAY else piece
        return storage.write(piece, layer=layer, month=month, bucket=bucket, batch=batch)

    parts = -(-len(key) // most)
    edges = [len(key) * n // parts for n in range(parts + 1)]
    with ThreadPoolExecutor(min(parts, os.cpu_count() or 1), thread_name_prefix="lake-file") as pool:
        for file in pool.map(write, pairwise(edges)):
            added.append(file)
            failpoint("lake.between_files")
