"""``/account/tokens``: the user's own API tokens."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import ApiToken, User
from eclectyc.accounts.tokens import create_token, revoke_token
from eclectyc.estate import checks
from eclectyc.kernel.errors import Invalid
from eclectyc.web.clock import date_words, house_zone
from eclectyc.web.forms import Field, Form
from eclectyc.web.list_component import Cell
from eclectyc.web.security import actor_of
from eclectyc.web.views.admin.page import ActionRow, Button, Table, done, number_in, show
from eclectyc.web.views.admin.people import picker
from eclectyc.web.views.admin.suggestions import place_of, place_words

SCOPES: Final = (("read", "Read"), ("push", "Push readings only"), ("manage", "Full access"))
FIELDS: Final = (
    Field("name", "Name", help="Such as the name of the program: nightly report, boiler gateway.", is_required=True),
    Field("scope", "Access", "select", choices=SCOPES),
    Field("until", "Ends before (optional)", "date", help="Default: works until it is revoked."),
)


def tokens(request: HttpRequest) -> HttpResponse:
    """List the user's tokens; POST creates one and shows it once, or revokes one."""
    actor = actor_of(request)
    secret, form = "", Form.from_values(FIELDS, {"scope": "read"})
    mine = (
        ApiToken.objects.visible_to(actor)
        .filter(user=actor.user_id)
        .select_related("user", "organisation", "region", "site", "meter")
    )
    if request.method == "POST" and request.POST.get("do") == "revoke":
        one = get_object_or_404(mine, pk=number_in(request.POST.get("of", "")))
        revoke_token(actor, token=one)
        return done(request, f"{one.name} was revoked and no longer works.", reverse("account-tokens"))
    if request.method == "POST":
        form = Form.from_post(FIELDS, request.POST)
        made = form.attempt(lambda: _make(request, actor, form))
        if made is not None:
            secret, form = made, Form.from_values(FIELDS, {"scope": "read"})
    title = "API tokens"
    context: dict[str, Any] = {
        "form": form,
        "secret": secret,
        "table": _table(list(mine[:200])),
        "anywhere": True,
        "sub": "For programs. A token has your permissions, limited to the scope and place you choose.",
    }
    context |= picker(request, actor, "", "estate.view")
    context["place_help"] = "If a token is lost, only this place is exposed."
    response = show(request, "tokens", title, context | {"sections": []}, status=form.status)
    if secret:
        response.headers["Cache-Control"] = "no-store"
    return response


def _make(request: HttpRequest, actor: Actor, form: Form) -> str:
    day = checks.day("until", form["until"])
    expires = datetime.combine(day, time.min, house_zone()) if day else None
    if expires is not None and expires <= timezone.now():
        raise Invalid("This date has already passed.", "Choose a later one.", field="until")
    value = request.POST.get("place", "")
    place = place_of(actor, "estate.view", value) if value else {}
    user = get_object_or_404(User, pk=actor.user_id)
    return create_token(actor, user=user, name=form["name"], scope=form["scope"], expires_at=expires, **place)[1]


def _table(mine: list[ApiToken]) -> Table:
    now, rows = timezone.now(), []
    for one in mine:
        is_over = one.expires_at is not None and one.expires_at <= now
        mark = "revoked" if one.revoked_at else "expired" if is_over else ""
        name, kind = place_words(one)
        cells = [
            Cell(one.name, under=f"{one.prefix}…", mark=mark),
            Cell(dict(SCOPES).get(one.scope, one.scope)),
            Cell(name, under=kind),
            Cell(date_words(one.last_used_on) if one.last_used_on else "never"),
            Cell(date_words(one.expires_at.date()) if one.expires_at else "no end date"),
        ]
        rows.append(ActionRow(cells, one.pk, () if mark else (Button("Revoke", "revoke"),)))
    return Table("Your tokens", ("Name", "Access", "Place", "Last used", "Ends"), rows, "No tokens yet.", buttons=True)
