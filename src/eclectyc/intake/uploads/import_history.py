"""What came in: kept files with their jobs, and imports made by the command line, as one list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import CharField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.batches.models import Batch
from eclectyc.intake.uploads.models import Upload
from eclectyc.jobs.models import Job
from eclectyc.kernel.errors import NotFound

RECEIVED, DISCARDED, UNDONE, RUNNING = "received", "discarded", "undone", "running"
STATES: Final = (RECEIVED, *Job.OPEN, *Job.ENDED, UNDONE, DISCARDED)
_JOB_MARK: Final = "j"  # before a job's number, where a batch's stands without
_LONGEST_NUMBER: Final = 18
_BATCH_STATES: Final = {Batch.PENDING: RUNNING, Batch.COMMITTED: RUNNING}


@dataclass(frozen=True, slots=True)
class ImportFilter:
    """Which imports are wanted; None narrows nothing. since, until : when they came, half-open."""

    organisations: tuple[int, ...] | None = None
    states: tuple[str, ...] | None = None
    search: str = ""  # part of a file's name
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ImportEntry:
    """One import: its kept file, its job and its batch, as far as there are any."""

    upload: Upload | None
    batch: Batch | None

    @property
    def job(self) -> Job | None:
        return self.upload.job if self.upload else None

    @property
    def identifier(self) -> str:
        """What it is called in addresses: a batch by its number, a job by its number after a j; a file by neither."""
        if self.job is not None:
            return f"{_JOB_MARK}{self.job.pk}"
        return str(self.batch.pk) if self.batch else ""

    @property
    def name(self) -> str:
        return self.upload.name if self.upload else self.batch.file_name if self.batch else ""

    @property
    def organisation(self) -> Organisation:
        return (self.upload or self._batch).organisation

    @property
    def created_at(self) -> datetime:
        return (self.upload or self._batch).created_at

    @property
    def finished_at(self) -> datetime | None:
        return self.job.finished_at if self.job else self.batch.finished_at if self.batch else None

    @property
    def report(self) -> dict[str, Any]:
        """What it said of itself, as ``import --json`` prints it; empty until it has."""
        kept = self.upload.report if self.upload else {}
        return kept or ({**self.batch.report, "batch": self.batch.pk} if self.batch else {})

    @property
    def state(self) -> str:
        """One of ``STATES``."""
        if self.upload and self.upload.discarded_at:
            return DISCARDED
        if self.batch and self.batch.state == Batch.UNDONE:
            return UNDONE
        if self.job:
            return self.job.state
        return _BATCH_STATES.get(self.batch.state, self.batch.state) if self.batch else RECEIVED

    @property
    def may_be_undone(self) -> bool:
        done = self.batch is not None and self.batch.state == Batch.DONE
        return done and self._batch.format not in ("sites", "meters")

    @property
    def _batch(self) -> Batch:
        assert self.batch is not None  # noqa: S101 - there is the one or the other
        return self.batch


def import_entries(
    actor: Actor, wanted: ImportFilter, *, offset: int = 0, limit: int = 100
) -> tuple[list[ImportEntry], int]:
    """Return a page of the imports that the actor may see, the newest first, and how many there are in all."""
    kept, bare = _kept(actor, wanted), _bare(actor, wanted)
    columns = ("source", "pk", "created_at")
    both: Any = kept.order_by().values_list(*columns).union(bare.order_by().values_list(*columns), all=True)
    rows = list(both.order_by("-created_at", "source", "-pk")[offset : offset + limit])
    uploads = _with_things(Upload.objects.filter(pk__in=[pk for source, pk, _ in rows if source == "upload"]))
    batches = _by_number(pk for source, pk, _ in rows if source == "batch")
    last = _last_batches(uploads)
    found = [
        ImportEntry(uploads[pk], last.get(pk)) if source == "upload" else ImportEntry(None, batches[pk])
        for source, pk, _ in rows
        if pk in (uploads if source == "upload" else batches)
    ]
    return found, kept.count() + bare.count()


def import_entry(actor: Actor, identifier: str) -> ImportEntry:
    """Return the import of a batch's number, or of a job's after a j. Raises ``NotFound``, also for another's."""
    mark, number = (_JOB_MARK, identifier[1:]) if identifier[:1] == _JOB_MARK else ("", identifier)
    known = number.isascii() and number.isdigit() and len(number) <= _LONGEST_NUMBER
    told = int(number) if known else 0
    if mark:
        upload = Upload.objects.visible_to(actor).select_related("job", "organisation", "user").filter(job=told).first()
        if upload is not None:
            return ImportEntry(upload, _last_batches({upload.pk: upload}).get(upload.pk))
    else:
        batches = Batch.objects.visible_to(actor).filter(kind=Batch.IMPORT)
        batch = batches.select_related("organisation", "upload__job", "upload__user").filter(pk=told).first()
        if batch is not None:
            return ImportEntry(batch.upload, batch)
    raise NotFound(f"There is no import {identifier[:30]!r}.", "Look at the list of imports.")


def entry_for_upload(upload: Upload) -> ImportEntry:
    """Return a kept file with what became of it."""
    return ImportEntry(upload, _last_batches({upload.pk: upload}).get(upload.pk))


def _kept(actor: Actor, wanted: ImportFilter) -> QuerySet[Any]:
    last = Batch.objects.filter(upload=OuterRef("pk")).order_by("-pk").values("state")[:1]
    found = _narrowed(Upload.objects.visible_to(actor), wanted, "name").annotate(
        source=Value("upload", CharField()),
        last=Coalesce(Subquery(last), Value("")),  # never null: ~ means not
    )
    if wanted.states is None:
        return found
    of_state = Q(pk__in=[])
    for state in wanted.states:
        of_state |= {
            DISCARDED: Q(discarded_at__isnull=False),
            UNDONE: Q(discarded_at=None, last=Batch.UNDONE),
            RECEIVED: Q(discarded_at=None, job=None, last=""),
        }.get(state, Q(discarded_at=None, job__state=state) & ~Q(last=Batch.UNDONE))
    return found.filter(of_state)


def _bare(actor: Actor, wanted: ImportFilter) -> QuerySet[Any]:
    batches = Batch.objects.visible_to(actor).filter(kind=Batch.IMPORT, upload=None)
    found = _narrowed(batches, wanted, "file_name").annotate(source=Value("batch", CharField()))
    if wanted.states is None:
        return found
    own = [state for state in Batch.STATES if _BATCH_STATES.get(state, state) in wanted.states]
    return found.filter(state__in=own)


def _narrowed(found: QuerySet[Any], wanted: ImportFilter, name: str) -> QuerySet[Any]:
    if wanted.organisations is not None:
        found = found.filter(organisation__in=wanted.organisations)
    if wanted.search:
        found = found.filter(**{f"{name}__icontains": wanted.search})
    if wanted.since is not None:
        found = found.filter(created_at__gte=wanted.since)
    return found if wanted.until is None else found.filter(created_at__lt=wanted.until)


def _with_things(found: QuerySet[Upload]) -> dict[int, Upload]:
    return {upload.pk: upload for upload in found.select_related("job", "organisation", "user")}


def _by_number(numbers: Iterable[int]) -> dict[int, Batch]:
    return Batch.objects.select_related("organisation", "user").in_bulk(list(numbers))


def _last_batches(uploads: dict[int, Upload]) -> dict[int, Batch]:
    """Return each file's last batch."""
    found = Batch.objects.filter(upload__in=uploads).order_by("pk")
    return {batch.upload_id: batch for batch in found if batch.upload_id is not None}
