"""The only door to the readings."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl
from django.conf import settings

from eclectyc.lake import read
from eclectyc.lake.commit import PendingCommit
from eclectyc.lake.files import Storage
from eclectyc.lake.lease import Lease
from eclectyc.lake.read import Series
from eclectyc.lake.slot_cache import SlotCache, StoredDays
from eclectyc.lake.snapshot import Watch
from eclectyc.lake.write import WriteResult, preview, write

if TYPE_CHECKING:
    from eclectyc.lake.maintenance import MaintenanceReport

_lakes: dict[tuple[str, tuple[tuple[str, str], ...]], Lake] = {}
_lock = threading.Lock()


def connect() -> Lake:
    """Return the lake of ``settings.LAKE_URL``: one per process and place."""
    storage = Storage.from_url(str(settings.LAKE_URL))
    key = (storage.url, tuple(sorted(storage.options.items())))
    with _lock:
        if key not in _lakes:
            _lakes[key] = Lake(storage, buckets=settings.LAKE_BUCKETS)
        return _lakes[key]


class Lake:
    """Day rows: read, write, undo, maintain. Thread-safe; readers never wait for writers."""

    def __init__(self, storage: Storage, *, buckets: int = 1) -> None:
        self.storage = storage
        self._buckets = buckets  # of a lake still to be made; afterwards its own log tells
        self._watch = Watch(storage, buckets)
        self._slot_cache = SlotCache(storage)

    def open_in_background(self) -> None:
        """Begin to open the lake, in a thread: whoever asks for it next finds it open.

        The process waits for it at its end: one that went while deltalake was at work would crash.
        """
        threading.Thread(target=self._open, name="open-lake").start()

    def _open(self) -> None:
        with suppress(Exception):  # whoever asks next meets the same, and is told
            self._watch.now()

    @property
    def version(self) -> int:
        """The version of the lake as it now is; -1 where there is none yet."""
        return self._watch.now().version

    def last_batch(self) -> int:
        """Return the highest batch number in the log: what is above it was never committed."""
        return self._watch.now().last_batch

    def days(
        self, series: Series, start: date, end: date, *, values: bool = False, known_at: int | None = None
    ) -> pl.DataFrame:
        """Return day rows of some series (None: all) on half-open days, sorted by series and day.

        known_at : a batch number; the rows as they were after that batch.
        """
        return read.ask_newest(
            self._watch, lambda now: read.days(self.storage, now, series, start, end, values=values, known_at=known_at)
        )

    def slots_of(self, series: int, start: date, end: date) -> StoredDays:
        """Return the slots of one series on half-open days; quick where it is asked many times a second."""
        return read.ask_newest(self._watch, lambda now: self._slot_cache.days(now, series, start, end))

    def monthly(self, start: date, end: date, series: Series = None) -> pl.DataFrame:
        """Return each series' months out of the day summaries: series, month, total, present, slots, estimated."""
        return read.ask_newest(self._watch, lambda now: read.monthly(self.storage, now, start, end, series))

    def span(self, series: Series = None) -> pl.DataFrame:
        """Return the first and last day that each series has: series, first, last."""
        return read.ask_newest(self._watch, lambda now: read.span(self.storage, now, series))

    def write(
        self,
        months: Iterable[pl.DataFrame],
        *,
        lease: Lease,
        batch: int,
        rule: str = "guarded",
        progress: Callable[[int], None] | None = None,
        before_commit: Callable[[WriteResult], None] | None = None,
    ) -> WriteResult:
        """Write one batch in one commit. Each frame is one month: series, day, step, values, quality.

        rule : ``guarded`` or ``last_wins``. progress : called with the readings of each month as it is laid.
        before_commit : called with the result just before it is committed, so that it can be written down.
        """
        return write(
            self.storage,
            months,
            buckets=self._buckets,
            lease=lease,
            batch=batch,
            rule=rule,
            progress=progress,
            before_commit=before_commit,
            current=self._watch.claim_table(),
        )

    def preview(self, months: Iterable[pl.DataFrame], *, rule: str = "guarded") -> WriteResult:
        """Return what writing these months would do; nothing is written."""
        return preview(self.storage, self._watch.now(), months, rule=rule)

    def replace_spans(
        self,
        months: Iterable[pl.DataFrame],
        *,
        spans: pl.DataFrame,
        earlier: Collection[int] | None,
        lease: Lease,
        batch: int,
        before_commit: Callable[[WriteResult], None] | None = None,
    ) -> WriteResult:
        """Write what some spans hold now, worked out anew from other records, in one commit.

        spans : series, start, end; half-open days, spans of one series apart from each other. earlier : the batches
        whose word on these days counts no more (None: all): marked undone, still known to ``days(known_at=…)``. What
        others said of the days stays.
        """
        from eclectyc.lake.rederive import DerivedSpans, replace_spans

        derived = DerivedSpans.from_frame(spans, earlier)
        return replace_spans(
            self.storage, months, derived, buckets=self._buckets, lease=lease, batch=batch, before_commit=before_commit
        )

    def preview_replace(
        self, months: Iterable[pl.DataFrame], *, spans: pl.DataFrame, earlier: Collection[int]
    ) -> WriteResult:
        """Return what :meth:`write_anew` would do; nothing is written."""
        from eclectyc.lake.rederive import DerivedSpans, preview_replace

        return preview_replace(self.storage, self._watch.now(), months, DerivedSpans.from_frame(spans, earlier))

    def undo(
        self, batch: int, *, lease: Lease, by: int, before_commit: Callable[[WriteResult], None] | None = None
    ) -> WriteResult:
        """Take a batch back in one commit: the other claims of its days are laid again. ``by`` is a batch number
        of the undoing itself. What the batch said stays known to ``days(known_at=…)``."""
        from eclectyc.lake.undo import undo

        return undo(self.storage, batch, buckets=self._buckets, lease=lease, by=by, before_commit=before_commit)

    def maintain(
        self,
        *,
        lease: Lease,
        keep: timedelta | None = None,
        keep_temporary: timedelta | None = None,
        may_shorten: bool = False,
    ) -> MaintenanceReport:
        """Compact small files, checkpoint the log, remove what is no longer needed. Readers keep working.

        keep : how long a file that is no longer part of the lake stays, for readers and backups; and so the age
        at which files of killed writers go. keep_temporary : the same for their unfinished temporary files.
        """
        from eclectyc.lake.maintenance import RETENTION, TEMPORARY, maintain

        keep = RETENTION if keep is None else keep
        keep_temporary = TEMPORARY if keep_temporary is None else keep_temporary
        return maintain(self.storage, lease=lease, keep=keep, keep_temporary=keep_temporary, may_shorten=may_shorten)

    def check(self, *, deep: bool = False) -> list[str]:
        """Return what is wrong with the lake, in words; nothing if all is well. ``deep`` reads every row."""
        from eclectyc.lake.integrity import check

        return check(self.storage, deep=deep)

    def fence_off(self, lease: Lease) -> None:
        """Commit this lease's fence alone: whoever prepared on an earlier state can no longer commit.

        Recovery calls it before it declares a dead writer's batch failed, and then asks ``last_batch`` again.
        """
        change = PendingCommit.begin(self.storage, self._buckets, lease)
        if change.base.last_fence < lease.fence:
            change.commit(lease, batch=None, why="fence")
