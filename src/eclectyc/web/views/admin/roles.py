"""``/admin/roles``: what each role may do, as a table; custom roles made, changed, deleted."""

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
    """Show every role beside what it may do."""
    actor = actor_of(request)
    custom = list(Role.objects.visible_to(actor).select_related("organisation")[:MOST_ROLES])
    columns: list[dict[str, Any]] = [
        {"name": name.capitalize(), "address": "", "under": "every organisation", "may": may}
        for name, may in ROLE_PERMISSIONS.items()
    ]
    for role in custom:
        address = reverse("admin-role", args=[role.pk]) if actor.may("roles.edit", role.organisation_id) else ""
        columns.append({"name": role.name, "address": address, "under": role.organisation.name,
                        "may": with_implied(role.permissions)})  # fmt: skip
    rows = [(words, name, [name in column["may"] for column in columns]) for name, words in PERMISSIONS.items()]
    context: dict[str, Any] = {"columns": columns, "rows": rows,
                               "sub": "A person's rights are those of all their roles together."}  # fmt: skip
    if _organisations(actor):
        context["actions"] = [("New role", reverse("admin-role-new"))]
    return show(request, "roles", "Roles", context)


def new_role(request: HttpRequest) -> HttpResponse:
    """Make a role."""
    actor = actor_of(request)
    actor_organisations = _organisations(actor)
    fields = (_NAME, organisation_field(actor_organisations), _permissions(actor, actor_organisations))
    start = {"organisation": actor_organisations[0].pk if actor_organisations else ""}
    form = Form.sent(fields, request.POST) if request.method == "POST" else Form.holding(fields, start)
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
                return done(request, f"The role {made.name} was made.", reverse("admin-roles"))
    context = {"form": form, "back": reverse("admin-roles"), "button": "Make the role",
               "crumbs": [("Roles", reverse("admin-roles"))]}  # fmt: skip
    return show(request, "form", "New role", context, status=form.status)


def role(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a role for everybody who has it; delete it."""
    actor = actor_of(request)
    one = get_object_or_404(Role.objects.visible_to(actor).select_related("organisation"), pk=pk)
    actor.require("roles.edit", one.organisation_id)
    back = reverse("admin-roles")
    fields = (_NAME, _permissions(actor, [one.organisation], one.permissions))
    form = Form.holding(fields, {"name": one.name})
    form.given["permissions"] = list(one.permissions)
    danger = Danger("Delete this role", "A role that somebody has, or is invited to, is not deleted.",
                    f"Delete {one.name}")  # fmt: skip
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
        form = Form.sent(fields, request.POST)
        given = form.all("permissions")
        if form.attempt(lambda: custom_roles.change(actor, role=one, name=form["name"], permissions=given)):
            return done(request, "The role was saved, for everybody who has it.", back)
        status = form.status
    context = {"form": form, "back": back, "danger": danger, "sub": one.organisation.name,
               "crumbs": [("Roles", back)]}  # fmt: skip
    return show(request, "form", one.name, context, status=status)


_NAME: Final = Field("name", "Name", is_needed=True, help="Such as Contractor or Energy analyst.")


def _permissions(actor: Actor, where: list[Organisation], held: list[str] | None = None) -> Field:
    mine = {p for p in PERMISSIONS if any(actor.may(p, o.pk) for o in where)} | set(held or [])
    choices = tuple((name, words) for name, words in PERMISSIONS.items() if name in mine)
    return Field("permissions", "What it may do", "checks", choices=choices,
                 help="Only what you may do yourself can be given.")  # fmt: skip


def _organisations(actor: Actor) -> list[Organisation]:
    return list(Organisation.objects.visible_to(actor, "roles.edit").order_by("name")[:500])
