"""Consents: to what, in which wording, since when. Nobody gives one for somebody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import User
from eclectyc.accounts.person_events import organisations_of
from eclectyc.audit.record import record_each
from eclectyc.kernel.errors import Forbidden, Invalid
from eclectyc.privacy.models import Consent


@dataclass(frozen=True, slots=True)
class Purpose:
    """Something a person can agree to. A new wording is a new version, and asks anew."""

    what: str
    version: str
    words: str


PURPOSES: Final = (
    Purpose("privacy_notice", "1", "I have read what this installation holds about me, and how long."),
    Purpose("report_mail", "1", "Reports and notices may be sent to my address of mail."),
)


@dataclass(frozen=True, slots=True)
class ConsentStatus:
    """How a person stands to a purpose. ``version`` is the wording they agreed to, if they did."""

    purpose: Purpose
    version: str
    given_at: datetime | None

    @property
    def is_given(self) -> bool:
        return self.given_at is not None and self.version == self.purpose.version

    @property
    def is_outdated(self) -> bool:
        return self.given_at is not None and self.version != self.purpose.version


def consent_statuses(user_id: int) -> list[ConsentStatus]:
    """Return how a person stands to every purpose: one query."""
    held = {c.what: c for c in Consent.objects.filter(user=user_id, withdrawn_at=None)}
    return [
        ConsentStatus(p, held[p.what].version, held[p.what].given_at) if p.what in held else ConsentStatus(p, "", None)
        for p in PURPOSES
    ]


def has_consent(user_id: int, what: str) -> bool:
    """Say whether a person agrees to something as it is worded now: asked by whoever is about to do it."""
    purpose = purpose_named(what)
    return Consent.objects.filter(user=user_id, what=what, version=purpose.version, withdrawn_at=None).exists()


def give(actor: Actor, *, what: str) -> Consent:
    """Agree to something, as it is worded now. Agreeing twice is agreeing once."""
    purpose = purpose_named(what)
    user = _self(actor)
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user)
        held = Consent.objects.filter(user=user, what=what, withdrawn_at=None).first()
        if held is not None and held.version == purpose.version:
            return held
        if held is not None:
            _withdraw(actor, held)
        consent = Consent.objects.create(user_id=user, what=what, version=purpose.version)
        _record(actor, "consent.given", consent, after={"what": what, "version": purpose.version})
    return consent


def withdraw(actor: Actor, *, what: str) -> None:
    """Take a consent back. Where there is none, nothing happens."""
    purpose_named(what)
    with transaction.atomic():
        held = Consent.objects.select_for_update().filter(user=_self(actor), what=what, withdrawn_at=None).first()
        if held is not None:
            _withdraw(actor, held)


def purpose_named(what: str) -> Purpose:
    """Return a purpose, or say which there are."""
    for purpose in PURPOSES:
        if purpose.what == what:
            return purpose
    names = ", ".join(p.what for p in PURPOSES)
    raise Invalid(f"There is no purpose {what[:40]!r}.", f"Use one of: {names}.", field="what")


def _withdraw(actor: Actor, consent: Consent) -> None:
    consent.withdrawn_at = timezone.now()
    consent.save(update_fields=["withdrawn_at"])
    _record(actor, "consent.withdrawn", consent, before={"what": consent.what, "version": consent.version})


def _record(actor: Actor, action: str, consent: Consent, **said: Any) -> None:
    record_each(actor.by, action, consent, organisations_of(consent.user_id), **said)


def _self(actor: Actor) -> int:
    if actor.user_id is None or actor.token_id is not None:
        raise Forbidden("Only a person who has signed in agrees to something.", "Sign in in a browser.")
    return actor.user_id
