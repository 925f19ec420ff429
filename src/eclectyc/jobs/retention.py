"""Deletes ended jobs, their runs and log lines after the time set by their kind."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from eclectyc.jobs import clock, kinds
from eclectyc.jobs.context import JobContext
from eclectyc.jobs.models import Job

STRANGE_DAYS: Final = 365  # for kinds that this version does not have
AT_ONCE: Final = 500


def run(running: JobContext) -> dict[str, int]:
    """Delete jobs past their retention; the handler of the daily schedule."""
    now = clock.read()
    removed: dict[str, int] = {}
    for name in Job.objects.order_by("kind").values_list("kind", flat=True).distinct():
        kind = kinds.find(name)
        before = now - timedelta(days=kind.keep_days if kind else STRANGE_DAYS)
        while count := _remove(name, before):
            removed[name] = removed.get(name, 0) + count
            running.progress(done=sum(removed.values()), unit="jobs")
    return removed


def _remove(kind: str, before: datetime) -> int:
    """Delete some in one short transaction, so that no writer waits for long."""
    old = Job.objects.filter(kind=kind, state__in=Job.ENDED, finished_at__lt=before)
    with transaction.atomic():
        some = list(old.values_list("pk", flat=True)[:AT_ONCE])
        Job.objects.filter(pk__in=some).delete()
    return len(some)
