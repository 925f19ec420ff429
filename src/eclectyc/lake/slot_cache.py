"""A cache of decoded files, for callers that read the slots of one series many times a second.

Files never change, so a decoded one stays valid; the snapshot decides which files count. Without the cache, reading
one series' days from a month of a thousand series decodes nearly the whole file each time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from eclectyc.kernel.quality import MISSING
from eclectyc.lake.files import Storage
from eclectyc.lake.read import row_filter
from eclectyc.lake.rows import read_days
from eclectyc.lake.schema import DAY
from eclectyc.lake.slot_arrays import Slots
from eclectyc.lake.snapshot import Snapshot
from eclectyc.lake.validate import key_of

KEPT_BYTES: Final = 128 << 20  # of decoded files
LARGEST_FILE: Final = 4 << 20  # as stored; one decodes to about four times that
_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class StoredDays:
    """The stored days of one series, in order.

    day [days since 1970] and starts : shape (days,). last_batch : of the version of the lake they were read from.
    """

    day: np.ndarray
    starts: np.ndarray
    slots: Slots
    last_batch: int

    def at(self, day: np.ndarray, slot: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return value (NaN if missing) and quality of some slots, as copies."""
        value, quality = np.full(len(day), np.nan), np.full(len(day), MISSING, np.int8)
        if not len(self.day):
            return value, quality
        nth = np.minimum(np.searchsorted(self.day, day), len(self.day) - 1)
        is_held = (self.day[nth] == day) & (slot < self.slots.lengths[nth])
        where = (self.starts[nth] + slot)[is_held]
        value[is_held], quality[is_held] = self.slots.values[where], self.slots.quality[where]
        return value, quality


@dataclass(frozen=True, slots=True)
class _DecodedFile:
    """A day file in memory: ``key`` is sorted."""

    key: np.ndarray
    starts: np.ndarray
    slots: Slots

    @classmethod
    def from_frame(cls, frame: pl.DataFrame) -> _DecodedFile:
        slots = Slots.from_frame(frame)
        return cls(key_of(frame), slots.starts, slots)

    @property
    def size(self) -> int:
        arrays = (self.key, self.starts, self.slots.values, self.slots.quality, self.slots.lengths)
        return sum(array.nbytes for array in arrays)


class SlotCache:
    """Reads days of one series, with the files used last in memory. Thread-safe."""

    def __init__(self, storage: Storage, kept_bytes: int = KEPT_BYTES) -> None:
        self._storage = storage
        self._kept_bytes = kept_bytes
        self._kept: OrderedDict[str, _DecodedFile] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def days(self, snapshot: Snapshot, series: int, start: date, end: date) -> StoredDays:
        """Return a series' days from ``start`` up to ``end`` (exclusive), from one version of the lake."""
        files = snapshot.pick(DAY, start=start, end=end, series=np.array([series], np.int32))
        low, high = ((series << 32) + (edge - _EPOCH).days for edge in (start, end))
        wanted = row_filter(np.array([series], np.int32), start, end)
        days, lengths, values, quality = [], [], [], []
        for path, size in files.select("path", "size").iter_rows():
            found = self._decoded(path, snapshot) if size <= LARGEST_FILE else self._read(path, wanted)
            first, last = np.searchsorted(found.key, [low, high]).tolist()
            if first == last:
                continue
            of = slice(int(found.starts[first]), int(found.starts[last - 1] + found.slots.lengths[last - 1]))
            days.append(found.key[first:last] - (series << 32))
            lengths.append(found.slots.lengths[first:last])
            values.append(found.slots.values[of])
            quality.append(found.slots.quality[of])
        return _join(days, lengths, values, quality, snapshot.last_batch)

    def _decoded(self, path: str, snapshot: Snapshot) -> _DecodedFile:
        with self._lock:
            found = self._kept.get(path)
            if found is not None:
                self._kept.move_to_end(path)
                return found
        found = self._read(path, None)
        with self._lock:
            if path not in self._kept:
                for gone in self._kept.keys() - set(snapshot.files["path"]):
                    self._size -= self._kept.pop(gone).size
                self._kept[path] = found
                self._size += found.size
            while self._size > self._kept_bytes:
                self._size -= self._kept.popitem(last=False)[1].size
        return found

    def _read(self, path: str, wanted: pl.Expr | None) -> _DecodedFile:
        return _DecodedFile.from_frame(read_days(self._storage, [path], wanted)[0])


def _join(
    days: list[np.ndarray],
    lengths: list[np.ndarray],
    values: list[np.ndarray],
    quality: list[np.ndarray],
    last_batch: int,
) -> StoredDays:
    """Join the days of several files, in order; each day is in one file."""
    if not days:
        none = np.zeros(0, np.int64)
        return StoredDays(none, none, Slots(none.astype(float), none.astype(np.int8), none), last_batch)
    day = np.concatenate(days)
    slots = Slots(np.concatenate(values), np.concatenate(quality), np.concatenate(lengths))
    if not (day[1:] > day[:-1]).all():
        order = np.argsort(day)
        day, slots = day[order], slots.take(order)
    return StoredDays(day, slots.starts, slots, last_batch)
