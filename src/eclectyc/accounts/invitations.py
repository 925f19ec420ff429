"""Invitations: a role at a place, offered to the reader of an email address.

The link contains 32 random bytes and works once, for seven days. Only the reader of the email sees it: an inviter who
saw it could create an account in another person's name. An address that has an account already is invited in the same
way, so that the inviter does not learn of it.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
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
_OFFERED: Final = ("organisation", "region", "site", "meter", "role", "custom_role", "since", "until")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Offer:
    """An invitation's contents, for the page that accepts it."""

    email: str
    organisation: str
    place: str  # the site, region or meter; empty for the whole organisation
    role: str
    invited_by: str
    expires_at: datetime
    has_account: bool  # if so, they accept it signed in; else they choose a name and a password
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
    """Offer a role at a place by email. An open invitation of the same address to the same place is replaced."""
    where = scope_place(organisation, region, site, meter)
    fields = where.fields | role_fields(role, custom_role, where.organisation) | date_fields(since, until)
    invitation = Invitation(email=checked_email(email), invited_by_id=actor.user_id, **fields)
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
    """Send an invitation again with a new link, for seven more days; the old link no longer works."""
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
    """Withdraw an invitation, so that its link no longer works. Withdrawing it again changes nothing."""
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
    """Return the offer behind a link; raise ``NotFound`` if the link is not, or no longer, valid."""
    invitation = _find_open(token)
    thing = invitation.thing
    inviter = invitation.invited_by
    return Offer(
        email=invitation.email,
        organisation=invitation.organisation.name,
        place=str(thing) if thing is not None else "",
        role=invitation.role_name,
        invited_by=(inviter.name or inviter.email) if inviter else "",
        expires_at=invitation.expires_at,
        has_account=User.objects.filter(email__iexact=invitation.email).exists(),
        branding=branding_of(invitation.organisation),
    )


def accept(token: str, *, name: str = "", password: str = "", user: User | None = None, origin: str = "") -> User:
    """Accept an invitation as the signed-in ``user`` of its address, or as a new person with a password.

    Returns the person; the caller signs a new one in. The inviter must still be able to grant the role.
    """
    with transaction.atomic():
        invitation = _find_open(token, for_update=True)
        _require_inviter_may_grant(invitation)
        person = _new_person(invitation, name, password) if user is None else _existing_person(invitation, user)
        membership = Membership(user=person, **{field: getattr(invitation, field) for field in _OFFERED})
        refuse_duplicate(membership)
        membership.save()
        invitation.accepted_at, invitation.accepted_by = timezone.now(), person
        invitation.save(update_fields=["accepted_at", "accepted_by"])
        record(
            AuditActor(person.pk, person.email, origin),
            "invitation.accepted",
            membership,
            organisation_id=membership.organisation_id,
            after=assignment_details(membership),
            personal={"person": person.email},
            person_id=person.pk,
        )
    return person


def digest_of(token: str) -> str:
    """Return the digest that is stored in place of a link's token."""
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
        raise NotFound(_REASONS[state], "Ask the person who invited you to send it again.")
    return invitation


_REASONS: Final = {
    "unknown": "This invitation does not exist; a newer one may have replaced it.",
    "accepted": "This invitation has already been accepted.",
    "withdrawn": "This invitation was withdrawn.",
    "expired": "This invitation has expired.",
}


def _require_inviter_may_grant(invitation: Invitation) -> None:
    """Raise ``NotFound`` unless the inviter may grant the role now; the command line always may."""
    inviter = invitation.invited_by
    if inviter is None:
        return
    rights = Actor.of(inviter)
    place = invitation.place
    if not rights.may("people.edit", place) or not permissions_of(invitation) <= rights.permissions_at(place):
        raise NotFound("The person who invited you may no longer do so.", "Ask an administrator to invite you again.")


def _new_person(invitation: Invitation, name: str, password: str) -> User:
    if User.objects.filter(email__iexact=invitation.email).exists():
        raise Conflict("You already have an account.", "Sign in, then open this link again.", field="email")
    name = checked_text(name, "name", longest=200, what="A person", is_needed=False)
    user = User(email=invitation.email, name=name)
    assign_password(user, password)
    user.save(force_insert=True)
    return user


def _existing_person(invitation: Invitation, user: User) -> User:
    if not user.is_active or user.email.lower() != invitation.email.lower():
        raise Forbidden("This invitation is for another address.", "Sign out, then open the link again.")
    if user.password_is_temporary:  # an administrator elsewhere knows it
        raise Forbidden("Your password is temporary.", "Choose your own, then open this link again.")
    return user


def _same_place(invitation: Invitation) -> Any:
    place = {field: getattr(invitation, field) for field in ("organisation", "region", "site", "meter")}
    return Invitation.objects.filter(email__iexact=invitation.email, **place)


def _renew(invitation: Invitation, now: datetime) -> str:
    secret = secrets.token_urlsafe(32)
    invitation.digest, invitation.expires_at, invitation.sent_at = digest_of(secret), now + LIFETIME, None
    invitation.save()
    return secret


def _lock(invitation: Invitation) -> Invitation:
    found = Invitation.objects.select_for_update(of=("self",), no_key=True).select_related(*_RELATED)
    fresh = found.filter(pk=invitation.pk).first()
    if fresh is None:
        raise NotFound("This invitation no longer exists.", "Reload the list.")
    return fresh


def _refuse_closed(invitation: Invitation) -> None:
    if invitation.accepted_at is not None or invitation.withdrawn_at is not None:
        raise Conflict("This invitation is closed.", "Invite the person again.")
    if not invitation.role and invitation.custom_role is None:
        raise Invalid("The offered role no longer exists.", "Invite the person again.", field="role")


def _send_link(invitation: Invitation, secret: str) -> None:
    """Send the link, after the commit. If the mail server fails, the list shows "not sent"; no error is raised."""
    inviter = invitation.invited_by
    facts = {
        "organisation": invitation.organisation.name,
        "place": str(invitation.thing or ""),
        "role": invitation.role_name,
        "expires_at": invitation.expires_at,
        "inviter": (inviter.name or inviter.email) if inviter else "",
        "link": link_to(f"/invitation/{secret}"),
    }
    subject = f"Invitation to {invitation.organisation.name}"
    branding = branding_fields(branding_of(invitation.organisation))
    letter = Letter(to=invitation.email, subject=subject, template="invitation", facts=facts, **branding)
    try:
        send(letter)
    except NotSent:
        log.warning("invitation %s could not be sent", invitation.pk)
        return
    invitation.sent_at = timezone.now()
    Invitation.objects.filter(pk=invitation.pk, digest=invitation.digest).update(sent_at=invitation.sent_at)


def _record(by: AuditActor, action: str, invitation: Invitation, **details: Any) -> None:
    personal = {"invited": invitation.email}
    record(by, action, invitation, organisation_id=invitation.organisation_id, personal=personal, **details)
