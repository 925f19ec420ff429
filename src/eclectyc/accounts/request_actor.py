"""Who a request comes from."""

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
    """Return the signed-in user as an actor, read anew from the registry, or nobody.

    Nobody is also who has yet to choose a password that nobody else knows, or to set up the second factor that is
    required of them; ``request`` then says ``lacks_password`` or ``lacks_second_factor``.
    """
    check_session(request)
    user = request.user
    if not user.is_authenticated:
        return Actor.anonymous()
    if user.password_is_temporary:
        request.lacks_password = True  # type: ignore[attr-defined]
        return Actor.anonymous()
    if must_set_up(user):
        request.lacks_second_factor = True  # type: ignore[attr-defined]
        return Actor.anonymous()
    return Actor.of(user, origin=origin_of(request))


def attach_actor(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: ``request.actor`` is who asks.

    It is found out when it is first looked at: an answer that needs nobody (the bare health status) costs no
    query, and can still be given when the registry is down.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        request.actor = cast(Actor, SimpleLazyObject(lambda: actor_of(request)))  # type: ignore[attr-defined]
        return get_response(request)

    return middleware
