"""Kinds of job for the tests. What a handler does to the database is a log line of its own: it can be counted."""

from __future__ import annotations

import time
from typing import Any

from django.utils import timezone

from eclectyc.jobs import kinds
from eclectyc.jobs.context import JobContext, TryLater
from eclectyc.jobs.models import Job, Line
from eclectyc.kernel.errors import Invalid


def count(running: JobContext) -> dict[str, Any]:
    """Write ``steps`` effects, each once, with a pause after each; an interrupted one goes on where it was."""
    steps = running.args["steps"]
    began, first = time.monotonic(), running.cursor or 0
    for step in range(first, steps):
        with running.effect():
            Line.objects.create(run_id=running.claim.run_id, at=timezone.now(), text=f"effect {step}")
            running.progress(done=step + 1, total=steps, unit="steps", cursor=step + 1)
        time.sleep(running.args.get("pause_s", 0))
    return {"from": first, "began": began, "ended": time.monotonic()}


def pour(running: JobContext) -> dict[str, Any]:
    """Tell progress and write nothing, for at most ``span_s``; ``deaf`` never asks whether to stop."""
    until = time.monotonic() + running.args.get("span_s", 0)
    done = 0
    while time.monotonic() < until:
        time.sleep(0.01)
        done += 1
        if not running.args.get("deaf"):
            running.progress(done=done, unit="rows", text="Pouring")
    return {"done": done}


def stumble(running: JobContext) -> dict[str, Any]:
    """Fail in the way that is asked for, up to the attempt that is asked for."""
    running.log(f"attempt {running.attempt}")
    if running.attempt >= running.args.get("good_at", 99):
        return {"attempt": running.attempt}
    how = running.args["how"]
    if how == "mend":
        raise Invalid("The file is empty.", "Export it again.")
    if how == "later":
        raise TryLater("The host does not answer.", "See whether it is up.")
    if how == "half":
        with running.effect():
            Line.objects.create(run_id=running.claim.run_id, at=timezone.now(), text="half")
            running.progress(cursor="half")
            raise RuntimeError("in the middle of an effect")
    raise RuntimeError("a fault")


def effects(job: Job) -> list[str]:
    """Return the effects that a job has had, in order."""
    found = Line.objects.filter(run__job=job.pk, text__startswith="effect").order_by("id")
    return list(found.values_list("text", flat=True))


KINDS = (
    kinds.JobKind("test.count", "tests.jobs.handlers:count", "Counting"),
    kinds.JobKind("test.pour", "tests.jobs.handlers:pour", "Pouring", permission="imports.run"),
    kinds.JobKind("test.stumble", "tests.jobs.handlers:stumble", "Stumbling", first_delay_s=100),
    kinds.JobKind("test.quiet", "tests.jobs.handlers:stumble", "Stumbling quietly", attempts=1, is_quiet=True),
    kinds.JobKind("test.fold", "tests.jobs.handlers:count", "Folding", frees_key_at_start=True, keep_days=7),
    kinds.JobKind("test.gone", "tests.jobs.handlers:no_such", "Handled by what is not there", attempts=1),
)
kinds.register(*KINDS)
