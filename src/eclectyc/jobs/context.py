"""The context of a handler: its arguments, its progress and its effects."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from eclectyc.jobs import clock
from eclectyc.jobs.interrupts import Cancelled, HandedBack, Interrupt, JobLeaseLost, TryLater
from eclectyc.jobs.queue import JobClaim, renew

__all__ = ["Cancelled", "HandedBack", "Interrupt", "JobContext", "JobLeaseLost", "TryLater"]

MOST_LINES: Final = 1000
SAVE_CURSOR_S: Final = 0.5
PULSE_S: Final = 0.5
_SAME: Final[Any] = object()


class JobContext:
    """A running job, as its handler uses it."""

    def __init__(self, claim: JobClaim, *, pulse: Callable[[list[JobContext]], None] | None = None) -> None:
        """``pulse`` replaces the heartbeat's thread if there is none."""
        job = claim.job
        self._pulse, self._pulsed_at = pulse, time.monotonic()
        self.claim = claim
        self.job_id, self.kind, self.fence, self.attempt = job.pk, job.kind, claim.fence, job.attempt
        self.args: dict[str, Any] = job.args
        self.organisation_id, self.person_id = job.organisation_id, job.person_id
        self.due_at: datetime | None = job.due_at
        self.changes: dict[str, Any] = {}  # of done, total, unit and text, not saved yet
        self.lines: list[tuple[datetime, str]] = []  # not saved yet
        self.lock = threading.Lock()  # over ``changes`` and ``lines``, which the heartbeat saves
        self.stop: type[Interrupt] | None = None  # set by the heartbeat
        self.renewed_at = time.monotonic()
        self._cursor: Any = job.cursor
        self._saved_at = 0.0
        self._is_unsaved = False  # the cursor, set outside an effect and not saved yet
        self._is_in_effect = False
        self._line_count = 0
        self._done = 0
        self._first: tuple[float, int] | None = None  # when counting began, and where

    @property
    def cursor(self) -> Any:
        """The position reached by an earlier attempt, as JSON; None at first."""
        return self._cursor

    def progress(
        self,
        *,
        done: int | None = None,
        total: int | None = None,
        unit: str | None = None,
        text: str | None = None,
        cursor: Any = _SAME,
    ) -> None:
        """Report progress, and stop here if the job is interrupted. Costs next to nothing.

        cursor : JSON from which a later attempt continues; set inside an effect, it is committed with it.
        """
        reported = {"done": done, "total": total, "unit": unit and unit[:20], "text": text and text[:200]}
        with self.lock:
            self.changes.update((name, value) for name, value in reported.items() if value is not None)
            self._count(done)
        if cursor is not _SAME:
            self._cursor = cursor
            self._save_cursor()
        self.check()

    def log(self, line: str) -> None:
        """Add a line to the log of this run; lines after the thousandth are dropped."""
        self._line_count += 1
        if self._line_count > MOST_LINES:
            return
        text = line if self._line_count < MOST_LINES else "… further lines are dropped"
        with self.lock:
            self.lines.append((timezone.now(), text.replace("\x00", "")[:1000]))

    def check(self) -> None:
        """Stop here if the job is interrupted; ``progress`` does the same."""
        if self._pulse is not None and time.monotonic() - self._pulsed_at > PULSE_S:
            self._pulsed_at = time.monotonic()
            self._pulse([self])
        if self.stop is None and time.monotonic() - self.renewed_at > self.claim.lease_s:
            self._ask()  # not renewed for long: this process may have been frozen
        if self.stop is not None:
            raise self.stop

    @contextmanager
    def effect(self) -> Iterator[None]:
        """A transaction in which this worker certainly holds the job until it is committed."""
        before, outer = self._cursor, self._is_in_effect
        try:
            with transaction.atomic():
                if not self.claim.still_held().select_for_update().exists():
                    self.stop = JobLeaseLost
                    raise JobLeaseLost
                self._is_in_effect = True
                yield
                # It could not be renewed meanwhile: the row was locked.
                self.claim.still_held().update(lease_until=clock.later(self.claim.lease_s), cursor=self._cursor)
        except BaseException:
            self._cursor = before
            raise
        finally:
            self._is_in_effect = outer
        self.renewed_at = self._saved_at = time.monotonic()
        self._is_unsaved = False

    def take_changes(self) -> dict[str, Any]:
        """Return and clear the progress since the last time, as fields of the job."""
        with self.lock:
            fields, self.changes = self.changes, {}
            if fields:
                fields["per_second"] = self._per_second()
            return fields

    def final_changes(self) -> dict[str, Any]:
        """Return the fields to save at the end of the attempt, without clearing them.

        A cursor set in an effect is left out: it was committed with the effect, or not at all.
        """
        with self.lock:
            return self.changes | ({"cursor": self._cursor} if self._is_unsaved else {})

    def restore_changes(self, fields: dict[str, Any]) -> None:
        """Restore fields that could not be saved."""
        with self.lock:
            self.changes = fields | self.changes

    def take_lines(self) -> list[tuple[datetime, str]]:
        """Return and clear the lines that are not saved yet."""
        with self.lock:
            lines, self.lines = self.lines, []
            return lines

    def _ask(self) -> None:
        if renew(self.claim):
            self.renewed_at = time.monotonic()
        else:
            self.stop = JobLeaseLost

    def _save_cursor(self) -> None:
        if self._is_in_effect:
            return  # it is saved with the effect
        self._is_unsaved = True
        if time.monotonic() - self._saved_at < SAVE_CURSOR_S:
            return  # saved soon, or at the end of the attempt
        if not self.claim.still_held().update(cursor=self._cursor):
            self.stop = JobLeaseLost
        self._saved_at, self._is_unsaved = time.monotonic(), False

    def _count(self, done: int | None) -> None:
        if done is None:
            return
        self._done = done
        if self._first is None or done < self._first[1]:
            self._first = (time.monotonic(), done)

    def _per_second(self) -> float | None:
        if self._first is None:
            return None
        since, at_first = self._first
        passed = time.monotonic() - since
        return (self._done - at_first) / passed if passed > 0.5 else None
