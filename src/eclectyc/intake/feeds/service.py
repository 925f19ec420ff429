"""Create, change, test and delete feeds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.audit.record import record
from eclectyc.intake.feeds.models import Feed
from eclectyc.intake.feeds.poll import KIND, open_connection
from eclectyc.intake.feeds.settings import check_settings
from eclectyc.intake.import_options import ImportOptions
from eclectyc.intake.profiles.models import ImportProfile
from eclectyc.intake.profiles.service import profile_named
from eclectyc.intake.uploads.service import plain_options
from eclectyc.jobs import schedules
from eclectyc.jobs.models import Job
from eclectyc.jobs.service import enqueue
from eclectyc.kernel.errors import Conflict, Forbidden, Invalid
from eclectyc.vault.fields import Secret

SHOWN: Final = ("name", "kind", "settings", "options", "cron", "zone", "is_active", "quiet_after_h")
LONGEST_NAME: Final = 80


@dataclass(frozen=True, slots=True)
class FeedDetails:
    """The values of a feed. secrets : replace all stored ones; None keeps them."""

    name: str
    settings: Mapping[str, Any]
    secrets: Mapping[str, str] | None = field(default=None, repr=False)
    options: ImportOptions = ImportOptions()  # noqa: RUF009 - it is immutable
    cron: str = "*/15 * * * *"
    zone: str = "Europe/London"
    is_active: bool = True
    quiet_after_h: int | None = None


def create_feed(
    actor: Actor, *, organisation: Organisation, kind: str, details: FeedDetails, may_reach_private: bool = False
) -> Feed:
    """Create a feed with its schedule. Folders of the server and addresses inside its network require an operator."""
    actor.require("imports.run", organisation.pk)
    feed = Feed(organisation=organisation, kind=kind, may_reach_private=may_reach_private)
    with transaction.atomic():
        _fill(actor, feed, details, details.secrets or {})
        record(actor.by, "feed.created", feed, organisation_id=organisation.pk, after=_shown(feed))
    return feed


def update_feed(actor: Actor, *, feed: Feed, details: FeedDetails) -> Feed:
    """Change a feed. Its secrets are never used for another server than the one they were given for."""
    actor.require("imports.run", feed.organisation_id)
    with transaction.atomic():
        stored = Feed.objects.select_for_update(of=("self",)).get(pk=feed.pk)
        before, kept = _shown(stored), secrets_of(stored) if details.secrets is None else {}
        if kept and _place(stored.settings) != _place(details.settings):
            raise Invalid(
                "The feed's server has changed, so its stored password or token cannot be used.",
                "Enter it again.",
                field="password" if stored.kind == Feed.SFTP else "token",
            )
        _fill(actor, stored, details, kept if details.secrets is None else details.secrets)
        record(
            actor.by,
            "feed.changed",
            stored,
            organisation_id=stored.organisation_id,
            before=before,
            after={**_shown(stored), "secret_changed": details.secrets is not None},
        )
    return stored


def delete_feed(actor: Actor, *, feed: Feed) -> None:
    """Delete a feed. Imported readings stay."""
    actor.require("imports.run", feed.organisation_id)
    with transaction.atomic():
        schedules.delete(feed.schedule_name)
        record(actor.by, "feed.deleted", feed, organisation_id=feed.organisation_id, before=_shown(feed))
        feed.delete()


def try_feed(actor: Actor, *, feed: Feed) -> list[str]:
    """Connect to a feed and return the names of the files that it would read; nothing is stored."""
    actor.require("imports.run", feed.organisation_id)
    record(actor.by, "feed.tried", feed, organisation_id=feed.organisation_id)
    with open_connection(feed, now=timezone.now()) as connection:
        return [one.name for one in connection.test()]


def read_now(actor: Actor, *, feed: Feed) -> Job:
    """Check a feed now, in the background."""
    actor.require("imports.run", feed.organisation_id)
    with transaction.atomic():
        record(actor.by, "feed.read", feed, organisation_id=feed.organisation_id)
        return enqueue(
            KIND,
            {"feed": feed.pk},
            organisation_id=feed.organisation_id,
            person=actor.user_id,
            key=feed.schedule_name,
            turn=feed.schedule_name,
        )


def secrets_of(feed: Feed) -> dict[str, str]:
    """Return a feed's secrets; only its connection needs them."""
    return json.loads(feed.secret.reveal()) if isinstance(feed.secret, Secret) and feed.secret else {}


def _fill(actor: Actor, feed: Feed, details: FeedDetails, secrets: Mapping[str, str]) -> None:
    if (feed.kind == Feed.FOLDER or feed.may_reach_private) and not actor.operator:
        raise Forbidden("Only an operator of the platform may create such a feed.", "Ask an operator.")
    checked = check_settings(feed.kind, details.settings, secrets)
    details.options.checked()
    if details.options.create_meters:
        actor.require("estate.edit", feed.organisation_id)
    feed.name = " ".join(details.name.split())[:LONGEST_NAME]
    if not feed.name:
        raise Invalid("A feed needs a name.", "Enter one, such as the sender's name.", field="name")
    if Feed.objects.filter(organisation=feed.organisation_id, name=feed.name).exclude(pk=feed.pk).exists():
        raise Conflict(f"A feed {feed.name!r} already exists.", "Choose another name.", field="name")
    schedules.check_cron(details.cron, details.zone)
    feed.settings, feed.options = checked.settings, plain_options(replace(details.options, profile=""))
    feed.profile = _profile(actor, feed, details.options.profile)
    if feed.profile and feed.profile.creates_meters:
        actor.require("estate.edit", feed.organisation_id)
    feed.secret = json.dumps(checked.secrets) if checked.secrets else ""
    feed.cron, feed.zone, feed.is_active = details.cron, details.zone, details.is_active
    feed.quiet_after_h = details.quiet_after_h
    feed.save()
    feed.refresh_from_db()
    schedules.plan(
        name=feed.schedule_name,
        kind=KIND,
        args={"feed": feed.pk},
        cron=feed.cron,
        zone=feed.zone,
        organisation_id=feed.organisation_id,
        title=f"Feed {feed.name}",
        is_paused=not feed.is_active,
    )


def _profile(actor: Actor, feed: Feed, name: str) -> ImportProfile | None:
    """Return the saved profile of a name, with its row locked so that it is not deleted meanwhile."""
    if not name:
        return None
    found = profile_named(actor, feed.organisation, name)
    return ImportProfile.objects.select_for_update(of=("self",), no_key=True).get(pk=found.pk)


def _place(settings: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(str(settings.get(name, "")) for name in ("host", "port", "host_key", "url"))


def _shown(feed: Feed) -> dict[str, Any]:
    return {name: getattr(feed, name) for name in SHOWN} | {"profile": feed.profile.name if feed.profile else ""}


def options_of(feed: Feed) -> ImportOptions:
    """Return the import options of a feed's files."""
    known = {one.name for one in fields(ImportOptions)} - {"profile"}
    options = {name: value for name, value in feed.options.items() if name in known}
    return ImportOptions(**options, profile=feed.profile.name if feed.profile else "")
