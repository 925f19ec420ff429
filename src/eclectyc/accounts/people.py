"""People: who there is, and what an administrator may do to them.

An administrator reaches people only as far as their memberships lie within the administrator's own scope, and never
somebody who may more there. What belongs to the person as a whole (the name, the password, whether they may sign in
at all) is theirs, an operator's, or that of an administrator within whose scope *all* of the person's memberships lie.
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
    """Add a person with a role in an organisation; an operator's task. Without a password nobody can sign in yet.

    Everybody else invites: a refusal of an address that is taken would tell who belongs to other organisations, and
    only a mail proves whose an address is.
    """
    actor.require("people.edit", organisation.pk)
    if not actor.is_full_operator:
        raise Forbidden("Only an operator adds people as they are.", "Invite the person by their address.")
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
            f"There is a user {user.email} already.", "Invite them, or use another address.", field="email"
        ) from None
    return user


def user_by_email(actor: Actor, email: str) -> User:
    """Return a person whom the actor may see, by address in whatever case."""
    wanted = email.strip()
    found = None if "\x00" in wanted else User.objects.visible_to(actor).filter(email__iexact=wanted).first()
    if found is None:
        raise NotFound(f"There is no user {email!r}.", "See the list of users.", field="email")
    return found


def rename(actor: Actor, *, user: User, name: str) -> User:
    """Change what a person is called."""
    with transaction.atomic():
        user = _lock(user)
        _require_whole_person(actor, user, may_be_own=True)
        before, user.name = user.name, _name(name)
        user.save(update_fields=["name"])
        _record(actor, "person.renamed", user, personal={"name before": before, "name": user.name})
    return user


def change_email(actor: Actor, *, user: User, email: str) -> User:
    """Change the address with which a person signs in: an operator's task, for nobody else proves whose it is."""
    if not actor.is_full_operator:
        raise Forbidden("Only an operator changes an address.", "Ask whoever runs this installation.")
    email = checked_email(email)
    try:
        with transaction.atomic():
            user = _lock(user)
            before, user.email = user.email, email
            user.save(update_fields=["email"])
            _record(actor, "person.readdressed", user, personal={"address before": before})
            notices.notify(user, "person.readdressed", to=before)
    except IntegrityError:
        raise Invalid(f"There is a user {email} already.", "Use another address.", field="email") from None
    return user


def set_operator(actor: Actor, *, user: User, is_operator: bool) -> User:
    """Make somebody an operator, or no longer one; only an operator may."""
    if not actor.is_full_operator:
        raise Forbidden("Only an operator makes operators.", "Ask whoever runs this installation.")
    with transaction.atomic():
        user = _lock(user)
        before, user.is_operator = user.is_operator, is_operator
        user.save(update_fields=["is_operator"])
        _record(
            actor, "person.operator_changed", user, before={"is_operator": before}, after={"is_operator": is_operator}
        )
    return user


def set_password(actor: Actor, *, user: User, password: str, is_temporary: bool = False) -> User:
    """Give a person a new password. Their sessions elsewhere end, and they are told by mail.

    One's own; an operator's task for anyone; or an administrator's for a person who belongs nowhere but within their
    scope: otherwise one could reach into another organisation through a shared person. What an administrator sets is
    temporary, for the person may come to belong elsewhere: at the next sign-in they choose their own.
    """
    is_own = actor.user_id == user.pk
    with transaction.atomic():
        user = _lock(user)
        _require_whole_person(
            actor, user, may_be_own=actor.token_id is None
        )  # a lost key must not become a lost account
        assign_password(user, password)
        user.password_is_temporary = not is_own and (is_temporary or not actor.is_full_operator)
        user.save(update_fields=["password", "password_is_temporary"])
        _record(actor, "person.password_set", user, after={"is_temporary": user.password_is_temporary})
        remark = "It is for your next sign-in only: then you choose your own." if user.password_is_temporary else ""
        change = "password.changed" if is_own else "person.password_set"
        notices.notify(user, change, origin=actor.origin if is_own else "", remark=remark)
    return user


def deactivate(actor: Actor, *, user: User) -> User:
    """Shut a person out.

    By an operator, or where all of their memberships lie within the actor's scope: they sign in no more, sessions
    and tokens included. Else the memberships within the actor's scope end, and the rest is not the actor's affair.
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
            raise Forbidden("You may not shut this person out.", "Ask an administrator of their organisation.")
        for membership in within:
            require_may_grant(actor, membership)
            remove(actor, membership)
    return user


def reactivate(actor: Actor, *, user: User) -> User:
    """Let a person sign in again, with the memberships they had."""
    with transaction.atomic():
        user = _lock(user)
        _require_whole_person(actor, user, may_be_own=False)
        user.is_active = True
        user.save(update_fields=["is_active"])
        _record(actor, "person.reactivated", user, before={"is_active": False}, after={"is_active": True})
    return user


def _require_whole_person(actor: Actor, user: User, *, may_be_own: bool) -> None:
    """Raise ``Forbidden`` unless the person as a whole is the actor's to change."""
    is_own = actor.user_id == user.pk and actor.narrowed is None and actor.only is None
    if actor.is_full_operator or (may_be_own and is_own):
        return
    protect_operator(actor, user)
    theirs = _memberships(user)
    if not theirs or not all(_reaches(actor, membership) for membership in theirs):
        raise Forbidden("This person is not yours alone to change.", "Ask them, or whoever runs this installation.")


def _reaches(actor: Actor, membership: Membership) -> bool:
    place = membership.place
    return actor.may("people.edit", place) and permissions_of(membership) <= actor.permissions_at(place)


def _memberships(user: User) -> list[Membership]:
    """Return all that the person ever got and still has, past and future: what ends may be made to begin again."""
    return list(user.memberships.select_related(*PLACE_RELATIONS, "custom_role", "user"))


def _lock(user: User) -> User:
    found: User | None = User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()
    if found is None:
        raise NotFound("There is no such person any more.", "See the list again.")
    return found


def _name(name: str) -> str:
    return checked_text(name, "name", longest=200, what="A person", is_needed=False)


def _record(actor: Actor, action: str, user: User, **said: Any) -> None:
    said["personal"] = {"person": user.email} | said.get("personal", {})
    record_person_event(actor.by, action, user, **said)
