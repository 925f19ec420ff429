"""The interface to the readings: all other rooms read and write them through ``Lake``."""

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
from eclectyc.lake.identity import LakeComparison, LakeIdentity
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
    """Return the lake of ``settings.LAKE_URL``: one per process and storage."""
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
        self._buckets = buckets  # of a lake to be created; an existing one's log has its own number
        self._watch = Watch(storage, buckets)
        self._slot_cache = SlotCache(storage)

    def open_in_background(self) -> None:
        """Open the lake in a thread, so that it is open when it is first needed.

        The process waits for this thread before it ends: exiting while deltalake works would crash.
        """
        threading.Thread(target=self._open, name="open-lake").start()

    def _open(self) -> None:
        with suppress(Exception):  # the next caller gets the same error, and reports it
            self._watch.now()

    @property
    def version(self) -> int:
        """The newest version; -1 if there is no lake yet."""
        return self._watch.now().version

    def last_batch(self) -> int:
        """Return the highest batch number in the log: batches above it were never committed."""
        return self._watch.now().last_batch

    def compare(self, known: LakeIdentity | None, *, newly_opened: bool = False) -> LakeComparison:
        """Compare the lake that the registry knows with the one that is there.

        newly_opened : open an object store's lake again; polling does not tell that it is gone.
        """
        reopens = newly_opened and not self.storage.is_folder
        now = self._watch.reopen() if reopens else self._watch.now()
        return LakeComparison(known, now.identity, now.version < 0 and self.storage.is_empty_folder())

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
        """Return the slots of one series on half-open days; fast enough for many calls a second."""
        return read.ask_newest(self._watch, lambda now: self._slot_cache.days(now, series, start, end))

    def monthly(self, start: date, end: date, series: Series = None) -> pl.DataFrame:
        """Return each series' months from the day summaries: series, month, total, present, slots, estimated."""
        return read.ask_newest(self._watch, lambda now: read.monthly(self.storage, now, start, end, series))

    def span(self, series: Series = None) -> pl.DataFrame:
        """Return the first and last day of each series: series, first, last."""
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

        rule : ``guarded`` or ``last_wins``. progress : called with the number of readings of each merged month.
        before_commit : called with the result just before the commit, so that it can be recorded.
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
        """Replace the days of some spans with recalculated ones, in one commit.

        spans : series, start, end; half-open days, spans of one series must not overlap. earlier : the batches that
        are superseded on these days (None: all): they are marked undone and remain visible to ``days(known_at=…)``.
        Claims of other batches stay.
        """
        from eclectyc.lake.rederive import DerivedSpans, replace_spans

        derived = DerivedSpans.from_frame(spans, earlier)
        return replace_spans(
            self.storage, months, derived, buckets=self._buckets, lease=lease, batch=batch, before_commit=before_commit
        )

    def preview_replace(
        self, months: Iterable[pl.DataFrame], *, spans: pl.DataFrame, earlier: Collection[int]
    ) -> WriteResult:
        """Return what :meth:`replace_spans` would do; nothing is written."""
        from eclectyc.lake.rederive import DerivedSpans, preview_replace

        return preview_replace(self.storage, self._watch.now(), months, DerivedSpans.from_frame(spans, earlier))

    def undo(
        self, batch: int, *, lease: Lease, by: int, before_commit: Callable[[WriteResult], None] | None = None
    ) -> WriteResult:
        """Undo a batch in one commit: the other claims on its days are merged again.

        by : the batch number of the undo itself. The batch remains visible to ``days(known_at=…)``.
        """
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
        """Merge small files, checkpoint the log, remove files that are no longer needed. Reading goes on.

        keep : how long a file that is no longer part of the lake stays, for readers and backups; also the age at
        which files of killed writers are removed. keep_temporary : the same for their unfinished temporary files.
        """
        from eclectyc.lake.maintenance import RETENTION, TEMPORARY, maintain

        keep = RETENTION if keep is None else keep
        keep_temporary = TEMPORARY if keep_temporary is None else keep_temporary
        return maintain(self.storage, lease=lease, keep=keep, keep_temporary=keep_temporary, may_shorten=may_shorten)

    def check(self, *, deep: bool = False) -> list[str]:
        """Return a sentence for each problem found. deep : read every row."""
        from eclectyc.lake.integrity import check

        return check(self.storage, deep=deep)

    def fence_off(self, lease: Lease) -> None:
        """Commit this lease's fence alone: a writer that prepared on an earlier version can no longer commit.

        Recovery calls it before it declares a dead writer's batch failed, and then reads ``last_batch`` again.
        """
        change = PendingCommit.begin(self.storage, self._buckets, lease)
        if change.base.last_fence < lease.fence:
            change.commit(lease, batch=None, why="fence")
