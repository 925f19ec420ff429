"""People and their memberships."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from ninja import Path, Query, Router, Schema
from ninja.responses import Status
from pydantic import Field

from eclectyc.accounts import invitations, memberships, people
from eclectyc.accounts.access_log import record_memberships_read, record_people_read
from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import PLACE_RELATIONS, Membership, User
from eclectyc.accounts.organisations import organisation_named
from eclectyc.api.authentication import actor_of
from eclectyc.api.invitations import InvitationOut, invitation_out
from eclectyc.api.requests import (
    CHANGING,
    ONE,
    REFUSALS,
    Body,
    Number,
    Page,
    Searched,
    not_null,
    one,
    page_of,
    require_somewhere,
)
from eclectyc.api.role_scope import AtPlaceWithRole, PositionOut, RoleName, custom_role, position_facts
from eclectyc.api.schemas import Text
from eclectyc.kernel.errors import Invalid

router = Router(tags=["people"])


class UserList(Searched):
    organisation: Number | None = Field(None, description="With a membership in this organisation.")
    is_active: bool | None = None


class NewUser(Body):
    email: Text
    name: Text = Field("", description="Operators only.")
    organisation: Text | Number | None = Field(None, description="Name or number, if you have several.")
    role: RoleName = "viewer"
    password: Text | None = Field(
        None, description="Operators only. Without it the person cannot sign in until they reset it by mail."
    )


class ChangedUser(Body):
    name: Text | None = None
    email: Text | None = Field(None, description="Operators only.")
    is_active: bool | None = Field(None, description="False deactivates the person, as DELETE does.")
    is_operator: bool | None = Field(None, description="Operators only.")


class NewPassword(Body):
    password: Text


class MembershipOut(PositionOut):
    id: int
    user: int


class UserOut(Schema):
    id: int
    email: str
    name: str
    is_active: bool
    is_operator: bool
    created_at: datetime
    memberships: list[MembershipOut] = Field(description="The memberships that you may see.")


class UserPage(Schema):
    items: list[UserOut]
    count: int


class MembershipList(Page):
    user: Number | None = None
    organisation: Number | None = None


class NewMembership(AtPlaceWithRole):
    user: Number


class ChangedMembership(Body):
    role: RoleName | None = None
    custom_role: Number | None = None
    since: date | None = None
    until: date | None = None


class MembershipPage(Schema):
    items: list[MembershipOut]
    count: int


@router.get("/users", response={200: UserPage, **REFUSALS}, summary="List people")
def list_users(request: HttpRequest, asked: Query[UserList]) -> UserPage:
    """People with a membership where you see people, by email address, a page at a time."""
    actor = actor_of(request)
    require_somewhere(actor, "people.view")
    found = User.objects.visible_to(actor)
    if asked.organisation is not None:
        theirs = Membership.objects.visible_to(actor).filter(organisation=asked.organisation)
        found = found.filter(pk__in=theirs.values("user"))
    if asked.is_active is not None:
        found = found.filter(is_active=asked.is_active)
    if asked.search:
        found = found.filter(Q(email__icontains=asked.search) | Q(name__icontains=asked.search))
    items, count = page_of(found, asked)
    # Made from our own values: validated once, with the answer as a whole.
    return UserPage.model_construct(items=_shown(actor, items), count=count)


@router.post("/users", response={201: UserOut, 202: InvitationOut, **CHANGING}, summary="Add a person, or invite them")
def add_user(request: HttpRequest, body: NewUser) -> Status[UserOut | InvitationOut]:
    """With a role in an organisation. An operator adds the person (201). Other requests become an invitation by mail
    (202, as `POST /api/invitations`), whether or not the address has an account: neither is revealed."""
    actor = actor_of(request)
    organisation = organisation_named(actor, None if body.organisation is None else str(body.organisation))
    if not actor.is_full_operator:
        actor.require("people.edit", organisation.pk)
        _refuse_what_is_theirs_to_choose(body)
        offered = invitations.invite(actor, email=body.email, organisation=organisation, role=body.role)
        return Status(202, invitation_out(offered))
    user = people.add_user(
        actor, email=body.email, name=body.name, organisation=organisation, role=body.role, password=body.password
    )
    return Status(201, _shown(actor, [user])[0])


@router.get("/users/{pk}", response={200: UserOut, **ONE}, summary="One person")
def one_user(request: HttpRequest, pk: Path[Number]) -> UserOut:
    """A person with the memberships that you may see."""
    return _shown(actor_of(request), [_one(request, pk)])[0]


@router.patch("/users/{pk}", response={200: UserOut, **CHANGING}, summary="Change a person")
def change_user(request: HttpRequest, pk: Path[Number], body: ChangedUser) -> UserOut:
    """Fields that are left out stay unchanged."""
    actor = actor_of(request)
    user = _one(request, pk)
    fields = not_null(body.given(), "name", "email", "is_active", "is_operator")
    with transaction.atomic():
        if "name" in fields:
            user = people.rename(actor, user=user, name=fields["name"])
        if "email" in fields:
            user = people.change_email(actor, user=user, email=fields["email"])
        if "is_operator" in fields:
            user = people.set_operator(actor, user=user, is_operator=fields["is_operator"])
        if "is_active" in fields:
            change = people.reactivate if fields["is_active"] else people.deactivate
            user = change(actor, user=user)
    return _shown(actor, [user])[0]


@router.put("/users/{pk}/password", response={204: None, **CHANGING}, summary="Set a password")
def set_password(request: HttpRequest, pk: Path[Number], body: NewPassword) -> Status[None]:
    """Your own, or that of a person whose memberships are all within your scope. Their sessions end, and they are
    notified by mail. A password set by an administrator is temporary: the person then chooses their own."""
    people.set_password(actor_of(request), user=_one(request, pk), password=body.password)
    return Status(204, None)


@router.delete("/users/{pk}", response={204: None, **CHANGING}, summary="Deactivate a person")
def remove_user(request: HttpRequest, pk: Path[Number]) -> Status[None]:
    """Deactivates a person whose memberships are all within your scope; for others, ends the memberships within it.
    Erasing a person's data is separate."""
    people.deactivate(actor_of(request), user=_one(request, pk))
    return Status(204, None)


@router.get("/memberships", response={200: MembershipPage, **REFUSALS}, summary="List memberships")
def list_memberships(request: HttpRequest, asked: Query[MembershipList]) -> MembershipPage:
    """Roles and their places: yours, and those where you see people."""
    found = Membership.objects.visible_to(actor_of(request)).select_related(*PLACE_RELATIONS, "custom_role")
    if asked.user is not None:
        found = found.filter(user=asked.user)
    if asked.organisation is not None:
        found = found.filter(organisation=asked.organisation)
    items, count = page_of(found, asked)
    record_memberships_read(actor_of(request), items)
    return MembershipPage.model_construct(items=[_membership(item) for item in items], count=count)


@router.post("/memberships", response={201: MembershipOut, **CHANGING}, summary="Give a role")
def grant(request: HttpRequest, body: NewMembership) -> Status[MembershipOut]:
    """For a person whom you see, at an organisation, region, site or meter. Other people are invited."""
    actor = actor_of(request)
    user = one(User.objects.visible_to(actor), body.user, "user", field="user")
    return Status(201, _membership(memberships.grant(actor, user=user, **body.position(actor))))


@router.get("/memberships/{pk}", response={200: MembershipOut, **ONE}, summary="One membership")
def one_membership(request: HttpRequest, pk: Path[Number]) -> MembershipOut:
    """A membership."""
    membership = _one_membership(request, pk)
    record_memberships_read(actor_of(request), [membership])
    return _membership(membership)


@router.patch("/memberships/{pk}", response={200: MembershipOut, **CHANGING}, summary="Change a membership")
def change_membership(request: HttpRequest, pk: Path[Number], body: ChangedMembership) -> MembershipOut:
    """Its role or its dates; fields that are left out stay unchanged."""
    actor = actor_of(request)
    membership = _one_membership(request, pk)
    fields: dict[str, Any] = not_null(body.given(), "role", "custom_role")
    if "custom_role" in fields:
        fields["custom_role"] = custom_role(actor, fields["custom_role"])
    return _membership(memberships.change(actor, membership=membership, **fields))


@router.delete("/memberships/{pk}", response={204: None, **CHANGING}, summary="End a membership")
def end_membership(request: HttpRequest, pk: Path[Number]) -> Status[None]:
    """Takes effect at once, also in open sessions."""
    memberships.end(actor_of(request), membership=_one_membership(request, pk))
    return Status(204, None)


def _refuse_what_is_theirs_to_choose(body: NewUser) -> None:
    for field, given in (("password", body.password is not None), ("name", bool(body.name))):
        if given:
            raise Invalid(f"People choose their own {field}, when they accept.", "Leave it out.", field=field)


def _one(request: HttpRequest, pk: int) -> User:
    return one(User.objects.visible_to(actor_of(request)), pk, "user")


def _one_membership(request: HttpRequest, pk: int) -> Membership:
    visible = Membership.objects.visible_to(actor_of(request)).select_related(*PLACE_RELATIONS, "custom_role")
    return one(visible, pk, "membership")


def _membership(membership: Membership) -> MembershipOut:
    return MembershipOut.model_construct(id=membership.pk, user=membership.user_id, **position_facts(membership))


def _shown(actor: Actor, users: list[User]) -> list[UserOut]:
    """Return people with those of their memberships that the actor sees: one query for all."""
    visible = Membership.objects.visible_to(actor).select_related(*PLACE_RELATIONS, "custom_role")
    held: dict[int, list[MembershipOut]] = {user.pk: [] for user in users}
    theirs = list(visible.filter(user__in=list(held)))
    for membership in theirs:
        held[membership.user_id].append(_membership(membership))
    record_people_read(actor, users, theirs)
    return [
        UserOut.model_construct(
            id=user.pk,
            email=user.email,
            name=user.name,
            is_active=user.is_active,
            is_operator=user.is_operator,
            created_at=user.created_at,
            memberships=held[user.pk],
        )
        for user in users
    ]
