"""What every page's frame needs."""

from __future__ import annotations

from django.http import HttpRequest

from eclectyc.accounts.actor import Actor
from eclectyc.web import navigation
from eclectyc.web.brand import brand_of, version_of


def frame(request: HttpRequest) -> dict[str, object]:
    """Return the actor and the navigation, which shows only what this person may open."""
    actor: Actor = getattr(request, "actor", None) or Actor.anonymous()
    if not actor.is_known:
        return {"actor": None, "places": [], "here": ""}
    places, look = navigation.pages_for(actor), brand_of(actor)
    return {
        "actor": actor,
        "places": places,
        "here": navigation.current(request.path, places),
        "brand": look,
        "brand_version": version_of(look),
    }
