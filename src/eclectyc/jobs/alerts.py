"""Alert mails to ADMIN_EMAIL and to subscribers who may still see the subject.

An alert is itself a job, enqueued in the transaction of the event, so it is sent once whatever the number of workers;
its cursor lists who has received it. If a worker dies between sending and saving the cursor, the repeated mail has the
same Message-ID.
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
from eclectyc.mail.letters import Letter, LetterLogo, NotSent, link_to, send

if TYPE_CHECKING:
    from eclectyc.accounts.actor import Actor
    from eclectyc.jobs.context import JobContext

NOTIFY: Final = "jobs.tell"
ADMIN: Final = "admin"
MOST_LINES: Final = 100


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person to notify; ``key`` identifies them in the job's cursor."""

    key: str
    email: str


@dataclass(frozen=True, slots=True)
class MailBranding:
    """The branding of an organisation's mails."""

    brand: dict[str, Any] = field(default_factory=dict)  # as a Letter takes it: brand, colour, ink
    logo: LetterLogo | None = None


@dataclass(frozen=True, slots=True)
class AlertSubject:
    """The subject of an alert, for the check of rights."""

    kind: str
    organisation_id: int | None
    person_id: int | None = None


# From user numbers and a subject: the recipients who may see it, and the branding of its organisation.
Directory = Callable[[Sequence[int], AlertSubject], tuple[list[Recipient], MailBranding]]
_directory: list[Directory] = []


def register_directory(directory: Directory) -> None:
    """Register the function that finds people's addresses; ``accounts`` does so in ``ready``."""
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
    """Mail ADMIN_EMAIL and subscribers, once per key, after the caller's transaction.

    kind : the job kind concerned, for people who subscribed to it. path : the page with details.
    """
    received = Job.objects.filter(kind=NOTIFY, key=key).first()
    if received is not None:
        return received
    shown = [line[:1000] for line in lines[:MOST_LINES]]
    args = {"subject": subject[:200], "lines": shown, "about": organisation_id, "kind": kind, "path": path}
    return service.enqueue(NOTIFY, args, key=key, priority=10)


def job_failed(job: Job, error: str, remedy: str) -> None:
    """Notify of a job's final failure, in its transaction. The failure of a mail itself notifies no one."""
    kind = kinds.find(job.kind)
    if job.kind == NOTIFY or (kind is not None and kind.is_quiet):
        return
    from eclectyc.jobs.titles import title_of

    title = title_of(job)
    notify(
        subject=f"Failed: {title}",
        lines=[f"{title} failed (job {job.pk}).", *filter(None, (error, remedy))],
        key=f"job:{job.pk}:{job.fence}",
        organisation_id=job.organisation_id,
        kind=job.kind,
        path=f"/admin/jobs/{job.pk}",
    )


def deliver(running: JobContext) -> dict[str, Any]:
    """Send an alert to each recipient who has not received it; those refused by the mail server are retried later."""
    received: list[str] = list(running.cursor or [])
    subject = AlertSubject(running.args.get("kind", ""), running.args.get("about"))
    readers, look = recipients_of(subject)
    refused: NotSent | None = None
    for reader in readers:
        if reader.key in received:
            continue
        running.check()
        try:
            send(_letter(running, reader, look))
        except NotSent as error:
            refused = error
            continue
        received.append(reader.key)
        with running.effect():
            running.progress(done=len(received), total=len(readers), unit="mails", cursor=received)
    if refused is not None:
        raise TryLater(refused.reason, refused.remedy)
    return {"mails": len(received)}


def recipients_of(subject: AlertSubject) -> tuple[list[Recipient], MailBranding]:
    """Return the recipients of a subject, each address once, and the branding of the mail."""
    of_kind = Q(kind="") | Q(kind=subject.kind)
    found = Subscription.objects.filter(of_kind, organisation_id=subject.organisation_id)
    people = sorted(set(found.values_list("user_id", flat=True)))
    readers, look = _directory[0](people, subject) if _directory else ([], MailBranding())
    every = [Recipient(ADMIN, settings.ADMIN_EMAIL)] if settings.ADMIN_EMAIL else []
    seen = {reader.email.lower() for reader in every}
    for reader in readers:
        if reader.email.lower() not in seen:
            seen.add(reader.email.lower())
            every.append(reader)
    return every, look


def subscribe(actor: Actor, *, organisation_id: int | None = None, kind: str = "") -> Subscription:
    """Subscribe to failed jobs of an organisation, of one kind or all; of none: to the installation's."""
    if actor.user_id is None:
        raise Invalid("Only a person can subscribe to mails.", "Sign in with your own account.")
    if kind and kinds.find(kind) is None:
        raise Invalid(f"There is no job kind {kind[:60]!r}.", "Choose one from the list.", field="kind")
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
    """End a subscription; ending it twice changes nothing."""
    with transaction.atomic():
        found = Subscription.objects.visible_to(actor).filter(pk=subscription.pk).first()
        if found is None:
            return
        record(actor.by, "jobs.unsubscribed", found, organisation_id=found.organisation_id, before={"kind": found.kind})
        found.delete()


def _letter(running: JobContext, reader: Recipient, look: MailBranding) -> Letter:
    path = running.args.get("path", "")
    facts = {"lines": running.args.get("lines", []), "link": link_to(path) if path else ""}
    # The same for each attempt, so that mail programs show a repeated mail once.
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
