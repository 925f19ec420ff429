"""What every page's frame needs."""

from __future__ import annotations

from django.http import HttpRequest


def frame(request: HttpRequest) -> dict[str, object]:
    """Return the actor, for navigation that shows only what this person may open."""
    return {"actor": getattr(request, "actor", None)}
