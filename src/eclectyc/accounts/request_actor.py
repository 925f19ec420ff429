"""The actor of a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.client_address import origin_of
from eclectyc.accounts.second_factor import must_set_up
from eclectyc.accounts.sessions import check_session


def actor_of(request: HttpRequest) -> Actor:
    """Return the signed-in user as an actor, read from the registry, or the anonymous actor.

    A user who must first replace a temporary password, or set up a required second factor, is anonymous as well; the
    request then has ``needs_own_password`` or ``needs_second_factor``.
    """
    check_session(request)
    user = request.user
    if not user.is_authenticated:
        return Actor.anonymous()
    if user.password_is_temporary:
        request.needs_own_password = True  # type: ignore[attr-defined]
        return Actor.anonymous()
    if must_set_up(user):
        request.needs_second_factor = True  # type: ignore[attr-defined]
        return Actor.anonymous()
    return Actor.of(user, origin=origin_of(request))


def attach_actor(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: set ``request.actor``.

    It is read on first use: a response that needs no actor (the bare health status) costs no query, and works even
    if the registry is down.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        request.actor = cast(Actor, SimpleLazyObject(lambda: actor_of(request)))  # type: ignore[attr-defined]
        return get_response(request)

    return middleware
