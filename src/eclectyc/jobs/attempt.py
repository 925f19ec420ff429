"""One attempt at a job, from loading the handler to recording its end."""

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

SETTLING_S: Final = 30.0  # how long recording the end of an attempt is retried while the registry does not answer
PASSING: Final = (TryLater, Busy, TooMany)
log = logging.getLogger(__name__)


def run(running: JobContext) -> None:
    """Run a job's handler and record its end. Exceptions of the handler are recorded, not raised."""
    ending = _run_handler(running)
    until, is_logged = time.monotonic() + SETTLING_S, False
    while True:
        try:
            _record_ending(running, *ending)
            return
        except DatabaseFault as error:
            if connection.in_atomic_block:
                raise  # in the caller's broken transaction nothing can be written
            if not is_logged:
                log.warning("The end of job %s could not be recorded: %s", running.job_id, error)
            is_logged = True
            connection.close()
            if time.monotonic() > until:
                return  # its lease expires, and another worker continues
            time.sleep(0.5)


def _run_handler(running: JobContext) -> tuple[str, dict[str, Any]]:
    """Run the handler; return the queue's function that ends the job, and its arguments."""
    kind = kinds.find(running.kind)
    try:
        if kind is None:
            raise LookupError(f"there is no job kind {running.kind!r}")
        result = kind.load()(running)
        json.dumps(result)  # a result that is no JSON is a fault of the handler
        return "finish", {"result": result}
    except Cancelled:
        return "stop", {}
    except HandedBack:
        return "hand_back", {}
    except JobLeaseLost:
        return "lost", {}
    except EclectycError as error:
        is_final = not isinstance(error, PASSING)
        return "fail", {"error": error.reason, "remedy": error.remedy, "is_final": is_final}
    except (OperationalError, InterfaceError) as error:
        log.warning("Job %s (%s) could not reach the registry: %s", running.job_id, running.kind, error)
        return "fail", {"error": "The database did not answer.", "remedy": "The job is retried automatically."}
    except BaseException as error:  # SystemExit too: a handler must not end the worker
        log.warning("Job %s (%s) failed: %s", running.job_id, running.kind, error, exc_info=error)
        details = f"Internal error: {type(error).__name__}: {error}".replace("\x00", "")
        trace = "".join(traceback.format_exception(error)).replace("\x00", "")
        return "fail", {
            "error": details,
            "remedy": "Please report it to the operator of this installation.",
            "trace": trace,
        }


def _record_ending(running: JobContext, ending: str, details: dict[str, Any]) -> None:
    if ending == "lost":
        log.warning("Job %s was taken over by another worker.", running.job_id)
        return
    also = running.final_changes()
    if getattr(queue, ending)(running.claim, **details, **also):
        write_lines(running)
