"""The queue, seen from one thread: what runs, in which order, how it ends, what is kept of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.jobs import kinds, queue, retention, service, worker_registry
from eclectyc.jobs.context import HandedBack, JobContext, JobLeaseLost
from eclectyc.jobs.models import Job, Line, Run, Worker
from eclectyc.jobs.service import enqueue
from eclectyc.jobs.worker import run_waiting
from eclectyc.kernel.errors import Conflict
from eclectyc.kernel.process_identity import holder_name
from tests.jobs.handlers import effects

pytestmark = pytest.mark.django_db
OPERATOR = Actor.system()
ME = holder_name("test")


def claimed(job: Job | None = None, lease_s: float = 30.0) -> JobContext:
    found = queue.claim(ME, kinds.known(), lease_s=lease_s)
    assert found is not None
    assert job is None or found.job.pk == job.pk
    return JobContext(found)


def fresh(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def due_now(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(run_at=timezone.now() - timedelta(seconds=1))


def test_a_job_runs_and_everything_about_it_is_kept():
    job = enqueue("test.count", {"steps": 3, "a later release's": 1}, organisation_id=7, person=9)
    assert run_waiting() == 1
    job = fresh(job)
    assert (job.state, job.attempt, job.cursor, job.result["from"], job.share) == ("done", 1, 3, 0, 1.0)
    assert (job.done, job.total, job.unit, job.holder, job.lease_until) == (3, 3, "steps", "", None)
    (run,) = job.runs.all()
    assert (run.outcome, run.attempt, run.done, run.total, run.unit) == ("done", 1, 3, 3, "steps")
    assert run.result == job.result
    assert 0 < run.duration_s < 60
    assert run.waited_s >= 0
    assert run_waiting() == 0


def test_higher_priority_goes_first_then_who_came_first_and_nothing_before_its_time():
    later = enqueue("test.count", {"steps": 0}, run_at=timezone.now() + timedelta(hours=1), priority=9)
    low, first, second, high = (enqueue("test.count", {"steps": 0}, priority=p) for p in (-1, 0, 0, 5))
    run_waiting()
    order = list(Run.objects.order_by("id").values_list("job", flat=True))
    assert order == [high.pk, first.pk, second.pk, low.pk]
    assert fresh(later).state == "waiting"


def test_while_a_job_with_a_key_is_open_asking_again_gives_that_one():
    first = enqueue("test.count", {"steps": 1}, key="file 1")
    again = enqueue("test.count", {"steps": 2}, key="file 1")
    assert (again.pk, again.was_there, first.was_there) == (first.pk, True, False)
    assert enqueue("test.pour", key="file 1").pk != first.pk
    claimed(first)
    assert enqueue("test.count", {"steps": 1}, key="file 1").pk == first.pk
    Job.objects.update(state=Job.DONE)
    assert enqueue("test.count", {"steps": 1}, key="file 1").pk != first.pk


def test_where_a_kind_says_so_a_job_that_has_begun_no_longer_stands_in_the_way():
    first = enqueue("test.fold", {"steps": 0}, key="inbox")
    assert enqueue("test.fold", {"steps": 0}, key="inbox").pk == first.pk
    claimed(first)
    assert enqueue("test.fold", {"steps": 0}, key="inbox").pk != first.pk


def test_a_key_that_two_organisations_share_is_a_fault_and_gives_nothing_away():
    enqueue("test.count", key="k", organisation_id=1)
    with pytest.raises(ValueError, match="does not distinguish organisations"):
        enqueue("test.count", key="k", organisation_id=2)


def test_of_one_turn_one_runs_at_a_time():
    first, second, other = (enqueue("test.count", turn=turn) for turn in ("a", "a", "b"))
    running = claimed(first)
    claimed(other)
    assert queue.claim(ME, kinds.known()) is None
    queue.finish(running.claim, None)
    claimed(second)


def test_a_caller_that_changes_its_mind_leaves_nothing_in_the_queue():
    def fail() -> None:
        with transaction.atomic():
            enqueue("test.count", {"steps": 1}, key="k")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert run_waiting() == 0
    assert not Job.objects.exists()


def test_a_fault_is_tried_again_after_growing_waits_and_then_fails_for_good():
    job = enqueue("test.stumble", {"how": "fault"})
    for attempt, wait_s in ((1, 100), (2, 400)):
        run_waiting()
        job = fresh(job)
        assert (job.state, job.attempt) == ("waiting", attempt)
        assert 0.9 * wait_s - 5 < (job.run_at - timezone.now()).total_seconds() <= 1.1 * wait_s
        due_now(job)
    run_waiting()
    job = fresh(job)
    assert (job.state, job.fault, job.attempt) == ("failed", "error", 3)
    assert job.error == "Internal error: RuntimeError: a fault"
    runs = list(job.runs.order_by("id"))
    assert [run.outcome for run in runs] == ["failed"] * 3
    assert [line.text for run in runs for line in run.lines.all()] == ["attempt 1", "attempt 2", "attempt 3"]
    assert all("in stumble" in run.trace for run in runs)


def test_waits_grow_fourfold_to_an_hour():
    assert [queue.delay_s("no.such", n, spread=1) for n in range(1, 7)] == [30, 120, 480, 1920, 3600, 3600]


def test_what_a_person_must_mend_fails_at_once_with_its_remedy_and_what_may_pass_does_not():
    mend, later = enqueue("test.stumble", {"how": "mend"}), enqueue("test.stumble", {"how": "later", "good_at": 2})
    run_waiting()
    mend, later = fresh(mend), fresh(later)
    assert (mend.state, mend.error, mend.remedy) == ("failed", "The file is empty.", "Export it again.")
    assert (later.state, later.error, later.remedy) == (
        "waiting", "The host does not answer.", "See whether it is up.",
    )  # fmt: skip
    due_now(later)
    run_waiting()
    assert (fresh(later).state, fresh(later).error) == ("done", "")


def test_an_effect_is_there_whole_with_its_cursor_or_not_at_all():
    job = enqueue("test.stumble", {"how": "half"}, attempts=1)
    run_waiting()
    assert fresh(job).cursor is None
    assert not Line.objects.filter(text="half").exists()


def test_a_handler_that_is_not_there_is_a_failed_job_not_a_dead_worker():
    job = enqueue("test.gone")
    run_waiting()
    assert fresh(job).state == "failed"
    assert "no_such" in fresh(job).error


def test_who_lost_a_job_can_neither_write_nor_end_it():
    job = enqueue("test.count", {"steps": 1})
    lost = claimed(job, lease_s=0)
    assert queue.reclaim() == 1
    assert fresh(job).state == "waiting"
    with pytest.raises(JobLeaseLost), lost.effect():
        pytest.fail("an effect without the job")
    assert not queue.finish(lost.claim, {"mine": True})
    assert not queue.renew(lost.claim)
    winner = claimed(job)
    with pytest.raises(JobLeaseLost):
        lost.check()
    assert queue.finish(winner.claim, {"mine": False})
    assert fresh(job).result == {"mine": False}
    assert list(job.runs.order_by("id").values_list("outcome", flat=True)) == ["died", "done"]


def test_a_long_silence_is_noticed_before_the_next_step():
    lost = claimed(enqueue("test.count"), lease_s=0)
    Job.objects.update(fence=99)
    with pytest.raises(JobLeaseLost):
        lost.progress(done=1)


def test_a_job_whose_worker_dies_each_time_fails_and_says_so():
    job = enqueue("test.count", {"steps": 1}, attempts=2)
    for _ in range(2):
        claimed(job, lease_s=0)
        queue.reclaim()
    job = fresh(job)
    assert (job.state, job.fault) == ("failed", "died")
    assert "stopped responding" in job.error


def test_a_lease_that_is_held_is_not_taken():
    claimed(enqueue("test.count"))
    assert queue.reclaim() == 0


def test_giving_back_is_no_attempt_and_keeps_the_cursor():
    job = enqueue("test.count", {"steps": 4})
    running = claimed(job)
    running.progress(cursor=2)
    running.stop = HandedBack
    with pytest.raises(HandedBack):
        running.progress(done=3)
    queue.hand_back(running.claim, **running.final_changes())
    assert (fresh(job).state, fresh(job).attempt, fresh(job).cursor) == ("waiting", 0, 2)
    run_waiting()
    assert effects(job) == ["effect 2", "effect 3"]


def test_a_thousand_lines_are_kept_and_no_more():
    running = claimed(enqueue("test.count"))
    for n in range(1200):
        running.log(f"line {n}\x00" + "x" * 2000)
    lines = running.take_lines()
    assert len(lines) == 1000
    assert lines[-1][1] == "… further lines are dropped"
    assert all(len(text) <= 1000 and "\x00" not in text for _, text in lines)


def test_an_ended_job_is_not_cancelled_and_one_that_is_done_not_tried_again():
    job = enqueue("test.count", {"steps": 1})
    run_waiting()
    for deed in (service.cancel, service.retry):
        with pytest.raises(Conflict):
            deed(OPERATOR, job=job)


def test_trying_again_gives_all_attempts_and_goes_on_from_the_cursor():
    job = enqueue("test.count", {"steps": 3}, attempts=1, key="k")
    running = claimed(job)
    running.progress(cursor=2)
    queue.fail(running.claim, "no", "", **running.final_changes())
    twin = enqueue("test.count", {"steps": 0}, key="k")
    with pytest.raises(Conflict, match="already waiting or running"):
        service.retry(OPERATOR, job=job)
    service.cancel(OPERATOR, job=twin)
    again = service.retry(OPERATOR, job=job)
    assert (again.state, again.attempt, again.error) == ("waiting", 0, "")
    run_waiting()
    assert (fresh(job).state, fresh(job).result["from"]) == ("done", 2)


def test_arguments_that_are_no_json_or_too_large_and_kinds_that_are_unknown_are_faults_of_the_caller():
    with pytest.raises(TypeError):
        enqueue("test.count", {"when": timezone.now()})
    with pytest.raises(ValueError, match="larger"):
        enqueue("test.count", {"much": "x" * 70_000})
    with pytest.raises(LookupError):
        enqueue("test.no such")


def test_a_result_that_cannot_be_kept_fails_the_job(monkeypatch):
    monkeypatch.setattr("tests.jobs.handlers.pour", lambda running: {"when": timezone.now()})
    job = enqueue("test.pour", attempts=1)
    run_waiting()
    assert fresh(job).state == "failed"
    assert "not JSON serializable" in fresh(job).error


def strange() -> Job:
    """A job that a later release put into the queue, after which this one came back."""
    return Job.objects.create(kind="later.kind", run_at=timezone.now() - timedelta(minutes=1), args={"x": 1})


def test_an_unknown_kind_fails_with_a_clear_text_and_is_taken_up_by_the_release_that_knows_it(monkeypatch):
    job, known = strange(), enqueue("test.count", {"steps": 1, "only later releases": True})
    assert run_waiting() == 1  # what is known runs
    assert fresh(known).state == "done"
    worker_registry.fail_unknown_kinds()
    job = fresh(job)
    assert (job.state, job.fault) == ("failed", "unknown_kind")
    assert "has no job kind 'later.kind'" in job.error
    assert "Install the version that created it" in job.remedy
    monkeypatch.setitem(kinds._kinds, "later.kind", kinds.JobKind("later.kind", "tests.jobs.handlers:pour", "Later"))
    worker_registry.register(ME, 1)
    assert fresh(job).state == "waiting"
    run_waiting()
    assert (fresh(job).state, fresh(job).error) == ("done", "")


def test_while_releases_are_exchanged_the_older_leaves_the_newer_s_jobs_to_it():
    worker_registry.register(ME, 1)
    Worker.objects.update(kinds=["later.kind"])
    job = strange()
    assert worker_registry.fail_unknown_kinds() == 0
    assert fresh(job).state == "waiting"
    worker_registry.unregister(ME)
    assert worker_registry.fail_unknown_kinds() == 1


def test_each_kind_s_ended_jobs_are_kept_for_its_own_time():
    now = timezone.now()
    ages = {("test.fold", 6): True, ("test.fold", 8): False, ("test.count", 8): True, ("test.count", 91): False,
            ("later.kind", 91): True, ("later.kind", 366): False}  # fmt: skip
    made = {}
    for kind, days in ages:
        job = Job.objects.create(kind=kind, run_at=now, state="failed", finished_at=now - timedelta(days=days))
        run = Run.objects.create(job=job, fence=0, attempt=1, worker="w", began_at=now)
        Line.objects.create(run=run, at=now, text="said")
        made[kind, days] = job.pk
    waiting = Job.objects.create(kind="test.fold", run_at=now - timedelta(days=400))
    tidy = JobContext(queue.claim(ME, ["jobs.tidy"]) if enqueue("jobs.tidy") else None)  # type: ignore[arg-type]
    assert retention.run(tidy) == {"test.fold": 1, "test.count": 1, "later.kind": 1}
    left = set(Job.objects.values_list("pk", flat=True))
    assert {key: pk in left for key, pk in made.items()} == ages
    assert waiting.pk in left
    assert Run.objects.exclude(job=tidy.job_id).count() == Line.objects.count() == 3
