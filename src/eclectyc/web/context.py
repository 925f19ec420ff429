"""What every page's frame needs."""

from __future__ import annotations

from django.http import HttpRequest

from eclectyc.accounts.actor import Actor
from eclectyc.web import navigation


def frame(request: HttpRequest) -> dict[str, object]:
    """Return the actor and the navigation, which shows only what this person may open."""
    actor: Actor = getattr(request, "actor", None) or Actor.nobody()
    if not actor.is_known:
        return {"actor": None, "places": [], "here": ""}
    return {"actor": actor, "places": navigation.places_of(actor), "here": navigation.current(request.path)}
