"""Titles of jobs that name their file or their feed."""

from __future__ import annotations

from collections.abc import Sequence

from eclectyc.intake.feeds.models import Feed
from eclectyc.intake.uploads.models import Upload
from eclectyc.jobs.models import Job


def imports(jobs: Sequence[Job]) -> dict[int, str]:
    """Return the titles of imports by their jobs' numbers."""
    names = dict(Upload.objects.filter(pk__in=_numbers(jobs, "upload")).values_list("pk", "name"))
    return {job.pk: f"Import of {names[job.args['upload']]}" for job in jobs if job.args.get("upload") in names}


def feed_checks(jobs: Sequence[Job]) -> dict[int, str]:
    """Return the titles of checks of feeds by their jobs' numbers."""
    names = dict(Feed.objects.filter(pk__in=_numbers(jobs, "feed")).values_list("pk", "name"))
    return {job.pk: f"Check of feed {names[job.args['feed']]}" for job in jobs if job.args.get("feed") in names}


def _numbers(jobs: Sequence[Job], name: str) -> set[int]:
    return {job.args[name] for job in jobs if isinstance(job.args.get(name), int)}
