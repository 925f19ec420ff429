"""Signing in, and who a request comes from."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from eclectyc.accounts.actor import Actor


def attach_actor(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: ``request.actor`` is the signed-in user as an actor, read anew, or nobody."""

    def middleware(request: HttpRequest) -> HttpResponse:
        user = request.user
        request.actor = Actor.of(user) if user.is_authenticated else Actor.nobody()  # type: ignore[attr-defined, arg-type]
        return get_response(request)

    return middleware
