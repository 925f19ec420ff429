"""Health check: whether feeds can be checked, and whether their files are imported."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from eclectyc.intake.feeds.models import Feed
from eclectyc.intake.feeds.outcomes import failures_by_feed
from eclectyc.kernel.health import DEGRADED, HEALTHY, CheckResult
from eclectyc.kernel.plurals import counted, plural

MOST_NAMED: Final = 20


def feeds(*, now: datetime, deep: bool) -> CheckResult:
    """Check the active feeds: those that fail, and those with files that could not be imported."""
    active = list(Feed.objects.filter(is_active=True).with_failures())
    failing = [feed for feed in active if feed.failing_since]
    degraded = [feed for feed in active if feed.failed_files]
    files = sum(feed.failed_files for feed in degraded)
    detail = {
        "feeds": len(active),
        "failing": [feed.name for feed in failing[:MOST_NAMED]],
        "failed_files": {feed.name: feed.failed_files for feed in degraded[:MOST_NAMED]},
    }
    parts = []
    if failing:
        parts.append(f"{counted(len(failing), 'feed')} {plural(len(failing), 'is', 'are')} failing.")
    if files:
        unknown = set[str]().union(*(one.unknown_meters for one in failures_by_feed(degraded).values()))
        reason = f": {counted(len(unknown), 'meter')} not known" if unknown else ""
        parts.append(f"{counted(files, 'file')} of {counted(len(degraded), 'feed')} failed{reason}.")
    if parts:
        return CheckResult(DEGRADED, f"{' '.join(parts)} See Administration, Feeds.", detail)
    return CheckResult(HEALTHY, f"{counted(len(active), 'active feed')}, no failures.", detail)
