"""Retention as a nightly job."""

from __future__ import annotations

from eclectyc.accounts.actor import Actor
from eclectyc.jobs.context import JobContext
from eclectyc.privacy import retention


def run(running: JobContext) -> dict[str, int]:
    """Delete old data; return how much of each category."""
    running.progress(text="Looking for old data")
    return {outcome.kind: outcome.count for outcome in retention.run(Actor.system("schedule"))}
