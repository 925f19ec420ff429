"""Health checks: whether the lake has every batch, and when the last import was."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings

from eclectyc.batches.models import Batch
from eclectyc.kernel.health import CRITICAL, DEGRADED, HEALTHY, CheckResult
from eclectyc.kernel.plurals import age_in_words, counted

IMPORT_OLD: Final = timedelta(days=7)
PENDING_LONG: Final = timedelta(hours=1)


def lake(*, now: datetime, deep: bool) -> CheckResult:
    """Check that the lake is the registry's own and has every batch; a deep check reads the lake's files."""
    from eclectyc.batches.own_lake import compare_lakes
    from eclectyc.lake.identity import REMEDY
    from eclectyc.lake.store import connect

    compared = compare_lakes()
    last = compared.found.last_batch
    detail: dict[str, Any] = {
        "url": str(settings.LAKE_URL),
        "last_batch": last,
        "last_registered": compared.known.last_batch if compared.known else 0,
    }
    if compared.lost:
        return CheckResult(CRITICAL, f"{compared.reason} {REMEDY}", detail | {"lost": compared.lost})
    problems = [str(problem) for problem in connect().check()] if deep else []
    if problems:
        message = f"{counted(len(problems), 'problem')}: {problems[0]}"
        return CheckResult(CRITICAL, message, detail | {"problems": problems[:20]})
    if not last:
        return CheckResult(HEALTHY, "There are no readings yet.", detail)
    return CheckResult(HEALTHY, f"The lake answers; it holds batches up to {last}.", detail)


def imports(*, now: datetime, deep: bool) -> CheckResult:
    """Check how long ago the last import ended, and whether one is unfinished."""
    stuck = Batch.objects.filter(state__in=(Batch.PENDING, Batch.COMMITTED), created_at__lt=now - PENDING_LONG)
    if left := list(stuck.values_list("pk", flat=True)[:20]):
        return CheckResult(DEGRADED, f"Unfinished: {counted(len(left), 'import')}.", {"batches": left})
    last = Batch.objects.filter(state=Batch.DONE, kind=Batch.IMPORT).order_by("-pk").first()
    if last is None:
        return CheckResult(HEALTHY, "Nothing has been imported yet.")
    age = now - (last.finished_at or last.created_at)
    detail = {"batch": last.pk, "age_hours": round(age.total_seconds() / 3600, 1)}
    return CheckResult(
        DEGRADED if age > IMPORT_OLD else HEALTHY, f"The last import was {age_in_words(age)} ago.", detail
    )
