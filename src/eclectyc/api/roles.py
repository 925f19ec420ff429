"""Roles: the three built-in ones, and custom ones."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema
from ninja.responses import Status
from pydantic import Field

from eclectyc.accounts import custom_roles
from eclectyc.accounts.models import Organisation, Role
from eclectyc.accounts.roles import PERMISSIONS, ROLE_PERMISSIONS
from eclectyc.api.authentication import actor_of
from eclectyc.api.requests import CHANGING, ONE, REFUSALS, Body, Number, Page, not_null, one, page_of
from eclectyc.api.schemas import Text

router = Router(tags=["people"])
Permissions = Annotated[list[Text], Field(max_length=100)]


class NewRole(Body):
    organisation: Number
    name: Text
    permissions: Permissions


class ChangedRole(Body):
    name: Text | None = None
    permissions: Permissions | None = None


class RoleOut(Schema):
    id: int
    organisation: int
    name: str
    permissions: list[str]


class RolePage(Schema):
    items: list[RoleOut] = Field(description="Custom roles.")
    count: int
    built_in: dict[str, list[str]] = Field(description="The built-in roles.")
    permissions: dict[str, str] = Field(description="Every permission with its description.")


@router.get("/roles", response={200: RolePage, **REFUSALS}, summary="List roles")
def list_roles(request: HttpRequest, asked: Query[Page]) -> RolePage:
    """The custom roles available where you see people, and the built-in ones."""
    items, count = page_of(Role.objects.visible_to(actor_of(request)), asked)
    built_in = {role: sorted(permissions) for role, permissions in ROLE_PERMISSIONS.items()}
    return RolePage(items=[_out(role) for role in items], count=count, built_in=built_in, permissions=dict(PERMISSIONS))


@router.post("/roles", response={201: RoleOut, **CHANGING}, summary="Make a role")
def add_role(request: HttpRequest, body: NewRole) -> Status[RoleOut]:
    """With permissions that you have yourself in the whole organisation; available there and below."""
    actor = actor_of(request)
    organisation = one(Organisation.objects.visible_to(actor), body.organisation, "organisation", field="organisation")
    role = custom_roles.create(actor, organisation=organisation, name=body.name, permissions=body.permissions)
    return Status(201, _out(role))


@router.get("/roles/{pk}", response={200: RoleOut, **ONE}, summary="One role")
def one_role(request: HttpRequest, pk: Path[Number]) -> RoleOut:
    """A custom role."""
    return _out(_one(request, pk))


@router.patch("/roles/{pk}", response={200: RoleOut, **CHANGING}, summary="Change a role")
def change_role(request: HttpRequest, pk: Path[Number], body: ChangedRole) -> RoleOut:
    """Takes effect at once for everyone who has it."""
    fields = not_null(body.given(), "name", "permissions")
    return _out(custom_roles.change(actor_of(request), role=_one(request, pk), **fields))


@router.delete("/roles/{pk}", response={204: None, **CHANGING}, summary="Delete a role")
def delete_role(request: HttpRequest, pk: Path[Number]) -> Status[None]:
    """Refused while it is assigned or offered in an invitation."""
    custom_roles.delete(actor_of(request), role=_one(request, pk))
    return Status(204, None)


def _one(request: HttpRequest, pk: int) -> Role:
    return one(Role.objects.visible_to(actor_of(request)), pk, "role")


def _out(role: Role) -> RoleOut:
    return RoleOut(id=role.pk, organisation=role.organisation_id, name=role.name, permissions=role.permissions)
