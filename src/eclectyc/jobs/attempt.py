"""One attempt at a job, from the handler's import to how it ended."""

from __future__ import annotations

import json
import logging
import time
import traceback
from typing import Any, Final

from django.db import Error as DatabaseFault
from django.db import InterfaceError, OperationalError, connection

from eclectyc.jobs import kinds, queue
from eclectyc.jobs.context import Cancelled, HandedBack, JobContext, JobLeaseLost, TryLater
from eclectyc.jobs.heartbeat import write_lines
from eclectyc.kernel.errors import Busy, EclectycError, TooMany

SETTLING_S: Final = 30.0  # how long a registry that is away is asked to take down how an attempt ended
PASSING: Final = (TryLater, Busy, TooMany)
log = logging.getLogger(__name__)


def run(running: JobContext) -> None:
    """Run a job's handler and write down how it ended. Whatever the handler raises, this does not."""
    ending = _run_handler(running)
    until, is_told = time.monotonic() + SETTLING_S, False
    while True:
        try:
            _record_ending(running, *ending)
            return
        except DatabaseFault as error:
            if connection.in_atomic_block:
                raise  # somebody else's transaction: there is nothing left to write into
            if not is_told:
                log.warning("The registry did not take down how job %s ended: %s", running.job_id, error)
            is_told = True
            connection.close()
            if time.monotonic() > until:
                return  # its lease lapses, and another goes on with it
            time.sleep(0.5)


def _run_handler(running: JobContext) -> tuple[str, dict[str, Any]]:
    """Run the handler; return which end it came to and what is to be told of it."""
    kind = kinds.find(running.kind)
    try:
        if kind is None:
            raise LookupError(f"no kind of job is called {running.kind!r}")
        result = kind.load()(running)
        json.dumps(result)  # what cannot be kept is the handler's fault, told as one
        return "finish", {"result": result}
    except Cancelled:
        return "stop", {}
    except HandedBack:
        return "give_back", {}
    except JobLeaseLost:
        return "lost", {}
    except EclectycError as error:
        is_final = not isinstance(error, PASSING)
        return "fail", {"error": error.reason, "remedy": error.remedy, "is_final": is_final}
    except (OperationalError, InterfaceError) as error:
        log.warning("Job %s (%s) could not reach the registry: %s", running.job_id, running.kind, error)
        return "fail", {"error": "The registry did not answer.", "remedy": "It is tried again by itself."}
    except BaseException as error:  # SystemExit too: a handler ends its job, never the worker
        log.warning("Job %s (%s) failed: %s", running.job_id, running.kind, error, exc_info=error)
        told = f"A fault in Eclectyc itself: {type(error).__name__}: {error}".replace("\x00", "")
        trace = "".join(traceback.format_exception(error)).replace("\x00", "")
        return "fail", {"error": told, "remedy": "Please report it.", "trace": trace}


def _record_ending(running: JobContext, ending: str, told: dict[str, Any]) -> None:
    if ending == "lost":
        log.warning("Job %s was taken over by another worker.", running.job_id)
        return
    also = running.final_changes()
    if getattr(queue, ending)(running.claim, **told, **also):
        write_lines(running)
