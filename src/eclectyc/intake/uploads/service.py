"""Files taken in, imported in the background, put aside."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from eclectyc.accounts.actor import Actor, Grant
from eclectyc.accounts.models import Organisation
from eclectyc.accounts.reach import Reach
from eclectyc.audit.record import record
from eclectyc.intake.import_options import ImportOptions
from eclectyc.intake.profiles.models import ImportProfile
from eclectyc.intake.profiles.selected_profile import selected_reader
from eclectyc.intake.profiles.service import profile_named
from eclectyc.intake.uploads.models import FOLDER, Upload
from eclectyc.jobs.models import Job
from eclectyc.jobs.service import enqueue
from eclectyc.kernel.errors import Conflict, Invalid
from eclectyc.readers.reader import ReadOptions

KIND: Final = "intake.import"
MOST_BYTES: Final = 8 << 30  # of one file
LEAST_FREE: Final = 512 << 20  # [bytes] left on the disk beside what arrives


def receive(
    actor: Actor,
    *,
    organisation: Organisation,
    name: str,
    chunks: Iterable[bytes],
    options: ImportOptions | None = None,
    origin: str = Upload.PAGE,
) -> Upload:
    """Keep a file that arrives, durably. Nothing is imported yet.

    name : what the sender calls it; only shown, never a path. Raises ``Invalid`` for an empty or far too large one.
    """
    actor.require("imports.run", organisation.pk)
    wanted = _with_profile(actor, organisation, (options or ImportOptions()).checked())[0]
    kept, size, digest = _write(chunks)
    try:
        with transaction.atomic():
            upload = Upload.objects.create(
                organisation=organisation,
                user_id=actor.user_id,
                origin=origin,
                name=shown_name(name),
                kept=kept,
                size=size,
                sha256=digest,
                options=plain_options(wanted),
            )
            record(
                actor.by,
                "upload.received",
                upload,
                organisation_id=organisation.pk,
                after={"size": size, "origin": origin},
                personal={"file": upload.name},
            )
    except BaseException:
        _path(kept).unlink(missing_ok=True)
        raise
    return upload


def start(actor: Actor, *, upload: Upload, options: ImportOptions | None = None) -> Job:
    """Have a file imported in the background, once; ``options`` where they are others than it came with."""
    wanted = check_options(actor, upload.organisation, options or options_of(upload))
    with transaction.atomic():
        held = Upload.objects.select_for_update(of=("self",)).select_related("job").get(pk=upload.pk)
        _check_waits(held)
        held.options = plain_options(wanted)
        held.job = enqueue(
            KIND,
            {"upload": held.pk},
            organisation_id=held.organisation_id,
            person=actor.user_id,
            key=f"upload:{held.pk}",
            turn=KIND,
        )
        held.save(update_fields=["options", "job"])
        record(actor.by, "upload.started", held, organisation_id=held.organisation_id, after={"job": held.job_id})
    upload.options, upload.job = held.options, held.job
    return held.job


def feed_actor(organisation: int, origin: str, *, creates: bool) -> Actor:
    """Return who a feed is: nobody in person, with the rights that whoever set it up had to have, in its organisation.

    creates : whether it may make meters, which takes the right to change the estate.
    """
    rights = frozenset({"estate.view", "imports.run", *(("estate.edit",) if creates else ())})
    reach = Reach(organisations=frozenset({organisation}))
    return Actor(label=origin, origin=origin, grants=(Grant(rights, reach, organisation),))


def check_options(actor: Actor, organisation: Organisation, options: ImportOptions) -> ImportOptions:
    """Return options with which someone may import into an organisation, or raise."""
    actor.require("imports.run", organisation.pk)
    wanted, profile = _with_profile(actor, organisation, options.checked())
    if wanted.create_meters or (profile and profile.creates_meters):
        actor.require("estate.edit", organisation.pk)
    return wanted


def discard(actor: Actor, *, upload: Upload) -> None:
    """Put a file aside that is not to be imported; its bytes go."""
    actor.require("imports.run", upload.organisation_id)
    with transaction.atomic():
        held = Upload.objects.select_for_update(of=("self",)).select_related("job").get(pk=upload.pk)
        _check_waits(held)
        held.discarded_at, held.kept, kept = timezone.now(), "", held.kept
        held.save(update_fields=["discarded_at", "kept"])
        record(actor.by, "upload.discarded", held, organisation_id=held.organisation_id)
        transaction.on_commit(lambda: _path(kept).unlink(missing_ok=True))


def save_draft(actor: Actor, *, upload: Upload, draft: dict[str, str]) -> None:
    """Keep what was answered so far about a file's columns: nothing typed is lost with a page."""
    actor.require("imports.run", upload.organisation_id)
    Upload.objects.filter(pk=upload.pk).update(draft=draft)
    upload.draft = draft


def options_of(upload: Upload) -> ImportOptions:
    """Return the options that a file is kept with; those of another release that are not known are passed over."""
    known = {field.name for field in fields(ImportOptions)}
    return ImportOptions(**{name: value for name, value in upload.options.items() if name in known})


def creates_meters(upload: Upload) -> bool:
    """Say whether a file is to be read so that meters are made: by its options, or by its profile."""
    wanted = options_of(upload)
    profiles = ImportProfile.objects.filter(organisation=upload.organisation_id, name=wanted.profile)
    return wanted.create_meters or any(profile.creates_meters for profile in profiles)


def read_options(actor: Actor, upload: Upload, options: ImportOptions | None = None) -> ReadOptions:
    """Return how a file is read: by its profile, where it has one."""
    wanted = options or options_of(upload)
    if not wanted.profile:
        return wanted.reading
    reader = selected_reader(actor, upload.organisation, wanted.profile)
    return replace(wanted.reading, reader=reader, sheet=wanted.sheet or reader.mapping.file.sheet)


def plain_options(options: ImportOptions) -> dict[str, Any]:
    """Return what differs from the usual."""
    usual = asdict(ImportOptions())
    return {name: value for name, value in asdict(options).items() if value != usual[name]}


def shown_name(name: str) -> str:
    """Return the last part of a sender's file name, without what no screen shows."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(sign for sign in last if sign.isprintable()).strip()[-255:] or "file"


def _with_profile(
    actor: Actor, organisation: Organisation, wanted: ImportOptions
) -> tuple[ImportOptions, ImportProfile | None]:
    """Return the profile that options name, and the options with its name as it is written."""
    if not wanted.profile:
        return wanted, None
    profile = profile_named(actor, organisation, wanted.profile)
    return replace(wanted, profile=profile.name), profile


def _check_waits(upload: Upload) -> None:
    if upload.discarded_at is not None or not upload.kept:
        raise Conflict(f"{upload.name} was put aside.", "Send the file again.")
    job = upload.job
    was_tried = job is not None and job.state == Job.DONE and bool(upload.options.get("dry_run"))
    if job is not None and not was_tried and (job.is_open or job.state == Job.DONE):
        state = "is being imported" if job.is_open else "was imported"
        raise Conflict(f"{upload.name} {state} already.", "Send the file again to import it once more.")


def _write(chunks: Iterable[bytes]) -> tuple[str, int, str]:
    """Write what arrives to a file of its own; return its name, size and SHA-256."""
    folder = Path(settings.HOME) / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name, digest, size = secrets.token_hex(16), hashlib.sha256(), 0
    passing = folder / f"{name}.part"
    try:
        with passing.open("xb") as file:
            for chunk in chunks:
                size += len(chunk)
                check_room(size, "The file", folder)
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        if not size:
            raise Invalid("The file is empty.", "Choose a file that has a header and data lines.", field="file")
        passing.replace(folder / name)
    finally:
        passing.unlink(missing_ok=True)
    return name, size, digest.hexdigest()


def check_room(size: int, name: str, folder: Path) -> None:
    """Raise ``Invalid`` where a file of so many bytes is too large, or the disk has no room left beside it."""
    if size > MOST_BYTES:
        raise Invalid(f"{name} is larger than {MOST_BYTES >> 30} GiB.", "Split it.", field="file")
    disk = os.statvfs(folder)
    if disk.f_bavail * disk.f_frsize < LEAST_FREE:
        raise Invalid("The server's disk is nearly full: the file was not taken.", "Ask its operator.", field="file")


def _path(kept: str) -> Path:
    return Path(settings.HOME) / FOLDER / kept
