"""Consents: to which purpose, in which wording, since when. Each person gives their own."""

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
    """Something a person can agree to. A new wording is a new version, which needs a new consent."""

    what: str
    version: str
    words: str


PURPOSES: Final = (
    Purpose("privacy_notice", "1", "I have read which data this installation stores about me, and for how long."),
    Purpose("report_mail", "1", "Reports and notices may be sent to my email address."),
)


@dataclass(frozen=True, slots=True)
class ConsentStatus:
    """A person's consent to a purpose. version : the wording they agreed to; empty if they did not."""

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
    """Return a person's consents, one for each purpose. One query."""
    given = {c.what: c for c in Consent.objects.filter(user=user_id, withdrawn_at=None)}
    return [
        ConsentStatus(p, given[p.what].version, given[p.what].given_at)
        if p.what in given
        else ConsentStatus(p, "", None)
        for p in PURPOSES
    ]


def has_consent(user_id: int, what: str) -> bool:
    """Return whether a person agrees to a purpose as it is worded now."""
    purpose = purpose_named(what)
    return Consent.objects.filter(user=user_id, what=what, version=purpose.version, withdrawn_at=None).exists()


def give(actor: Actor, *, what: str) -> Consent:
    """Give consent to a purpose as it is worded now. Giving it twice changes nothing."""
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
    """Withdraw a consent; do nothing if there is none."""
    purpose_named(what)
    with transaction.atomic():
        held = Consent.objects.select_for_update().filter(user=_self(actor), what=what, withdrawn_at=None).first()
        if held is not None:
            _withdraw(actor, held)


def purpose_named(what: str) -> Purpose:
    """Return a purpose; raise ``Invalid``, which lists them, if there is none of this name."""
    for purpose in PURPOSES:
        if purpose.what == what:
            return purpose
    names = ", ".join(p.what for p in PURPOSES)
    raise Invalid(f"There is no purpose {what[:40]!r}.", f"Use one of: {names}.", field="what")


def _withdraw(actor: Actor, consent: Consent) -> None:
    consent.withdrawn_at = timezone.now()
    consent.save(update_fields=["withdrawn_at"])
    _record(actor, "consent.withdrawn", consent, before={"what": consent.what, "version": consent.version})


def _record(actor: Actor, action: str, consent: Consent, **fields: Any) -> None:
    record_each(actor.by, action, consent, organisations_of(consent.user_id), **fields)


def _self(actor: Actor) -> int:
    if actor.user_id is None or actor.token_id is not None:
        raise Forbidden("Only a person who has signed in can give consent.", "Sign in with a browser.")
    return actor.user_id
