"""Receive files, import them in the background, or discard them."""

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
LEAST_FREE: Final = 512 << 20  # [bytes] on the disk beside the file


def receive(
    actor: Actor,
    *,
    organisation: Organisation,
    name: str,
    chunks: Iterable[bytes],
    options: ImportOptions | None = None,
    origin: str = Upload.PAGE,
) -> Upload:
    """Store a file durably; nothing is imported yet.

    name : the sender's name of it; only shown, never a path. Raises ``Invalid`` for an empty or far too large file.
    """
    actor.require("imports.run", organisation.pk)
    checked = _with_profile(actor, organisation, (options or ImportOptions()).checked())[0]
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
                options=plain_options(checked),
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
    """Import a file in the background, once; ``options`` replace those it was received with."""
    checked = check_options(actor, upload.organisation, options or options_of(upload))
    with transaction.atomic():
        stored = Upload.objects.select_for_update(of=("self",)).select_related("job").get(pk=upload.pk)
        _check_waits(stored)
        stored.options = plain_options(checked)
        stored.job = enqueue(
            KIND,
            {"upload": stored.pk},
            organisation_id=stored.organisation_id,
            person=actor.user_id,
            key=f"upload:{stored.pk}",
            turn=KIND,
        )
        stored.save(update_fields=["options", "job"])
        record(actor.by, "upload.started", stored, organisation_id=stored.organisation_id, after={"job": stored.job_id})
    upload.options, upload.job = stored.options, stored.job
    return stored.job


def feed_actor(organisation: int, origin: str, *, creates: bool) -> Actor:
    """Return the actor of a feed: no user, with the rights that creating the feed requires, in its organisation.

    creates : whether it may create meters, which requires the right to edit the estate.
    """
    rights = frozenset({"estate.view", "imports.run", *(("estate.edit",) if creates else ())})
    reach = Reach(organisations=frozenset({organisation}))
    return Actor(label=origin, origin=origin, grants=(Grant(rights, reach, organisation),))


def check_options(actor: Actor, organisation: Organisation, options: ImportOptions) -> ImportOptions:
    """Return options that the actor may use in an organisation, or raise."""
    actor.require("imports.run", organisation.pk)
    checked, profile = _with_profile(actor, organisation, options.checked())
    if checked.create_meters or (profile and profile.creates_meters):
        actor.require("estate.edit", organisation.pk)
    return checked


def discard(actor: Actor, *, upload: Upload) -> None:
    """Discard a file that is not to be imported, and delete its content."""
    actor.require("imports.run", upload.organisation_id)
    with transaction.atomic():
        stored = Upload.objects.select_for_update(of=("self",)).select_related("job").get(pk=upload.pk)
        _check_waits(stored)
        stored.discarded_at, stored.kept, kept = timezone.now(), "", stored.kept
        stored.save(update_fields=["discarded_at", "kept"])
        record(actor.by, "upload.discarded", stored, organisation_id=stored.organisation_id)
        transaction.on_commit(lambda: _path(kept).unlink(missing_ok=True))


def save_draft(actor: Actor, *, upload: Upload, draft: dict[str, str]) -> None:
    """Save the answers so far about a file's columns, so that nothing typed is lost with the page."""
    actor.require("imports.run", upload.organisation_id)
    Upload.objects.filter(pk=upload.pk).update(draft=draft)
    upload.draft = draft


def options_of(upload: Upload) -> ImportOptions:
    """Return the options stored with a file; unknown ones, of another release, are ignored."""
    known = {field.name for field in fields(ImportOptions)}
    return ImportOptions(**{name: value for name, value in upload.options.items() if name in known})


def creates_meters(upload: Upload) -> bool:
    """Return whether importing a file creates meters: by its options, or by its profile."""
    checked = options_of(upload)
    profiles = ImportProfile.objects.filter(organisation=upload.organisation_id, name=checked.profile)
    return checked.create_meters or any(profile.creates_meters for profile in profiles)


def read_options(actor: Actor, upload: Upload, options: ImportOptions | None = None) -> ReadOptions:
    """Return the options for reading a file, with its profile if it has one."""
    checked = options or options_of(upload)
    if not checked.profile:
        return checked.reading
    reader = selected_reader(actor, upload.organisation, checked.profile)
    return replace(checked.reading, reader=reader, sheet=checked.sheet or reader.mapping.file.sheet)


def plain_options(options: ImportOptions) -> dict[str, Any]:
    """Return the options that differ from the defaults."""
    usual = asdict(ImportOptions())
    return {name: value for name, value in asdict(options).items() if value != usual[name]}


def shown_name(name: str) -> str:
    """Return the last part of a sender's file name, without unprintable characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(sign for sign in last if sign.isprintable()).strip()[-255:] or "file"


def _with_profile(
    actor: Actor, organisation: Organisation, checked: ImportOptions
) -> tuple[ImportOptions, ImportProfile | None]:
    """Return the options with the name of their profile as stored, and the profile."""
    if not checked.profile:
        return checked, None
    profile = profile_named(actor, organisation, checked.profile)
    return replace(checked, profile=profile.name), profile


def _check_waits(upload: Upload) -> None:
    if upload.discarded_at is not None or not upload.kept:
        raise Conflict(f"{upload.name} was discarded.", "Upload the file again.")
    job = upload.job
    was_tried = job is not None and job.state == Job.DONE and bool(upload.options.get("dry_run"))
    if job is not None and not was_tried and (job.is_open or job.state == Job.DONE):
        state = "is already being imported" if job.is_open else "was already imported"
        raise Conflict(f"{upload.name} {state}.", "Upload the file again to import it once more.")


def _write(chunks: Iterable[bytes]) -> tuple[str, int, str]:
    """Write chunks to a new file; return its name, size and SHA-256."""
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
            raise Invalid("The file is empty.", "Choose a file with a header and data lines.", field="file")
        passing.replace(folder / name)
    finally:
        passing.unlink(missing_ok=True)
    return name, size, digest.hexdigest()


def check_room(size: int, name: str, folder: Path) -> None:
    """Raise ``Invalid`` if a file of ``size`` [bytes] is too large, or leaves too little room on the disk."""
    if size > MOST_BYTES:
        raise Invalid(f"{name} is larger than {MOST_BYTES >> 30} GiB.", "Split it into smaller files.", field="file")
    disk = os.statvfs(folder)
    if disk.f_bavail * disk.f_frsize < LEAST_FREE:
        raise Invalid(
            "The server's disk is nearly full, so the file was not stored.", "Ask its operator.", field="file"
        )


def _path(kept: str) -> Path:
    return Path(settings.HOME) / FOLDER / kept
