"""``eclectyc jobs``: listed, shown, cancelled, tried again."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from eclectyc.cli import main
from eclectyc.jobs.models import Job
from eclectyc.jobs.service import enqueue
from eclectyc.jobs.worker import run_waiting

pytestmark = pytest.mark.django_db


@pytest.fixture
def said(home, capsys):
    """Run a command and return its exit code, and what it said on standard output and on standard error."""

    def run(*words: object) -> tuple[int, str, str]:
        code = main([str(word) for word in words])
        return code, *capsys.readouterr()

    return run


def test_jobs_are_listed_by_state_and_kind_and_shown_with_their_runs(said):
    done, failed = enqueue("test.count", {"steps": 2}), enqueue("test.quiet", {"how": "mend"})
    run_waiting()
    waiting = Job.objects.create(kind="later.kind", run_at=timezone.now())
    listed = json.loads(said("jobs", "--json")[1])
    assert (listed["count"], [job["id"] for job in listed["items"]]) == (3, [waiting.pk, failed.pk, done.pk])
    assert [job["id"] for job in json.loads(said("jobs", "--state", "failed", "--json")[1])["items"]] == [failed.pk]
    assert json.loads(said("jobs", "--kind", "test.count", "--limit", 1, "--json")[1])["count"] == 1
    table = said("jobs")[1]
    assert "2 of 2 steps" in table
    assert "The file is empty." in table
    shown = json.loads(said("jobs", "show", failed.pk, "--json")[1])
    assert shown["args"] == {"how": "mend"}
    assert [(run["outcome"], len(run["lines"])) for run in shown["runs"]] == [("failed", 1)]
    assert "attempt 1: failed" in said("jobs", "show", failed.pk)[1]


def test_a_job_is_cancelled_and_tried_again_and_a_word_that_makes_no_sense_is_refused(said):
    job = enqueue("test.count", {"steps": 1})
    assert said("jobs", "cancel", job.pk) == (0, "", f"Job {job.pk} is cancelled.\n")
    assert said("jobs", "retry", job.pk) == (0, "", f"Job {job.pk} is waiting.\n")
    run_waiting()
    assert said("jobs", "cancel", job.pk) == (
        2, "", "eclectyc: The job has already ended. Nothing needs to be cancelled.\n",
    )  # fmt: skip
    assert said("jobs", "show", 10**9)[0] == 2
    assert "Use one of: waiting, running" in said("jobs", "--state", "odd")[2]


def test_the_schedules_are_listed_with_when_they_are_due_next(said):
    rows = {row["name"]: row for row in json.loads(said("jobs", "schedules", "--json")[1])["items"]}
    assert rows["lake.upkeep"]["cron"] == "30 3 * * *"
    assert rows["lake.upkeep"]["next_at"] > str(timezone.now())
    assert "lake.upkeep" in said("jobs", "schedules")[1]
