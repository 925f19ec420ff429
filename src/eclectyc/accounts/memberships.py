"""Who has which role where. Actor first; each is one short transaction with one audit event."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.db.models import Q

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.administrators import keeping_administrators, lock_organisations
from eclectyc.accounts.grants import local_today
from eclectyc.accounts.models import PLACE_RELATIONS, Membership, Organisation, Role, User
from eclectyc.accounts.role_assignments import (
    assignment_details,
    date_fields,
    require_may_grant,
    role_fields,
    scope_place,
)
from eclectyc.audit.record import record
from eclectyc.kernel.errors import Conflict, Forbidden, NotFound

if TYPE_CHECKING:
    from eclectyc.estate.models import Meter, Region, Site

UNCHANGED: Final[Any] = object()


def grant(
    actor: Actor,
    *,
    user: User,
    organisation: Organisation | None = None,
    region: Region | None = None,
    site: Site | None = None,
    meter: Meter | None = None,
    role: str | None = None,
    custom_role: Role | None = None,
    since: date | None = None,
    until: date | None = None,
) -> Membership:
    """Give a person whom the actor sees a role at a place (viewer, if none is named); others are invited."""
    where = scope_place(organisation, region, site, meter)
    protect_operator(actor, user)
    membership = Membership(
        user=user, **where.fields, **role_fields(role, custom_role, where.organisation), **date_fields(since, until)
    )
    require_may_grant(actor, membership)
    if not User.objects.visible_to(actor).filter(pk=user.pk).exists():
        raise NotFound("There is no such person.", "Invite them by their address.", field="user")
    with transaction.atomic():
        lock_organisations([where.organisation.pk])
        refuse_duplicate(membership)
        membership.save()
        _record(actor, "membership.granted", membership, after=assignment_details(membership))
    return membership


def change(
    actor: Actor,
    *,
    membership: Membership,
    role: str | None = UNCHANGED,
    custom_role: Role | None = UNCHANGED,
    since: date | None = UNCHANGED,
    until: date | None = UNCHANGED,
) -> Membership:
    """Change a membership's role or dates; what it gave and what it will give must both be the actor's to give."""
    with keeping_administrators([membership.organisation_id]):
        membership = reload(membership)
        protect_operator(actor, membership.user)
        require_may_grant(actor, membership)
        before = assignment_details(membership)
        if role is not UNCHANGED or custom_role is not UNCHANGED:
            other = None if custom_role is UNCHANGED else custom_role
            built_in = (None if role is UNCHANGED else role) or (None if other else "")
            wanted = role_fields(built_in, other, membership.organisation)
            membership.role, membership.custom_role = wanted["role"], wanted["custom_role"]
        span = date_fields(
            membership.since if since is UNCHANGED else since, membership.until if until is UNCHANGED else until
        )
        membership.since, membership.until = span["since"], span["until"]
        require_may_grant(actor, membership)
        refuse_duplicate(membership)
        membership.save()
        _record(actor, "membership.changed", membership, before=before, after=assignment_details(membership))
    return membership


def end(actor: Actor, *, membership: Membership) -> None:
    """Take a membership away, at once."""
    with keeping_administrators([membership.organisation_id]):
        membership = reload(membership)
        protect_operator(actor, membership.user)
        require_may_grant(actor, membership)
        remove(actor, membership)


def set_role(actor: Actor, *, user: User, organisation: Organisation, role: str | None) -> Membership | None:
    """Put one role in a whole organisation in place of those the person has there; None takes them all away."""
    with keeping_administrators([organisation.pk]):
        protect_operator(actor, user)
        theirs = user.memberships.filter(organisation=organisation, region=None, site=None, meter=None)
        for membership in theirs.select_related(*PLACE_RELATIONS, "user", "custom_role"):
            require_may_grant(actor, membership)
            remove(actor, membership)
        return None if role is None else grant(actor, user=user, organisation=organisation, role=role)


def remove(actor: Actor, membership: Membership) -> None:
    """Delete a membership and write that down; the caller has seen to the rights and the administrators."""
    _record(actor, "membership.ended", membership, before=assignment_details(membership))
    membership.delete()


def protect_operator(actor: Actor, user: User) -> None:
    """Raise ``Forbidden`` where an operator would be changed by anybody but an operator."""
    if user.is_operator and not actor.is_full_operator:
        raise Forbidden("Operators are changed by operators only.", "Ask whoever runs this installation.")


def refuse_duplicate(membership: Membership) -> None:
    """Raise ``Conflict`` where the person has, or will have, that very role at that very place already."""
    same = {name: getattr(membership, name) for name in (
        "user_id", "organisation_id", "region_id", "site_id", "meter_id", "role", "custom_role_id")}  # fmt: skip
    running = Q(until=None) | Q(until__gt=max(membership.since or date.min, local_today()))
    if membership.until is not None:
        running &= Q(since=None) | Q(since__lt=membership.until)
    if Membership.objects.filter(running, **same).exclude(pk=membership.pk).exists():
        raise Conflict(f"This person is {membership.role_name} there already.", "Change that membership.", field="role")


def reload(membership: Membership) -> Membership:
    """Read a membership anew, within the lock: it may have changed or gone since the page was opened."""
    found = Membership.objects.select_related(*PLACE_RELATIONS, "user", "custom_role").filter(pk=membership.pk).first()
    if found is None:
        raise NotFound("There is no such membership any more.", "See the list again.")
    return found


def _record(actor: Actor, action: str, membership: Membership, **said: Any) -> None:
    user = membership.user
    record(
        actor.by, action, membership, organisation_id=membership.organisation_id,
        personal={"person": user.email}, person_id=user.pk, **said,
    )  # fmt: skip
