"""Memberships: who has which role where."""

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
_IDENTITY: Final = ("user_id", "organisation_id", "region_id", "site_id", "meter_id", "role", "custom_role_id")


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
    """Give a person whom the actor may see a role (viewer) at a place. Other people are invited instead."""
    where = scope_place(organisation, region, site, meter)
    protect_operator(actor, user)
    membership = Membership(
        user=user, **where.fields, **role_fields(role, custom_role, where.organisation), **date_fields(since, until)
    )
    require_may_grant(actor, membership)
    if not User.objects.visible_to(actor).filter(pk=user.pk).exists():
        raise NotFound("This person does not exist.", "Invite them by their email address.", field="user")
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
    """Change a membership's role or dates. The actor must be able to grant it as it was and as it will be."""
    with keeping_administrators([membership.organisation_id]):
        membership = reload(membership)
        protect_operator(actor, membership.user)
        require_may_grant(actor, membership)
        before = assignment_details(membership)
        if role is not UNCHANGED or custom_role is not UNCHANGED:
            other = None if custom_role is UNCHANGED else custom_role
            built_in = (None if role is UNCHANGED else role) or (None if other else "")
            fields = role_fields(built_in, other, membership.organisation)
            membership.role, membership.custom_role = fields["role"], fields["custom_role"]
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
    """End a membership now."""
    with keeping_administrators([membership.organisation_id]):
        membership = reload(membership)
        protect_operator(actor, membership.user)
        require_may_grant(actor, membership)
        remove(actor, membership)


def set_role(actor: Actor, *, user: User, organisation: Organisation, role: str | None) -> Membership | None:
    """Replace a person's roles in a whole organisation by one; None removes them."""
    with keeping_administrators([organisation.pk]):
        protect_operator(actor, user)
        theirs = user.memberships.filter(organisation=organisation, region=None, site=None, meter=None)
        for membership in theirs.select_related(*PLACE_RELATIONS, "user", "custom_role"):
            require_may_grant(actor, membership)
            remove(actor, membership)
        return None if role is None else grant(actor, user=user, organisation=organisation, role=role)


def remove(actor: Actor, membership: Membership) -> None:
    """Delete a membership and record it. The caller has checked rights and the last administrator."""
    _record(actor, "membership.ended", membership, before=assignment_details(membership))
    membership.delete()


def protect_operator(actor: Actor, user: User) -> None:
    """Raise ``Forbidden`` if the person is an operator and the actor is not."""
    if user.is_operator and not actor.is_full_operator:
        raise Forbidden("Only operators can change operators.", "Ask the operator of this installation.")


def refuse_duplicate(membership: Membership) -> None:
    """Raise ``Conflict`` if the person has, or will have, the same role at the same place."""
    same = {name: getattr(membership, name) for name in _IDENTITY}
    running = Q(until=None) | Q(until__gt=max(membership.since or date.min, local_today()))
    if membership.until is not None:
        running &= Q(since=None) | Q(since__lt=membership.until)
    if Membership.objects.filter(running, **same).exclude(pk=membership.pk).exists():
        raise Conflict(f"This person is already {membership.role_name} there.", "Change that membership.", field="role")


def reload(membership: Membership) -> Membership:
    """Read a membership again, within the lock: it may have changed or ended meanwhile."""
    found = Membership.objects.select_related(*PLACE_RELATIONS, "user", "custom_role").filter(pk=membership.pk).first()
    if found is None:
        raise NotFound("This membership no longer exists.", "Reload the list.")
    return found


def _record(actor: Actor, action: str, membership: Membership, **details: Any) -> None:
    details |= {"personal": {"person": membership.user.email}, "person_id": membership.user.pk}
    record(actor.by, action, membership, organisation_id=membership.organisation_id, **details)
