"""Read day rows. The log's statistics rule files out; only the needed columns are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Final, TypeVar

import numpy as np
import polars as pl

from eclectyc.lake.errors import CommitConflict
from eclectyc.lake.files import Storage
from eclectyc.lake.history import as_known_at
from eclectyc.lake.rows import read_days
from eclectyc.lake.schema import DAY, DAY_COLUMNS, KEY, READ_COLUMNS, SLOTS, empty
from eclectyc.lake.snapshot import Snapshot, Watch

Answer = TypeVar("Answer")
SUMMED: Final = ("total", "present", "slots", "estimated")
_SUM: Final = {"total": np.float64, "present": np.int64, "slots": np.int64, "estimated": np.int64}
MONTHLY_COLUMNS: Final[dict[str, pl.DataType]] = {
    "series": pl.Int32(),
    "month": pl.Date(),
    "total": pl.Float64(),
    "present": pl.Int64(),
    "slots": pl.Int64(),
    "estimated": pl.Int64(),
}
Series = Sequence[int] | np.ndarray | None


def ask_newest(watch: Watch, question: Callable[[Snapshot], Answer]) -> Answer:
    """Answer a question from the newest snapshot; try once more if a vacuum removed one of its files meanwhile."""
    try:
        return question(watch.now())
    except (FileNotFoundError, pl.exceptions.ComputeError, OSError) as error:
        snapshot = watch.reopen()
        try:
            return question(snapshot)
        except FileNotFoundError as again:
            raise CommitConflict(f"A file of the lake is missing: {again}.", "Run eclectyc check.") from error


def days(
    storage: Storage, snapshot: Snapshot, series: Series, start: date, end: date, *, values: bool, known_at: int | None
) -> pl.DataFrame:
    """Return the day rows of some series (None: all) on half-open days, sorted by series and day."""
    columns = [*READ_COLUMNS, *(SLOTS if values else ())]
    wanted = as_array(series)
    if known_at is not None and known_at < snapshot.last_batch:
        return as_known_at(storage, snapshot, wanted, start, end, known_at).select(columns)
    files = snapshot.pick(DAY, start=start, end=end, series=wanted)
    if files.is_empty() or (wanted is not None and not len(wanted)):
        return empty({name: DAY_COLUMNS[name] for name in columns})
    if values:
        rows = pl.concat(read_days(storage, files["path"].to_list(), row_filter(wanted, start, end)))
        return rows.select(columns).sort(KEY)
    scan = storage.scan(files["path"].to_list(), DAY).filter(row_filter(wanted, start, end))
    return scan.select(columns).sort(KEY).collect()


def as_array(series: Series) -> np.ndarray | None:
    """Return series as sorted int32, or None for all."""
    return None if series is None else np.unique(np.asarray(series, dtype=np.int32))


def row_filter(series: np.ndarray | None, start: date, end: date) -> pl.Expr:
    """Return the row filter of some series on half-open days; its bounds also prune row groups."""
    wanted = (pl.col("day") >= start) & (pl.col("day") < end)
    if series is None or not len(series):
        return wanted
    wanted &= (pl.col("series") >= int(series[0])) & (pl.col("series") <= int(series[-1]))
    if len(series) == int(series[-1]) - int(series[0]) + 1:
        return wanted
    return wanted & pl.col("series").is_in(pl.Series(series).implode())


def monthly(storage: Storage, snapshot: Snapshot, start: date, end: date, series: Series) -> pl.DataFrame:
    """Return each series' months: total (null where nothing is present), present, slots, estimated."""
    wanted = as_array(series)
    files = snapshot.pick(DAY, start=start, end=end, series=wanted)
    if files.is_empty() or (wanted is not None and not len(wanted)):
        return empty(MONTHLY_COLUMNS)
    scans = []
    for path, first, last in files.select("path", "first_day", "last_day").iter_rows():
        scan = storage.scan([path], DAY)
        is_inside = wanted is None and start <= first and last < end
        scans.append((scan if is_inside else scan.filter(row_filter(wanted, start, end))).select("series", *SUMMED))
    parts = [_sum_runs(frame) for frame in pl.collect_all(scans)]
    months = np.array(files["month"].to_list(), dtype="datetime64[D]")
    frame = pl.DataFrame(
        {
            "series": np.concatenate([of for of, _ in parts]),
            "month": np.repeat(months, [len(of) for of, _ in parts]),
            **{name: np.concatenate([sums[name] for _, sums in parts]) for name in SUMMED},
        },
        schema=MONTHLY_COLUMNS,
    )
    if files["month"].n_unique() < len(files):  # parts of a month in several files
        frame = frame.group_by("series", "month").agg(pl.col(*SUMMED).sum())
    has_any = pl.col("present") > 0
    return frame.with_columns(pl.when(has_any).then(pl.col("total"))).sort("series", "month")


def _sum_runs(rows: pl.DataFrame) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Sum the rows of each series of one file, which is sorted by series; return the series and their sums."""
    series = rows["series"].to_numpy()
    if not len(series):
        return series, {name: np.zeros(0) for name in SUMMED}
    starts = np.flatnonzero(np.r_[True, series[1:] != series[:-1]])
    filled = rows.with_columns(pl.col("total").fill_null(0)) if rows["total"].null_count() else rows
    sums = {name: np.add.reduceat(filled[name].to_numpy(), starts, dtype=_SUM[name]) for name in SUMMED}
    return series[starts], sums


def span(storage: Storage, snapshot: Snapshot, series: Series) -> pl.DataFrame:
    """Return the first and last day of each series."""
    wanted = as_array(series)
    files = snapshot.pick(DAY, series=wanted)
    if files.is_empty() or (wanted is not None and not len(wanted)):
        return empty({"series": pl.Int32(), "first": pl.Date(), "last": pl.Date()})
    scan = storage.scan(files["path"].to_list(), DAY)
    if wanted is not None:
        scan = scan.filter(row_filter(wanted, date.min, date.max))
    day = pl.col("day")
    return scan.group_by("series").agg(day.min().alias("first"), day.max().alias("last")).sort("series").collect()
