"""The list of imports: uploaded files with their jobs, and imports by the command line."""

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
_JOB_MARK: Final = "j"  # before a job's number; a batch's has no mark
_LONGEST_NUMBER: Final = 18
_BATCH_STATES: Final = {Batch.PENDING: RUNNING, Batch.COMMITTED: RUNNING}


@dataclass(frozen=True, slots=True)
class ImportFilter:
    """A filter of imports; None does not restrict. since, until : when they were created, half-open."""

    organisations: tuple[int, ...] | None = None
    states: tuple[str, ...] | None = None
    search: str = ""  # part of a file's name
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ImportEntry:
    """One import: its uploaded file, job and batch, as far as it has them."""

    upload: Upload | None
    batch: Batch | None

    @property
    def job(self) -> Job | None:
        return self.upload.job if self.upload else None

    @property
    def identifier(self) -> str:
        """Its identifier in addresses: a batch's number, or j and a job's number; empty for a file with neither."""
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
        """Its report, as ``import --json`` prints it; empty until there is one."""
        stored = self.upload.report if self.upload else {}
        return stored or ({**self.batch.report, "batch": self.batch.pk} if self.batch else {})

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
        assert self.batch is not None  # noqa: S101 - an entry has an upload or a batch
        return self.batch


def import_entries(
    actor: Actor, query: ImportFilter, *, offset: int = 0, limit: int = 100
) -> tuple[list[ImportEntry], int]:
    """Return a page of the imports that the actor may see, newest first, and their total number."""
    uploaded, others = _uploads(actor, query), _batches(actor, query)
    columns = ("source", "pk", "created_at")
    both: Any = uploaded.order_by().values_list(*columns).union(others.order_by().values_list(*columns), all=True)
    rows = list(both.order_by("-created_at", "source", "-pk")[offset : offset + limit])
    uploads = _uploads_by_id(Upload.objects.filter(pk__in=[pk for source, pk, _ in rows if source == "upload"]))
    batches = _by_number(pk for source, pk, _ in rows if source == "batch")
    last = _last_batches(uploads)
    found = [
        ImportEntry(uploads[pk], last.get(pk)) if source == "upload" else ImportEntry(None, batches[pk])
        for source, pk, _ in rows
        if pk in (uploads if source == "upload" else batches)
    ]
    return found, uploaded.count() + others.count()


def import_entry(actor: Actor, identifier: str) -> ImportEntry:
    """Return the import of a batch's number, or of j and a job's number.

    Raises ``NotFound``, also for another organisation's.
    """
    mark, number = (_JOB_MARK, identifier[1:]) if identifier[:1] == _JOB_MARK else ("", identifier)
    known = number.isascii() and number.isdigit() and len(number) <= _LONGEST_NUMBER
    key = int(number) if known else 0
    if mark:
        upload = Upload.objects.visible_to(actor).select_related("job", "organisation", "user").filter(job=key).first()
        if upload is not None:
            return ImportEntry(upload, _last_batches({upload.pk: upload}).get(upload.pk))
    else:
        batches = Batch.objects.visible_to(actor).filter(kind=Batch.IMPORT)
        batch = batches.select_related("organisation", "upload__job", "upload__user").filter(pk=key).first()
        if batch is not None:
            return ImportEntry(batch.upload, batch)
    raise NotFound(f"Import {identifier[:30]!r} does not exist.", "See the list of imports.")


def entry_for_upload(upload: Upload) -> ImportEntry:
    """Return the import of an uploaded file."""
    return ImportEntry(upload, _last_batches({upload.pk: upload}).get(upload.pk))


def entries_for_uploads(uploads: Iterable[Upload]) -> dict[int, ImportEntry]:
    """Return the imports of uploaded files by the files' numbers."""
    by_number = {upload.pk: upload for upload in uploads}
    last = _last_batches(by_number)
    return {pk: ImportEntry(upload, last.get(pk)) for pk, upload in by_number.items()}


def _uploads(actor: Actor, query: ImportFilter) -> QuerySet[Any]:
    last = Batch.objects.filter(upload=OuterRef("pk")).order_by("-pk").values("state")[:1]
    found = _filter(Upload.objects.visible_to(actor), query, "name").annotate(
        source=Value("upload", CharField()),
        last=Coalesce(Subquery(last), Value("")),  # never null, so that ~ means not
    )
    if query.states is None:
        return found
    of_state = Q(pk__in=[])
    for state in query.states:
        of_state |= {
            DISCARDED: Q(discarded_at__isnull=False),
            UNDONE: Q(discarded_at=None, last=Batch.UNDONE),
            RECEIVED: Q(discarded_at=None, job=None, last=""),
        }.get(state, Q(discarded_at=None, job__state=state) & ~Q(last=Batch.UNDONE))
    return found.filter(of_state)


def _batches(actor: Actor, query: ImportFilter) -> QuerySet[Any]:
    batches = Batch.objects.visible_to(actor).filter(kind=Batch.IMPORT, upload=None)
    found = _filter(batches, query, "file_name").annotate(source=Value("batch", CharField()))
    if query.states is None:
        return found
    own = [state for state in Batch.STATES if _BATCH_STATES.get(state, state) in query.states]
    return found.filter(state__in=own)


def _filter(found: QuerySet[Any], query: ImportFilter, name: str) -> QuerySet[Any]:
    if query.organisations is not None:
        found = found.filter(organisation__in=query.organisations)
    if query.search:
        found = found.filter(**{f"{name}__icontains": query.search})
    if query.since is not None:
        found = found.filter(created_at__gte=query.since)
    return found if query.until is None else found.filter(created_at__lt=query.until)


def _uploads_by_id(found: QuerySet[Upload]) -> dict[int, Upload]:
    return {upload.pk: upload for upload in found.select_related("job", "organisation", "user")}


def _by_number(numbers: Iterable[int]) -> dict[int, Batch]:
    return Batch.objects.select_related("organisation", "user").in_bulk(list(numbers))


def _last_batches(uploads: dict[int, Upload]) -> dict[int, Batch]:
    """Return each file's last batch."""
    found = Batch.objects.filter(upload__in=uploads).order_by("pk")
    return {batch.upload_id: batch for batch in found if batch.upload_id is not None}
