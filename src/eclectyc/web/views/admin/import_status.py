"""What pages say of a file that arrived and of its import."""

from __future__ import annotations

from functools import partial
from operator import itemgetter
from typing import Any, Final

from django.urls import reverse

from eclectyc.intake.uploads import import_history
from eclectyc.intake.uploads.rejected import RejectedLines
from eclectyc.kernel.plurals import counted
from eclectyc.web.clock import house_zone
from eclectyc.web.import_messages import error_for_page, for_page, summary_of
from eclectyc.web.list_component import Cell, Row

MOST_SERIES: Final = 200  # shown of one import
STATE_WORDS: Final = {
    "received": "to be looked at", "waiting": "waiting", "running": "running", "cancelling": "cancelling",
    "done": "done", "failed": "failed", "cancelled": "cancelled", "undone": "taken back", "discarded": "put aside",
}  # fmt: skip


def may_change(found: import_history.ImportEntry) -> bool:
    """Whether a file may be read another way: after a trial, and where nothing of it came in."""
    job, upload = found.job, found.upload
    if job is None or upload is None or not upload.kept or job.is_open:
        return False
    return found.state in ("failed", "cancelled") or bool(upload.options.get("dry_run"))


def shown(found: import_history.ImportEntry) -> dict[str, Any]:
    """Return all that a page says of an import, in words."""
    job, report, upload = found.job, found.report, found.upload
    address = reverse("admin-import", args=[found.identifier]) if found.identifier else ""
    if upload is not None and job is None and found.batch is None:
        address = reverse("admin-import-file", args=[upload.pk])
    is_trial = bool(upload and upload.options.get("dry_run"))
    is_open = job is not None and job.is_open
    return {
        "one": found, "state": found.state, "word": STATE_WORDS[found.state], "address": address, "job": job,
        "report": report, "is_trial": is_trial, "is_open": is_open, "upload": upload,
        "percent": round(100 * job.share) if job is not None and is_open and job.share is not None else None,
        "may_retry": job is not None and job.may_be_retried, "may_cancel": job is not None and job.may_be_cancelled,
        "may_undo": found.may_be_undone,
        "may_import": is_trial and job is not None and job.state == "done" and bool(report.get("accepted")),
        "is_useless": is_trial and found.state == "done" and not report.get("accepted"),
        "may_make": bool(report.get("unknown_meters")) and may_change(found),
        "remedy": for_page(job.remedy) if job is not None else "",
        "errors": sorted(map(error_for_page, report.get("errors", [])), key=itemgetter("line")),
        "options_at": reverse("admin-import-file", args=[upload.pk]) if upload and may_change(found) else "",
        "map_at": reverse("admin-import-map", args=[upload.pk]) if upload and may_change(found) else "",
        "has_rejected": bool(upload and upload.kept and report.get("error_count")) and found.state != "discarded",
        "untold": partial(_untold, report),
        "rejected_at": reverse("admin-import-rejected", args=[found.identifier]) if found.identifier else "",
        "who": upload.user.email if upload and upload.user else found.batch.actor_label if found.batch else "",
        "summary": summary_of(report, is_trial=is_trial), "fault": for_page(job.error) if job is not None else "",
        "series": [{**one, **{name: str(one.get(name) or "–")[:16].replace("T", " ") for name in ("first", "last")}}
                   for one in report.get("series", [])[:MOST_SERIES]],
        "warnings": [for_page(text) for text in report.get("warnings", [])],
        "left": _left(job.left_s) if job is not None else "",
    }  # fmt: skip


def row_of(found: import_history.ImportEntry) -> Row:
    """Return an import as a row of the history."""
    told = shown(found)
    report = told["report"]
    at = found.created_at.astimezone(house_zone())
    numbers = [
        Cell(f"{report[name]:,}" if isinstance(report.get(name), int) else "–", is_number=True)
        for name in ("rows", "added", "changed", "rejected")
    ]
    word = told["word"] + (" (trial)" if told["is_trial"] and found.state == "done" else "")
    by = told["who"] or (found.upload.origin if found.upload else "command line")
    return Row([
        Cell(found.name or "–", told["address"], under=report.get("format") or ""),
        Cell(word, is_wrong=found.state == "failed"), Cell(f"{at:%Y-%m-%d %H:%M}"), Cell(by), *numbers,
        Cell(found.organisation.name),
    ])  # fmt: skip


def _left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 90:
        return f"about {counted(max(1, round(seconds)), 'second')} left"
    return f"about {counted(round(seconds / 60), 'minute')} left"


def _untold(report: dict[str, Any]) -> int:
    """Return how many rejected lines the file of them lacks: the report's files may have gone since."""
    return (
        max(0, int(report.get("rejected", 0)) - len(RejectedLines.from_report(report)))
        if report.get("error_count")
        else 0
    )
