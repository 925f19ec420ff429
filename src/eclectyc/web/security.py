"""Content security policy, session checks and cache headers of every page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from eclectyc.accounts.actor import Actor
from eclectyc.kernel.errors import EclectycError, Forbidden
from eclectyc.web import errors

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ENDED: Final = "/login?ended=1"


class View(Protocol):
    """A view of any address."""

    def __call__(self, request: HttpRequest, /, *args: Any, **kwargs: Any) -> HttpResponseBase: ...


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: every answer carries the policy."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

    return middleware


def actor_of(request: HttpRequest) -> Actor:
    """Return the actor that the middleware found."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


def signed_in(view: View, permission: str = "") -> View:
    """Wrap a page: visitors go to sign-in, people without the permission get an error."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: Any, **kwargs: Any) -> HttpResponseBase:
        actor = actor_of(request)
        if not actor.is_known:
            return _to_signin(request)
        try:
            if permission and not actor.may_somewhere(permission):
                raise Forbidden("You don't have access to this page.", "Ask an administrator of your organisation.")
            response = view(request, *args, **kwargs)
        except EclectycError as error:
            response = errors.explained(request, error)
        if response.status_code == 405:
            response = errors.wrong_method(request, response)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        patch_vary_headers(response, ["Cookie", "HX-Request"])
        return response

    guarded.needs_session = True  # type: ignore[attr-defined]
    return guarded


def open_to_visitors(view: View) -> View:
    """Wrap a sign-in or account page: open to visitors, errors explained, never cached."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: Any, **kwargs: Any) -> HttpResponseBase:
        _ = actor_of(request).is_known  # ends a session that is over, before the page looks whose it is
        try:
            response = view(request, *args, **kwargs)
        except EclectycError as error:
            response = errors.explained(request, error)
        if response.status_code == 405:
            response = errors.wrong_method(request, response)
        response.headers["Cache-Control"] = "private, no-store"
        patch_vary_headers(response, ["Cookie"])
        return response

    guarded.is_door = True  # type: ignore[attr-defined]
    return guarded


def has_ended(request: HttpRequest) -> bool:
    """Return whether a browser still sends the cookie of a session that has ended."""
    return settings.SESSION_COOKIE_NAME in request.COOKIES and request.session.is_empty()


def _lacking(request: HttpRequest) -> str:
    """Return the page that comes before all others for this person; empty for none."""
    if getattr(request, "needs_own_password", False):
        return "account_change_password"
    return "mfa_activate_totp" if getattr(request, "needs_second_factor", False) else ""


def _to_signin(request: HttpRequest) -> HttpResponseBase:
    if lacking := _lacking(request):
        address = reverse(lacking)
        if not getattr(request, "htmx", False):
            return HttpResponseRedirect(address)
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    if not getattr(request, "htmx", False):
        return redirect_to_login(request.get_full_path(), ENDED if has_ended(request) else None)
    # A part of a page was asked for and the session is over: the whole page goes to sign-in and comes back.
    response = HttpResponse(status=204)
    back = urlsplit(request.headers.get("HX-Current-URL", ""))
    address = f"{back.path}?{back.query}" if back.query else back.path
    safe = url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    response.headers["HX-Redirect"] = f"{ENDED}&{urlencode({'next': address})}" if safe and address else ENDED
    return response
