"""Imports: upload a file, follow the background job that imports it, and see results."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import File, Form, Path, Query, Router, Schema, UploadedFile
from ninja.responses import Status
from pydantic import Field

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.api.authentication import actor_of
from eclectyc.api.lookup import organisation_of, organisations_named
from eclectyc.api.requests import CHANGING, ONE, Body, Searched, require_somewhere
from eclectyc.api.schemas import Text
from eclectyc.batches.models import Batch
from eclectyc.intake.import_options import ImportOptions
from eclectyc.intake.undo import undo_batch
from eclectyc.intake.uploads import import_history, service
from eclectyc.intake.uploads.models import Upload
from eclectyc.jobs import service as jobs
from eclectyc.jobs.models import Job
from eclectyc.kernel.errors import Conflict, Invalid
from eclectyc.readers.blocks import MAX_REPORTED_ERRORS

router = Router(tags=["imports"])

State = Literal["received", "waiting", "running", "cancelling", "done", "failed", "cancelled", "undone", "discarded"]
UNDO_WAIT_S = 15.0  # for an import that is writing
COUNTS = ("rows", "accepted", "rejected", "readings", "added", "changed", "unchanged", "kept")


class ImportForm(Body):
    """The options of ``eclectyc import``."""

    organisation: Text | None = Field(None, description="Name or number; required if you import for several.")
    type: Text = Field("auto", description="auto, hh, or a format's name.")
    dry_run: bool = Field(False, description="Only test the import; nothing is stored.")
    create_meters: bool = False
    site: Text = Field("", description="The site of new meters; created if it does not exist.")
    stamps: Literal["auto", "start", "end"] = "auto"
    timezone: Text = ""
    unit: Text = ""
    meter: Text = Field("", description="The meter, if the file names none.")
    quantity: Text = ""
    profile: Text = Field("", description="A saved import profile.")
    strict_mpan: bool = False


class ProgressOut(Schema):
    """The progress of a job. ``left_s`` is estimated from its speed so far."""

    done: int | None
    total: int | None
    unit: str
    text: str
    per_second: float | None
    left_s: float | None


class ErrorLineOut(Schema):
    line: int
    column: str
    reason: str
    remedy: str


class ImportOut(Schema):
    id: str = Field(description="Its id in addresses: j and its job's number, or its batch's number.")
    job: int | None
    batch: int | None = Field(description="Null until its readings are stored.")
    state: State
    file: str
    organisation: str
    origin: str = Field(description="page, api, command line, or feed and its number.")
    created_at: datetime
    finished_at: datetime | None
    format: str
    dry_run: bool
    rows: int
    accepted: int
    rejected: int
    readings: int
    added: int
    changed: int
    unchanged: int
    kept: int
    progress: ProgressOut | None
    error: str = Field(description="Why it failed; empty if it did not.")
    remedy: str
    attempt: int


class OneImportOut(ImportOut):
    warnings: list[str]
    errors: list[ErrorLineOut] = Field(description="The first rejected lines, and why.")
    error_count: int
    unknown_meters: list[str]


class ImportPage(Schema):
    items: list[ImportOut]
    count: int


class ImportStatusOut(Schema):
    waiting: int
    running: int
    failed: int = Field(description="In the last 24 hours.")
    done: int = Field(description="In the last 24 hours.")
    last_import_at: datetime | None
    current: list[ImportOut] = Field(description="What is running or waiting now, at most ten.")


class UndoneOut(Schema):
    batch: int
    by: int = Field(description="The batch that undid it.")
    changed: int = Field(description="Readings that returned to their earlier value.")
    removed: int


class ImportList(Searched):
    organisation: Text | None = None
    state: State | None = None


@router.post("/imports", response={202: OneImportOut, **CHANGING}, summary="Import a file")
def send_file(request: HttpRequest, file: File[UploadedFile], form: Form[ImportForm]) -> Status[OneImportOut]:
    """Store the file and import it in the background. ``/api/import/jobs/{id}`` gives the result."""
    actor = actor_of(request)
    unknown = sorted(set(request.POST) - set(ImportForm.model_fields))
    if unknown:
        raise Invalid(f"There is no option {unknown[0][:60]!r}.", "Check its spelling.", field=unknown[0][:60])
    organisation = _organisation(actor, form.organisation)
    options = service.check_options(actor, organisation, ImportOptions(**form.dict(exclude={"organisation"})))
    if not file.size:
        raise Invalid("The file is empty.", "Choose a file that has a header and data lines.", field="file")
    upload = service.receive(
        actor,
        organisation=organisation,
        name=file.name or "",
        chunks=file.chunks(),
        options=options,
        origin=Upload.API,
    )
    service.start(actor, upload=upload)
    return Status(202, _whole(import_history.entry_for_upload(upload)))


@router.get("/import/status", response={200: ImportStatusOut, **ONE}, summary="Import status")
def import_status(request: HttpRequest) -> ImportStatusOut:
    """How many imports are waiting, running, and ended in the last day."""
    actor = actor_of(request)
    require_somewhere(actor, "imports.run")
    day = timezone.now() - timedelta(days=1)
    count = {
        state: import_history.import_entries(actor, import_history.ImportFilter(states=(state,)), limit=0)[1]
        for state in ("waiting", "running")
    }
    ended = {
        state: import_history.import_entries(actor, import_history.ImportFilter(states=(state,), since=day), limit=0)[1]
        for state in ("failed", "done")
    }
    current, _ = import_history.import_entries(
        actor, import_history.ImportFilter(states=("running", "cancelling", "waiting")), limit=10
    )
    last = Batch.objects.visible_to(actor).filter(state=Batch.DONE).order_by("-finished_at").first()
    return ImportStatusOut(
        **count, **ended, last_import_at=last.finished_at if last else None, current=[_out(one) for one in current]
    )


@router.get("/import/jobs", response={200: ImportPage, **ONE}, summary="List imports")
def list_imports(request: HttpRequest, asked: Query[ImportList]) -> ImportPage:
    """All imports that you may see, the newest first: uploads, feeds and the command line."""
    actor = actor_of(request)
    require_somewhere(actor, "imports.run")
    wanted = import_history.ImportFilter(
        organisations=organisations_named(actor, asked.organisation),
        states=(asked.state,) if asked.state else None,
        search=asked.search or "",
    )
    found, count = import_history.import_entries(actor, wanted, offset=asked.offset, limit=asked.limit)
    return ImportPage(items=[_out(one) for one in found], count=count)


@router.get("/import/jobs/{batch}", response={200: OneImportOut, **ONE}, summary="One import")
def one_import(request: HttpRequest, batch: Path[Text]) -> OneImportOut:
    """Its result, with the first rejected lines."""
    return _whole(import_history.import_entry(actor_of(request), batch))


@router.post("/import/jobs/{batch}/cancel", response={200: OneImportOut, **CHANGING}, summary="Cancel an import")
def cancel_import(request: HttpRequest, batch: Path[Text]) -> OneImportOut:
    """A waiting import is cancelled at once, a running one at its next step; stored readings stay."""
    actor = actor_of(request)
    jobs.cancel(actor, job=_job(import_history.import_entry(actor, batch)))
    return _whole(import_history.import_entry(actor, batch))


@router.post("/import/jobs/{batch}/retry", response={200: OneImportOut, **CHANGING}, summary="Retry an import")
def retry_import(request: HttpRequest, batch: Path[Text]) -> OneImportOut:
    """For a failed or cancelled import."""
    actor = actor_of(request)
    jobs.retry(actor, job=_job(import_history.import_entry(actor, batch)))
    return _whole(import_history.import_entry(actor, batch))


@router.post("/import/jobs/{batch}/undo", response={200: UndoneOut, **CHANGING}, summary="Undo an import")
def undo_import(request: HttpRequest, batch: Path[Text]) -> UndoneOut:
    """Readings that the import changed return to their earlier values."""
    actor = actor_of(request)
    found = import_history.import_entry(actor, batch)
    if found.batch is None:
        raise Conflict("This import has stored nothing.", "There is nothing to undo.")
    undone = undo_batch(actor, batch=found.batch.pk, wait_s=UNDO_WAIT_S)
    return UndoneOut(batch=undone.batch, by=undone.by, changed=undone.changed, removed=undone.removed)


def _organisation(actor: Actor, named: str | None) -> Organisation:
    """Return the named organisation, or the only one in which the actor imports."""
    if named is not None:
        return organisation_of(actor, named)
    require_somewhere(actor, "imports.run")
    visible = Organisation.objects.visible_to(actor)
    own = visible if actor.sees_all("imports.run") else visible.filter(pk__in=actor.organisations("imports.run"))
    found = list(own[:2])
    if len(found) != 1:
        raise Invalid("You import for several organisations.", "Name one.", field="organisation")
    return found[0]


def _job(found: import_history.ImportEntry) -> Job:
    if found.job is None:
        raise Conflict("This import did not run in the background.", "There is no job to cancel or retry.")
    return found.job


def _out(found: import_history.ImportEntry) -> ImportOut:
    return ImportOut(**_facts(found))


def _whole(found: import_history.ImportEntry) -> OneImportOut:
    report = found.report
    return OneImportOut(
        **_facts(found),
        warnings=report.get("warnings", []),
        errors=[ErrorLineOut(**error) for error in report.get("errors", [])[:MAX_REPORTED_ERRORS]],
        error_count=report.get("error_count", 0),
        unknown_meters=report.get("unknown_meters", []),
    )


def _facts(found: import_history.ImportEntry) -> dict[str, Any]:
    job, report = found.job, found.report
    counts = {name: report.get(name) or 0 for name in COUNTS}
    progress = None
    if job is not None and job.is_open:
        progress = ProgressOut(
            done=job.done, total=job.total, unit=job.unit, text=job.text, per_second=job.per_second, left_s=job.left_s
        )
    options = found.upload.options if found.upload else {}
    return counts | {
        "id": found.identifier,
        "job": job.pk if job else None,
        "batch": found.batch.pk if found.batch else None,
        "state": found.state,
        "file": found.name,
        "organisation": found.organisation.name,
        "origin": found.upload.origin if found.upload else "command line",
        "created_at": found.created_at,
        "finished_at": found.finished_at,
        "format": report.get("format") or "",
        "dry_run": bool(options.get("dry_run")),
        "progress": progress,
        "error": job.error if job else "",
        "remedy": job.remedy if job else "",
        "attempt": job.attempt if job else 1,
    }
