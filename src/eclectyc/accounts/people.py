"""People, and what administrators may change about them.

An administrator may change memberships within their own scope, except those with more rights than their own. Name,
password and access as a whole may be changed by the person, by an operator, or by an administrator within whose scope
*all* of the person's memberships are.
"""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from eclectyc.accounts import notices
from eclectyc.accounts.actor import Actor
from eclectyc.accounts.administrators import keeping_administrators
from eclectyc.accounts.checks import assign_password, checked_email, checked_text
from eclectyc.accounts.grants import permissions_of
from eclectyc.accounts.memberships import protect_operator, remove
from eclectyc.accounts.models import PLACE_RELATIONS, Membership, Organisation, User
from eclectyc.accounts.person_events import record_person_event
from eclectyc.accounts.role_assignments import assignment_details, require_may_grant, role_fields
from eclectyc.accounts.roles import VIEWER
from eclectyc.kernel.errors import Forbidden, Invalid, NotFound


def add_user(
    actor: Actor,
    *,
    email: str,
    organisation: Organisation,
    role: str = VIEWER,
    password: str | None = None,
    name: str = "",
    is_operator: bool = False,
    is_temporary: bool = False,
) -> User:
    """Add a person with a role in an organisation. Without a password the person cannot sign in yet.

    Only an operator may: for others, the error for an address in use would reveal people of other organisations. They
    invite, which also proves whose the address is.
    """
    actor.require("people.edit", organisation.pk)
    if not actor.is_full_operator:
        raise Forbidden("Only operators can add people directly.", "Invite the person by their email address.")
    user = User(
        email=checked_email(email), name=_name(name), is_operator=is_operator, password_is_temporary=is_temporary
    )
    membership = Membership(user=user, organisation=organisation, **role_fields(role, None, organisation))
    require_may_grant(actor, membership)
    if password is None:
        user.set_unusable_password()
    else:
        assign_password(user, password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            membership.user = user
            membership.save()
            _record(actor, "person.added", user, after=assignment_details(membership) | {"is_operator": is_operator})
    except IntegrityError:
        raise Invalid(
            f"There is already a user {user.email}.", "Invite them, or use another address.", field="email"
        ) from None
    return user


def user_by_email(actor: Actor, email: str) -> User:
    """Return a person whom the actor may see, by email address, ignoring case."""
    address = email.strip()
    found = None if "\x00" in address else User.objects.visible_to(actor).filter(email__iexact=address).first()
    if found is None:
        raise NotFound(f"There is no user {email!r}.", "Check the list of users.", field="email")
    return found


def rename(actor: Actor, *, user: User, name: str) -> User:
    with transaction.atomic():
        user = _lock(user)
        _require_whole_person(actor, user, may_be_own=True)
        before, user.name = user.name, _name(name)
        user.save(update_fields=["name"])
        _record(actor, "person.renamed", user, personal={"name before": before, "name": user.name})
    return user


def change_email(actor: Actor, *, user: User, email: str) -> User:
    """Change the address that a person signs in with. Only an operator may: nothing here proves whose it is."""
    if not actor.is_full_operator:
        raise Forbidden("Only operators can change an address.", "Ask the operator of this installation.")
    email = checked_email(email)
    try:
        with transaction.atomic():
            user = _lock(user)
            before, user.email = user.email, email
            user.save(update_fields=["email"])
            _record(actor, "person.readdressed", user, personal={"address before": before})
            notices.notify(user, "person.readdressed", to=before)
    except IntegrityError:
        raise Invalid(f"There is already a user {email}.", "Use another address.", field="email") from None
    return user


def set_operator(actor: Actor, *, user: User, is_operator: bool) -> User:
    """Make a person an operator, or no longer one. Only an operator may."""
    if not actor.is_full_operator:
        raise Forbidden("Only operators can make operators.", "Ask the operator of this installation.")
    with transaction.atomic():
        user = _lock(user)
        before, user.is_operator = user.is_operator, is_operator
        user.save(update_fields=["is_operator"])
        _record(
            actor, "person.operator_changed", user, before={"is_operator": before}, after={"is_operator": is_operator}
        )
    return user


def set_password(actor: Actor, *, user: User, password: str, is_temporary: bool = False) -> User:
    """Set a person's password. Their other sessions end, and they are notified by email.

    Allowed for one's own, for operators, and for an administrator within whose scope all of the person's memberships
    are: otherwise the password would open another organisation. A password set by an administrator is temporary, since
    the person may join another organisation later: they choose their own at the next sign-in.
    """
    is_own = actor.user_id == user.pk
    with transaction.atomic():
        user = _lock(user)
        _require_whole_person(
            actor, user, may_be_own=actor.token_id is None
        )  # a stolen token must not become a stolen account
        assign_password(user, password)
        user.password_is_temporary = not is_own and (is_temporary or not actor.is_full_operator)
        user.save(update_fields=["password", "password_is_temporary"])
        _record(actor, "person.password_set", user, after={"is_temporary": user.password_is_temporary})
        remark = (
            "It works for your next sign-in only. You will then choose your own." if user.password_is_temporary else ""
        )
        change = "password.changed" if is_own else "person.password_set"
        notices.notify(user, change, origin=actor.origin if is_own else "", remark=remark)
    return user


def deactivate(actor: Actor, *, user: User) -> User:
    """Deactivate a person, so that they can no longer sign in or use sessions and tokens.

    If they have memberships beyond the actor's scope, only those within it end.
    """
    theirs = _memberships(user)
    with keeping_administrators(m.organisation_id for m in theirs):
        user, theirs = _lock(user), _memberships(user)
        protect_operator(actor, user)
        if actor.is_full_operator or (theirs and all(_reaches(actor, m) for m in theirs)):
            user.is_active = False
            user.save(update_fields=["is_active"])
            _record(actor, "person.deactivated", user, before={"is_active": True}, after={"is_active": False})
            return user
        within = [m for m in theirs if actor.may("people.edit", m.place)]
        if not within:
            raise Forbidden("You cannot deactivate this person.", "Ask an administrator of their organisation.")
        for membership in within:
            require_may_grant(actor, membership)
            remove(actor, membership)
    return user


def reactivate(actor: Actor, *, user: User) -> User:
    """Let a person sign in again, with their earlier memberships."""
    with transaction.atomic():
        user = _lock(user)
        _require_whole_person(actor, user, may_be_own=False)
        user.is_active = True
        user.save(update_fields=["is_active"])
        _record(actor, "person.reactivated", user, before={"is_active": False}, after={"is_active": True})
    return user


def _require_whole_person(actor: Actor, user: User, *, may_be_own: bool) -> None:
    """Raise ``Forbidden`` unless the actor may change the person as a whole."""
    is_own = actor.user_id == user.pk and actor.narrowed is None and actor.only is None
    if actor.is_full_operator or (may_be_own and is_own):
        return
    protect_operator(actor, user)
    theirs = _memberships(user)
    if not theirs or not all(_reaches(actor, membership) for membership in theirs):
        raise Forbidden(
            "This person has roles beyond the ones that you manage.", "Ask them, or the operator of this installation."
        )


def _reaches(actor: Actor, membership: Membership) -> bool:
    place = membership.place
    return actor.may("people.edit", place) and permissions_of(membership) <= actor.permissions_at(place)


def _memberships(user: User) -> list[Membership]:
    """Return a person's memberships, past and future as well: an ended one can be given a new end date."""
    return list(user.memberships.select_related(*PLACE_RELATIONS, "custom_role", "user"))


def _lock(user: User) -> User:
    found: User | None = User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()
    if found is None:
        raise NotFound("This person no longer exists.", "Reload the list.")
    return found


def _name(name: str) -> str:
    return checked_text(name, "name", longest=200, what="A person", is_needed=False)


def _record(actor: Actor, action: str, user: User, **details: Any) -> None:
    details["personal"] = {"person": user.email} | details.get("personal", {})
    record_person_event(actor.by, action, user, **details)
