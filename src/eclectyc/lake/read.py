"""Questions asked of the day rows. Files are pruned by what the log says of them; only needed columns are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TypeVar

import numpy as np
import polars as pl

from eclectyc.lake.errors import Conflict
from eclectyc.lake.files import Place
from eclectyc.lake.history import as_known_at
from eclectyc.lake.rows import read_days
from eclectyc.lake.schema import DAY, DAY_COLUMNS, KEY, READ_COLUMNS, SLOTS, empty
from eclectyc.lake.snapshot import Snapshot, Watch

Answer = TypeVar("Answer")
Series = Sequence[int] | np.ndarray | None


def steady(watch: Watch, question: Callable[[Snapshot], Answer]) -> Answer:
    """Answer a question of the newest snapshot; once more if a file of it was vacuumed away meanwhile."""
    try:
        return question(watch.now())
    except (FileNotFoundError, pl.exceptions.ComputeError, OSError) as error:
        snapshot = watch.anew()
        try:
            return question(snapshot)
        except FileNotFoundError as again:
            raise Conflict(f"A file of the lake is not there: {again}.", "Run eclectyc check.") from error


def days(
    place: Place, snapshot: Snapshot, series: Series, start: date, end: date, *, values: bool, known_at: int | None
) -> pl.DataFrame:
    """Return the day rows of some series (None: all) on half-open days, sorted by series and day."""
    columns = [*READ_COLUMNS, *(SLOTS if values else ())]
    wanted = as_array(series)
    if known_at is not None and known_at < snapshot.last_batch:
        return as_known_at(place, snapshot, wanted, start, end, known_at).select(columns)
    files = snapshot.pick(DAY, start=start, end=end, series=wanted)
    if files.is_empty() or (wanted is not None and not len(wanted)):
        return empty({name: DAY_COLUMNS[name] for name in columns})
    if values:
        rows = pl.concat(read_days(place, files["path"].to_list(), inside(wanted, start, end)))
        return rows.select(columns).sort(KEY)
    scan = place.scan(files["path"].to_list(), DAY).filter(inside(wanted, start, end))
    return scan.select(columns).sort(KEY).collect()


def as_array(series: Series) -> np.ndarray | None:
    """Return the wanted series as sorted int32, or None for all."""
    return None if series is None else np.unique(np.asarray(series, dtype=np.int32))


def inside(series: np.ndarray | None, start: date, end: date) -> pl.Expr:
    """Return the row filter of some series on half-open days; its bounds also prune row groups."""
    wanted = (pl.col("day") >= start) & (pl.col("day") < end)
    if series is None or not len(series):
        return wanted
    wanted &= (pl.col("series") >= int(series[0])) & (pl.col("series") <= int(series[-1]))
    if len(series) == int(series[-1]) - int(series[0]) + 1:
        return wanted
    return wanted & pl.col("series").is_in(pl.Series(series).implode())


def monthly(place: Place, snapshot: Snapshot, start: date, end: date, series: Series) -> pl.DataFrame:
    """Return each series' months: total (null where nothing is present), present, slots, estimated."""
    wanted = as_array(series)
    files = snapshot.pick(DAY, start=start, end=end, series=wanted)
    sums = [pl.col(name).sum().cast(pl.Int64) for name in ("present", "slots", "estimated")]
    total = pl.when(pl.col("present").sum() > 0).then(pl.col("total").sum()).alias("total")
    if files.is_empty() or (wanted is not None and not len(wanted)):
        return empty(
            {"series": pl.Int32(), "month": pl.Date(), "total": pl.Float64()}
            | dict.fromkeys(("present", "slots", "estimated"), pl.Int64())
        )
    parts = []
    for (month,), group in files.group_by("month", maintain_order=True):
        scan = place.scan(group["path"].to_list(), DAY).filter(inside(wanted, start, end))
        first = date.fromisoformat(f"{month}-01")
        parts.append(scan.group_by("series").agg(total, *sums).with_columns(month=pl.lit(first)))
    return (
        pl.concat(pl.collect_all(parts))
        .select("series", "month", "total", "present", "slots", "estimated")
        .sort("series", "month")
    )


def span(place: Place, snapshot: Snapshot, series: Series) -> pl.DataFrame:
    """Return the first and last day that each series has."""
    wanted = as_array(series)
    files = snapshot.pick(DAY, series=wanted)
    if files.is_empty() or (wanted is not None and not len(wanted)):
        return empty({"series": pl.Int32(), "first": pl.Date(), "last": pl.Date()})
    scan = place.scan(files["path"].to_list(), DAY)
    if wanted is not None:
        scan = scan.filter(inside(wanted, date.min, date.max))
    day = pl.col("day")
    return scan.group_by("series").agg(day.min().alias("first"), day.max().alias("last")).sort("series").collect()
