"""Maintenance of the lake as a job: every night, and on request."""

from __future__ import annotations

from dataclasses import asdict

from eclectyc.jobs.context import JobContext
from eclectyc.lake.known import known_lake
from eclectyc.lake.lease import writer_lease
from eclectyc.lake.store import connect

WAIT_S = 120.0  # for another writer; then the job is tried again later


def run(running: JobContext) -> dict[str, int]:
    """Compact, checkpoint, vacuum and sweep under the writers' lease. A second run finds nothing to do."""
    lake = connect()
    if lake.version < 0:
        lake.compare(known_lake()).require_own()
        return {}
    running.progress(text="Waiting for another writer to finish")
    with writer_lease("upkeep", wait_s=WAIT_S) as lease:
        running.progress(text="Merging small files and removing old ones")
        return asdict(lake.maintain(lease=lease))
