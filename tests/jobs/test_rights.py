"""Who sees a job, who may cancel it and try it again; and how the queue is doing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Membership, Organisation, Role, User
from eclectyc.accounts.reach import Reach
from eclectyc.audit.models import Event
from eclectyc.jobs import health, kinds, rights, service, worker_registry
from eclectyc.jobs.models import Job, Run, Schedule, Worker
from eclectyc.kernel.errors import Forbidden, NotFound
from eclectyc.kernel.process_identity import holder_name
from tests.factories import World

pytestmark = pytest.mark.django_db
OPERATOR = Actor.system()


def job(organisation: Organisation | None, kind: str = "test.count", person: User | None = None, **fields) -> Job:
    return Job.objects.create(
        kind=kind,
        organisation_id=organisation.pk if organisation else None,
        person_id=person.pk if person else None,
        **{"run_at": timezone.now()} | fields,
    )


def with_permissions(world: World, email: str, *permissions: str, **scope) -> User:
    role = Role.objects.create(organisation=world.org, name=email, permissions=list(permissions))
    user = User.objects.create(email=f"{email}@harbour.example")
    Membership.objects.create(user=user, organisation=world.org, custom_role=role, role="", **scope)
    return user


@pytest.fixture
def cast(world: World) -> dict[str, Actor]:
    child = Organisation.objects.create(name="Harbour Below", parent=world.org)
    looker = with_permissions(world, "looker", "jobs.view")
    importer = with_permissions(world, "importer", "imports.run")
    local = with_permissions(world, "local", "imports.run", site=world.site)
    admin = Actor.of(world.admin)
    return {
        "operator": OPERATOR,
        "admin": admin,
        "narrowed admin": Actor(label="x", user_id=admin.user_id, grants=admin.grants, narrowed=Reach(
            organisations=frozenset({child.pk}))),
        "reading admin": Actor(label="x", user_id=admin.user_id, grants=admin.grants, only=frozenset({"estate.view"})),
        "viewer": Actor.of(world.viewer),
        "outsider": Actor.of(world.outsider),
        "looker": Actor.of(looker),
        "importer": Actor.of(importer),
        "local": Actor.of(local),
        "nobody": Actor.anonymous(),
    }  # fmt: skip


def test_people_see_and_steer_the_jobs_that_are_theirs_to_see_and_steer(world: World, cast: dict[str, Actor]):
    local = User.objects.get(email="local@harbour.example")
    jobs = {
        "ours": job(world.org),
        "import": job(world.org, "test.pour"),  # its kind opens it to whoever runs imports
        "below": job(Organisation.objects.get(name="Harbour Below")),
        "theirs": job(world.other_org),
        "local's own": job(world.org, "test.pour", local),
        "once local's": job(world.other_org, "test.pour", local),
        "nobody's": job(None),
    }
    here = {"ours", "import", "below", "local's own"}
    sees = {
        "operator": set(jobs), "admin": here, "narrowed admin": {"below"}, "reading admin": set(), "viewer": set(),
        "outsider": {"theirs", "once local's"}, "looker": here, "importer": {"import", "local's own"},
        "local": {"local's own"}, "nobody": set(),
    }  # fmt: skip
    steers = sees | {"looker": set()}
    for name, actor in cast.items():
        for permission, queryset, expected in (
            (kinds.VIEW, Job.objects.visible_to(actor), sees[name]),
            (kinds.MANAGE, Job.objects.manageable_by(actor), steers[name]),
        ):
            found = set(queryset.values_list("pk", flat=True))
            assert {called for called, one in jobs.items() if one.pk in found} == expected, (name, permission)
            assert {called for called, one in jobs.items() if rights.may(actor, permission, one)} == expected
    run = Run.objects.create(job=jobs["ours"], fence=1, attempt=1, worker="w", began_at=timezone.now())
    assert list(Run.objects.visible_to(cast["admin"])) == list(Run.objects.visible_to(OPERATOR)) == [run]
    assert not Run.objects.visible_to(cast["outsider"]).exists()


@pytest.mark.parametrize(("who", "error"), [("outsider", NotFound), ("viewer", NotFound), ("looker", Forbidden)])
def test_who_may_not_steer_a_job_is_refused_and_nothing_changes(world: World, cast, who: str, error: type[Exception]):
    waiting, failed = job(world.org), job(world.org, state=Job.FAILED)
    for deed, one in ((service.cancel, waiting), (service.retry, failed)):
        with pytest.raises(error):
            deed(cast[who], job=one)
    assert list(Job.objects.order_by("id").values_list("state", flat=True)) == ["waiting", "failed"]
    assert not Event.objects.filter(action__startswith="job.").exists()


def test_cancelling_and_trying_again_leave_an_event_each_and_doing_so_twice_no_second(world: World):
    actor = Actor.of(world.admin)
    one = job(world.org, state=Job.RUNNING)
    for _ in range(2):
        assert service.cancel(actor, job=one).state == Job.CANCELLING
    Job.objects.update(state=Job.CANCELLED)
    service.retry(actor, job=one)
    events = Event.objects.filter(action__startswith="job.").order_by("id")
    assert [(e.action, e.organisation_id, e.subject_id, e.before["state"]) for e in events] == [
        ("job.cancelled", world.org.pk, str(one.pk), "running"),
        ("job.retried", world.org.pk, str(one.pk), "cancelled"),
    ]


def test_a_job_tells_its_share_its_speed_and_the_time_that_is_left():
    one = Job(kind="test.pour", state="running", done=250, total=1000, per_second=50.0)
    assert (one.title, one.share, one.left_s, one.is_open, one.may_be_cancelled) == ("Pouring", 0.25, 15.0, True, True)
    assert Job(kind="later.kind").title == "later.kind"
    for unknown in (Job(state="running", done=5), Job(state="running"), Job(state="waiting", done=1, total=0)):
        assert (unknown.share, unknown.left_s) == (None, None)
    assert Job(state="failed", attempt=3).may_be_retried
    assert not Job(state="cancelling").may_be_cancelled


def test_the_summary_counts_what_waits_runs_is_stuck_and_fails():
    now = timezone.now()
    assert health.summary().failure_share is None
    job(None, run_at=now - timedelta(minutes=10))
    job(None, run_at=now + timedelta(minutes=10))
    stuck = job(None, state="running", lease_until=now - timedelta(minutes=5))
    job(None, state="cancelling", lease_until=now + timedelta(seconds=20))
    for state, hours in (("failed", 1), ("done", 2), ("done", 23), ("failed", 25), ("cancelled", 1), ("done", 3)):
        job(None, state=state, finished_at=now - timedelta(hours=hours))
    Schedule.objects.create(name="late", kind="test.count", cron="0 * * * *", zone="UTC",
                            settled_until=now, next_at=now - timedelta(hours=1))  # fmt: skip
    worker_registry.register(holder_name("ours"), 2)
    Worker.objects.create(name="gone", version="1", threads=1, started_at=now, seen_at=now - timedelta(minutes=5))
    found = health.summary()
    assert (found.waiting, found.due, found.running, found.stuck) == (2, 1, 2, [stuck.pk])
    assert 595 < found.oldest_due_s < 660
    assert (found.failed_24h, found.ended_24h, found.failure_share) == (1, 4, 0.25)
    assert (found.late, found.workers) == (["late"], ["ours"])


def test_a_worker_that_comes_clears_those_away_that_are_gone():
    now = timezone.now()
    Worker.objects.create(name="silent", version="1", threads=1, started_at=now, seen_at=now - timedelta(minutes=5))
    worker_registry.register(me := holder_name("me"), 1)
    assert list(Worker.objects.values_list("name", flat=True)) == [me]


def test_a_person_of_no_organisation_sees_nothing(world: World):
    job(world.org)
    assert not Job.objects.visible_to(Actor.of(User.objects.create(email="new@x.example"))).exists()
