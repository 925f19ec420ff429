"""``eclectyc jobs``: list background jobs; show, cancel or retry one; list schedules."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eclectyc.cli import application_of
from eclectyc.cli.session import OPERATOR, AsJson, print_json, print_table, ready, say
from eclectyc.kernel.errors import Invalid, NotFound

if TYPE_CHECKING:
    from eclectyc.jobs.models import Job

jobs = application_of()
Number = Annotated[int, typer.Argument(metavar="JOB", help="The number of a job.")]


@jobs.callback(invoke_without_command=True, no_args_is_help=False)
def list_jobs(
    context: typer.Context,
    state: Annotated[str, typer.Option(help="waiting, running, cancelling, done, failed or cancelled.")] = "",
    kind: Annotated[str, typer.Option(help="Such as intake.import.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 20,
    as_json: AsJson = False,
) -> None:
    """List the latest background jobs; with a command, show, cancel or retry one."""
    if context.invoked_subcommand is not None:
        return
    ready()
    from eclectyc.jobs.models import Job

    if state and state not in Job.STATES:
        raise Invalid(f"There is no state {state!r}.", f"Use one of: {', '.join(Job.STATES)}.", field="state")
    found = Job.objects.visible_to(OPERATOR).filter(**{k: v for k, v in (("state", state), ("kind", kind)) if v})
    shown = list(found[:limit])
    if as_json:
        print_json({"items": [_facts(job) for job in shown], "count": found.count()})
        return
    print_table(
        ["job", "kind", "state", "tried", "done", "since", "error"],
        [
            (job.pk, job.kind, job.state, f"{job.attempt}/{job.attempts}", _done(job), _moment(job), job.error[:60])
            for job in shown
        ],
        right=(0,),
    )


@jobs.command("show")
def show_job(number: Number, as_json: AsJson = False) -> None:
    """Show a job with its runs and their logs."""
    ready()
    job = _job(number)
    runs: list[dict[str, Any]] = [
        {
            "attempt": run.attempt,
            "outcome": run.outcome,
            "worker": run.worker.split(" ")[0],
            "began_at": run.began_at,
            "duration_s": run.duration_s,
            "waited_s": run.waited_s,
            "done": run.done,
            "error": run.error,
            "lines": [f"{line.at:%Y-%m-%d %H:%M:%S} {line.text}" for line in run.lines.all()],
        }
        for run in job.runs.order_by("id").prefetch_related("lines")
    ]
    if as_json:
        print_json(_facts(job) | {"args": job.args, "result": job.result, "runs": runs})
        return
    for name, value in _facts(job).items():
        print(f"{name:<12} {value if value is not None else ''}".rstrip())
    for run in runs:
        took = f"{run['duration_s']:.1f} s" if run["duration_s"] is not None else "runs"
        print(f"\nattempt {run['attempt']}: {run['outcome']}, {took} {run['error']}".rstrip())
        for line in run["lines"]:
            print(f"  {line}")


@jobs.command("cancel")
def cancel_job(number: Number) -> None:
    """Cancel a job: a waiting one at once, a running one at its next step."""
    ready()
    from eclectyc.jobs.service import cancel

    say(f"Job {number} is {cancel(OPERATOR, job=_job(number)).state}.")


@jobs.command("retry")
def retry_job(number: Number) -> None:
    """Retry a failed or cancelled job."""
    ready()
    from eclectyc.jobs.service import retry

    say(f"Job {number} is {retry(OPERATOR, job=_job(number)).state}.")


@jobs.command("schedules")
def list_schedules(as_json: AsJson = False) -> None:
    """List schedules and when they are next due."""
    ready()
    from eclectyc.jobs import schedules
    from eclectyc.jobs.models import Schedule

    schedules.sync_declared()
    rows = [
        {
            "name": one.name,
            "kind": one.kind,
            "cron": one.cron,
            "zone": one.zone,
            "catch_up": one.catch_up,
            "is_paused": one.is_paused,
            "last_at": one.last_at,
            "next_at": None if one.is_paused else one.next_at,
        }
        for one in Schedule.objects.visible_to(OPERATOR)
    ]
    if as_json:
        print_json({"items": rows, "count": len(rows)})
        return
    names = ["name", "cron", "zone", "catch_up", "next_at"]
    print_table(names, [[str(row[name] if row[name] is not None else "paused") for name in names] for row in rows])


def _job(number: int) -> Job:
    from eclectyc.jobs.models import Job

    found = Job.objects.visible_to(OPERATOR).filter(pk=number).first()
    if found is None:
        raise NotFound(f"There is no job {number}.", "eclectyc jobs shows the latest.")
    return found


def _facts(job: Job) -> dict[str, Any]:
    names = (
        "id",
        "kind",
        "title",
        "state",
        "organisation_id",
        "priority",
        "key",
        "turn",
        "run_at",
        "attempt",
        "attempts",
        "done",
        "total",
        "unit",
        "text",
        "fault",
        "error",
        "remedy",
        "created_at",
        "started_at",
        "finished_at",
    )
    return {name: getattr(job, name) for name in names}


def _done(job: Job) -> str:
    if job.done is None:
        return ""
    return f"{job.done:,}{f' of {job.total:,}' if job.total else ''} {job.unit}".strip()


def _moment(job: Job) -> str:
    moment: datetime = job.finished_at or job.started_at or job.created_at
    return f"{moment:%Y-%m-%d %H:%M:%S}"
