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
    """Make a role out of permissions that the actor has in the whole organisation."""
    actor.require("roles.edit", organisation.pk)
    role = Role(organisation=organisation, name=_name(name), permissions=_permissions(permissions))
    _require_permissions(actor, organisation, role.permissions)
    with transaction.atomic():
        _save(role)
        _record(actor, "role.created", role, after=_details(role))
    return role


def change(actor: Actor, *, role: Role, name: str | None = None, permissions: Iterable[str] | None = None) -> Role:
    """Rename a role or change its permissions, for everybody who has it and at once.

    Neither what it gave nor what it will give may go beyond what the actor has.
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
    """Delete a role that nobody has and nobody is invited to."""
    actor.require("roles.edit", role.organisation_id)
    with transaction.atomic():
        role = _lock(role)
        held = Membership.objects.filter(custom_role=role).count()
        offered = Invitation.objects.open(timezone.now()).filter(custom_role=role).count()
        if held or offered:
            raise Conflict(
                f"{role.name} is the role of {counted(held, 'membership')} and {counted(offered, 'open invitation')}.",
                "Give those another role first.",
            )
        Invitation.objects.filter(custom_role=role).update(custom_role=None)  # those are closed: a record only
        _record(actor, "role.deleted", role, before=_details(role))
        role.delete()


def _name(name: str) -> str:
    name = checked_text(name, "name", longest=60, what="A role")
    if name.lower() in ROLES:
        raise Invalid(f"{name} is a role that every organisation has.", "Choose another name.", field="name")
    return name


def _permissions(names: Iterable[str]) -> list[str]:
    wanted = sorted(set(names))
    strange = [name for name in wanted if name not in PERMISSIONS]
    if strange:
        known = ", ".join(PERMISSIONS)
        raise Invalid(f"There is no permission {strange[0]!r}.", f"Use: {known}.", field="permissions")
    if not wanted:
        raise Invalid("A role without permissions opens nothing.", "Choose at least one.", field="permissions")
    return wanted


def _require_permissions(actor: Actor, organisation: Organisation, permissions: Iterable[str]) -> None:
    beyond = with_implied(permissions) - actor.permissions_at(organisation.pk)
    if beyond:
        raise Forbidden(
            "Nobody makes or changes a role beyond their own rights.", f"You do not have {', '.join(sorted(beyond))}."
        )


def _lock(role: Role) -> Role:
    found = Role.objects.select_for_update(of=("self",)).select_related("organisation").filter(pk=role.pk).first()
    if found is None:
        raise NotFound("There is no such role any more.", "See the list again.")
    return found


def _save(role: Role) -> None:
    taken = Invalid(f"There is a role {role.name!r} already.", "Choose another name.", field="name")
    others = Role.objects.filter(organisation=role.organisation_id, name__iexact=role.name).exclude(pk=role.pk)
    if others.exists():
        raise taken
    try:
        with transaction.atomic():
            role.save()
    except IntegrityError:
        raise taken from None


def _details(role: Role) -> dict[str, object]:
    return {"name": role.name, "permissions": role.permissions}


def _record(actor: Actor, action: str, role: Role, **said: Any) -> None:
    record(actor.by, action, role, organisation_id=role.organisation_id, **said)
