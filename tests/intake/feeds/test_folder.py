"""A watched folder: each file is read once, whole ones only, and put away as the feed says."""

from __future__ import annotations

import os
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.batches.models import Batch
from eclectyc.estate.models import Meter
from eclectyc.intake.feeds import health
from eclectyc.intake.feeds.connection import RemoteFile
from eclectyc.intake.feeds.folder import FolderConnection
from eclectyc.intake.feeds.models import Feed, FeedFile
from eclectyc.intake.feeds.outcomes import outcomes
from eclectyc.intake.feeds.service import FeedDetails, create_feed, read_now, try_feed, update_feed
from eclectyc.intake.import_options import ImportOptions
from eclectyc.intake.uploads.models import Upload
from eclectyc.intake.uploads.service import discard, start
from eclectyc.jobs.models import Job
from eclectyc.jobs.worker import run_waiting
from eclectyc.kernel.errors import Forbidden, Invalid
from tests.factories import World

pytestmark = pytest.mark.django_db(transaction=True)
OPERATOR = Actor.system()


def file_of(world: World, day: date, value: str = "1") -> bytes:
    heads = ",".join(f"HH{n:02}" for n in range(1, 49))
    return f"MPAN,Date,{heads}\n{world.meter.identifier},{day},{','.join([value] * 48)}\n".encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def feed_on(world: World, folder: Path, **settings: Any) -> Feed:
    wanted = FeedDetails("Collector", {"path": str(folder), "settle_s": 0, **settings})
    return create_feed(OPERATOR, organisation=world.org, kind=Feed.FOLDER, details=wanted)


def look(feed: Feed) -> Job:
    """Look at the feed and import what it brought."""
    job = read_now(OPERATOR, feed=feed)
    run_waiting()
    job.refresh_from_db()
    feed.refresh_from_db()
    return job


def test_a_file_is_imported_once_however_often_it_is_offered(world: World, folder: Path) -> None:
    feed = feed_on(world, folder)
    (folder / "june.csv").write_bytes(file_of(world, date(2025, 6, 3)))
    assert look(feed).result == {"read": 1}
    assert look(feed).result == {"read": 0}
    os.utime(folder / "june.csv")  # touched: the same content at another time
    os.utime(folder / "june.csv", (1, 1))
    (folder / "copy of june.csv").write_bytes(file_of(world, date(2025, 6, 3)))
    assert look(feed).result == {"read": 0}
    batch = Batch.objects.get()
    assert (batch.added, batch.upload and batch.upload.origin) == (48, f"feed:{feed.pk}")


def test_a_changed_file_is_read_again(world: World, folder: Path) -> None:
    feed = feed_on(world, folder)
    (folder / "june.csv").write_bytes(file_of(world, date(2025, 6, 3)))
    look(feed)
    (folder / "june.csv").write_bytes(file_of(world, date(2025, 6, 3), "2.25"))
    assert look(feed).result == {"read": 1}
    assert [batch.changed for batch in Batch.objects.order_by("pk")] == [0, 48]


def test_what_is_not_wanted_or_still_being_written_is_left_alone(world: World, folder: Path) -> None:
    feed = feed_on(world, folder, pattern="*.csv, *.txt")
    for name in ("a.xml", ".hidden.csv", "b.csv.part", "c.tmp", "notes.md"):
        (folder / name).write_bytes(file_of(world, date(2025, 6, 3)))
    (folder / "inner.csv").mkdir()
    (folder / "link.csv").symlink_to("/etc/hostname")
    assert try_feed(OPERATOR, feed=feed) == []
    assert look(feed).result == {"read": 0}
    (folder / "D.TXT").write_bytes(file_of(world, date(2025, 6, 3)))
    assert try_feed(OPERATOR, feed=feed) == ["D.TXT"]


def test_a_file_is_taken_only_once_it_has_been_left_alone_for_a_while(world: World, folder: Path) -> None:
    feed = feed_on(world, folder, settle_s=3600)  # longer than one look waits
    (folder / "june.csv").write_bytes(file_of(world, date(2025, 6, 3))[:200])
    assert look(feed).result == {"read": 0}
    (folder / "june.csv").write_bytes(file_of(world, date(2025, 6, 3)))  # it has grown
    FeedFile.objects.update(seen_at=timezone.now() - timedelta(hours=2))
    assert look(feed).result == {"read": 0}  # of this size it was seen just now
    FeedFile.objects.update(seen_at=timezone.now() - timedelta(hours=2))
    assert look(feed).result == {"read": 1}
    assert Batch.objects.get().added == 48


@pytest.mark.parametrize("after", ["leave", "move", "delete"])
def test_a_file_that_was_read_is_moved_or_deleted_as_set_in_the_feed(world: World, folder: Path, after: str) -> None:
    feed = feed_on(world, folder, after=after, move_to="read" if after == "move" else "")
    (folder / "june.csv").write_bytes(file_of(world, date(2025, 6, 3)))
    look(feed)
    assert (folder / "june.csv").exists() is (after == "leave")
    assert (folder / "read" / "june.csv").exists() is (after == "move")
    assert Upload.objects.get().path.exists()


def test_a_file_of_a_name_that_was_moved_before_does_not_write_over_it(world: World, folder: Path) -> None:
    feed = feed_on(world, folder, after="move", move_to="read")
    for day in (3, 4):
        (folder / "daily.csv").write_bytes(file_of(world, date(2025, 6, day)))
        look(feed)
    assert len(list((folder / "read").iterdir())) == 2


def test_a_file_that_was_stored_but_not_moved_is_moved_by_the_next_check(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = feed_on(world, folder, after="delete")
    (folder / "june.csv").write_bytes(file_of(world, date(2025, 6, 3)))
    with monkeypatch.context() as broken:
        broken.setattr("eclectyc.intake.feeds.poll._archive", lambda *_: (_ for _ in ()).throw(OSError("cut off")))
        look(feed)
    assert (folder / "june.csv").exists()
    Job.objects.filter(kind="feeds.read").update(state=Job.CANCELLED)
    look(feed)
    assert not (folder / "june.csv").exists()
    assert Batch.objects.count() == 1


def test_a_failing_feed_is_reported_once_until_it_works_again(
    world: World, folder: Path, settings: Any, mailoutbox: list[Any]
) -> None:
    settings.ADMIN_EMAIL = "operator@example.com"
    feed = feed_on(world, folder)
    folder.rename(folder.with_name("away"))
    for _ in range(3):
        read_now(OPERATOR, feed=feed)
        Job.objects.filter(kind="feeds.read").update(attempts=1)  # there is no other try
        run_waiting()
    feed.refresh_from_db()
    assert feed.state == "failing"
    assert "cannot be read" in feed.error
    assert [mail.subject for mail in mailoutbox if "Collector is failing" in mail.subject] != []
    assert len(mailoutbox) == 1
    folder.with_name("away").rename(folder)
    look(feed)
    assert (feed.state, feed.error) == ("well", "")


def test_a_quiet_feed_is_reported_once_for_each_silence(
    world: World, folder: Path, settings: Any, mailoutbox: list[Any]
) -> None:
    from eclectyc.jobs.service import enqueue

    settings.ADMIN_EMAIL = "operator@example.com"
    feed = feed_on(world, folder)
    Feed.objects.update(quiet_after_h=24, created_at=timezone.now() - timedelta(days=3))
    for _ in range(2):
        enqueue("feeds.watch", {})
        run_waiting()
    assert len(mailoutbox) == 1
    assert feed.name in mailoutbox[0].subject
    Feed.objects.update(last_file_at=timezone.now())
    enqueue("feeds.watch", {})
    run_waiting()
    assert len(mailoutbox) == 1


def test_only_an_operator_has_a_folder_of_the_server_read(world: World, folder: Path) -> None:
    with pytest.raises(Forbidden):
        create_feed(
            Actor.of(world.admin), organisation=world.org, kind=Feed.FOLDER, details=FeedDetails("x", {"path": "/etc"})
        )
    feed = feed_on(world, folder)
    with pytest.raises(Forbidden):
        update_feed(Actor.of(world.admin), feed=feed, details=FeedDetails("x", {"path": "/etc"}))
    assert list(Feed.objects.visible_to(Actor.of(world.outsider))) == []


@pytest.mark.parametrize(
    ("said", "field"),
    [({}, "path"), ({"path": "/x", "after": "burn"}, "after"), ({"path": "/x", "after": "move"}, "move_to"),
     ({"path": "/x", "settle_s": "soon"}, "settle_s"), ({"path": "/x", "colour": "red"}, "colour")],
)  # fmt: skip
def test_a_setting_that_cannot_be_taken_is_refused_by_name(world: World, said: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        create_feed(OPERATOR, organisation=world.org, kind=Feed.FOLDER, details=FeedDetails("x", said))
    assert refused.value.field == field


def test_a_file_that_cannot_be_read_does_not_keep_the_others_out(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.csv").write_bytes(file_of(world, date(2025, 6, 3)))
    (folder / "b.csv").write_bytes(file_of(world, date(2025, 6, 4)) * 400)
    (folder / "c.csv").write_bytes(file_of(world, date(2025, 6, 5)))
    monkeypatch.setattr("eclectyc.intake.uploads.service.MOST_BYTES", 10_000)
    feed = feed_on(world, folder)
    job = look(feed)
    assert (job.state, feed.error) == (Job.FAILED, "b.csv is larger than 0 GiB.")
    assert sorted(Upload.objects.values_list("name", flat=True)) == ["a.csv", "c.csv"]
    assert Batch.objects.filter(state=Batch.DONE).count() == 2
    (folder / "b.csv").write_bytes(file_of(world, date(2025, 6, 4)))
    assert (look(feed).state, feed.error, Batch.objects.count()) == (Job.DONE, "", 3)


def test_a_file_that_grows_beyond_its_bounds_while_it_is_fetched_is_let_go(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.csv").write_bytes(b"x" * 3_000_000)
    monkeypatch.setattr("eclectyc.intake.uploads.service.MOST_BYTES", 1_500_000)
    monkeypatch.setattr(
        FolderConnection, "list_files", lambda self: [RemoteFile("a.csv", 10, 1)]  # what the place says of it is not so
    )  # fmt: skip
    feed = feed_on(world, folder)
    assert look(feed).state == Job.FAILED
    assert feed.error == "a.csv is larger than 0 GiB."
    assert not Upload.objects.exists()


@pytest.mark.parametrize("creates", [False, True])
def test_a_feed_has_the_rights_that_its_creator_needed(world: World, folder: Path, creates: bool) -> None:
    """Meters and sites of a file go in only by a feed that may make meters, and into its own organisation."""
    (folder / "meters.csv").write_bytes(
        f"mpan,site,utility\n2248274887874,{world.meter.site.name},electricity\n".encode()
    )
    (folder / "june.csv").write_bytes(file_of(world, date(2025, 6, 3)))
    options = ImportOptions(create_meters=creates, site="Depot" if creates else "")
    wanted = FeedDetails("Collector", {"path": str(folder), "settle_s": 0}, options=options)
    look(create_feed(OPERATOR, organisation=world.org, kind=Feed.FOLDER, details=wanted))
    assert Batch.objects.filter(state=Batch.DONE, format="wide").count() == 1
    made = Meter.objects.filter(identifier="2248274887874")
    assert [meter.organisation for meter in made] == ([world.org] if creates else [])
    job = Upload.objects.get(name="meters.csv").job
    assert job is not None
    assert (job.state, job.error) == ((Job.DONE, "") if creates else (Job.FAILED, "Your role does not allow this."))


def test_many_bad_files_shut_no_good_one_out(world: World, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(12):
        (folder / f"a{n:02}.csv").write_bytes(b"x" * 20_000)
    (folder / "z.csv").write_bytes(file_of(world, date(2025, 6, 3)))
    monkeypatch.setattr("eclectyc.intake.uploads.service.MOST_BYTES", 10_000)
    look(feed_on(world, folder))
    assert [upload.name for upload in Upload.objects.all()] == ["z.csv"]


def test_a_name_that_is_no_text_is_passed_over(world: World, folder: Path) -> None:
    (folder / "a.csv").write_bytes(file_of(world, date(2025, 6, 3)))
    Path(os.fsdecode(os.fsencode(folder) + b"/Z\xe4hler.csv")).write_bytes(file_of(world, date(2025, 6, 4)))
    feed = feed_on(world, folder, settle_s=1)
    assert try_feed(OPERATOR, feed=feed) == ["a.csv"]
    assert look(feed).state == Job.DONE
    assert [upload.name for upload in Upload.objects.all()] == ["a.csv"]


UNKNOWN = ("2248274887874", "2200000000770")


@pytest.fixture
def failed(world: World, folder: Path) -> Feed:
    """A feed with two files of unknown meters and one that is no table."""
    feed = feed_on(world, folder, pattern="*")
    for meter in UNKNOWN:
        data = file_of(world, date(2025, 6, 3)).replace(world.meter.identifier.encode(), meter.encode())
        (folder / f"{meter}.csv").write_bytes(data)
    (folder / "readme.txt").write_text("Dear colleague,\nplease find the files beside this one.\n")
    look(feed)
    return feed


def test_a_feed_whose_files_fail_is_degraded_and_says_why(world: World, failed: Feed, client: Client) -> None:
    feed = Feed.objects.with_failures().get()
    assert (feed.state, feed.failed_files) == ("degraded", 3)
    results = {file.name: outcome for file, outcome in zip(feed.files.all(), outcomes(feed.files.all()), strict=True)}
    assert [results[f"{meter}.csv"].text for meter in UNKNOWN] == ["failed: 1 meter not known"] * 2
    assert results["readme.txt"].has_failed
    assert results["readme.txt"].text.startswith("failed: ")

    check = health.feeds(now=timezone.now(), deep=False)
    assert check.status == "degraded"
    assert check.message == "3 files of 1 feed failed: 2 meters not known. See Administration, Feeds."
    client.force_login(world.admin)
    for address in ("/", "/admin/feeds", f"/admin/feeds/{feed.pk}"):
        assert "3 files failed: 2 meters not known; readme.txt: " in client.get(address).content.decode(), address
    page = client.get("/admin/jobs").content.decode()
    assert "Import of readme.txt</a>" in page
    assert f"Import of {UNKNOWN[0]}.csv</a>" in page
    told = Job.objects.get(kind="jobs.tell", args__subject=f"Failed: Import of {UNKNOWN[0]}.csv")
    assert "1 meter is not known" in told.args["lines"][1]


def test_a_feed_is_well_again_once_each_failed_file_is_imported_or_discarded(
    world: World, folder: Path, failed: Feed
) -> None:
    first, second, readme = Upload.objects.order_by("name")
    start(Actor.of(world.admin), upload=first, options=ImportOptions(create_meters=True, site="Harbour House"))
    run_waiting()
    assert Feed.objects.with_failures().get().failed_files == 2
    discard(Actor.of(world.admin), upload=readme)
    assert Feed.objects.with_failures().get().failed_files == 1
    corrected = folder / second.name
    corrected.write_bytes(file_of(world, date(2025, 6, 4)))
    os.utime(corrected, (time.time() + 60, time.time() + 60))  # not within the second of the one that failed
    look(failed)
    assert Feed.objects.with_failures().get().state == "well"
    assert health.feeds(now=timezone.now(), deep=False).status == "healthy"
    texts = [outcome.text for outcome in outcomes(failed.files.all())]
    assert sorted(texts) == ["discarded", "failed: 1 meter not known", "imported", "imported"]


def test_a_file_that_was_not_stored_is_not_called_imported(world: World, folder: Path) -> None:
    feed = feed_on(world, folder)
    for name in ("a.csv", "b.csv"):
        (folder / name).write_bytes(file_of(world, date(2025, 6, 3)))
    (folder / "c.csv").write_bytes(b"")
    look(feed)
    files = feed.files.order_by("name")
    assert [outcome.text for outcome in outcomes(files)] == [
        "imported", "same content as an earlier file", "failed: the file is empty",
    ]  # fmt: skip


@pytest.mark.parametrize("newest", range(4))
def test_files_are_imported_oldest_first(world: World, folder: Path, newest: int) -> None:
    feed = feed_on(world, folder)
    ages = {f"{n}.csv": (newest - n) % 4 for n in range(4)}  # hours; names say nothing about it
    for number, (name, age) in enumerate(ages.items()):
        (folder / name).write_bytes(file_of(world, date(2025, 6, 3 + number)))
        os.utime(folder / name, (time.time() - 3600 * age,) * 2)
    look(feed)
    assert list(Upload.objects.order_by("pk").values_list("name", flat=True)) == sorted(ages, key=lambda n: -ages[n])
