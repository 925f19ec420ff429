"""The pages of imports, feeds and background work, from a file dropped in to its import taken back."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from eclectyc.accounts.actor import Actor
from eclectyc.batches.models import Batch
from eclectyc.estate.models import Meter, Site
from eclectyc.intake.feeds.models import Feed
from eclectyc.intake.feeds.service import FeedDetails, create_feed
from eclectyc.intake.uploads import job as handler
from eclectyc.intake.uploads.models import Upload
from eclectyc.jobs.models import Job, Schedule, Subscription
from eclectyc.jobs.service import enqueue
from eclectyc.jobs.worker import run_waiting
from tests.factories import World

pytestmark = pytest.mark.django_db(transaction=True)
HEADS = ",".join(f"HH{n:02}" for n in range(1, 49))


def line_of(meter: str, day: object, value: object = 1) -> str:
    return f"{meter},{day},{','.join([str(value)] * 48)}"


def wide(*lines: str) -> bytes:
    return "\n".join([f"MPAN,Date,{HEADS}", *lines, ""]).encode()


@pytest.fixture
def admin(world: World, client: Client) -> Client:
    client.force_login(world.admin)
    return client


def sent(admin: Client, data: bytes, name: str = "june.csv") -> Upload:
    answer = admin.post("/admin/imports", {"files": [SimpleUploadedFile(name, data)], "organisation": own(admin)})
    upload = Upload.objects.latest("pk")
    assert (answer.status_code, answer["Location"]) == (302, f"/admin/imports/files/{upload.pk}")
    return upload


def own(admin: Client) -> int:
    return int(admin.get("/admin/imports").context["form"]["organisation"])


def act(admin: Client, address: str, do: str, **more: str) -> str:
    """Press a button; return where it leads."""
    answer = admin.post(address, {"do": do, **more})
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    return str(answer["Location"])


def text(admin: Client, address: str) -> str:
    answer = admin.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_from_a_file_dropped_in_to_its_import_taken_back(world: World, admin: Client) -> None:
    known = world.meter.identifier
    upload = sent(
        admin, wide(line_of(known, date(2025, 6, 3)), line_of(known, "31/02/2025"), line_of(known, "2025-06-05"))
    )
    here = f"/admin/imports/files/{upload.pk}"
    page = text(admin, here)
    assert "Recognised:</b> half-hourly, one day per row" in page
    assert "2025-06-03" in page
    assert Batch.objects.count() == 0

    trial = act(admin, here, "try", stamps="auto", type="auto")
    run_waiting()
    page = text(admin, trial)
    assert "Test import: done" in page
    assert "31/02/2025" in page
    assert Batch.objects.count() == 0

    done = act(admin, trial, "import")
    run_waiting()
    page = text(admin, done)
    assert "Done." in page
    assert Batch.objects.get().added == 96

    rejected = b"".join(admin.get(f"{done}/rejected").streaming_content)  # type: ignore[arg-type]
    assert rejected.decode().splitlines() == [f"MPAN,Date,{HEADS}", line_of(known, "31/02/2025")]

    act(admin, done, "undo")
    assert Batch.objects.get(undoes=None).state == Batch.UNDONE
    assert "Import undone" in text(admin, done)


def test_meters_that_are_not_known_are_made_at_a_site_with_one_click(world: World, admin: Client) -> None:
    upload = sent(admin, wide(line_of("2248274887874", date(2025, 6, 3))))
    failed = act(admin, f"/admin/imports/files/{upload.pk}", "import", stamps="auto", type="auto")
    run_waiting()
    page = text(admin, failed)
    assert "Failed." in page
    assert "--create-meters" not in page
    refused = admin.post(failed, {"do": "make", "site": " "})
    assert refused.status_code == 422
    done = act(admin, failed, "make", site="New House")
    run_waiting()
    assert "Done." in text(admin, done)
    assert Meter.objects.get(identifier="2248274887874").site.name == "New House"


def test_a_file_that_is_not_understood_says_so_and_can_be_put_aside(world: World, admin: Client) -> None:
    upload = sent(admin, b"one two three\nfour five six\n", "notes.txt")
    here = f"/admin/imports/files/{upload.pk}"
    assert "is not recognised" in text(admin, here)
    act(admin, here, "discard")
    assert admin.get(here).status_code == 404
    assert not list(upload.path.parent.glob("*"))


def test_several_files_are_listed_to_be_looked_at(world: World, admin: Client) -> None:
    files = [SimpleUploadedFile(f"{n}.csv", wide(line_of(world.meter.identifier, f"2025-06-0{n}"))) for n in (1, 2)]
    assert admin.post("/admin/imports", {"files": files, "organisation": own(admin)}).status_code == 302
    page = text(admin, "/admin/imports")
    assert "1.csv" in page
    assert "2.csv" in page
    assert "Nothing is saved yet" in page


def test_the_history_is_searched_and_filtered(world: World, admin: Client) -> None:
    for name, data in (
        ("good.csv", wide(line_of(world.meter.identifier, "2025-06-03"))),
        ("bad.txt", b"no table\nat all\n"),
    ):
        upload = sent(admin, data, name)
        act(admin, f"/admin/imports/files/{upload.pk}", "import", stamps="auto", type="auto")
    run_waiting()
    everything = text(admin, "/admin/imports/history")
    assert "good.csv" in everything
    assert "bad.txt" in everything
    for query, there, missing in (("?state=failed", "bad.txt", "good.csv"), ("?q=GOOD", "good.csv", "bad.txt")):
        page = text(admin, f"/admin/imports/history{query}")
        assert there in page
        assert missing not in page


def test_a_job_is_shown_cancelled_and_tried_again(world: World, admin: Client) -> None:
    upload = sent(admin, wide(line_of(world.meter.identifier, "2025-06-03")))
    act(admin, f"/admin/imports/files/{upload.pk}", "import", stamps="auto", type="auto")
    job = Job.objects.get(kind="intake.import")
    here = f"/admin/jobs/{job.pk}"
    assert "Import a file" in text(admin, "/admin/jobs")
    act(admin, here, "cancel")
    assert "Cancelled." in text(admin, here)
    act(admin, here, "retry")
    run_waiting()
    assert "Done." in text(admin, here)
    assert admin.get("/admin/jobs?state=failed").context["list"].rows == []


def test_one_subscribes_to_mails_about_failed_work_and_ends_that(world: World, admin: Client) -> None:
    admin.post("/admin/jobs", {"do": "subscribe", "kind": "intake.import", "organisation": str(world.org.pk)})
    one = Subscription.objects.get()
    assert (one.user_id, one.organisation_id, one.kind) == (world.admin.pk, world.org.pk, "intake.import")
    assert admin.post("/admin/jobs", {"do": "subscribe", "organisation": str(world.other_org.pk)}).status_code >= 400
    admin.post("/admin/jobs", {"do": "unsubscribe", "of": str(one.pk)})
    assert not Subscription.objects.exists()


def test_a_feed_is_set_up_tried_changed_and_taken_down(world: World, client: Client, tmp_path: Path) -> None:
    world.admin.is_operator = True
    world.admin.save()
    client.force_login(world.admin)
    form: dict[str, Any] = {
        "name": "Collector", "organisation": str(world.org.pk), "path": str(tmp_path), "pattern": "*.csv",
        "after": "leave", "settle_s": "0", "cron": "*/5 * * * *", "zone": "Europe/London", "is_active": "true",
        "type": "auto", "stamps": "auto", "quiet_after_h": "48",
    }  # fmt: skip
    wrong = client.post("/admin/feeds/new?kind=folder", {**form, "cron": "every now and then"})
    assert wrong.status_code == 422
    answer = client.post("/admin/feeds/new?kind=folder", form)
    assert answer.status_code == 302, answer.content.decode()[-2000:]
    feed = Feed.objects.get()
    here = f"/admin/feeds/{feed.pk}"
    (tmp_path / "june.csv").write_bytes(wide(line_of(world.meter.identifier, "2025-06-03")))
    assert "june.csv" in client.post(here, {"do": "try"}).content.decode()
    client.post(here, {"do": "read"})
    run_waiting()
    assert Batch.objects.get().added == 48
    assert "june.csv" in text(client, here)
    assert "Collector" in text(client, "/admin/feeds")
    assert client.post(here, {**form, "do": "save", "name": "Renamed", "is_active": ""}).status_code == 302
    feed.refresh_from_db()
    assert (feed.name, feed.state) == ("Renamed", "paused")
    assert Schedule.objects.get(name=f"feed:{feed.pk}").is_paused
    client.post(here, {"do": "delete"})
    assert not Feed.objects.exists()
    assert not Schedule.objects.filter(name=f"feed:{feed.pk}").exists()


def test_a_secret_is_never_shown_and_stays_when_its_field_is_left_empty(world: World, admin: Client) -> None:
    settings = {"host": "sftp.example.com", "username": "us", "path": "/out", "host_key": "SHA256:" + "A" * 43}
    wanted = FeedDetails("Supplier", settings, {"password": "hunter2hunter2"})
    feed = create_feed(Actor.of(world.admin), organisation=world.org, kind=Feed.SFTP, details=wanted)
    here = f"/admin/feeds/{feed.pk}"
    assert "hunter2" not in text(admin, here)
    form = {**settings, "port": "22", "after": "leave", "settle_s": "30", "pattern": "*", "name": "Supplier",
            "cron": "5 4 * * *", "zone": "Europe/London", "type": "auto", "stamps": "auto", "do": "save"}  # fmt: skip
    assert admin.post(here, form).status_code == 302
    feed.refresh_from_db()
    assert "hunter2" in feed.secret.reveal()  # type: ignore[attr-defined]
    assert admin.post(here, {**form, "host": "evil.example.com"}).status_code == 422


def test_a_schedule_is_moved_and_run_by_hand(world: World, admin: Client) -> None:
    settings = {"url": "https://api.example.com/readings"}
    feed = create_feed(
        Actor.of(world.admin), organisation=world.org, kind=Feed.HTTPS, details=FeedDetails("Portal", settings)
    )
    due = Schedule.objects.get(name=feed.schedule_name)
    assert "Feed Portal" in text(admin, "/admin/schedules")
    changed = {"cron": "0 6 * * 1", "zone": "Europe/London", "catch_up": "latest"}
    assert admin.post(f"/admin/schedules/{due.pk}", changed).status_code == 302
    due.refresh_from_db()
    assert due.cron == "0 6 * * 1"
    assert admin.post("/admin/schedules", {"do": "run", "of": str(due.pk)}).status_code == 302
    assert Job.objects.filter(kind="feeds.read", schedule=due).exists()


def test_the_queue_as_a_whole_is_an_operators_to_see(world: World, client: Client) -> None:
    enqueue("lake.upkeep", {})
    client.force_login(world.admin)
    assert "Maintain stored readings</a>" not in text(client, "/admin/jobs")
    assert "Workers" not in text(client, "/admin/jobs")
    world.admin.is_operator = True
    world.admin.save()
    page = text(client, "/admin/jobs")
    assert "Maintain stored readings</a>" in page
    assert "Workers" in page


def rejected_of(admin: Client, done: str) -> list[str]:
    answer = admin.get(f"{done}/rejected")
    return b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[arg-type]


def test_the_file_of_rejected_lines_has_every_line_of_an_unknown_meter(world: World, admin: Client) -> None:
    known, unknown = world.meter.identifier, "2248274887874"
    lines = [line_of(known if n % 3 else unknown, date(2025, 6, 1) + timedelta(n)) for n in range(250)]
    upload = sent(admin, wide(*lines))
    done = act(admin, f"/admin/imports/files/{upload.pk}", "import", stamps="auto", type="auto")
    run_waiting()
    assert rejected_of(admin, done)[1:] == [line.rstrip() for n, line in enumerate(lines) if not n % 3]
    page = text(admin, done)
    assert "then upload the rejected rows" in page
    assert "The site is created" not in page, "there is no field for one"
    assert "not in this file" not in text(admin, done)
    Path(Upload.objects.get(pk=upload.pk).report["lines_file"]).unlink()
    assert "83 rejected rows are not in this file" in text(admin, done)


def test_after_a_dry_run_every_rejected_line_is_to_be_had(world: World, admin: Client) -> None:
    known, unknown = world.meter.identifier, "2248274887874"
    days = [date(2024, 1, 1) + timedelta(n) for n in range(300)]
    bad = [line_of(known, f"31/02/2{n:03}") for n in range(150)]
    upload = sent(admin, wide(line_of(known, "2025-06-03"), *bad, *(line_of(unknown, day) for day in days)))
    done = act(admin, f"/admin/imports/files/{upload.pk}", "try", stamps="auto", type="auto")
    run_waiting()
    assert not Batch.objects.exists()
    assert len(rejected_of(admin, done)) == 1 + 150 + 300


def test_a_list_of_sites_is_tested_and_imported_by_the_page(world: World, admin: Client) -> None:
    upload = sent(admin, b"name,region,postcode,floor_area_m2\nNew Works,North,M1 1AA,900\n", "sites.csv")
    trial = act(admin, f"/admin/imports/files/{upload.pk}", "try", stamps="auto", type="auto")
    run_waiting()
    page = text(admin, trial)
    assert "Test import: done" in page
    assert not Site.objects.filter(name="New Works").exists()
    act(admin, trial, "import")
    run_waiting()
    assert Site.objects.filter(name="New Works").count() == 1


def test_an_import_that_waits_for_another_attempt_shows_the_failure(
    world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = sent(admin, wide(line_of(world.meter.identifier, date(2025, 6, 3))))
    monkeypatch.setattr(handler, "import_file", lambda *_, **__: 1 / 0)
    here = act(admin, f"/admin/imports/files/{upload.pk}", "import", stamps="auto", type="auto")
    run_waiting()
    job = Job.objects.get(kind="intake.import")
    assert job.state == Job.WAITING
    for address in (here, "/admin/imports"):
        page = text(admin, address)
        assert "Internal error: ZeroDivisionError" in page
        assert "Attempt 1 of 3 failed. The next one starts at" in page
    assert "Internal error: ZeroDivisionError" in text(admin, "/admin/jobs")
