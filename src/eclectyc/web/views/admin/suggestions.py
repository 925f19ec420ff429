"""Suggestions while typing, and the places and rows that were chosen, all among what the actor may see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation, Scope
from eclectyc.estate.bulk import MOST_AT_ONCE
from eclectyc.estate.lists import words_of
from eclectyc.estate.models import Meter, Region, Site, Supplier
from eclectyc.kernel.errors import Invalid
from eclectyc.web.security import actor_of
from eclectyc.web.views.admin.page import number_in

MOST_SUGGESTIONS: Final = 100
SUGGESTED: Final = {
    "site": (Site, "name"),
    "region": (Region, "name"),
    "supplier": (Supplier, "name"),
    "meter": (Meter, "identifier"),
}
KINDS: Final[dict[str, Any]] = {"organisation": Organisation, "region": Region, "site": Site, "meter": Meter}
PERMISSIONS: Final = ("estate.view", "people.edit")


def suggestions(found: QuerySet[Any], field: str) -> tuple[str, ...]:
    """Return the first names to choose from."""
    return tuple(dict.fromkeys(found.order_by(field).values_list(field, flat=True)[:MOST_SUGGESTIONS]))


@require_safe
def suggest(request: HttpRequest) -> HttpResponse:
    """Answer with names that match what is typed, for a field's list."""
    actor = actor_of(request)
    model, field = SUGGESTED.get(request.GET.get("of", ""), SUGGESTED["site"])
    typed = request.GET.get(request.GET.get("field", ""), "")
    found = model.objects.visible_to(actor)  # type: ignore[attr-defined]
    for word in words_of(typed):
        found = found.filter(**{f"{field}__icontains": word})
    return render(request, "web/admin/options.html", {"words": suggestions(found, field)})


def selected_ids(request: HttpRequest, everything: QuerySet[Any]) -> list[int]:
    """Return the ids of the rows that were ticked, or of all that match."""
    if request.POST.get("all") == "true":
        return list(everything.order_by().values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
    which = [number_in(text) for text in request.POST.getlist("which")[: MOST_AT_ONCE + 1]]
    return [number for number in which if number]


@dataclass(frozen=True, slots=True)
class PlaceChoice:
    """A place where a role or token can apply."""

    value: str  # site:12
    name: str
    kind: str
    is_chosen: bool = False


@require_safe
def places(request: HttpRequest) -> HttpResponse:
    """Answer with the places that match what is typed."""
    asked = request.GET.get("permission", "")
    permission = asked if asked in PERMISSIONS else PERMISSIONS[0]
    typed, value = request.GET.get("place_search", ""), request.GET.get("place", "")
    found = place_choices(actor_of(request), permission, typed, value)
    return render(request, "web/admin/places.html", {"place_choices": found, "anywhere": "anywhere" in request.GET})


def place_choices(actor: Actor, permission: str, typed: str, value: str) -> list[PlaceChoice]:
    """Return places to choose from: the current choice, then what matches; organisations if nothing is typed."""
    now = [*_selected_place(actor, permission, value)]
    words = words_of(typed)
    found = []
    for kind in KINDS if words else ("organisation", "region"):
        things = _found(actor, permission, kind, words)[:12]
        found += [PlaceChoice(f"{kind}:{thing.pk}", _name(thing), _kind(kind, thing)) for thing in things]
    return [*now, *(place for place in found if place.value not in {one.value for one in now})]


def place_of(actor: Actor, permission: str, value: str) -> dict[str, Any]:
    """Return a chosen place for a service, if the actor may see it."""
    kind, _, number = value.partition(":")
    if kind not in KINDS:
        raise Invalid("Choose a place.", "It can be an organisation, a region, a site or a meter.", field="place")
    thing = _visible(actor, permission, kind).filter(pk=number_in(number)).first()
    if thing is None:
        raise Invalid("There is no such place.", "Choose one from the list.", field="place")
    return {kind: thing}


def value_of(scope: Scope) -> str:
    """Return a scope as the value of the form's field."""
    for kind in ("meter", "site", "region"):
        if getattr(scope, f"{kind}_id") is not None:
            return f"{kind}:{getattr(scope, f'{kind}_id')}"
    return f"organisation:{scope.organisation_id}"  # type: ignore[attr-defined]


def place_words(scope: Scope) -> tuple[str, str]:
    """Return a place's name, and what kind of place it is."""
    thing = scope.thing
    organisation = getattr(scope, "organisation", None)
    if thing is None:
        return (str(organisation), "organisation") if organisation else ("everywhere", "")
    return str(thing), f"{thing._meta.model_name} of {organisation}" if organisation else str(thing._meta.model_name)


def _selected_place(actor: Actor, permission: str, value: str) -> Iterator[PlaceChoice]:
    kind, _, number = value.partition(":")
    if kind in KINDS:
        for thing in _visible(actor, permission, kind).filter(pk=number_in(number)):
            yield PlaceChoice(f"{kind}:{thing.pk}", _name(thing), _kind(kind, thing), is_chosen=True)


def _visible(actor: Actor, permission: str, kind: str) -> QuerySet[Any]:
    found: QuerySet[Any] = KINDS[kind].objects.visible_to(actor, permission)
    if kind == "organisation":
        return found
    found = found.select_related("organisation")
    return found.select_related("site") if kind == "meter" else found


def _found(actor: Actor, permission: str, kind: str, words: Iterable[str]) -> QuerySet[Any]:
    found = _visible(actor, permission, kind)
    for word in words:
        found = found.filter(**{"search__contains" if kind in ("site", "meter") else "name__icontains": word})
    return found.order_by("identifier" if kind == "meter" else "name")


def _name(thing: Model) -> str:
    return f"{thing.identifier} {thing.name}".strip() if isinstance(thing, Meter) else str(thing)


def _kind(kind: str, thing: Any) -> str:
    if kind == "organisation":
        return "the whole organisation"
    return f"meter at {thing.site.name}" if kind == "meter" else f"{kind} of {thing.organisation.name}"
