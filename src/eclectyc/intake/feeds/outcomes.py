"""What became of the files of a feed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from eclectyc.batches.models import Batch
from eclectyc.intake.feeds.models import Feed, FeedFile, failed_files
from eclectyc.intake.uploads.import_history import RECEIVED, UNDONE, ImportEntry, entries_for_uploads
from eclectyc.jobs.models import Job
from eclectyc.kernel.plurals import counted

LONGEST_REASON: Final = 160
MOST_FILES: Final = 500  # read for a summary
_EMPTY: Final = hashlib.sha256(b"").hexdigest()
_WORDS: Final = {UNDONE: "imported, then undone", RECEIVED: "not imported", Job.CANCELLING: "being cancelled"}


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of a file, in words."""

    text: str
    has_failed: bool = False


def outcomes(files: Sequence[FeedFile]) -> list[FileOutcome]:
    """Return what became of each file. A file that was not stored had the content of an earlier one, or none."""
    entries = entries_for_uploads([file.upload for file in files if file.upload is not None])
    return [_outcome(entries[file.upload_id]) if file.upload_id else _not_stored(file) for file in files]


@dataclass(slots=True)
class FeedFailures:
    """Why files of a feed could not be imported."""

    unknown_meters: set[str] = field(default_factory=set)
    others: list[str] = field(default_factory=list)  # each file with its reason

    @property
    def text(self) -> str:
        """The reasons in short, such as: failed: 2 meters not known."""
        count = len(self.unknown_meters)
        return f"failed: {'; '.join([*([_not_known(count)] if count else []), *self.others])}"


def failures_by_feed(feeds: Iterable[Feed]) -> dict[int, FeedFailures]:
    """Return the failures of the feeds that have any, by their numbers. feeds : ``with_failures``."""
    degraded = [feed.pk for feed in feeds if feed.failed_files]
    found = {pk: FeedFailures() for pk in degraded}
    columns = ("feed", "name", "upload__report__unknown_meters", "upload__job__error")
    for feed, name, unknown, error in failed_files().filter(feed__in=degraded).values_list(*columns)[:MOST_FILES]:
        if unknown:
            found[feed].unknown_meters.update(unknown)
        else:
            found[feed].others.append(f"{name}: {_shortened(error)}")
    return found


def _not_stored(file: FeedFile) -> FileOutcome:
    if file.sha256 == _EMPTY:
        return FileOutcome("failed: the file is empty", has_failed=True)
    return FileOutcome("same content as an earlier file")


def _outcome(entry: ImportEntry) -> FileOutcome:
    report, state, error = entry.report, entry.state, entry.job.error if entry.job else ""
    if state == Job.FAILED or (state == RECEIVED and report.get("errors")):  # its job may have been deleted by age
        return FileOutcome(f"failed: {failure_reason(report, error)}", has_failed=True)
    if state == Job.WAITING and error:
        return FileOutcome(f"waiting for another attempt: {_shortened(error)}")
    if state in (Job.DONE, Batch.DONE):
        return FileOutcome(", ".join(["imported", *_shortcomings(report)]))
    return FileOutcome(_WORDS.get(state, state))


def failure_reason(report: dict[str, Any], error: str = "") -> str:
    """Return why nothing of a file was imported.

    >>> failure_reason({"unknown_meters": ["1", "2"]}), failure_reason({}, "The file is no table.")
    ('2 meters not known', 'The file is no table.')
    """
    if report.get("unknown_meters"):
        return _unknown(report)
    first: dict[str, Any] = next(iter(report.get("errors", [])), {})
    return _shortened(error or first.get("reason", "") or "see the import's page")


def _shortcomings(report: dict[str, Any]) -> list[str]:
    rejected = report.get("rejected")
    return [
        *([_unknown(report)] if report.get("unknown_meters") else []),
        *([f"{counted(rejected, 'row')} rejected"] if rejected else []),
    ]


def _unknown(report: dict[str, Any]) -> str:
    return _not_known(len(report["unknown_meters"]))


def _not_known(count: int) -> str:
    return f"{counted(count, 'meter')} not known"


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 1]}…"
