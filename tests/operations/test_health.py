"""The health report: each check, and when it is degraded or critical."""

from collections import namedtuple
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import OperationalError, connection

from eclectyc.audit import keys, read_log_queue
from eclectyc.audit.actor import AuditActor
from eclectyc.audit.health import audit
from eclectyc.audit.models import Seal
from eclectyc.audit.record import record
from eclectyc.audit.sealed_chain import deletion_allowed, seal_pending
from eclectyc.audit.sealing import seal_now
from eclectyc.batches.health import imports, lake
from eclectyc.batches.models import Batch
from eclectyc.jobs.health import jobs
from eclectyc.kernel.health import CheckResult
from eclectyc.kernel.hooks import health_checks
from eclectyc.operations import health, machine
from tests.factories import make_series
from tests.filled import write_days
from tests.serving import Installation, plain_environment

Usage = namedtuple("Usage", "total used free")
GIB = 1 << 30
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = datetime(2026, 5, 20, tzinfo=UTC).date()


def named(report: health.HealthReport) -> dict[str, health.NamedCheck]:
    return {check.name: check for check in report.checks}


@pytest.mark.django_db
def test_a_fresh_installation_is_healthy(home):
    report = health.report()
    assert report.status == "healthy", report
    assert report.exit_code == 0
    assert [check.name for check in report.checks] == [
        "environment", "database", "filesystem", "lake", "memory", "disk", "imports", "pushes", "feeds", "derived",
        "jobs", "audit", "vault",
    ]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("deep", [False, True])
def test_what_nobody_seals_for_ten_minutes_is_degraded(deep):
    def status(minutes):
        return audit(now=datetime.now(UTC) + timedelta(minutes=minutes), deep=deep).status

    assert status(60) == "healthy"
    record(AuditActor(), "site.changed")
    assert [status(9), status(11)] == ["healthy", "degraded"]
    seal_now()
    assert status(60) == "healthy"
    record(AuditActor(), "site.changed")
    assert [status(9), status(11)] == ["healthy", "degraded"]


@pytest.mark.django_db
def test_a_note_that_nobody_takes_in_and_a_key_that_is_gone_are_degraded(home):
    later = datetime.now(UTC) + timedelta(minutes=11)
    read_log_queue.record_read(AuditActor(), "audit.read")
    assert audit(now=later, deep=False).status == "degraded"
    seal_now()
    assert audit(now=later, deep=False).status == "healthy"
    (home / "audit.key").unlink()
    found = audit(now=datetime.now(UTC), deep=False)
    assert (found.status, "audit.key is missing" in found.message) == ("degraded", True)


@pytest.mark.django_db
def test_an_event_that_was_left_behind_is_found_by_looking_through_all():
    early = record(AuditActor(), "site.changed")
    seal_now()
    with deletion_allowed():
        Seal.objects.filter(event=early).delete()
    record(AuditActor(), "site.changed")
    seal_pending(keys.key(), above=early.pk)
    later = datetime.now(UTC) + timedelta(minutes=11)
    assert [audit(now=later, deep=deep).status for deep in (False, True)] == ["healthy", "degraded"]


@pytest.mark.parametrize(
    ("used", "free", "status"),
    [(50, 50, "healthy"), (89.9, 10.1, "healthy"), (90, 10, "degraded"), (97, 3, "degraded"), (100, 0.01, "critical")],
)
def test_a_disk_nine_tenths_full_is_degraded_and_one_without_room_critical(used, free, status):
    found = machine.check_disk(Path("/data"), lambda _: Usage(100 * GIB, int(used * GIB), int(free * GIB)))
    assert found.status == status
    assert found.detail["folder"] == "/data"


@pytest.mark.parametrize(("free", "status"), [(8, "healthy"), (0.3, "degraded")])
def test_little_free_memory_is_degraded(free, status):
    assert machine.check_memory((int(free * GIB), 16 * GIB)).status == status
    assert machine.check_memory(None).status == "healthy"


def test_a_data_folder_that_is_gone_or_closed_is_critical(tmp_path):
    assert machine.check_folder(tmp_path / "gone", deep=True).status == "critical"
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert machine.check_folder(blocked, deep=True).status == "critical"
    assert machine.check_folder(tmp_path, deep=True).status == "healthy"


def test_a_secret_key_that_others_can_read_is_degraded(tmp_path):
    key = tmp_path / "secret_key"
    key.write_text("x")
    key.chmod(0o644)
    assert machine.check_folder(tmp_path, deep=False).status == "degraded"
    key.chmod(0o600)
    assert machine.check_folder(tmp_path, deep=False).status == "healthy"


@pytest.mark.django_db
def test_a_registry_that_does_not_answer_is_critical_and_the_rest_is_still_asked(home, monkeypatch):
    def refuse() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(connection, "cursor", refuse)
    report = health.report(deep=False)
    assert report.status == "critical"
    assert report.exit_code == 2
    assert named(report)["database"].message == "The registry does not answer."
    assert "connection refused" not in named(report)["database"].message
    assert named(report)["disk"].status in ("healthy", "degraded")


@pytest.mark.django_db
def test_missing_migrations_are_critical(monkeypatch):
    monkeypatch.setattr(
        "eclectyc.operations.home.known_migrations", lambda: {("estate", "0001_initial"), ("estate", "0099_x")}
    )
    monkeypatch.setattr("eclectyc.operations.home.applied_migrations", lambda: {("estate", "0001_initial")})
    assert machine.database(now=NOW, deep=False).message == "1 migration is pending. Run eclectyc migrate."


@pytest.mark.django_db
def test_a_lake_that_is_gone_while_the_registry_remembers_imports_is_critical(world):
    Batch.objects.create(organisation=world.org, state=Batch.DONE, added=48)
    found = lake(now=NOW, deep=False)
    assert found.status == "critical"
    assert "Restore a backup" in found.message


@pytest.mark.django_db(transaction=True)
def test_a_lake_with_readings_is_healthy_and_a_lost_file_of_it_is_found(world, home):
    batch = write_days(make_series(world.meter), DAY)
    assert lake(now=NOW, deep=True).status == "healthy"
    assert lake(now=NOW, deep=False).detail["last_batch"] == batch.pk
    next((home / "lake").rglob("*.parquet")).unlink()
    assert lake(now=NOW, deep=True).status == "critical"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("age", "state", "status"),
    [
        (timedelta(hours=3), Batch.DONE, "healthy"),
        (timedelta(days=8), Batch.DONE, "degraded"),
        (timedelta(minutes=5), Batch.PENDING, "healthy"),
        (timedelta(hours=2), Batch.PENDING, "degraded"),
        (timedelta(hours=2), Batch.COMMITTED, "degraded"),
    ],
)
def test_the_age_of_the_last_import_and_one_left_in_the_middle_are_told(world, age, state, status):
    ended = NOW - age if state == Batch.DONE else None
    Batch.objects.create(organisation=world.org, state=state, created_at=NOW - age, finished_at=ended)
    assert imports(now=NOW, deep=False).status == status


def test_a_check_that_raises_is_critical_and_does_not_hide_the_others(monkeypatch):
    def surprise(*, now: datetime, deep: bool) -> CheckResult:
        raise RuntimeError("surprise")

    def fine(*, now: datetime, deep: bool) -> CheckResult:
        return CheckResult("healthy", "")

    monkeypatch.setattr(health_checks, "load", lambda name: surprise if name == "memory" else fine)
    report = health.report()
    assert report.status == "critical"
    assert "RuntimeError: surprise" in named(report)["memory"].message
    assert {check.status for check in report.checks if check.name != "memory"} == {"healthy"}


def test_on_the_embedded_database_a_fresh_home_is_made_and_found_healthy(tmp_path):
    fresh = Installation(tmp_path / "fresh", plain_environment(tmp_path / "fresh"))
    assert fresh.run("health").returncode == 0
    assert fresh.run("check").stdout == ""


def test_the_command_says_it_in_words_and_by_its_exit_code(installation: Installation):
    installation.run("migrate")
    done = installation.run("health")
    assert done.returncode == 0, done.stdout
    assert done.stdout.rstrip().endswith("healthy")
    answer = installation.json("health")
    assert answer["status"] == "healthy"
    assert {"name", "status", "message", "detail"} == set(answer["checks"][0])
    away = installation.run("health", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert away.returncode == 2
    assert "The registry does not answer." in away.stdout
    (installation.home / "secret_key").chmod(0o644)
    assert installation.run("health", "--quick").returncode == 1


def test_background_work_that_is_stuck_waits_for_nobody_or_mostly_fails_is_degraded(db):
    from django.utils import timezone

    from eclectyc.jobs.models import Job

    def job(state: str, minutes_ago: int = 0, **fields) -> None:
        moment = timezone.now() - timedelta(minutes=minutes_ago)
        Job.objects.create(kind="jobs.tidy", state=state, run_at=moment, **{"person_id": 1, **fields})

    job("waiting", 5)
    assert (jobs(now=NOW, deep=False).status, jobs(now=NOW, deep=False).message) == ("healthy", "1 job waits, 0 run.")
    job("waiting", 20)
    assert jobs(now=NOW, deep=False).status == "degraded"
    assert "No worker is running: start eclectyc worker." in jobs(now=NOW, deep=False).message
    Job.objects.all().delete()
    for state in ("done", "done", "done", "failed", "failed"):
        job(state, finished_at=timezone.now())
    assert jobs(now=NOW, deep=False).status == "healthy"
    job("failed", finished_at=timezone.now())
    assert jobs(now=NOW, deep=False).message.startswith("3 of 6 jobs failed in 24 hours.")
    assert jobs(now=NOW, deep=False).status == "degraded"
    job("running", lease_until=timezone.now() - timedelta(minutes=5))
    assert jobs(now=NOW, deep=False).message == "1 job is stuck: the worker does not respond."


def test_one_failed_job_that_no_one_started_is_degraded_until_its_like_succeeds(db):
    from django.utils import timezone

    from eclectyc.jobs.models import Job

    def job(state: str, **fields) -> None:
        moment = timezone.now()
        Job.objects.create(kind="jobs.tidy", key="nightly", state=state, run_at=moment, finished_at=moment, **fields)

    job("failed", person_id=1)
    assert jobs(now=NOW, deep=False).status == "healthy"  # the person sees it
    job("failed")
    assert jobs(now=NOW, deep=False).message.startswith("2 of 2 jobs failed in 24 hours.")
    job("done")
    assert jobs(now=NOW, deep=False).status == "healthy"
