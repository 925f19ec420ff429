"""Telling people: ADMIN_EMAIL, and who subscribed and may still see what it is about.

A message is itself a job. It is put into the queue by the transaction in which the thing happened, so it goes out once
however many workers there are; to whom it has gone is its cursor. Should a worker die between sending and noting that,
the mail that follows has the same Message-ID.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from eclectyc.audit.record import record
from eclectyc.jobs import kinds, rights, service
from eclectyc.jobs.interrupts import TryLater
from eclectyc.jobs.models import Job, Subscription
from eclectyc.kernel.errors import Forbidden, Invalid
from eclectyc.mail.letters import Letter, Logo, NotSent, link_to, send

if TYPE_CHECKING:
    from eclectyc.accounts.actor import Actor
    from eclectyc.jobs.context import JobContext

NOTIFY: Final = "jobs.tell"
ADMIN: Final = "admin"
MOST_LINES: Final = 100


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody to be told; ``mark`` stands for them where it is noted that they have been."""

    key: str
    email: str


@dataclass(frozen=True, slots=True)
class MailBranding:
    """How an organisation's mails look."""

    brand: dict[str, Any] = field(default_factory=dict)  # as a Letter takes it: brand, colour, ink
    logo: Logo | None = None


@dataclass(frozen=True, slots=True)
class AlertSubject:
    """What somebody is told about, as rights look at it."""

    kind: str
    organisation_id: int | None
    person_id: int | None = None


# Of some people by number, those who may see a matter; and the look of its organisation. Given by the room that knows.
Directory = Callable[[Sequence[int], AlertSubject], tuple[list[Recipient], MailBranding]]
_directory: list[Directory] = []


def register_directory(directory: Directory) -> None:
    """Say how people's addresses are found; ``accounts`` does so when it is made ready."""
    _directory[:] = [directory]


def notify(
    *,
    subject: str,
    lines: Sequence[str],
    key: str,
    organisation_id: int | None = None,
    kind: str = "",
    path: str = "",
) -> Job:
    """Mail ADMIN_EMAIL and the people subscribed, once for each key, after the caller's transaction.

    kind : the kind of job it is about, for those who subscribed to that one. path : the page that shows more.
    """
    told = Job.objects.filter(kind=NOTIFY, key=key).first()
    if told is not None:
        return told
    said = [line[:1000] for line in lines[:MOST_LINES]]
    args = {"subject": subject[:200], "lines": said, "about": organisation_id, "kind": kind, "path": path}
    return service.enqueue(NOTIFY, args, key=key, priority=10)


def job_failed(job: Job, error: str, remedy: str) -> None:
    """Tell that a job finally failed; called in the transaction that says so. A mail's own failure tells nobody."""
    kind = kinds.find(job.kind)
    if job.kind == NOTIFY or (kind is not None and kind.is_quiet):
        return
    notify(
        subject=f"Failed: {job.title}",
        lines=[f"{job.title} failed (job {job.pk}).", *filter(None, (error, remedy))],
        key=f"job:{job.pk}:{job.fence}",
        organisation_id=job.organisation_id,
        kind=job.kind,
        path=f"/admin/jobs/{job.pk}",
    )


def deliver(running: JobContext) -> dict[str, Any]:
    """Send a message to everybody who has not had it yet. Whom the mail server refuses is tried again later."""
    told: list[str] = list(running.cursor or [])
    matter = AlertSubject(running.args.get("kind", ""), running.args.get("about"))
    readers, look = recipients_of(matter)
    refused: NotSent | None = None
    for reader in readers:
        if reader.key in told:
            continue
        running.check()
        try:
            send(_letter(running, reader, look))
        except NotSent as error:
            refused = error
            continue
        told.append(reader.key)
        with running.effect():
            running.progress(done=len(told), total=len(readers), unit="mails", cursor=told)
    if refused is not None:
        raise TryLater(refused.reason, refused.remedy)
    return {"mails": len(told)}


def recipients_of(matter: AlertSubject) -> tuple[list[Recipient], MailBranding]:
    """Return who is told of a matter, each address once, and how the mail looks."""
    of_kind = Q(kind="") | Q(kind=matter.kind)
    found = Subscription.objects.filter(of_kind, organisation_id=matter.organisation_id)
    people = sorted(set(found.values_list("user_id", flat=True)))
    readers, look = _directory[0](people, matter) if _directory else ([], MailBranding())
    every = [Recipient(ADMIN, settings.ADMIN_EMAIL)] if settings.ADMIN_EMAIL else []
    seen = {reader.email.lower() for reader in every}
    for reader in readers:
        if reader.email.lower() not in seen:
            seen.add(reader.email.lower())
            every.append(reader)
    return every, look


def subscribe(actor: Actor, *, organisation_id: int | None = None, kind: str = "") -> Subscription:
    """Be told when a job of an organisation fails, of one kind or of all; of none: what is the installation's own."""
    if actor.user_id is None:
        raise Invalid("Only a person can be told by mail.", "Sign in as somebody.")
    if kind and kinds.find(kind) is None:
        raise Invalid(f"There is no kind of job {kind[:60]!r}.", "Choose one from the list.", field="kind")
    if not rights.may(actor, kinds.VIEW, AlertSubject(kind, organisation_id)):
        raise Forbidden("Your role does not allow this.", "Ask an administrator of your organisation.")
    with transaction.atomic():
        found, is_new = Subscription.objects.get_or_create(
            user_id=actor.user_id, organisation_id=organisation_id, kind=kind
        )
        if is_new:
            record(actor.by, "jobs.subscribed", found, organisation_id=organisation_id, after={"kind": kind})
    return found


def unsubscribe(actor: Actor, *, subscription: Subscription) -> None:
    """Be told no longer; ending one that has ended changes nothing."""
    with transaction.atomic():
        found = Subscription.objects.visible_to(actor).filter(pk=subscription.pk).first()
        if found is None:
            return
        record(actor.by, "jobs.unsubscribed", found, organisation_id=found.organisation_id, before={"kind": found.kind})
        found.delete()


def _letter(running: JobContext, reader: Recipient, look: MailBranding) -> Letter:
    path = running.args.get("path", "")
    facts = {"lines": running.args.get("lines", []), "link": link_to(path) if path else ""}
    # The same for each try, so that a mail sent twice is shown once.
    token = hashlib.sha256(f"{settings.PUBLIC_ADDRESS} {running.job_id} {reader.key}".encode()).hexdigest()[:32]
    return Letter(
        to=reader.email,
        subject=running.args.get("subject", ""),
        template="alert",
        facts=facts,
        logo=look.logo,
        message_id=f"<{token}@{urlsplit(settings.PUBLIC_ADDRESS).hostname or 'localhost'}>",
        **look.brand,
    )
