"""Health check: whether pushed readings are stored in time."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final

from eclectyc.intake.push.inbox import summary
from eclectyc.kernel.health import DEGRADED, HEALTHY, CheckResult
from eclectyc.kernel.plurals import age_in_words, counted, plural

WAITS_LONG_S: Final = 600.0


def pushes(*, now: datetime, deep: bool) -> CheckResult:
    """Check how many pushed readings wait to be stored, and for how long."""
    found = summary(now)
    detail = asdict(found)
    if found.faulty:
        refused = counted(found.faulty, "push", "pushes")
        return CheckResult(DEGRADED, f"Refused by the lake: {refused}, retried hourly.", detail)
    if not found.pushes:
        return CheckResult(HEALTHY, "All pushed readings are stored.", detail)
    waiting = f"{counted(found.readings, 'pushed reading')} {plural(found.readings, 'waits', 'wait')} to be stored"
    if found.oldest_s > WAITS_LONG_S:
        age = age_in_words(timedelta(seconds=found.oldest_s))
        return CheckResult(DEGRADED, f"{waiting}, the oldest for {age}. Is eclectyc worker running?", detail)
    return CheckResult(HEALTHY, f"{waiting}.", detail)
