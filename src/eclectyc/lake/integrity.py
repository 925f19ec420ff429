"""Check the lake: can its log be read, are its files there, are its rows consistent?"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from eclectyc.lake.files import Storage
from eclectyc.lake.rows import with_quality
from eclectyc.lake.schema import DAY, KEY
from eclectyc.lake.slot_arrays import Slots, summarise
from eclectyc.lake.snapshot import Snapshot


def check(storage: Storage, *, deep: bool = False) -> list[str]:
    """Return a sentence for each problem found. A lake that does not exist yet has none."""
    from deltalake.exceptions import DeltaError

    try:
        table = storage.open_if_there()
        if table is None:
            return []
        snapshot = Snapshot.from_table(table)
    except (DeltaError, OSError) as error:
        return [f"The lake's log cannot be read: {error}"]
    problems = _log(snapshot) + _files(storage, snapshot)
    if deep and not problems:
        problems += _rows(storage, snapshot)
    return problems


def _log(snapshot: Snapshot) -> list[str]:
    newest = snapshot.files["last_batch"].max()
    if isinstance(newest, int) and newest > snapshot.last_batch:
        return [f"Files belong to batch {newest}, but the log's last batch is {snapshot.last_batch}."]
    return []


def _files(storage: Storage, snapshot: Snapshot) -> list[str]:
    problems = []
    if storage.is_folder:
        for path, size in snapshot.files.select("path", "size").iter_rows():
            file = Path(storage.url, path)
            if not file.exists():
                problems.append(f"The file {path} is missing.")
            elif file.stat().st_size != size:
                problems.append(f"The file {path} has {file.stat().st_size} bytes, not {size}.")
    return problems


def _rows(storage: Storage, snapshot: Snapshot) -> list[str]:
    """Read every day row: each day must occur once, with a summary that fits its slots."""
    problems = []
    for (month, bucket), files in snapshot.pick(DAY).group_by("month", "bucket", maintain_order=True):
        rows = with_quality(storage.scan(files["path"].to_list(), DAY).collect())
        where = f"{month} (bucket {bucket})"
        if rows.select(pl.struct(KEY).is_duplicated().any()).item():
            problems.append(f"A day occurs twice in {where}.")
        fresh = rows.with_columns(**summarise(Slots.from_frame(rows)))
        if not fresh.equals(rows):
            problems.append(f"The summary of a day does not match its slots in {where}.")
        if rows.filter(pl.col("day").dt.strftime("%Y-%m") != month).height:
            problems.append(f"A day of another month is stored in {where}.")
    return problems
