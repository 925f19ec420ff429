"""Titles of jobs: of what each works on if its kind can tell, otherwise of its kind."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from eclectyc.jobs import kinds
from eclectyc.jobs.models import Job


def titles_of(jobs: Sequence[Job]) -> dict[int, str]:
    """Return the titles by the jobs' numbers, with at most one query for each kind."""
    found: dict[int, str] = {}
    for name, of_kind in groupby(sorted(jobs, key=lambda job: job.kind), key=lambda job: job.kind):
        same = list(of_kind)
        kind = kinds.find(name)
        found |= {job.pk: job.title for job in same} | (kind.titles_of(same) if kind else {})
    return found


def title_of(job: Job) -> str:
    """Return one job's title."""
    return titles_of([job])[job.pk]
