"""Retention of received files, and of the details of imports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db.models import Q

from eclectyc.batches.models import Batch
from eclectyc.intake.report import REPORT_FILES
from eclectyc.intake.uploads.models import Upload
from eclectyc.jobs.models import Job
from eclectyc.kernel.data_protection import Deletion, RetentionCategory

AT_ONCE: Final = 500  # rows in memory


def delete_files(deletion: Deletion) -> int:
    """Delete the content of received files that no job is working on; the record that they came stays."""
    idle = Q(job=None) | Q(job__state__in=Job.ENDED)
    old = deletion.within(Upload.objects.filter(idle, created_at__lt=deletion.before)).exclude(kept="")
    count = 0
    for upload in old.only("pk", "kept").iterator(chunk_size=AT_ONCE):
        count += 1
        if not deletion.dry_run:
            Upload.objects.filter(pk=upload.pk).update(kept="")
            upload.path.unlink(missing_ok=True)
    return count


def delete_details(deletion: Deletion) -> int:
    """Delete the details of imports. Their counts stay, so readings in the lake keep their origin."""
    reports = Path(settings.HOME) / "reports"
    batches = deletion.within(Batch.objects.filter(finished_at__lt=deletion.before))
    uploads = deletion.within(Upload.objects.filter(created_at__lt=deletion.before))
    count = 0
    for old in (batches, uploads):
        for one in old.exclude(report={}).exclude(report__has_key="swept").iterator(chunk_size=AT_ONCE):
            count += 1
            if not deletion.dry_run:
                type(one)._base_manager.filter(pk=one.pk).update(report=_without_details(one.report))
                _unlink_files(reports, one.report)
    return count + (deletion.delete_files(_unnamed(reports)) if deletion.is_rest else 0)


def _without_details(report: dict[str, Any]) -> dict[str, Any]:
    left = {name: report[name] for name in ("batch",) if name in report}
    return {**left, "made": report.get("made", {}), "swept": True}


def _unlink_files(reports: Path, report: dict[str, Any]) -> None:
    for name in REPORT_FILES:
        if report.get(name):
            (reports / Path(str(report[name])).name).unlink(missing_ok=True)


def _unnamed(reports: Path) -> Iterator[Path]:
    """Return the files of rejected lines that no report names; the others go with their report."""
    named = {
        Path(str(name)).name
        for model in (Batch, Upload)
        for key in REPORT_FILES
        for name in model.objects.filter(report__has_key=key).values_list(f"report__{key}", flat=True)
    }
    return (path for path in sorted(reports.glob("*")) if path.name not in named)


FILES: Final = RetentionCategory(
    "uploads", "Received files", "home: uploads", 90, delete_files, is_of_organisations=True
)
DETAILS: Final = RetentionCategory(
    "import_reports",
    "Import details and rejected lines",
    "registry: intake; home: reports",
    730,
    delete_details,
    is_of_organisations=True,
)
