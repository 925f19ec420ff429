"""Authentication: a program's token or a person's session; without either there is no answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, cast
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.utils import timezone
from ninja.security import APIKeyCookie, HttpBearer

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.client_address import origin_of
from eclectyc.accounts.models import ApiToken
from eclectyc.accounts.tokens import Unauthenticated, use_token
from eclectyc.api.errors import answer
from eclectyc.kernel.errors import EclectycError


class BearerToken(HttpBearer):
    """``Authorization: Bearer <token>``. An invalid header is refused, with or without a session.

    A token with the scope read opens what only reads, manage everything else, unless a route names its ``scope``.
    """

    def __init__(self, scope: str = "") -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> Actor | None:
        header = request.headers.get("Authorization")
        if header is None:
            return None
        scheme, _, secret = header.partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise Unauthenticated
        return self.authenticate(request, secret.strip())

    def authenticate(self, request: HttpRequest, token: str) -> Actor:
        """Make the token's person the request's actor."""
        use = use_token(token, now=timezone.now(), origin=origin_of(request))
        use.require(self.scope or (ApiToken.READ if request.method in SAFE else ApiToken.MANAGE))
        request.actor = use.actor  # type: ignore[attr-defined]
        return use.actor


class SessionCookie(APIKeyCookie):
    """The session of a signed-in person; changes also need the CSRF token."""

    param_name: str = settings.SESSION_COOKIE_NAME

    def authenticate(self, request: HttpRequest, key: str | None) -> Actor | None:
        """Return the signed-in person as an actor."""
        actor = actor_of(request)
        return actor if actor.is_known else None


SAFE: Final = ("GET", "HEAD", "OPTIONS")
AUTHENTICATION: Final = (BearerToken(), SessionCookie())
PUSHING: Final = (BearerToken(ApiToken.PUSH), SessionCookie())  # for `auth=` of routes that push readings


def actor_of(request: HttpRequest) -> Actor:
    """Return the authenticated actor."""
    return cast(Actor, request.actor)  # type: ignore[attr-defined]


def identify(request: HttpRequest) -> Actor:
    """Return the actor of a public route; raise ``Unauthenticated`` for an invalid token."""
    return AUTHENTICATION[0](request) or actor_of(request)


def for_the_signed_in(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Protect the documentation: a browser without a session is sent to sign in, a program is refused."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            known = identify(request).is_known
        except EclectycError as error:
            return answer(error)
        if known:
            return view(request, *args, **kwargs) if request.method in SAFE else HttpResponseNotAllowed(SAFE)
        if request.accepts("text/html") and "text/html" in request.headers.get("Accept", ""):
            return HttpResponseRedirect(f"{settings.LOGIN_URL}?{urlencode({'next': request.path})}")
        return answer(Unauthenticated())

    return guarded
