"""Import an uploaded file in the background: once, even if the job runs several times."""

from __future__ import annotations

from typing import Any

from eclectyc.accounts.actor import Actor
from eclectyc.batches.lifecycle import AlreadyImported, recover
from eclectyc.batches.models import Batch
from eclectyc.intake.import_options import Progress
from eclectyc.intake.report import NOTHING_USABLE
from eclectyc.intake.service import import_file
from eclectyc.intake.uploads.models import Upload
from eclectyc.intake.uploads.service import creates_meters, feed_actor, options_of
from eclectyc.jobs.context import JobContext
from eclectyc.kernel.errors import EclectycError, Invalid, NotFound
from eclectyc.kernel.plurals import counted, plural

TEXTS = {"reading": "Reading the file", "waiting": "Waiting", "writing": "Writing the readings", "done": "Done"}
SHOWN = ("batch", "format", "rows", "accepted", "rejected", "readings", "added", "changed", "unchanged", "kept")


def run_import(running: JobContext) -> dict[str, Any]:
    """Import the file of ``args["upload"]``, with the present rights of its sender."""
    number = int(running.args["upload"])
    upload = Upload.objects.select_related("organisation", "user").filter(pk=number).first()
    if upload is None or not upload.kept:
        raise NotFound("The file is no longer stored.", "Upload it again.")
    recover()
    report = _report_of(_batch_of(upload)) or _import(running, upload)
    with running.effect():
        Upload.objects.filter(pk=upload.pk).update(report=report)
    for warning in report.get("warnings", []):
        running.log(warning)
    return {name: report.get(name) for name in SHOWN}


def actor_for(upload: Upload) -> Actor:
    """Return the sender of a file with their present rights; a feed acts for its organisation."""
    if upload.user is not None:
        return Actor.of(upload.user, origin="background work")
    if upload.origin.startswith(Upload.FEED):
        return feed_actor(upload.organisation_id, upload.origin, creates=creates_meters(upload))
    raise Invalid("The sender's account no longer exists.", "Upload the file again.")


def _import(running: JobContext, upload: Upload) -> dict[str, Any]:
    is_committing = False

    def on_progress(progress: Progress) -> None:
        nonlocal is_committing
        is_committing = is_committing or progress.phase == "done"
        if is_committing:
            return  # committed: nothing can stop it now
        unit = "readings" if progress.phase == "writing" else "bytes"
        running.progress(
            done=progress.done, total=progress.total, unit=unit, text=progress.text or TEXTS[progress.phase]
        )

    try:
        report = import_file(
            actor_for(upload),
            organisation=upload.organisation,
            path=upload.path,
            options=options_of(upload),
            progress=on_progress,
            name=upload.name,
            upload=upload.pk,
            guard=running.effect,
        )
    except AlreadyImported as known:
        return _report_of(known.batch) or {}
    except EclectycError as error:
        error.reason = error.reason.replace(upload.kept, upload.name)  # the stored name means nothing to people
        refused = {"file": upload.name, "errors": [_as_error(error)], "error_count": 1, "batch": None}
        Upload.objects.filter(pk=upload.pk).update(report=refused)
        raise
    plain = report.for_registry()
    if report.exit_code == NOTHING_USABLE and not report.dry_run:
        with running.effect():
            Upload.objects.filter(pk=upload.pk).update(report=plain)
        if report.unknown_meters:
            many = len(report.unknown_meters)
            unknown = f"{counted(many, 'meter')} {plural(many, 'is', 'are')} not known"
            raise Invalid(
                f"No rows of {upload.name} could be imported: {unknown}.",
                "Add the meters at a site, or correct the identifiers.",
            )
        first = report.errors[0] if report.errors else None
        raise Invalid(
            f"No rows of {upload.name} could be imported. " + (f"Line {first.line}: {first.reason}" if first else ""),
            first.remedy if first else "See the import's page.",
        )
    return plain


def _batch_of(upload: Upload) -> Batch | None:
    return Batch.objects.filter(upload=upload, state__in=(Batch.DONE, Batch.UNDONE)).first()


def _report_of(batch: Batch | None) -> dict[str, Any] | None:
    return None if batch is None else {**batch.report, "batch": batch.pk}


def _as_error(error: EclectycError) -> dict[str, object]:
    return {"line": 0, "column": error.field or "", "reason": error.reason, "remedy": error.remedy}
