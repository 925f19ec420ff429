"""An uploaded file and its import, as pages show them."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import Any, Final

from django.urls import reverse

from eclectyc.intake.uploads import import_history
from eclectyc.intake.uploads.rejected import RejectedLines
from eclectyc.jobs.models import Job
from eclectyc.kernel.number_format import grouped
from eclectyc.kernel.plurals import counted
from eclectyc.web.clock import date_words, stamp
from eclectyc.web.import_messages import error_for_page, for_page, format_words, recognition_of, summary_of
from eclectyc.web.list_component import Cell, Row

MOST_SERIES: Final = 200  # shown of one import
STATE_WORDS: Final = {
    "received": "ready to preview",
    "waiting": "waiting",
    "running": "running",
    "cancelling": "cancelling",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
    "undone": "undone",
    "discarded": "discarded",
}


def may_change(found: import_history.ImportEntry) -> bool:
    """Whether a file can be imported with other settings: after a test, and if nothing of it was imported."""
    job, upload = found.job, found.upload
    if job is None or upload is None or not upload.kept or job.is_open:
        return False
    return found.state in ("failed", "cancelled") or bool(upload.options.get("dry_run"))


def import_context(entry: import_history.ImportEntry) -> dict[str, Any]:
    """Return everything that a page shows of an import, in words."""
    job, report, upload = entry.job, entry.report, entry.upload
    is_trial = bool(upload and upload.options.get("dry_run"))
    return {
        "one": entry,
        "state": entry.state,
        "word": STATE_WORDS[entry.state],
        "job": job,
        "report": report,
        "is_trial": is_trial,
        "upload": upload,
        "who": upload.user.email if upload and upload.user else entry.batch.actor_label if entry.batch else "",
        **_addresses(entry),
        **_permitted(entry, is_trial=is_trial),
        **_progress(entry),
        **_result(report, is_trial=is_trial),
        "has_rejected": bool(upload and upload.kept and report.get("error_count")) and entry.state != "discarded",
    }


def _addresses(entry: import_history.ImportEntry) -> dict[str, str]:
    upload, identifier = entry.upload, entry.identifier
    address = reverse("admin-import", args=[identifier]) if identifier else ""
    if upload is not None and entry.job is None and entry.batch is None:
        address = reverse("admin-import-file", args=[upload.pk])
    is_open = upload is not None and may_change(entry)
    return {
        "address": address,
        "options_at": reverse("admin-import-file", args=[upload.pk]) if upload and is_open else "",
        "map_at": reverse("admin-import-map", args=[upload.pk]) if upload and is_open else "",
        "rejected_at": reverse("admin-import-rejected", args=[identifier]) if identifier else "",
    }


def _permitted(entry: import_history.ImportEntry, *, is_trial: bool) -> dict[str, bool]:
    job, report = entry.job, entry.report
    return {
        "may_retry": job is not None and job.may_be_retried,
        "may_cancel": job is not None and job.may_be_cancelled,
        "may_undo": entry.may_be_undone,
        "may_import": is_trial and job is not None and job.state == "done" and bool(report.get("accepted")),
        "may_make": bool(report.get("unknown_meters")) and may_change(entry),
    }


def _progress(entry: import_history.ImportEntry) -> dict[str, Any]:
    job = entry.job
    if job is None:
        return {"is_open": False, "percent": None, "left": "", "fault": "", "remedy": "", "next_attempt": ""}
    is_delayed = job.state == Job.WAITING and bool(job.error)  # its progress is that of the failed attempt
    return {
        "is_open": job.is_open,
        "is_delayed": is_delayed,
        "percent": round(100 * job.share) if job.is_open and not is_delayed and job.share is not None else None,
        "left": time_left(job.left_s),
        "fault": for_page(job.error),
        "remedy": for_page(job.remedy),
        "next_attempt": next_attempt(job),
    }


def _result(report: dict[str, Any], *, is_trial: bool) -> dict[str, Any]:
    return {
        "summary": summary_of(report, is_trial=is_trial),
        "reading": recognition_of(report),
        "errors": sorted(map(error_for_page, report.get("errors", [])), key=itemgetter("line")),
        "warnings": [for_page(text) for text in report.get("warnings", [])],
        "series": [
            one | {"first": _moment(one.get("first")), "last": _moment(one.get("last"))}
            for one in report.get("series", [])[:MOST_SERIES]
        ],
        "missing_numbers": partial(_missing_numbers, report),
    }


def row_of(entry: import_history.ImportEntry) -> Row:
    """Return an import as a row of the history."""
    context = import_context(entry)
    report = context["report"]
    numbers = [
        Cell(grouped(report[name]) if isinstance(report.get(name), int) else "–", is_number=True)
        for name in ("rows", "added", "changed", "rejected")
    ]
    word = context["word"] + (" (test)" if context["is_trial"] and entry.state == "done" else "")
    by = context["who"] or (entry.upload.origin if entry.upload else "command line")
    return Row(
        [
            Cell(entry.name or "–", context["address"], under=format_words(report.get("format") or "")),
            Cell(word, is_wrong=entry.state == "failed"),
            Cell(stamp(entry.created_at)),
            Cell(by),
            *numbers,
            Cell(entry.organisation.name),
        ]
    )


def next_attempt(job: Job) -> str:
    """Return when a job of which an attempt failed is tried again; empty if none failed, or none follows."""
    if not job.error or not job.is_open or job.state == Job.CANCELLING:
        return ""
    if job.state == Job.WAITING:
        return f"Attempt {job.attempt} of {job.attempts} failed. The next one starts at {stamp(job.run_at)}."
    return f"Attempt {job.attempt} of {job.attempts} is running."


def time_left(seconds: float | None) -> str:
    """Return how long a job will still take, in words."""
    if seconds is None:
        return ""
    if seconds < 90:
        return f"about {counted(max(1, round(seconds)), 'second')} left"
    return f"about {counted(round(seconds / 60), 'minute')} left"


def _moment(text: object) -> str:
    """Return an ISO date or local time of a report as pages show it."""
    if not text:
        return "–"
    moment = datetime.fromisoformat(str(text))
    return date_words(moment) if len(str(text)) == len("2026-11-30") else f"{date_words(moment)} {moment:%H:%M}"


def _missing_numbers(report: dict[str, Any]) -> int:
    """Return how many rejected rows are missing from the file of them, since only so many row numbers are stored."""
    if not report.get("error_count"):
        return 0
    return max(0, int(report.get("rejected", 0)) - len(RejectedLines.from_report(report)))
