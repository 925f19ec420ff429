"""Retention as a job: due every night."""

from __future__ import annotations

from eclectyc.accounts.actor import Actor
from eclectyc.jobs.context import JobContext
from eclectyc.privacy import retention


def run(running: JobContext) -> dict[str, int]:
    """Delete what is older than its rule says; return how much of each kind."""
    running.progress(text="Looking for what is older than its rule says")
    return {outcome.kind: outcome.count for outcome in retention.run(Actor.system("schedule"))}
