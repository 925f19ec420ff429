"""The import of a kept file, as background work: done once, however often it is begun."""

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
    """Import the file that ``args["upload"]`` names, with the rights that whoever sent it has now."""
    number = int(running.args["upload"])
    upload = Upload.objects.select_related("organisation", "user").filter(pk=number).first()
    if upload is None or not upload.kept:
        raise NotFound("The file is no longer here.", "Send it again.")
    recover()
    report = _report_of(_batch_of(upload)) or _import(running, upload)
    with running.effect():
        Upload.objects.filter(pk=upload.pk).update(report=report)
    for warning in report.get("warnings", []):
        running.log(warning)
    return {name: report.get(name) for name in SHOWN}


def actor_for(upload: Upload) -> Actor:
    """Return whoever sent a file, as they are now; a feed's files are its organisation's own."""
    if upload.user is not None:
        return Actor.of(upload.user, origin="background work")
    if upload.origin.startswith(Upload.FEED):
        return feed_actor(upload.organisation_id, upload.origin, creates=creates_meters(upload))
    raise Invalid("Whoever sent the file is no longer here.", "Send it again.")


def _import(running: JobContext, upload: Upload) -> dict[str, Any]:
    is_committing = False

    def tell(progress: Progress) -> None:
        nonlocal is_committing
        is_committing = is_committing or progress.phase == "done"
        if is_committing:
            return  # it is in: nothing stops it any more
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
            progress=tell,
            name=upload.name,
            upload=upload.pk,
            guard=running.effect,
        )
    except AlreadyImported as known:
        return _report_of(known.batch) or {}
    except EclectycError as error:
        error.reason = error.reason.replace(upload.kept, upload.name)  # people know it by its own name
        refused = {"file": upload.name, "errors": [_as_error(error)], "error_count": 1, "batch": None}
        Upload.objects.filter(pk=upload.pk).update(report=refused)
        raise
    told = report.for_registry()
    if report.exit_code == NOTHING_USABLE and not report.dry_run:
        with running.effect():
            Upload.objects.filter(pk=upload.pk).update(report=told)
        if report.unknown_meters:
            many = len(report.unknown_meters)
            unknown = f"{counted(many, 'meter')} {plural(many, 'is', 'are')} not known"
            raise Invalid(
                f"Nothing of {upload.name} could be used: {unknown}.",
                "Have them made at a site, or correct the identifiers.",
            )
        first = report.errors[0] if report.errors else None
        raise Invalid(
            f"Nothing of {upload.name} could be used. " + (f"Line {first.line}: {first.reason}" if first else ""),
            first.remedy if first else "Look at the import's page.",
        )
    return told


def _batch_of(upload: Upload) -> Batch | None:
    return Batch.objects.filter(upload=upload, state__in=(Batch.DONE, Batch.UNDONE)).first()


def _report_of(batch: Batch | None) -> dict[str, Any] | None:
    return None if batch is None else {**batch.report, "batch": batch.pk}


def _as_error(error: EclectycError) -> dict[str, object]:
    return {"line": 0, "column": error.field or "", "reason": error.reason, "remedy": error.remedy}
