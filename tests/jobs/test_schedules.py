"""Schedules in the registry: what is missed, what is caught up with, and who may change them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from eclectyc.accounts.actor import Actor
from eclectyc.jobs import clock, schedules
from eclectyc.jobs.models import Job, Schedule
from eclectyc.jobs.worker import run_waiting
from eclectyc.kernel.errors import Invalid, NotFound
from tests.factories import World

pytestmark = pytest.mark.django_db
OPERATOR = Actor.system()
MONDAY = datetime(2025, 6, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def at(monkeypatch):
    """Set the clock that workers share."""

    def set_to(moment: datetime) -> None:
        monkeypatch.setattr(clock, "read", lambda: moment)
        monkeypatch.setattr(clock, "now", lambda: moment)

    set_to(MONDAY)
    return set_to


def planned(**fields) -> Schedule:
    return schedules.plan(
        **{"name": "feed", "kind": "test.count", "args": {"steps": 0}, "cron": "0 * * * *", "zone": "UTC"} | fields
    )


def moments() -> list[datetime]:
    return list(Job.objects.filter(due_at__isnull=False).order_by("due_at").values_list("due_at", flat=True))


@pytest.mark.parametrize(
    ("catch_up", "limit", "slept", "hours"),
    [
        ("none", 10, timedelta(hours=5, minutes=30), []),
        ("none", 10, timedelta(hours=5, minutes=1), [5]),  # a worker that looks a minute late has missed nothing
        ("latest", 10, timedelta(hours=5, minutes=30), [5]),
        ("all", 10, timedelta(hours=5, minutes=30), [1, 2, 3, 4, 5]),
        ("all", 3, timedelta(hours=5, minutes=30), [3, 4, 5]),
        ("all", 10, timedelta(days=50, minutes=30), list(range(1191, 1201))),
        ("latest", 10, timedelta(minutes=59), []),
    ],
)
def test_after_a_sleep_the_missed_moments_are_caught_up_with_as_asked(at, catch_up, limit, slept, hours):
    planned(catch_up=catch_up, limit=limit)
    at(MONDAY + slept)
    assert schedules.tick() == len(hours)
    assert moments() == [MONDAY + n * HOUR for n in hours]
    assert schedules.tick() == 0  # a second worker, or the same after a restart
    next_hour = slept // HOUR + 1
    assert Schedule.objects.get().next_at == MONDAY + next_hour * HOUR
    at(MONDAY + next_hour * HOUR)
    run_waiting()
    schedules.tick()
    assert moments()[-1] == MONDAY + next_hour * HOUR


def test_a_clock_that_is_set_back_makes_nothing_due_twice(at):
    planned(catch_up="all")
    at(MONDAY + 3 * HOUR)
    schedules.tick()
    at(MONDAY + HOUR)
    schedules.tick()
    Schedule.objects.update(settled_until=MONDAY, next_at=MONDAY + HOUR)  # even where the schedule forgot
    schedules.tick()
    assert moments() == [MONDAY + n * HOUR for n in (1, 2, 3)]


@pytest.mark.parametrize(("catch_up", "count"), [("latest", 1), ("none", 1), ("all", 4)])
def test_moments_do_not_pile_up_while_nobody_works_unless_each_is_wanted(at, catch_up, count):
    planned(catch_up=catch_up)
    for n in range(1, 5):
        at(MONDAY + n * HOUR)
        schedules.tick()
    assert len(moments()) == count


def test_the_nights_on_which_clocks_change(at):
    at(datetime(2025, 3, 29, 12, tzinfo=UTC))
    planned(cron="30 1 * * *", zone="Europe/London", catch_up="all", limit=100)
    at(datetime(2025, 3, 31, 12, tzinfo=UTC))
    schedules.tick()
    assert moments() == [datetime(2025, 3, 30, 1, tzinfo=UTC), datetime(2025, 3, 31, 0, 30, tzinfo=UTC)]
    Job.objects.all().delete()
    at(datetime(2025, 10, 25, 12, tzinfo=UTC))
    schedules.tick()
    Job.objects.all().delete()
    for minutes in range(0, 24 * 60, 10):  # a worker that looks every ten minutes, all night
        at(datetime(2025, 10, 25, 12, tzinfo=UTC) + timedelta(minutes=minutes))
        schedules.tick()
        run_waiting()
    assert moments() == [datetime(2025, 10, 26, 0, 30, tzinfo=UTC)]


def test_jobs_of_a_schedule_know_their_moment_and_take_turns(at):
    made = planned(organisation_id=7, catch_up="all")
    at(MONDAY + 2 * HOUR)
    schedules.tick()
    jobs = list(made.jobs.order_by("due_at"))
    assert [job.due_at for job in jobs] == [MONDAY + HOUR, MONDAY + 2 * HOUR]
    assert {(job.turn, job.organisation_id, job.kind) for job in jobs} == {(f"schedule:{made.pk}", 7, "test.count")}


def test_a_paused_schedule_is_not_due_and_does_not_catch_up_with_its_pause(at):
    made = planned(catch_up="all")
    schedules.change(OPERATOR, schedule=made, is_paused=True)
    at(MONDAY + 3 * HOUR)
    assert schedules.tick() == 0
    schedules.change(OPERATOR, schedule=made, is_paused=False)
    assert schedules.tick() == 0
    at(MONDAY + 4 * HOUR)
    assert schedules.tick() == 1


def test_one_that_cannot_be_read_stops_no_other(at, caplog):
    planned(name="broken")
    planned(name="sound")
    Schedule.objects.filter(name="broken").update(zone="Europe/Atlantis")
    at(MONDAY + HOUR)
    assert schedules.tick() == 1
    assert "checked again in an hour" in caplog.text


def test_planning_again_changes_what_is_there_and_dropping_leaves_its_jobs(at):
    made = planned()
    at(MONDAY + HOUR)
    schedules.tick()
    again = planned(cron="30 * * * *", args={"steps": 1})
    assert (again.pk, again.next_at) == (made.pk, MONDAY + 1.5 * HOUR)
    schedules.delete("feed")
    assert not Schedule.objects.exists()
    assert Job.objects.get().schedule is None


OWN = {"lake.upkeep", "privacy.retention", "accounts.sessions", "jobs.tidy"}
OTHERS = {"derived.work_out", "feeds.watch", "intake.fold"}  # built in; what they do is tested where it is


def test_the_product_s_own_schedules_are_there_and_what_a_person_changed_stays(at):
    schedules.sync_declared()
    assert set(Schedule.objects.filter(is_built_in=True).values_list("name", flat=True)) == OWN | OTHERS
    upkeep = Schedule.objects.get(name="lake.upkeep")
    schedules.change(OPERATOR, schedule=upkeep, cron="0 5 * * *")
    Schedule.objects.filter(name="jobs.tidy").update(cron="1 1 1 1 *")  # of an earlier release
    planned(name="made by a person")
    Schedule.objects.create(name="dropped", kind="x", cron="* * * * *", zone="UTC", settled_until=MONDAY,
                            is_built_in=True)  # fmt: skip
    schedules.sync_declared()
    assert Schedule.objects.get(name="lake.upkeep").cron == "0 5 * * *"
    assert Schedule.objects.get(name="jobs.tidy").cron == "40 2 * * *"
    assert not Schedule.objects.filter(name="dropped").exists()
    assert Schedule.objects.filter(name="made by a person").exists()


def test_the_product_s_own_jobs_run(home, at, monkeypatch):
    monkeypatch.undo()  # the real clock
    schedules.sync_declared()
    now = clock.read()
    own = Schedule.objects.filter(kind__in=OWN)
    own.update(settled_until=now - timedelta(days=2), next_at=now - timedelta(days=1))
    assert schedules.tick() == len(OWN)
    run_waiting()
    assert {job.kind: (job.state, job.error) for job in Job.objects.all()} == dict.fromkeys(OWN, ("done", ""))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"cron": "every day"}, "cron"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"catch_up": "some"}, "catch_up"),
        ({"limit": 0}, "limit"),
        ({"name": "other"}, "name"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(fields, field):
    made = planned()
    with pytest.raises(Invalid) as refusal:
        schedules.change(OPERATOR, schedule=made, **fields)
    assert refusal.value.field == field


def test_people_see_and_change_the_schedules_of_their_own_organisation(world: World):
    made = planned(organisation_id=world.org.pk)
    above = planned(name="installation")
    admin, outsider, viewer = (Actor.of(user) for user in (world.admin, world.outsider, world.viewer))
    assert list(Schedule.objects.visible_to(admin)) == [made]
    assert list(Schedule.objects.visible_to(OPERATOR)) == [made, above]
    for stranger in (outsider, viewer, Actor.anonymous()):
        assert not Schedule.objects.visible_to(stranger).exists()
        with pytest.raises(NotFound):
            schedules.change(stranger, schedule=made, is_paused=True)
    assert schedules.change(admin, schedule=made, cron="5 * * * *").is_changed
    job = schedules.run_now(admin, schedule=made)
    assert (job.organisation_id, job.due_at, job.schedule_id) == (world.org.pk, None, made.pk)
    with pytest.raises(NotFound):
        schedules.run_now(admin, schedule=above)


def test_the_database_itself_refuses_a_second_job_for_a_moment():
    from django.db import IntegrityError, transaction

    made = planned()
    Job.objects.create(kind="test.count", run_at=MONDAY, schedule=made, due_at=MONDAY)
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.create(kind="test.count", run_at=MONDAY, schedule=made, due_at=MONDAY)
    assert connection.is_usable()
