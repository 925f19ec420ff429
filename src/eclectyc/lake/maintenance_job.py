"""The lake's upkeep as a job: due every night, and whenever somebody asks for it."""

from __future__ import annotations

from dataclasses import asdict

from eclectyc.jobs.context import JobContext
from eclectyc.lake.lease import writer_lease
from eclectyc.lake.store import connect

WAIT_S = 120.0  # for whoever is writing; then it is tried again later


def run(running: JobContext) -> dict[str, int]:
    """Compact, checkpoint, vacuum and sweep under the writers' lease. Done twice, it does nothing the second time."""
    lake = connect()
    if lake.version < 0:
        return {}
    running.progress(text="Waiting for its turn")
    with writer_lease("upkeep", wait_s=WAIT_S) as lease:
        running.progress(text="Merging small files, removing what is no longer needed")
        return asdict(lake.maintain(lease=lease))
