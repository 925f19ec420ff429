"""Check a feed in the background: new files are fetched and imported, each once."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from django.conf import settings
from django.utils import timezone

from eclectyc.intake.feeds.connection import Connection, RemoteFile, Unreachable
from eclectyc.intake.feeds.models import Feed, FeedFile
from eclectyc.intake.feeds.settings import LEAVE
from eclectyc.intake.uploads.models import Upload
from eclectyc.intake.uploads.service import check_room, feed_actor, receive, start
from eclectyc.jobs.alerts import notify
from eclectyc.jobs.context import JobContext
from eclectyc.kernel.errors import EclectycError, NotFound

KIND: Final = "feeds.read"
LONGEST_WAIT_S: Final = 60  # within one check, for files to be complete
MOST_FAILURES: Final = 3  # files in a row that cannot be fetched: then the source fails, not the files
_CHUNK: Final = 1 << 20


def run(running: JobContext) -> dict[str, Any]:
    """Check the feed of ``args["feed"]``. A failing feed is reported once, until it works again."""
    feed = Feed.objects.select_related("organisation").filter(pk=int(running.args["feed"])).first()
    if feed is None:
        raise NotFound("The feed was deleted.", "Nothing needs to be done.")
    Feed.objects.filter(pk=feed.pk).update(last_looked_at=timezone.now())
    try:
        with open_connection(feed, now=timezone.now()) as connection:
            read = _collect(running, feed, connection)
    except EclectycError as error:
        is_last = running.attempt >= running.claim.job.attempts
        if is_last or not isinstance(error, Unreachable):
            _report_failure(running, feed, error)
        raise
    with running.effect():
        Feed.objects.filter(pk=feed.pk).update(last_success_at=timezone.now(), failing_since=None, error="", remedy="")
    return {"read": read}


@contextmanager
def open_connection(feed: Feed, *, now: datetime) -> Iterator[Connection]:
    """Open the connection of a feed."""
    from eclectyc.intake.feeds import folder, https, sftp
    from eclectyc.intake.feeds.service import secrets_of

    secrets, may_be_private = secrets_of(feed), feed.may_reach_private
    if feed.kind == Feed.FOLDER:
        with folder.open_folder(feed.settings) as connection:
            yield connection
    elif feed.kind == Feed.SFTP:
        with sftp.open_sftp(feed.settings, secrets, may_be_private=may_be_private) as remote:
            yield remote
    else:
        last = feed.last_success_at
        with https.open_https(feed.settings, secrets, may_be_private=may_be_private, last=last, now=now) as web:
            yield web


def _collect(running: JobContext, feed: Feed, connection: Connection) -> int:
    """Fetch the files that are new and complete; return how many are to be imported."""
    known = {(one.name, one.size, one.changed): one for one in feed.files.all()}
    # The oldest first, as of two files for the same days the later one applies.
    listed = sorted(connection.list_files(), key=lambda one: (one.changed, one.name))
    running.progress(done=0, total=len(listed), unit="files", text="Listing files")
    new = [one for one in listed if not _is_read(known.get(_key(one)))]
    read, failures, failed = 0, 0, list[EclectycError]()
    for number, file in enumerate(_complete_files(running, feed, connection, new, known)):
        running.progress(done=number, text=f"Fetching {file.name}"[:200])
        try:
            read += _fetch(running, feed, connection, file)
            failures = 0
        except EclectycError as error:  # the other files are still imported
            running.log(f"{file.name}: {error.reason}")
            failed.append(error)
            failures = failures + 1 if isinstance(error, Unreachable) else 0
            if failures >= MOST_FAILURES:
                break
    if feed.settings.get("after", LEAVE) != LEAVE:
        _archive(running, feed, connection, listed)
    if failed:
        raise failed[0]
    return read


def _complete_files(
    running: JobContext,
    feed: Feed,
    connection: Connection,
    new: list[RemoteFile],
    known: dict[tuple[str, int, int], FeedFile],
) -> Iterable[RemoteFile]:
    """Return the complete files: those unchanged for as long as the feed's settings require."""
    settle_s = float(feed.settings.get("settle_s", 0))
    if all(one.size < 0 for one in new) or not settle_s:
        return new
    with running.effect():
        FeedFile.objects.bulk_create(
            (FeedFile(feed=feed, name=f.name, size=f.size, changed=f.changed) for f in new if _key(f) not in known),
            ignore_conflicts=True,
        )
    first_seen = {(f.name, f.size, f.changed): f.seen_at for f in feed.files.filter(sha256="")}
    now = timezone.now()
    longest = max((settle_s - (now - first_seen.get(_key(one), now)).total_seconds() for one in new), default=0.0)
    if 0 < longest <= LONGEST_WAIT_S:
        _wait(running, longest)
    still = {_key(one) for one in connection.list_files()} if longest > 0 else {_key(one) for one in new}
    settled = timezone.now() - timedelta(seconds=settle_s)
    return [one for one in new if _key(one) in still and first_seen.get(_key(one), timezone.now()) <= settled]


def _wait(running: JobContext, seconds: float) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        running.progress(text="Waiting for files to finish uploading")
        time.sleep(min(left, 0.5))


def _fetch(running: JobContext, feed: Feed, connection: Connection, file: RemoteFile) -> bool:
    """Fetch a file and start its import; return False if its content was imported before."""
    with tempfile.TemporaryFile(dir=_folder()) as copy:
        check_room(max(file.size, 0), file.name, _folder())
        connection.fetch(file, cast("BinaryIO", _LimitedFile(copy, file.name)))
        digest = hashlib.sha256()
        for chunk in _chunks(copy):
            digest.update(chunk)
        with running.effect():
            upload = _start_import(feed, file, copy, digest.hexdigest())
            FeedFile.objects.update_or_create(
                feed=feed,
                name=file.name,
                size=file.size,
                changed=file.changed,
                defaults={"sha256": digest.hexdigest(), "upload": upload, "is_put_away": False},
            )
            if upload is not None:
                Feed.objects.filter(pk=feed.pk).update(last_file_at=timezone.now())
    running.log(f"{file.name}: {'import started' if upload else 'its content was imported before'}")
    return upload is not None


def _start_import(feed: Feed, file: RemoteFile, copy: BinaryIO, digest: str) -> Upload | None:
    """Store a file and start its import, unless this feed delivered the same content before."""
    copy.seek(0, 2)
    if not copy.tell() or feed.files.filter(sha256=digest).exists():
        return None
    from eclectyc.intake.feeds.service import options_of

    now = Feed.objects.select_related("profile").get(pk=feed.pk)  # its profile may have been renamed meanwhile
    options = options_of(now)
    creates = options.create_meters or bool(now.profile and now.profile.creates_meters)
    actor = feed_actor(feed.organisation_id, f"{Upload.FEED} {feed.name}", creates=creates)
    upload = receive(
        actor,
        organisation=feed.organisation,
        name=file.name,
        chunks=_chunks(copy),
        options=options,
        origin=f"{Upload.FEED}:{feed.pk}",
    )
    start(actor, upload=upload)
    return upload


def _archive(running: JobContext, feed: Feed, connection: Connection, listed: list[RemoteFile]) -> None:
    """Move or delete files that were read and stored, including those an earlier check did not reach."""
    there = {_key(one): one for one in listed}
    for one in feed.files.filter(is_put_away=False).exclude(sha256=""):
        running.check()
        file = there.get((one.name, one.size, one.changed))
        if file is not None:
            connection.archive(file)
        FeedFile.objects.filter(pk=one.pk).update(is_put_away=True)


def _report_failure(running: JobContext, feed: Feed, error: EclectycError) -> None:
    now = timezone.now()
    with running.effect():
        since = feed.failing_since or now
        Feed.objects.filter(pk=feed.pk).update(failing_since=since, error=error.reason, remedy=error.remedy)
        notify(
            subject=f"Feed {feed.name} is failing",
            lines=[error.reason, error.remedy, "This is reported once. The feed is checked again as scheduled."],
            organisation_id=feed.organisation_id,
            kind=KIND,
            key=f"feed-failed:{feed.pk}:{since:%Y%m%dT%H%M%S}",
            path=f"/admin/feeds/{feed.pk}",
        )


def report_quiet_feeds(running: JobContext) -> dict[str, Any]:
    """Report feeds without a new file for longer than their limit, once for each silence."""
    now, reported = timezone.now(), 0
    for feed in Feed.objects.filter(is_active=True, quiet_after_h__isnull=False):
        running.check()
        last = feed.last_file_at or feed.created_at
        if now - last < timedelta(hours=feed.quiet_after_h or 0):
            continue
        with running.effect():
            reported += not notify(
                subject=f"Feed {feed.name} has no new files",
                lines=[f"No new file since {last:%d %B %Y %H:%M} UTC.", "Ask the sender, or see the feed's page."],
                organisation_id=feed.organisation_id,
                kind=KIND,
                key=f"feed-quiet:{feed.pk}:{last:%Y%m%dT%H%M%S}",
                path=f"/admin/feeds/{feed.pk}",
            ).was_there
    return {"told": reported}


def _key(one: RemoteFile) -> tuple[str, int, int]:
    return one.name, one.size, one.changed


def _is_read(known: FeedFile | None) -> bool:
    """Return whether a file was read. One that was moved away and is there again is a new file of that name."""
    return known is not None and bool(known.sha256) and not known.is_put_away


class _LimitedFile:
    """A file to fetch into that limits its size and keeps room on the disk."""

    def __init__(self, copy: BinaryIO, name: str) -> None:
        self._copy, self._name, self._size, self._checked_at = copy, name, 0, 0

    def write(self, data: bytes) -> int:
        self._size += len(data)
        if self._size - self._checked_at >= _CHUNK:
            check_room(self._size, self._name, _folder())
            self._checked_at = self._size
        return self._copy.write(data)


def _chunks(copy: BinaryIO) -> Iterator[bytes]:
    copy.seek(0)
    while chunk := copy.read(_CHUNK):
        yield chunk


def _folder() -> Path:
    folder = Path(settings.HOME) / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
