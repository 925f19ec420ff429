"""Files kept when they arrive and imported in the background: once, with the sender's rights, or not at all."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from django.conf import settings

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Membership
from eclectyc.audit.models import Event
from eclectyc.batches.models import Batch
from eclectyc.estate.models import Meter, Site
from eclectyc.intake.import_options import ImportOptions
from eclectyc.intake.uploads import job as handler
from eclectyc.intake.uploads.models import Upload
from eclectyc.intake.uploads.service import discard, receive, shown_name, start
from eclectyc.jobs.models import Job
from eclectyc.jobs.service import cancel
from eclectyc.jobs.worker import run_waiting
from eclectyc.kernel.errors import Conflict, Forbidden, Invalid
from eclectyc.lake.store import connect
from tests.factories import World

pytestmark = pytest.mark.django_db(transaction=True)

DAY = date(2025, 6, 3)


def file_of(world: World, value: str = "1.5") -> bytes:
    cells = ",".join([value] * 48)
    heads = ",".join(f"HH{n:02}" for n in range(1, 49))
    return f"MPAN,Date,{heads}\n{world.meter.identifier},{DAY},{cells}\n".encode()


def sent(world: World, data: bytes, name: str = "june.csv", **options: object) -> Upload:
    return receive(Actor.of(world.admin), organisation=world.org, name=name, chunks=[data[:10], data[10:]],
                   options=ImportOptions(**options))  # type: ignore[arg-type]  # fmt: skip


def kwh_held(world: World) -> float:
    series = [one.pk for one in world.meter.series.all()]
    return float(connect().days(series, DAY, DAY.replace(day=4), values=False)["total"].sum()) if series else 0.0


def files_kept() -> list[Path]:
    return list((Path(settings.HOME) / "uploads").glob("*"))


def test_an_uploaded_file_is_imported_by_its_job_and_has_the_report(world: World) -> None:
    upload = sent(world, file_of(world))
    job = start(Actor.of(world.admin), upload=upload)
    assert kwh_held(world) == 0.0  # nothing yet
    run_waiting()
    job.refresh_from_db()
    upload.refresh_from_db()
    assert job.state == Job.DONE, job.error
    assert kwh_held(world) == pytest.approx(72.0)
    assert job.result["added"] == 48
    batch = Batch.objects.get(pk=job.result["batch"])
    assert (batch.upload, batch.user, batch.file_name) == (upload, world.admin, "june.csv")
    assert upload.report["readings"] == 48


def test_a_job_that_is_run_again_after_its_batch_was_committed_imports_nothing_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = sent(world, file_of(world))
    job = start(Actor.of(world.admin), upload=upload)

    with monkeypatch.context() as broken:
        broken.setattr(handler, "SHOWN", None)  # a fault right after the commit, before the job is done
        run_waiting()
    job.refresh_from_db()
    assert job.state == Job.WAITING
    assert Batch.objects.filter(state=Batch.DONE).count() == 1
    Job.objects.filter(pk=job.pk).update(run_at=job.created_at)
    run_waiting()
    job.refresh_from_db()
    assert job.state == Job.DONE
    assert job.result["added"] == 48
    assert Batch.objects.count() == 1


def test_a_committed_batch_is_found_under_the_writers_turn_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frozen worker may commit between the next one's look and its turn."""
    upload = sent(world, file_of(world))
    first = start(Actor.of(world.admin), upload=upload)
    run_waiting()
    first.refresh_from_db()
    monkeypatch.setattr(handler, "_batch_of", lambda _: None)  # it looked too early
    Job.objects.filter(pk=first.pk).update(state=Job.WAITING, run_at=first.created_at, attempt=0)
    run_waiting()
    first.refresh_from_db()
    assert first.state == Job.DONE
    assert first.result["added"] == 48
    assert Batch.objects.count() == 1


def test_who_has_lost_the_right_meanwhile_imports_nothing(world: World) -> None:
    job = start(Actor.of(world.admin), upload=sent(world, file_of(world)))
    Membership.objects.filter(user=world.admin).update(role="viewer")
    run_waiting()
    job.refresh_from_db()
    assert job.state == Job.FAILED
    assert Batch.objects.count() == 0


def test_a_file_that_is_not_understood_fails_its_job_with_the_reason(world: World) -> None:
    upload = sent(world, b"\x00\x01\x02 this is no table \xff" * 50)
    job = start(Actor.of(world.admin), upload=upload)
    run_waiting()
    job.refresh_from_db()
    upload.refresh_from_db()
    assert job.state == Job.FAILED
    assert job.attempt == 1  # trying again would not help
    assert upload.report["errors"][0]["reason"] == job.error


def test_a_file_of_which_nothing_can_be_used_fails_and_names_the_unknown_meter(world: World) -> None:
    upload = sent(world, file_of(world).replace(world.meter.identifier.encode(), b"2248274887874"))
    job = start(Actor.of(world.admin), upload=upload)
    run_waiting()
    job.refresh_from_db()
    upload.refresh_from_db()
    assert job.state == Job.FAILED
    assert upload.report["unknown_meters"] == ["2248274887874"]


def test_a_cancelled_job_leaves_the_file_to_be_started_again(world: World) -> None:
    upload = sent(world, file_of(world))
    job = start(Actor.of(world.admin), upload=upload)
    cancel(Actor.of(world.admin), job=job)
    run_waiting()
    assert Batch.objects.count() == 0
    again = start(Actor.of(world.admin), upload=upload)
    run_waiting()
    again.refresh_from_db()
    assert again.state == Job.DONE
    assert kwh_held(world) == pytest.approx(72.0)


def test_a_file_is_started_once(world: World) -> None:
    upload = sent(world, file_of(world))
    start(Actor.of(world.admin), upload=upload)
    with pytest.raises(Conflict, match="is already being imported"):
        start(Actor.of(world.admin), upload=upload)
    run_waiting()
    with pytest.raises(Conflict, match="was already imported"):
        start(Actor.of(world.admin), upload=upload)


def test_a_discarded_file_is_gone_from_the_disk_and_cannot_be_started(world: World) -> None:
    upload = sent(world, file_of(world))
    assert len(files_kept()) == 1
    discard(Actor.of(world.admin), upload=upload)
    assert files_kept() == []
    with pytest.raises(Conflict, match="was discarded"):
        start(Actor.of(world.admin), upload=upload)


def test_an_empty_file_is_refused_and_leaves_nothing(world: World) -> None:
    with pytest.raises(Invalid, match="empty"):
        sent(world, b"")
    assert files_kept() == []
    assert Upload.objects.count() == 0


def test_only_who_may_import_there_sends_and_sees_files(world: World) -> None:
    upload = sent(world, file_of(world))
    for user in (world.viewer, world.manager, world.outsider):
        with pytest.raises(Forbidden):
            receive(Actor.of(user), organisation=world.org, name="x.csv", chunks=[b"x"])
        assert not Upload.objects.visible_to(Actor.of(user)).exists()
    assert Upload.objects.visible_to(Actor.of(world.admin)).get() == upload
    assert len(files_kept()) == 1


def test_the_file_name_is_only_shown_and_never_a_path(world: World) -> None:
    upload = sent(world, file_of(world), name="../../etc/\u202epasswd\n.csv")
    assert upload.name == "passwd.csv"
    assert upload.path.parent == Path(settings.HOME) / "uploads"
    assert shown_name("C:\\Users\\a\\June 2025.xlsx") == "June 2025.xlsx"
    assert shown_name("\n\t") == "file"


def test_each_step_is_in_the_audit_and_names_the_file_only_where_it_can_be_erased(world: World) -> None:
    upload = sent(world, file_of(world), name="Mrs Smith.csv")
    start(Actor.of(world.admin), upload=upload)
    events = Event.objects.filter(subject_type="upload", subject_id=str(upload.pk)).order_by("id")
    assert [event.action for event in events] == ["upload.received", "upload.started"]
    assert "Smith" not in "".join(str(event.after) for event in events)
    assert events[0].personal.text["file"] == "Mrs Smith.csv"


LISTS = {
    "sites": b"name,region,postcode,floor_area_m2\nHarbour House,North,M1 1AA,900\nNew Works,North,M1 1AA,900\n",
    "meters": b"MPAN,Site,Utility,Unit,Step\n2248274887874,Harbour House,electricity,kWh,30\n",
}


@pytest.mark.parametrize("kind", LISTS)
def test_a_test_import_of_a_list_runs_in_the_queue_and_saves_nothing(world: World, kind: str) -> None:
    before = list(Site.objects.values()), list(Meter.objects.values())
    upload = sent(world, LISTS[kind], f"{kind}.csv", dry_run=True)
    job = start(Actor.of(world.admin), upload=upload)
    run_waiting()
    job.refresh_from_db()
    upload.refresh_from_db()
    assert (job.state, job.attempt) == (Job.DONE, 1), job.error
    assert upload.report[f"created_{kind}"] == 1
    assert (list(Site.objects.values()), list(Meter.objects.values())) == before
    assert Batch.objects.count() == 0

    again = start(Actor.of(world.admin), upload=upload, options=ImportOptions())
    run_waiting()
    again.refresh_from_db()
    assert again.state == Job.DONE, again.error
    assert (Site if kind == "sites" else Meter).objects.count() == len(before[kind == "meters"]) + 1
