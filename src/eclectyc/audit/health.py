"""Health check: whether events are sealed in time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from eclectyc.audit.seal_lag import seal_lag
from eclectyc.kernel.health import DEGRADED, HEALTHY, CheckResult
from eclectyc.kernel.plurals import age_in_words

SEALING_LATE: Final = timedelta(minutes=10)  # it runs every five seconds, and at the end of each command


def audit(*, now: datetime, deep: bool) -> CheckResult:
    """Check whether events are sealed into the audit's chain in time; a deep check looks through all of them."""
    found = seal_lag(deep=deep)
    detail = {"events_since": found.events_since, "notes_since": found.notes_since}
    if found.fault:
        return CheckResult(DEGRADED, found.fault, detail)
    age = now - found.since if found.since else timedelta(0)
    if age > SEALING_LATE:
        oldest = f"The oldest unsealed event is {age_in_words(age)} old."
        return CheckResult(DEGRADED, f"{oldest} Start the web, or run eclectyc audit verify.", detail)
    return CheckResult(HEALTHY, "The audit is sealed up to now.", detail)
