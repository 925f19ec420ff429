"""Invitations: a role at a place, offered to whoever reads the mail of an address.

The link holds 32 random bytes, works once and for seven days, and is known to nobody but the reader of that mail: not
to the inviter either, who could otherwise take an account in another's name. An address that has an account already
is invited just the same; nothing tells the inviter.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.administrators import lock_organisations
from eclectyc.accounts.branding import Branding, branding_of
from eclectyc.accounts.checks import assign_password, checked_email, checked_text
from eclectyc.accounts.grants import permissions_of
from eclectyc.accounts.memberships import refuse_duplicate
from eclectyc.accounts.models import PLACE_RELATIONS, Invitation, Membership, Organisation, Role, User
from eclectyc.accounts.notices import branding_fields
from eclectyc.accounts.rate_limit.counters import INVITATIONS, consume
from eclectyc.accounts.role_assignments import (
    assignment_details,
    date_fields,
    require_may_grant,
    role_fields,
    scope_place,
)
from eclectyc.audit.actor import AuditActor
from eclectyc.audit.record import record
from eclectyc.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from eclectyc.mail.letters import Letter, NotSent, link_to, send

if TYPE_CHECKING:
    from eclectyc.estate.models import Meter, Region, Site

LIFETIME: Final = timedelta(days=7)
_RELATED: Final = (*PLACE_RELATIONS, "custom_role", "invited_by")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Offer:
    """What an invitation offers, for the page that accepts it."""

    email: str
    organisation: str
    place: str  # the site, region or meter; empty for the whole organisation
    role: str
    invited_by: str
    expires_at: datetime
    has_account: bool  # then they accept it signed in; else they choose a name and a password
    branding: Branding


def invite(
    actor: Actor,
    *,
    email: str,
    organisation: Organisation | None = None,
    region: Region | None = None,
    site: Site | None = None,
    meter: Meter | None = None,
    role: str | None = None,
    custom_role: Role | None = None,
    since: date | None = None,
    until: date | None = None,
) -> Invitation:
    """Offer a role at a place by mail. An open invitation of the same address to the same place is replaced."""
    where = scope_place(organisation, region, site, meter)
    invitation = Invitation(
        email=checked_email(email),
        invited_by_id=actor.user_id,
        **where.fields, **role_fields(role, custom_role, where.organisation), **date_fields(since, until),
    )  # fmt: skip
    require_may_grant(actor, invitation)
    _count_invitation(actor)
    now = timezone.now()
    with transaction.atomic():
        lock_organisations([where.organisation.pk])
        _same_place(invitation).open(now).update(withdrawn_at=now)
        secret = _renew(invitation, now)
        _record(actor.by, "invitation.sent", invitation, after=assignment_details(invitation))
        transaction.on_commit(lambda: _send_link(invitation, secret))
    return invitation


def resend(actor: Actor, *, invitation: Invitation) -> Invitation:
    """Send an invitation again with a new link and seven more days; the old link is dead."""
    _count_invitation(actor)
    with transaction.atomic():
        invitation = _lock(invitation)
        require_may_grant(actor, invitation)
        _refuse_closed(invitation)
        invitation.invited_by_id = actor.user_id
        secret = _renew(invitation, timezone.now())
        _record(actor.by, "invitation.sent", invitation, after=assignment_details(invitation))
        transaction.on_commit(lambda: _send_link(invitation, secret))
    return invitation


def withdraw(actor: Actor, *, invitation: Invitation) -> Invitation:
    """Take an invitation back: its link is dead. Withdrawing twice keeps the first time."""
    with transaction.atomic():
        invitation = _lock(invitation)
        actor.require("people.edit", invitation.place)
        if invitation.accepted_at is not None:
            raise Conflict("The invitation has been accepted.", "End the membership instead.")
        if invitation.withdrawn_at is None:
            invitation.withdrawn_at = timezone.now()
            invitation.save(update_fields=["withdrawn_at"])
            _record(actor.by, "invitation.withdrawn", invitation, before=assignment_details(invitation))
    return invitation


def offer_of(token: str) -> Offer:
    """Return what the holder of a link is offered; raise ``NotFound`` where it is not, or no longer, good."""
    invitation = _find_open(token)
    thing = invitation.thing
    inviter = invitation.invited_by
    return Offer(
        invitation.email, invitation.organisation.name, str(thing) if thing is not None else "",
        invitation.role_name, (inviter.name or inviter.email) if inviter else "", invitation.expires_at,
        User.objects.filter(email__iexact=invitation.email).exists(), branding_of(invitation.organisation),
    )  # fmt: skip


def accept(token: str, *, name: str = "", password: str = "", user: User | None = None, origin: str = "") -> User:
    """Accept an invitation, once: as the signed-in ``user`` of that address, or as a new person with a password.

    Returns the person; sign a new one in. The inviter must still be able to give what was offered.
    """
    with transaction.atomic():
        invitation = _find_open(token, for_update=True)
        _require_inviter_may_grant(invitation)
        person = _new_person(invitation, name, password) if user is None else _existing_person(invitation, user)
        membership = Membership(
            user=person,
            **{field: getattr(invitation, field) for field in (
                "organisation", "region", "site", "meter", "role", "custom_role", "since", "until")},
        )  # fmt: skip
        refuse_duplicate(membership)
        membership.save()
        invitation.accepted_at, invitation.accepted_by = timezone.now(), person
        invitation.save(update_fields=["accepted_at", "accepted_by"])
        by = AuditActor(person.pk, person.email, origin)
        record(by, "invitation.accepted", membership, organisation_id=membership.organisation_id,
               after=assignment_details(membership), personal={"person": person.email}, person_id=person.pk)  # fmt: skip
    return person


def digest_of(token: str) -> str:
    """Return what is stored of a link's token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _count_invitation(actor: Actor) -> None:
    if actor.user_id is not None:
        consume(INVITATIONS, str(actor.user_id))


def _find_open(token: str, *, for_update: bool = False) -> Invitation:
    found = Invitation.objects.select_related(*_RELATED)
    if for_update:
        found = found.select_for_update(of=("self",), no_key=True)
    invitation = found.filter(digest=digest_of(token)).first()
    state = "unknown" if invitation is None else invitation.state(timezone.now())
    if invitation is None or state != "open":
        raise NotFound(_REASONS[state], "Ask whoever invited you to send it again.")
    return invitation


_REASONS: Final = {
    "unknown": "This invitation is not known; a newer one may have replaced it.",
    "accepted": "This invitation has been accepted already.",
    "withdrawn": "This invitation has been taken back.",
    "expired": "This invitation has expired.",
}


def _require_inviter_may_grant(invitation: Invitation) -> None:
    """An invitation is worth what its inviter may give at this moment; the command line's own always holds."""
    inviter = invitation.invited_by
    if inviter is None:
        return
    rights = Actor.of(inviter)
    place = invitation.place
    if not rights.may("people.edit", place) or not permissions_of(invitation) <= rights.permissions_at(place):
        raise NotFound("Whoever invited you may no longer do so.", "Ask an administrator to invite you again.")


def _new_person(invitation: Invitation, name: str, password: str) -> User:
    if User.objects.filter(email__iexact=invitation.email).exists():
        raise Conflict("You have an account already.", "Sign in, then open this link again.", field="email")
    user = User(
        email=invitation.email,
        name=checked_text(name, "name", longest=200, what="A person", is_needed=False),
    )
    assign_password(user, password)
    user.save(force_insert=True)
    return user


def _existing_person(invitation: Invitation, user: User) -> User:
    if not user.is_active or user.email.lower() != invitation.email.lower():
        raise Forbidden("This invitation is for another address.", "Sign out, then open the link again.")
    if user.password_is_temporary:  # an administrator elsewhere knows it
        raise Forbidden("Somebody else set your password.", "Choose your own, then open this link again.")
    return user


def _same_place(invitation: Invitation) -> Any:
    return Invitation.objects.filter(
        Q(email__iexact=invitation.email), organisation=invitation.organisation, region=invitation.region,
        site=invitation.site, meter=invitation.meter,
    )  # fmt: skip


def _renew(invitation: Invitation, now: datetime) -> str:
    secret = secrets.token_urlsafe(32)
    invitation.digest, invitation.expires_at, invitation.sent_at = digest_of(secret), now + LIFETIME, None
    invitation.save()
    return secret


def _lock(invitation: Invitation) -> Invitation:
    found = Invitation.objects.select_for_update(of=("self",), no_key=True).select_related(*_RELATED)
    fresh = found.filter(pk=invitation.pk).first()
    if fresh is None:
        raise NotFound("There is no such invitation any more.", "See the list again.")
    return fresh


def _refuse_closed(invitation: Invitation) -> None:
    if invitation.accepted_at is not None or invitation.withdrawn_at is not None:
        raise Conflict("This invitation is closed.", "Invite the person anew.")
    if not invitation.role and invitation.custom_role is None:
        raise Invalid("The role that was offered is gone.", "Invite the person anew.", field="role")


def _send_link(invitation: Invitation, secret: str) -> None:
    """Send the link, after the commit. A mail server that fails is told by the list ("not sent"), not by a fault."""
    inviter = invitation.invited_by
    letter = Letter(
        to=invitation.email,
        subject=f"Invitation to {invitation.organisation.name}",
        template="invitation",
        facts={"organisation": invitation.organisation.name, "place": str(invitation.thing or ""),
               "role": invitation.role_name, "expires_at": invitation.expires_at,
               "inviter": (inviter.name or inviter.email) if inviter else "", "link": link_to(f"/invitation/{secret}")},
        **branding_fields(branding_of(invitation.organisation)),
    )  # fmt: skip
    try:
        send(letter)
    except NotSent:
        log.warning("invitation %s could not be sent", invitation.pk)
        return
    invitation.sent_at = timezone.now()
    Invitation.objects.filter(pk=invitation.pk, digest=invitation.digest).update(sent_at=invitation.sent_at)


def _record(by: AuditActor, action: str, invitation: Invitation, **said: Any) -> None:
    record(by, action, invitation, organisation_id=invitation.organisation_id,
           personal={"invited": invitation.email}, **said)  # fmt: skip
