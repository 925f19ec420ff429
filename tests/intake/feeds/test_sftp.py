"""An SFTP feed against a real OpenSSH server: the pinned host key, fetching, putting away, and failing clearly."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.audit.models import Event
from eclectyc.batches.models import Batch
from eclectyc.intake.feeds import sftp
from eclectyc.intake.feeds.connection import Unreachable
from eclectyc.intake.feeds.host_keys import fingerprint
from eclectyc.intake.feeds.models import Feed
from eclectyc.intake.feeds.service import FeedDetails, create_feed, read_now, try_feed, update_feed
from eclectyc.jobs.models import Job
from eclectyc.jobs.worker import run_waiting
from eclectyc.kernel.errors import Invalid
from tests.factories import World
from tests.intake.feeds.test_folder import file_of
from tests.sftpserver import SftpServer, sftp_server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sshd]
OPERATOR = Actor.system()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    with sftp_server(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def server(running: SftpServer, tmp_path: Path) -> SftpServer:
    """The server, with a folder of the test's own."""
    folder = running.folder / tmp_path.name
    (folder / "read").mkdir(parents=True)
    return SftpServer(
        running.host, running.port, running.username, running.private_key, running.host_key, running.other_host_key,
        folder,
    )  # fmt: skip


def feed_at(world: World, server: SftpServer, **more: Any) -> Feed:
    settings = {
        "host": server.host, "port": server.port, "username": server.username, "host_key": server.host_key,
        "path": str(server.folder), "settle_s": 0, **more,
    }  # fmt: skip
    wanted = FeedDetails("Supplier", settings, {"private_key": server.private_key})
    return create_feed(OPERATOR, organisation=world.org, kind=Feed.SFTP, details=wanted, may_reach_private=True)


def look(feed: Feed) -> Job:
    job = read_now(OPERATOR, feed=feed)
    run_waiting()
    job.refresh_from_db()
    feed.refresh_from_db()
    return job


def test_files_of_the_folder_are_fetched_imported_and_moved(world: World, server: SftpServer) -> None:
    for day in (3, 4):
        (server.folder / f"june {day}.csv").write_bytes(file_of(world, date(2025, 6, day)))
    (server.folder / "still.csv.part").write_bytes(b"half")
    feed = feed_at(world, server, after="move", move_to="read", pattern="*.csv")
    assert look(feed).result == {"read": 2}
    assert sorted(batch.added for batch in Batch.objects.all()) == [48, 48]
    assert sorted(path.name for path in (server.folder / "read").iterdir()) == ["june 3.csv", "june 4.csv"]
    assert [path.name for path in server.folder.iterdir() if path.is_file()] == ["still.csv.part"]
    assert look(feed).result == {"read": 0}
    assert feed.state == "well"


def test_files_are_deleted_where_that_is_wanted(world: World, server: SftpServer) -> None:
    (server.folder / "june.csv").write_bytes(file_of(world, date(2025, 6, 3)))
    assert look(feed_at(world, server, after="delete")).result == {"read": 1}
    assert not (server.folder / "june.csv").exists()


def test_a_server_with_another_host_key_is_refused_before_anything_is_sent(world: World, server: SftpServer) -> None:
    feed = feed_at(world, server, host_key=server.other_host_key)
    job = look(feed)
    assert job.state == Job.FAILED
    assert "is not the pinned one" in job.error
    assert feed.state == "failing"


def test_the_pinned_key_can_be_a_fingerprint_as_openssh_prints_it(world: World, server: SftpServer) -> None:
    blob = base64.b64decode(server.host_key.split()[1])
    printed = "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    assert fingerprint(server.host_key) == printed
    (server.folder / "a.csv").write_bytes(b"x")
    assert try_feed(OPERATOR, feed=feed_at(world, server, host_key=printed)) == ["a.csv"]


def test_the_key_that_a_server_shows_can_be_asked_for(server: SftpServer) -> None:
    shown = sftp.host_key_of(server.host, server.port, may_be_private=True)
    assert shown == " ".join(server.host_key.split()[:2])


def test_a_wrong_key_or_folder_is_reported_plainly(world: World, server: SftpServer, tmp_path: Path) -> None:
    import subprocess

    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "stranger")], check=True)
    feed = feed_at(world, server)
    wanted = FeedDetails("Supplier", feed.settings, {"private_key": (tmp_path / "stranger").read_text()})
    with pytest.raises(Invalid, match="refused the sign-in"):
        try_feed(OPERATOR, feed=update_feed(OPERATOR, feed=feed, details=wanted))
    elsewhere = FeedDetails("Supplier", {**feed.settings, "path": "/no/such"}, {"private_key": server.private_key})
    with pytest.raises(Unreachable, match="cannot be read"):
        try_feed(OPERATOR, feed=update_feed(OPERATOR, feed=feed, details=elsewhere))


def test_a_server_of_the_own_network_is_out_of_reach_of_who_is_no_operator(world: World, server: SftpServer) -> None:
    feed = feed_at(world, server)
    Feed.objects.update(may_reach_private=False)
    feed.refresh_from_db()
    with pytest.raises(Invalid, match="own network"):
        try_feed(Actor.of(world.admin), feed=feed)


def test_the_key_is_stored_encrypted_never_shown_and_not_sent_to_another_server(
    world: World, server: SftpServer, django_assert_num_queries: Any
) -> None:
    from django.db import connection

    feed = feed_at(world, server)
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM intake_feed")
        assert "PRIVATE KEY" not in cursor.fetchone()[0]
    told = "".join(f"{event.before}{event.after}" for event in Event.objects.all())
    assert "PRIVATE KEY" not in told + repr(feed.secret) + str(feed.secret)
    with pytest.raises(Invalid, match="cannot be used"):
        update_feed(OPERATOR, feed=feed, details=FeedDetails("Supplier", {**feed.settings, "host": "evil.example"}))


def test_a_name_that_is_not_text_is_reported_plainly(world: World, server: SftpServer) -> None:
    (server.folder / "a.csv").write_bytes(file_of(world, date(2025, 6, 3)))
    Path(os.fsdecode(os.fsencode(server.folder) + b"/Z\xe4hler.csv")).write_bytes(b"x")
    with pytest.raises(Invalid, match="not in UTF-8"):
        try_feed(OPERATOR, feed=feed_at(world, server))
