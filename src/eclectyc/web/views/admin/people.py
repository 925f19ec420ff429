"""``/admin/users``: people and invitations, a person with their memberships, the invitation form."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from eclectyc.accounts import invitations, memberships, people
from eclectyc.accounts.access_log import record_invitations_read, record_people_read
from eclectyc.accounts.actor import Actor
from eclectyc.accounts.grants import in_effect_on, local_today
from eclectyc.accounts.models import PLACE_RELATIONS, Invitation, Membership, Role, User
from eclectyc.accounts.roles import ROLES
from eclectyc.estate import checks
from eclectyc.kernel.errors import EclectycError, Forbidden
from eclectyc.web.clock import date_words
from eclectyc.web.forms import Field, Form
from eclectyc.web.list_component import Cell, Listing, ListQuery, PageSlice, Row, filter_of, list_headings, yes_or_no
from eclectyc.web.list_query import PAGE_SIZE, Column, ordered
from eclectyc.web.security import actor_of
from eclectyc.web.views.admin.page import ActionRow, Button, Danger, Table, done, number_in, show
from eclectyc.web.views.admin.suggestions import place_choices, place_of, place_words

COLUMNS: Final = (Column("Person", "email"), Column("Name", "name"), Column("Roles"), Column("Since", "since"))
SORTS: Final = {"email": "email", "name": "name", "since": "created_at"}
STATES: Final = (("yes", "Active"), ("no", "Disabled"))
MOST_INVITATIONS: Final = 200
DATES: Final = (
    Field("since", "From (optional)", "date", help="Default: now."),
    Field("until", "Ends before (optional)", "date", help="Default: no end date."),
)
_RELATED: Final = (*PLACE_RELATIONS, "custom_role")


def users(request: HttpRequest) -> HttpResponse:
    """List the people and the pending invitations; POST resends or cancels one."""
    actor = actor_of(request)
    if request.method == "POST":
        return _invitation_act(request, actor)
    asked = ListQuery(request.GET, [*SORTS], "email")
    found = User.objects.visible_to(actor)
    for word in asked.words.split():
        found = found.filter(Q(email__icontains=word) | Q(name__icontains=word))
    is_active = yes_or_no(asked.query.get("active", ""))
    if is_active is not None:
        found = found.filter(is_active=is_active)
    count = found.count()
    shown = list(ordered(found, request.GET, SORTS, "email")[0][asked.offset : asked.offset + PAGE_SIZE])
    held = list(Membership.objects.visible_to(actor).filter(user__in=shown).select_related(*_RELATED))
    record_people_read(actor, shown, held)
    waiting = _waiting(actor)
    listing = Listing(
        "people",
        "person",
        list_headings(COLUMNS, asked),
        [_row(one, held) for one in shown],
        PageSlice(asked.number, count),
        asked.words,
        asked.sort,
        "Name or address",
        [filter_of(asked, "State", "active", STATES)],
        None,
        "Invite the first person.",
        asked.hidden_fields("active"),
    )
    context: dict[str, Any] = {"list": listing, "more_lists": [waiting]}
    if actor.may_somewhere("people.edit"):
        context["actions"] = [("Invite a person", reverse("admin-invite"))]
    return show(request, "list", "People", context)


def invite(request: HttpRequest) -> HttpResponse:
    """Invite a person to a role at a place by email."""
    actor = actor_of(request)
    fields = (
        Field(
            "email",
            "Email address",
            "email",
            help="We email a link, which works once, for seven days.",
            is_required=True,
        ),
        Field("role", "Role", "select", choices=_roles(actor)),
        *DATES,
    )
    form = (
        Form.from_post(fields, request.POST)
        if request.method == "POST"
        else Form.from_values(fields, {"role": "viewer"})
    )
    place_error = ""
    if request.method == "POST":
        made = form.attempt(lambda: invitations.invite(actor, email=form["email"], **_position(request, actor, form)))
        if made is not None:
            return done(request, f"{made.email} was invited as {made.role_name}.", reverse("admin-users"))
        form, place_error = _place_fault(form)
    context = {
        "form": form,
        "back": reverse("admin-users"),
        "button": "Send invitation",
        "crumbs": [("People", reverse("admin-users"))],
    }
    context |= picker(request, actor, place_error)
    return show(request, "form_with_place", "Invite a person", context, status=form.status)


def user(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a person: their name, their memberships, whether they may sign in."""
    actor = actor_of(request)
    one = get_object_or_404(User.objects.visible_to(actor), pk=pk)
    add = (Field("role", "Role", "select", choices=_roles(actor)), *DATES)
    context: dict[str, Any] = {
        "form": Form.from_values((_NAME,), {"name": one.name}),
        "add": Form.from_values(add, {"role": "viewer"}, "add"),
        "danger": _danger(one),
        "place_error": "",
    }
    status = 200
    if request.method == "POST":
        answer = _user_act(request, actor, one, context)
        if isinstance(answer, HttpResponse):
            return answer
        status = answer
    held = list(Membership.objects.visible_to(actor).filter(user=one).select_related(*_RELATED))
    record_people_read(actor, [one], held)
    context |= {
        "person": one,
        "back": reverse("admin-users"),
        "crumbs": [("People", reverse("admin-users"))],
        "sub": f"{one.email}{'' if one.is_active else ', disabled'}",
        "memberships": _table(actor, held),
        "may_give": actor.may_somewhere("people.edit"),
    }
    if not actor.may_somewhere("people.edit"):
        context["danger"] = None
    elif not one.is_active:
        context["danger"] = Danger(
            "Reactivate this person",
            "This person gets their memberships back.",
            "Reactivate",
            "reactivate",
            context["danger"].refusal,
            context["danger"].remedy,
        )
    return show(
        request,
        "person",
        one.name or one.email,
        context | picker(request, actor, context["place_error"]),
        status=status,
    )


_NAME: Final = Field("name", "Name", help="As other people see it.")


def picker(request: HttpRequest, actor: Actor, error: str, permission: str = "people.edit") -> dict[str, object]:
    """Return the choices of a place, and the current one."""
    value = request.POST.get("place", "")
    typed = "" if value else request.POST.get("place_search", "")
    return {
        "place_choices": place_choices(actor, permission, typed, value),
        "place_permission": permission,
        "place_chosen": value,
        "place_error": error,
        "place_help": "An organisation includes all its regions, sites and meters, and the organisations below it.",
    }


def _user_act(request: HttpRequest, actor: Actor, one: User, context: dict[str, Any]) -> HttpResponse | int:
    here, do = reverse("admin-user", args=[one.pk]), request.POST.get("do", "")
    if do in ("delete", "reactivate"):
        try:
            people.deactivate(actor, user=one) if do == "delete" else people.reactivate(actor, user=one)
        except EclectycError as error:
            context["danger"].refuse(error)
            return 403 if isinstance(error, Forbidden) else 409
        return done(
            request, f"{one.email} {'was disabled' if do == 'delete' else 'was reactivated'}.", reverse("admin-users")
        )
    if do == "end":
        mine = Membership.objects.visible_to(actor).filter(user=one).select_related(*_RELATED, "user")
        membership = get_object_or_404(mine, pk=number_in(request.POST.get("of", "")))
        form = context["add"]
        try:
            memberships.end(actor, membership=membership)
        except EclectycError as error:
            form.refuse(error)
            return int(form.status)
        return done(request, "The membership was ended.", here)
    if do == "grant":
        form = Form.from_post(context["add"].fields, request.POST, "add")
        made = form.attempt(lambda: memberships.grant(actor, user=one, **_position(request, actor, form)))
        if made is not None:
            return done(request, f"{one.email} is now {made.role_name} there.", here)
        context["add"], context["place_error"] = _place_fault(form)
        return form.status
    form = context["form"] = Form.from_post((_NAME,), request.POST)
    if form.attempt(lambda: people.rename(actor, user=one, name=form["name"])) is None:
        return form.status
    return done(request, "The name was saved.", here)


def membership(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a membership's role and dates; end it."""
    actor = actor_of(request)
    related = Membership.objects.visible_to(actor).select_related(*_RELATED, "user")
    one = get_object_or_404(related, pk=pk)
    actor.require("people.edit", one.place)
    back = reverse("admin-user", args=[one.user_id])
    fields = (Field("role", "Role", "select", choices=_roles(actor)), *DATES)
    role = f"custom:{one.custom_role_id}" if one.custom_role_id else one.role
    form = Form.from_values(fields, {"role": role, "since": one.since, "until": one.until})
    danger = Danger("End membership", "Ends immediately, in open sessions too.", "End membership", "end")
    status = 200
    if request.method == "POST" and request.POST.get("do") == "end":
        try:
            memberships.end(actor, membership=one)
        except EclectycError as error:
            danger.refuse(error)
            status = 409
        else:
            return done(request, "The membership was ended.", back)
    elif request.method == "POST":
        form = Form.from_post(fields, request.POST)
        if form.attempt(lambda: memberships.change(actor, membership=one, **_role_and_dates(actor, form))) is not None:
            return done(request, "The membership was saved.", back)
        status = form.status
    name, kind = place_words(one)
    context = {
        "form": form,
        "back": back,
        "danger": danger,
        "sub": f"{name}, {kind}",
        "crumbs": [("People", reverse("admin-users")), (one.user.email, back)],
    }
    return show(request, "form", f"Membership of {one.user.email}", context, status=status)


def _invitation_act(request: HttpRequest, actor: Actor) -> HttpResponse:
    visible = Invitation.objects.visible_to(actor).select_related(*_RELATED, "invited_by")
    one = get_object_or_404(visible, pk=number_in(request.POST.get("of", "")))
    if request.POST.get("do") == "resend":
        invitations.resend(actor, invitation=one)
        return done(
            request, f"A new link was sent to {one.email}. The old one no longer works.", reverse("admin-users")
        )
    invitations.withdraw(actor, invitation=one)
    return done(request, f"The invitation of {one.email} was cancelled.", reverse("admin-users"))


def _waiting(actor: Actor) -> Table:
    now = timezone.now()
    closed = Invitation.objects.visible_to(actor).filter(accepted_at=None, withdrawn_at=None)
    waiting = list(closed.select_related(*_RELATED)[:MOST_INVITATIONS])
    record_invitations_read(actor, waiting)
    rows = []
    for one in waiting:
        name, kind = place_words(one)
        state = one.state(now)
        mark = "expired" if state == "expired" else "" if one.sent_at else "email not sent"
        buttons = (Button("Send again", "resend"), Button("Cancel", "withdraw"))
        cells = [
            Cell(one.email, mark=mark, is_wrong=bool(mark)),
            Cell(one.role_name),
            Cell(name, under=kind),
            Cell(_span(one.since, one.until)),
            Cell(date_words(one.expires_at.date())),
        ]
        rows.append(ActionRow(cells, one.pk, buttons if actor.may("people.edit", one.place) else ()))
    names = ("Address", "Role", "Place", "Valid", "Link expires")
    return Table("Pending invitations", names, rows, "No pending invitations.", buttons=True)


def _row(one: User, held: list[Membership]) -> Row:
    roles = [f"{m.role_name} at {place_words(m)[0]}" for m in held if m.user_id == one.pk]
    words = ", ".join(roles[:3]) + (f" and {len(roles) - 3} more" if len(roles) > 3 else "")
    mark = "" if one.is_active else "disabled"
    cells = [
        Cell(one.email, reverse("admin-user", args=[one.pk]), mark=mark),
        Cell(one.name),
        Cell("operator" if one.is_operator else words or "none"),
        Cell(date_words(one.created_at.date())),
    ]
    return Row(cells, one.pk)


def _table(actor: Actor, held: list[Membership]) -> Table:
    today = local_today()
    visible = Membership.objects.visible_to(actor)
    running = set(visible.filter(in_effect_on(today), pk__in=[m.pk for m in held]).values_list("pk", flat=True))
    rows = []
    for one in held:
        name, kind = place_words(one)
        may = actor.may("people.edit", one.place)
        over = one.until is not None and one.until <= today
        mark = "" if one.pk in running else "ended" if over else "not started"
        to = reverse("admin-membership", args=[one.pk]) if may else ""
        cells = [Cell(one.role_name, to, mark=mark), Cell(name, under=kind), Cell(_span(one.since, one.until))]
        rows.append(ActionRow(cells, one.pk, (Button("End", "end"),) if may else ()))
    return Table("Memberships", ("Role", "Place", "Valid"), rows, "None: this person can't see anything.", buttons=True)


def _span(since: date | None, until: date | None) -> str:
    if since is None and until is None:
        return "no end date"
    return " ".join(
        filter(None, (f"from {date_words(since)}" if since else "", f"until {date_words(until)}" if until else ""))
    )


def _roles(actor: Actor) -> tuple[tuple[str, str], ...]:
    custom = Role.objects.visible_to(actor).select_related("organisation")[:200]
    return (*((role, role.capitalize()) for role in ROLES), *((f"custom:{r.pk}", r.name) for r in custom))


def _role_and_dates(actor: Actor, form: Form) -> dict[str, Any]:
    kind, _, number = form["role"].partition(":")
    custom = Role.objects.visible_to(actor).filter(pk=number_in(number)).first() if kind == "custom" else None
    dates = {name: checks.day(name, form[name]) for name in ("since", "until")}
    return {"role": None if custom else form["role"], "custom_role": custom} | dates


def _position(request: HttpRequest, actor: Actor, form: Form) -> dict[str, Any]:
    return _role_and_dates(actor, form) | place_of(actor, "people.edit", request.POST.get("place", ""))


def _place_fault(form: Form) -> tuple[Form, str]:
    """Move an error about the place next to the place."""
    if form.fault and "place" in form.fault.lower() and not form.errors and form.status == 422:
        message, form.fault, form.remedy = f"{form.fault} {form.remedy}", "", ""
        return form, message
    return form, ""


def _danger(one: User) -> Danger:
    return Danger(
        "Disable this person",
        f"{one.email} can no longer sign in or use tokens. If they also belong to other organisations, only their "
        "memberships that you manage end. You can reactivate them later.",
        f"Disable {one.email}",
    )
