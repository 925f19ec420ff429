"""Working out what is stale as background work: begun soon after something became so, and looked after by the clock."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any, Final

from eclectyc.derived.engine import RecalculationResult, recalculate, retry_faulty
from eclectyc.jobs.context import JobContext, TryLater
from eclectyc.kernel.errors import Busy, EclectycError

TURN_S: Final = 5.0  # of waiting for the writers' turn, before it is asked whether to stop
PATIENCE_S: Final = 1800.0  # with whoever has the writers' turn


def run(running: JobContext) -> dict[str, Any]:
    """Work out what is stale. By the clock, what the lake refused is tried again."""
    if running.due_at is not None:
        retry_faulty()
    told, until = RecalculationResult(), time.monotonic() + PATIENCE_S

    def tell(done: RecalculationResult) -> None:
        nonlocal told
        told = done
        running.progress(done=done.batches, unit="batches", text="Working out derived series")

    while True:
        running.progress()
        try:
            return asdict(recalculate(wait_s=TURN_S, under=running.effect, tell=tell))
        except Busy:
            running.progress(text="Waiting for another writer")
            if time.monotonic() > until:
                raise
        except EclectycError as error:
            raise TryLater(error.reason, error.remedy) from error
