"""Temporary storage of a file's readings until its last line is read: in memory, or on disk by month if many."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from eclectyc.intake.alignment.clocks import DAY_S
from eclectyc.intake.alignment.reading_arrays import DayRows, Kind, ReadingRows, Selection, day_s_of, distinct

IN_MEMORY_BYTES = 320 << 20  # beyond this they are spooled to disk
NEAR_DAYS = 2  # a printed time and its local day are no further apart
_ROW_BYTES = 29


class Spool:
    """Stores rows in file order and returns them by month. A context manager: it deletes its files at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own: Path | None = None
        self._bytes = 0
        self._rows: dict[tuple[Kind, int], list[ReadingRows]] = {}
        self._days: list[DayRows] = []
        self._row_files: dict[tuple[Kind, int], list[Path]] = {}
        self._day_files: dict[int, list[tuple[Path, int, bool]]] = {}
        self._months: set[int] = set()

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        if self._own:
            shutil.rmtree(self._own, ignore_errors=True)

    def add_rows(self, rows: ReadingRows) -> None:
        for month, part in _by_month(rows):
            self._rows.setdefault((rows.kind, month), []).append(part)
            self._months.add(month)
        self._count_bytes(len(rows) * _ROW_BYTES)

    def add_days(self, days: DayRows) -> None:
        self._days.append(days)
        self._months.update(_months(distinct(days.day)).tolist())
        self._count_bytes(days.values.nbytes + days.quality.nbytes)

    def months(self) -> list[tuple[int, int]]:
        """Return the local months the rows may belong to, as first day and day after the last [days since 1970]."""
        near = sorted({month + shift for month in self._months for shift in (-1, 0, 1)})
        return [(_first_day(month), _first_day(month + 1)) for month in near]

    def rows(self, kind: Kind, first: int, end: int) -> ReadingRows:
        """Return the readings printed on days from ``first`` up to ``end``, and ``NEAR_DAYS`` around them."""
        day_s = day_s_of(kind)
        low, high = (first - NEAR_DAYS) * day_s, (end + NEAR_DAYS) * day_s
        chosen = []
        own = int(_months(np.array([first]))[0])
        for month in (own - 1, own, own + 1):
            for rows in [*self._read_rows(kind, month), *self._rows.get((kind, month), [])]:
                near = (rows.at >= low) & (rows.at < high) if month != own else np.ones(1, bool)
                if near.any():
                    chosen.append(rows if near.all() else rows.where(near))
        return ReadingRows.concat(chosen) if chosen else ReadingRows.empty(kind)

    def days(self, first: int, end: int, *, near: int = 0) -> list[Selection]:
        """Return the days printed from ``first`` up to ``end``, and ``near`` days around them."""
        chosen = []
        for days in [*self._read_days(first - near, end + near), *self._days]:
            rows = np.flatnonzero((days.day >= first - near) & (days.day < end + near))
            if len(rows):
                chosen.append(Selection(days, rows))
        return chosen

    def lines_of(self, channels: Collection[int]) -> np.ndarray:
        """Return the line numbers of some channels."""
        parts: list[ReadingRows | DayRows] = [*self._days]
        found = [np.empty(0, np.int64)]
        for kind, month in {*self._rows, *self._row_files}:
            parts = [*parts, *self._rows.get((kind, month), [])]
            found += [_lines_in(rows, channels) for rows in self._read_rows(kind, month)]
        if self._day_files:
            low, high = (_first_day(month) for month in (min(self._day_files), max(self._day_files)))
            found += [_lines_in(days, channels) for days in self._read_days(low, high)]
        return np.unique(np.concatenate([*found, *(_lines_in(part, channels) for part in parts)]))

    def _count_bytes(self, size: int) -> None:
        self._bytes += size
        if self._bytes > IN_MEMORY_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._own is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            remove_leftovers(self._folder)
            self._own = Path(tempfile.mkdtemp(prefix="import-", dir=self._folder))
        for (kind, month), parts in self._rows.items():
            files = self._row_files.setdefault((kind, month), [])
            files.append(self._own / f"{kind}-{month}-{len(files)}.parquet")
            rows = ReadingRows.concat(parts)
            columns = {name: getattr(rows, name) for name in ("channel", "line", "at", "value", "quality")}
            pl.DataFrame(columns).write_parquet(files[-1], compression="lz4", statistics=False)
        self._flush_days()
        self._rows, self._days, self._bytes = {}, [], 0

    def _flush_days(self) -> None:
        """Write one file for each month and layout."""
        assert self._own is not None  # noqa: S101
        alike: dict[tuple[int, bool, int], list[_ByMonth]] = {}
        for days in self._days:
            layout = (days.step, days.by_clock, days.values.shape[1])
            alike.setdefault(layout, []).append(_ByMonth.from_days(days))
        for (step, by_clock, _), blocks in alike.items():
            for month in sorted({month for block in blocks for month in block.rows}):
                parts = [block.days.where(block.rows[month]) for block in blocks if month in block.rows]
                named = self._day_files.setdefault(month, [])
                path = self._own / f"days-{month}-{len(named)}.arrow"
                named.append((path, step, by_clock))
                names = ("channel", "line", "day", "values", "quality")
                columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
                # Not Parquet: taking its lists apart again took a quarter of what followed.
                pl.DataFrame(columns).write_ipc(path, compression="uncompressed")

    def _read_rows(self, kind: Kind, month: int) -> Iterator[ReadingRows]:
        for path in self._row_files.get((kind, month), []):
            frame = pl.read_parquet(path)
            yield ReadingRows(kind, *(frame[name].to_numpy() for name in ("channel", "line", "at", "value", "quality")))

    def _read_days(self, low: int, high: int) -> Iterator[DayRows]:
        months = _months(np.array([low, high])).tolist()
        for month in range(months[0], months[1] + 1):
            for path, step, by_clock in self._day_files.get(month, []):
                frame = pl.read_ipc(path)
                channel, line, day, values, quality = (frame[name].to_numpy() for name in frame.columns)
                yield DayRows(channel, line, day, values, quality, step, by_clock)


@dataclass(frozen=True, slots=True)
class _ByMonth:
    """Days, with the indices of their rows by month, in file order."""

    days: DayRows
    rows: dict[int, np.ndarray]

    @classmethod
    def from_days(cls, days: DayRows) -> _ByMonth:
        month_of = _months(days.day)
        order = np.argsort(month_of, kind="stable")
        months, starts = np.unique(month_of[order], return_index=True)
        return cls(days, dict(zip(months.tolist(), np.split(order, starts[1:]), strict=True)))


def _lines_in(rows: ReadingRows | DayRows, channels: Collection[int]) -> np.ndarray:
    return rows.line[np.isin(rows.channel, list(channels))]


def remove_leftovers(folder: Path) -> None:
    """Delete folders of imports that were killed."""
    for path in folder.glob("import-*"):
        if time.time() - path.stat().st_mtime > DAY_S:
            shutil.rmtree(path, ignore_errors=True)


def _by_month(rows: ReadingRows) -> Iterator[tuple[int, ReadingRows]]:
    """Split rows by the month they are printed in, each part in file order."""
    if len(rows) == 0:
        return
    day = rows.day
    first = int(day.min())
    months = _months(np.arange(first, int(day.max()) + 1))
    if months[0] == months[-1]:
        yield int(months[0]), rows
        return
    month_of = (months - months[0]).astype(np.int16)[day - first]
    counts = np.bincount(month_of)
    ordered = rows.where(np.argsort(month_of, kind="stable"))
    at = 0
    for nth in np.flatnonzero(counts).tolist():
        yield int(months[0]) + nth, ordered.where(slice(at, at + int(counts[nth])))
        at += int(counts[nth])


def _months(days: np.ndarray) -> np.ndarray:
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _first_day(month: int) -> int:
    return int(np.datetime64(month, "M").astype("datetime64[D]").astype(np.int64))
