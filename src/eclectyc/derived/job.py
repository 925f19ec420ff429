"""Recalculation as background work: soon after something became stale, and by schedule should that ever fail."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any, Final

from eclectyc.derived.engine import RecalculationResult, recalculate, retry_faulty
from eclectyc.jobs.context import JobContext, TryLater
from eclectyc.kernel.errors import Busy, EclectycError

TURN_S: Final = 5.0  # to wait for the writers' turn before the job checks whether to stop
PATIENCE_S: Final = 1800.0  # with another writer


def run(running: JobContext) -> dict[str, Any]:
    """Recalculate what is stale. If started by schedule, rows that the lake refused are tried again."""
    if running.due_at is not None:
        retry_faulty()
    until = time.monotonic() + PATIENCE_S

    def on_round(result: RecalculationResult) -> None:
        running.progress(done=result.batches, unit="batches", text="Recalculating derived readings")

    while True:
        running.progress()
        try:
            return asdict(recalculate(wait_s=TURN_S, guard=running.effect, on_round=on_round))
        except Busy:
            running.progress(text="Waiting for another writer")
            if time.monotonic() > until:
                raise
        except EclectycError as error:
            raise TryLater(error.reason, error.remedy) from error
