"""Health check: whether derived readings are recalculated in time."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final

from eclectyc.derived.invalidation import summary
from eclectyc.kernel.health import DEGRADED, HEALTHY, CheckResult
from eclectyc.kernel.plurals import age_in_words, counted, plural

WAITS_LONG_S: Final = 600.0


def derived(*, now: datetime, deep: bool) -> CheckResult:
    """Check how many derived meters wait to be recalculated, and for how long."""
    found = summary(now)
    detail = asdict(found)
    if found.faulty:
        spans = counted(found.faulty, "span")
        return CheckResult(DEGRADED, f"Not calculated: {spans} of derived readings, retried automatically.", detail)
    if not found.meters:
        return CheckResult(HEALTHY, "Derived readings are up to date.", detail)
    waiting = f"{counted(found.meters, 'derived meter')} {plural(found.meters, 'waits', 'wait')} to be recalculated"
    if found.oldest_s > WAITS_LONG_S:
        age = age_in_words(timedelta(seconds=found.oldest_s))
        remedy = "Run eclectyc aggregate --all, or start eclectyc worker."
        return CheckResult(DEGRADED, f"{waiting}, the oldest for {age}. {remedy}", detail)
    return CheckResult(HEALTHY, f"{waiting}.", detail)
