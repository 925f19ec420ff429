"""What every administration page has: its sections, its way back, what was just done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.kernel.errors import Conflict, EclectycError
from eclectyc.web import navigation
from eclectyc.web.forms import Field
from eclectyc.web.list_component import Row
from eclectyc.web.security import actor_of

MOST_ORGANISATIONS = 500


@dataclass(frozen=True, slots=True)
class Button:
    """A button of a row; with an address it is a link."""

    name: str
    do: str = ""
    kind: str = "quiet"
    address: str = ""


@dataclass(frozen=True, slots=True)
class ActionRow(Row):
    """A row with buttons."""

    buttons: Sequence[Button] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A short table that is neither searched nor paged."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Row]
    empty: str
    buttons: bool = False
    action: str = ""
    note: str = ""
    numbers: Sequence[str] = ()  # columns of numbers


@dataclass(slots=True)
class Danger:
    """How to delete a thing, what is lost with it, and why it was refused."""

    title: str
    what: str
    button: str
    do: str = "delete"
    refusal: str = ""
    remedy: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    def refuse(self, error: EclectycError) -> None:
        self.refusal, self.remedy = error.reason, error.remedy


def show(
    request: HttpRequest, template: str, title: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render a page of the administration."""
    actor = actor_of(request)
    frame = {
        "title": title,
        "sections": navigation.sections_for(actor),
        "section": navigation.section_of(request.path),
    }
    return render(request, f"web/admin/{template}.html", frame | context, status=status)


def done(request: HttpRequest, message: str, address: str) -> HttpResponse:
    """Redirect to a page that shows what was done."""
    messages.success(request, message)
    return redirect(address)


def status_of(error: EclectycError | None) -> int:
    """Return the status of a page that shows a refusal."""
    return 200 if error is None else 409 if isinstance(error, Conflict) else 422


def organisations_for(actor: Actor, permission: str) -> list[Organisation]:
    """Return the organisations the actor may act in, or those of which only a part is theirs."""
    whole = Organisation.objects.visible_to(actor, permission).order_by("name")
    found = list(whole[:MOST_ORGANISATIONS])
    return found or list(Organisation.objects.visible_to(actor)[:MOST_ORGANISATIONS])


def organisation_field(organisations: Iterable[Organisation]) -> Field:
    """Return the field for the organisation, hidden if there is only one."""
    choices = tuple((str(o.pk), o.name) for o in organisations)
    return Field("organisation", "Organisation", "select" if len(choices) > 1 else "hidden", choices=choices)


def number_in(text: str) -> int:
    """Return a number that was sent, or 0, which is nothing's id."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def version_in(request: HttpRequest) -> int | None:
    """Return the version that a form was filled from."""
    return number_in(request.POST.get("version", "")) or None
