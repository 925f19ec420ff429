"""Signing in, and who a request comes from."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from eclectyc.accounts.actor import Actor


def actor_of(request: HttpRequest) -> Actor:
    """Return the signed-in user as an actor, read anew from the registry, or nobody."""
    user = request.user
    return Actor.of(user) if user.is_authenticated else Actor.nobody()


def attach_actor(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: ``request.actor`` is who asks.

    It is found out when it is first looked at: an answer that needs nobody (the bare health status) costs no
    query, and can still be given when the registry is down.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        request.actor = cast(Actor, SimpleLazyObject(lambda: actor_of(request)))  # type: ignore[attr-defined]
        return get_response(request)

    return middleware
