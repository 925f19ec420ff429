"""Workers as real processes: shared out, killed, frozen, drained, cancelled. Each effect is there once."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from django.db import transaction

from eclectyc.accounts.actor import Actor
from eclectyc.jobs import service
from eclectyc.jobs.models import Job, Run, Schedule, Worker
from eclectyc.jobs.service import enqueue
from tests.jobs.conftest import Crew, has_ended, until
from tests.jobs.handlers import effects

OPERATOR = Actor.system()
OWN = ("--lease", 1, "--threads")  # silence is noticed soon


def all_ended() -> bool:
    return not Job.objects.filter(state__in=Job.OPEN).exists()


def state(job: Job) -> str:
    job.refresh_from_db()
    return job.state


def outcomes(job: Job) -> list[str]:
    return list(job.runs.order_by("id").values_list("outcome", flat=True))


def all_steps(job: Job) -> bool:
    return effects(job) == [f"effect {step}" for step in range(job.args["steps"])]


def test_three_workers_share_the_queue_and_run_each_job_once_and_each_turn_one_at_a_time(crew: Crew):
    held = [enqueue("test.pour", {"span_s": 60}) for _ in range(6)]  # until every worker has come
    for _ in range(3):
        crew.start("--threads", 2)
    until(lambda: len(set(Run.objects.values_list("worker", flat=True))) == 3, "three workers at work")
    jobs = [enqueue("test.count", {"steps": 1}) for _ in range(90)]
    turns = [enqueue("test.count", {"steps": 2, "pause_s": 0.02}, turn=f"meter {n % 2}") for n in range(10)]
    for job in held:
        service.cancel(OPERATOR, job=job)
    until(all_ended, "the end of all jobs")
    assert Counter(Job.objects.values_list("state", flat=True)) == {"done": 100, "cancelled": 6}
    assert all(all_steps(job) and outcomes(job) == ["done"] for job in jobs + turns)
    for turn in ("meter 0", "meter 1"):
        spans = sorted((job.result["began"], job.result["ended"]) for job in Job.objects.filter(turn=turn))
        assert len(spans) == 5
        assert all(ended <= began for (_, ended), (began, _) in pairwise(spans))


def test_workers_killed_at_random_moments_leave_every_job_ended_and_every_effect_once(crew: Crew):
    chance = random.Random(20251026)
    jobs = [
        enqueue("test.count", {"steps": 6, "pause_s": 0.06}, attempts=2 if n % 10 == 0 else 30, turn=f"t{n % 9}")
        for n in range(30)
    ]
    workers = [crew.start(*OWN, 2) for _ in range(3)]
    kills = 0
    while not all_ended():
        time.sleep(chance.uniform(0.02, 0.35))
        if kills == 4:
            service.cancel(OPERATOR, job=Job.objects.filter(state=Job.WAITING).order_by("-id")[0])
            running = Job.objects.filter(state=Job.RUNNING).first()
            if running is not None:
                service.cancel(OPERATOR, job=running)
        if kills < 14:
            crew.kill(workers.pop(chance.randrange(len(workers))))
            workers.append(crew.start(*OWN, 2))
            kills += 1
    assert kills >= 5
    assert Run.objects.filter(outcome=Run.DIED).exists(), "no worker was killed while it ran a job"
    for job in jobs:
        assert state(job) in Job.ENDED
        steps = effects(job)
        assert len(set(steps)) == len(steps)
        if job.state == Job.DONE:
            assert all_steps(job)
        elif job.state == Job.FAILED:
            assert job.fault == Job.DIED
            assert "stopped responding" in job.error
    assert 1 <= Job.objects.filter(state=Job.CANCELLED).count() <= 2
    assert Job.objects.filter(kind="test.count", state=Job.DONE).count() >= 24
    told = [mail["Message-ID"] for mail in crew.mails()]
    failed = Job.objects.filter(kind="test.count", state=Job.FAILED).count()
    assert len(set(told)) == failed


def test_a_worker_that_is_frozen_loses_its_job_and_writes_nothing_when_it_thaws(crew: Crew):
    # A long pause: who freezes in the middle of a transaction keeps its locks, and nobody gets past those.
    job = enqueue("test.count", {"steps": 5, "pause_s": 0.7})
    frozen = crew.start(*OWN, 1)
    until(lambda: len(effects(job)) >= 2, "its beginning")
    os.kill(frozen, signal.SIGSTOP)
    crew.start(*OWN, 1)
    until(lambda: len(outcomes(job)) == 2, "another worker's turn")
    os.kill(frozen, signal.SIGCONT)
    until(lambda: state(job) == Job.DONE, "its end")
    assert all_steps(job)
    assert outcomes(job) == ["died", "done"]
    later = enqueue("test.count", {"steps": 1}, priority=1)
    until(lambda: state(later) == Job.DONE, "the next job")
    assert all_steps(job)


def test_a_stop_lets_short_jobs_finish_and_has_long_ones_given_back_for_another(crew: Crew):
    short = enqueue("test.count", {"steps": 4, "pause_s": 0.1})
    long = enqueue("test.count", {"steps": 60, "pause_s": 0.05})
    deaf = enqueue("test.pour", {"span_s": 60, "deaf": True}, attempts=1)
    unbegun = enqueue("test.count", {"steps": 1})
    worker = crew.start("--threads", 3, "--grace", 0.8)
    until(lambda: all(state(job) == Job.RUNNING for job in (short, long, deaf)), "their beginning")
    began = time.monotonic()
    os.kill(worker, signal.SIGTERM)
    until(lambda: has_ended(worker), "the worker's end", 10)
    assert time.monotonic() - began < 8
    assert (state(short), short.attempt) == (Job.DONE, 1)
    assert (state(long), long.attempt) == (Job.WAITING, 0)
    assert (state(deaf), deaf.attempt) == (Job.WAITING, 0)
    assert (state(unbegun), unbegun.attempt) == (Job.WAITING, 0)
    assert not Worker.objects.exists()
    service.cancel(OPERATOR, job=deaf)
    crew.start("--threads", 2)
    until(lambda: state(long) == Job.DONE and state(unbegun) == Job.DONE, "another worker's end of it")
    assert all_steps(long)
    assert outcomes(long) == ["given back", "done"]
    assert long.result["from"] > 0


def test_cancelling_stops_a_running_job_at_its_next_step_and_a_waiting_one_at_once(crew: Crew):
    running = enqueue("test.pour", {"span_s": 60})
    crew.start("--threads", 1)
    until(lambda: state(running) == Job.RUNNING and running.done, "its progress")
    assert running.per_second is None or 1 < running.per_second <= 100
    assert (running.unit, running.text) == ("rows", "Pouring")
    waiting = enqueue("test.pour", {"span_s": 60})
    assert service.cancel(OPERATOR, job=waiting).state == Job.CANCELLED
    assert service.cancel(OPERATOR, job=running).state == Job.CANCELLING
    until(lambda: state(running) == Job.CANCELLED, "its end", 10)
    assert running.done > 0
    assert (outcomes(running), outcomes(waiting)) == (["cancelled"], [])
    again = service.retry(OPERATOR, job=waiting)
    until(lambda: state(again) == Job.RUNNING, "its second life")
    os.kill(crew.pids[0], signal.SIGSTOP)  # nobody hears of it
    service.cancel(OPERATOR, job=again)
    crew.kill(crew.pids[0])
    crew.start("--threads", 1)
    until(lambda: state(again) == Job.CANCELLED, "the end of a job whose worker died while it was to stop")


def test_what_is_rolled_back_never_runs_and_what_is_committed_does(crew: Crew):
    crew.start("--threads", 1)
    until(Worker.objects.exists, "the worker")

    @transaction.atomic
    def changes_its_mind() -> None:
        enqueue("test.count", {"steps": 1})
        time.sleep(0.3)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        changes_its_mind()
    with transaction.atomic():
        job = enqueue("test.count", {"steps": 1})
    until(lambda: state(job) == Job.DONE, "the job that was committed")
    assert Run.objects.count() == 1


def test_each_due_moment_makes_one_job_however_many_workers_there_are(crew: Crew):
    from eclectyc.jobs import clock, cron, schedules

    made = schedules.plan(
        name="feed", kind="test.count", args={"steps": 1}, cron="* * * * *", zone="UTC", catch_up="all", limit=50
    )
    now = clock.read()
    since = now.replace(second=0, microsecond=0) - 20 * cron.MINUTE
    Schedule.objects.filter(pk=made.pk).update(settled_until=since, next_at=since)
    for _ in range(3):
        crew.start("--threads", 2, "--until-empty")
    until(lambda: Schedule.objects.get(pk=made.pk).next_at > now, "the moments")
    until(all_ended, "their jobs")
    until(lambda: all(map(has_ended, crew.pids)), "the workers' end")
    moments = sorted(Job.objects.filter(schedule=made).values_list("due_at", flat=True))
    assert moments[:20] == [since + n * cron.MINUTE for n in range(1, 21)]
    assert len(moments) == len(set(moments)) <= 21
    assert Run.objects.filter(job__kind="test.count").count() == len(moments)


def test_a_job_that_finally_fails_mails_once_however_many_workers_there_are(crew: Crew):
    jobs = [enqueue("test.stumble", {"how": "mend"}), enqueue("test.stumble", {"how": "fault"}, attempts=1)]
    enqueue("test.quiet", {"how": "fault"})
    for _ in range(3):
        crew.start("--threads", 2)
    until(lambda: Job.objects.filter(kind="jobs.tell", state=Job.DONE).count() == 2, "the mails")
    until(all_ended)
    mails = crew.mails()
    assert sorted(mail["Subject"] for mail in mails) == ["Failed: Stumbling", "Failed: Stumbling"]
    assert {mail["To"] for mail in mails} == {"admin@installation.example"}
    texts = "".join(mail.get_body(("plain",)).get_content() for mail in mails).replace("\r", "")
    assert "The file is empty.\nExport it again." in texts
    assert all(f"/admin/jobs/{job.pk}\n" in texts for job in jobs)


def test_a_worker_with_nothing_to_do_takes_next_to_no_time(crew: Crew):
    worker = crew.start("--threads", 4)
    until(Worker.objects.exists, "the worker")
    stat = Path(f"/proc/{worker}/stat")

    def spent_s() -> float:
        fields = stat.read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    time.sleep(0.5)
    before, began = spent_s(), time.monotonic()
    time.sleep(2.5)
    assert (spent_s() - before) / (time.monotonic() - began) < 0.05
