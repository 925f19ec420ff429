"""Custom roles: named sets of permissions, for an organisation and all below it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.administrators import keeping_administrators
from eclectyc.accounts.checks import checked_text
from eclectyc.accounts.models import Invitation, Membership, Organisation, Role
from eclectyc.accounts.roles import PERMISSIONS, ROLES, with_implied
from eclectyc.audit.record import record
from eclectyc.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from eclectyc.kernel.plurals import counted


def create(actor: Actor, *, organisation: Organisation, name: str, permissions: Iterable[str]) -> Role:
    """Create a role from permissions that the actor has in the whole organisation."""
    actor.require("roles.edit", organisation.pk)
    role = Role(organisation=organisation, name=_name(name), permissions=_permissions(permissions))
    _require_permissions(actor, organisation, role.permissions)
    with transaction.atomic():
        _save(role)
        _record(actor, "role.created", role, after=_details(role))
    return role


def change(actor: Actor, *, role: Role, name: str | None = None, permissions: Iterable[str] | None = None) -> Role:
    """Rename a role or change its permissions, immediately for everyone who has it.

    The actor needs all of its permissions, both those before the change and those after it.
    """
    actor.require("roles.edit", role.organisation_id)
    with keeping_administrators(Membership.objects.filter(custom_role=role).values_list("organisation", flat=True)):
        role = _lock(role)
        before = _details(role)
        if name is not None:
            role.name = _name(name)
        if permissions is not None:
            _require_permissions(actor, role.organisation, role.permissions)
            role.permissions = _permissions(permissions)
            _require_permissions(actor, role.organisation, role.permissions)
        _save(role)
        _record(actor, "role.changed", role, before=before, after=_details(role))
    return role


def delete(actor: Actor, *, role: Role) -> None:
    """Delete a role that no membership and no open invitation has."""
    actor.require("roles.edit", role.organisation_id)
    with transaction.atomic():
        role = _lock(role)
        members = Membership.objects.filter(custom_role=role).count()
        offered = Invitation.objects.open(timezone.now()).filter(custom_role=role).count()
        if members or offered:
            users = f"{counted(members, 'membership')} and {counted(offered, 'open invitation')}"
            raise Conflict(f"{role.name} is the role of {users}.", "Give them another role first.")
        Invitation.objects.filter(custom_role=role).update(custom_role=None)  # closed ones, kept as a record
        _record(actor, "role.deleted", role, before=_details(role))
        role.delete()


def _name(name: str) -> str:
    name = checked_text(name, "name", longest=60, what="A role")
    if name.lower() in ROLES:
        raise Invalid(f"{name} is a built-in role.", "Choose another name.", field="name")
    return name


def _permissions(names: Iterable[str]) -> list[str]:
    chosen = sorted(set(names))
    unknown = [name for name in chosen if name not in PERMISSIONS]
    if unknown:
        known = ", ".join(PERMISSIONS)
        raise Invalid(f"There is no permission {unknown[0]!r}.", f"Use one of: {known}.", field="permissions")
    if not chosen:
        raise Invalid("A role needs at least one permission.", "Choose one.", field="permissions")
    return chosen


def _require_permissions(actor: Actor, organisation: Organisation, permissions: Iterable[str]) -> None:
    beyond = with_implied(permissions) - actor.permissions_at(organisation.pk)
    if beyond:
        lacking = ", ".join(sorted(beyond))
        raise Forbidden("You cannot put rights into a role that you do not have.", f"You do not have {lacking}.")


def _lock(role: Role) -> Role:
    found = Role.objects.select_for_update(of=("self",)).select_related("organisation").filter(pk=role.pk).first()
    if found is None:
        raise NotFound("This role no longer exists.", "Reload the list.")
    return found


def _save(role: Role) -> None:
    duplicate = Invalid(f"There is already a role {role.name!r}.", "Choose another name.", field="name")
    others = Role.objects.filter(organisation=role.organisation_id, name__iexact=role.name).exclude(pk=role.pk)
    if others.exists():
        raise duplicate
    try:
        with transaction.atomic():
            role.save()
    except IntegrityError:
        raise duplicate from None


def _details(role: Role) -> dict[str, object]:
    return {"name": role.name, "permissions": role.permissions}


def _record(actor: Actor, action: str, role: Role, **details: Any) -> None:
    record(actor.by, action, role, organisation_id=role.organisation_id, **details)
