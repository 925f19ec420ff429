"""``/admin/roles``: the permissions of each role; custom roles are created, edited and deleted here."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from eclectyc.accounts import custom_roles
from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation, Role
from eclectyc.accounts.roles import PERMISSIONS, ROLE_PERMISSIONS, with_implied
from eclectyc.kernel.errors import EclectycError, Invalid
from eclectyc.web.forms import Field, Form
from eclectyc.web.security import actor_of
from eclectyc.web.views.admin.page import Danger, done, organisation_field, show

MOST_ROLES: Final = 40  # columns


@require_safe
def roles(request: HttpRequest) -> HttpResponse:
    """Show the permissions of every role."""
    actor = actor_of(request)
    custom = list(Role.objects.visible_to(actor).select_related("organisation")[:MOST_ROLES])
    columns: list[dict[str, Any]] = [
        {"name": name.capitalize(), "address": "", "under": "every organisation", "may": may}
        for name, may in ROLE_PERMISSIONS.items()
    ]
    for role in custom:
        address = reverse("admin-role", args=[role.pk]) if actor.may("roles.edit", role.organisation_id) else ""
        columns.append(
            {
                "name": role.name,
                "address": address,
                "under": role.organisation.name,
                "may": with_implied(role.permissions),
            }
        )
    rows = [(words, name, [name in column["may"] for column in columns]) for name, words in PERMISSIONS.items()]
    context: dict[str, Any] = {
        "columns": columns,
        "rows": rows,
        "sub": "A person has the permissions of all their roles.",
    }
    if _organisations(actor):
        context["actions"] = [("New role", reverse("admin-role-new"))]
    return show(request, "roles", "Roles", context)


def new_role(request: HttpRequest) -> HttpResponse:
    """Create a role."""
    actor = actor_of(request)
    actor_organisations = _organisations(actor)
    fields = (_NAME, organisation_field(actor_organisations), _permissions(actor, actor_organisations))
    start = {"organisation": actor_organisations[0].pk if actor_organisations else ""}
    form = Form.from_post(fields, request.POST) if request.method == "POST" else Form.from_values(fields, start)
    if request.method == "POST":
        own = next((o for o in actor_organisations if str(o.pk) == form["organisation"]), None)
        if own is None:
            form.refuse(Invalid("Choose an organisation.", field="organisation"))
        else:
            given = form.all("permissions")
            made = form.attempt(
                lambda: custom_roles.create(actor, organisation=own, name=form["name"], permissions=given)
            )
            if made is not None:
                return done(request, f"The role {made.name} was created.", reverse("admin-roles"))
    context = {
        "form": form,
        "back": reverse("admin-roles"),
        "button": "Create role",
        "crumbs": [("Roles", reverse("admin-roles"))],
    }
    return show(request, "form", "New role", context, status=form.status)


def role(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a role for everyone who has it; delete it."""
    actor = actor_of(request)
    one = get_object_or_404(Role.objects.visible_to(actor).select_related("organisation"), pk=pk)
    actor.require("roles.edit", one.organisation_id)
    back = reverse("admin-roles")
    fields = (_NAME, _permissions(actor, [one.organisation], one.permissions))
    form = Form.from_values(fields, {"name": one.name})
    form.typed["permissions"] = list(one.permissions)
    danger = Danger(
        "Delete this role",
        "Roles that are in use, or offered in an invitation, cannot be deleted.",
        f"Delete {one.name}",
    )
    status = 200
    if request.method == "POST" and request.POST.get("do") == "delete":
        try:
            custom_roles.delete(actor, role=one)
        except EclectycError as error:
            danger.refuse(error)
            status = 409
        else:
            return done(request, f"The role {one.name} was deleted.", back)
    elif request.method == "POST":
        form = Form.from_post(fields, request.POST)
        given = form.all("permissions")
        if form.attempt(lambda: custom_roles.change(actor, role=one, name=form["name"], permissions=given)):
            return done(request, "The role was saved for everyone who has it.", back)
        status = form.status
    context = {"form": form, "back": back, "danger": danger, "sub": one.organisation.name, "crumbs": [("Roles", back)]}
    return show(request, "form", one.name, context, status=status)


_NAME: Final = Field("name", "Name", is_required=True, help="Such as Contractor or Energy analyst.")


def _permissions(actor: Actor, where: list[Organisation], held: list[str] | None = None) -> Field:
    mine = {p for p in PERMISSIONS if any(actor.may(p, o.pk) for o in where)} | set(held or [])
    choices = tuple((name, words) for name, words in PERMISSIONS.items() if name in mine)
    return Field(
        "permissions",
        "Permissions",
        "checks",
        choices=choices,
        help="You can only give permissions that you have yourself.",
    )


def _organisations(actor: Actor) -> list[Organisation]:
    return list(Organisation.objects.visible_to(actor, "roles.edit").order_by("name")[:500])
