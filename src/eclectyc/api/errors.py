"""Every error of the API as ``{"error": {"code", "message", "field"?}}`` with its status."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from eclectyc.accounts.tokens import Unauthenticated
from eclectyc.estate.changes import Changed
from eclectyc.kernel.errors import Busy, Conflict, EclectycError, Forbidden, Invalid, NotFound, TooMany
from eclectyc.lake.errors import LakeLost
from eclectyc.vault.errors import VaultError

PREFIX: Final = "/api/"


class Ambiguous(EclectycError):
    """A name that belongs to several things."""

    code = "ambiguous"


_STATUS: Final[tuple[tuple[type[EclectycError], HTTPStatus], ...]] = (
    (Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Ambiguous, HTTPStatus.CONFLICT),
    (Changed, HTTPStatus.PRECONDITION_FAILED),
    (Conflict, HTTPStatus.CONFLICT),
    (TooMany, HTTPStatus.TOO_MANY_REQUESTS),
    (Invalid, HTTPStatus.UNPROCESSABLE_ENTITY),
    (VaultError, HTTPStatus.SERVICE_UNAVAILABLE),
    (Busy, HTTPStatus.SERVICE_UNAVAILABLE),
    (LakeLost, HTTPStatus.SERVICE_UNAVAILABLE),
)


def status_of(error: EclectycError) -> HTTPStatus:
    """Return the HTTP status of an error: 500 if the caller cannot change it."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)


def envelope(status: int, code: str, message: str, field: str = "") -> HttpResponse:
    """Return an error answer."""
    error = {"code": code, "message": message} | ({"field": field} if field else {})
    response = HttpResponse(json.dumps({"error": error}), status=status, content_type="application/json")
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Bearer realm="Eclectyc Energy"'
    return response


def answer(error: EclectycError) -> HttpResponse:
    """Return the answer for an error of ours."""
    response = envelope(status_of(error), error.code, str(error), error.field)
    if isinstance(error, TooMany):
        response["Retry-After"] = str(error.retry_after_s)
    return response


def speak_json(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: errors that Django answers under /api/ (unknown address, wrong method) have the same envelope,
    and no answer is cached."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not request.path.startswith(PREFIX):
            return response
        response.headers.setdefault("Cache-Control", "no-store")
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        return response if response.status_code < 400 or is_json else _in_our_words(response)

    return middleware


def _in_our_words(response: HttpResponse) -> HttpResponse:
    status = HTTPStatus(response.status_code)
    code = status.phrase.lower().replace(" ", "_").replace("-", "_")
    ours = envelope(status, code, _WORDS.get(status, status.description or status.phrase))
    for name in ("Allow", "Retry-After", "Cache-Control", "X-Frame-Options"):
        if name in response.headers:
            ours[name] = response.headers[name]
    return ours


_WORDS: Final = {
    HTTPStatus.BAD_REQUEST: "The request cannot be understood.",
    HTTPStatus.FORBIDDEN: "This is not allowed.",
    HTTPStatus.NOT_FOUND: "This address does not exist. See /api/docs.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address does not support that method. See /api/docs.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong on our side. Details are in the log.",
}


def add_error_answers(api: NinjaAPI) -> None:
    """Make an API answer errors in the envelope."""

    @api.exception_handler(EclectycError)
    def ours(request: HttpRequest, error: Any) -> HttpResponse:
        if status_of(error) is HTTPStatus.INTERNAL_SERVER_ERROR:
            raise error  # an internal error: Django logs it
        return answer(error)

    @api.exception_handler(AuthenticationError)
    def unauthenticated(request: HttpRequest, error: Any) -> HttpResponse:
        return answer(Unauthenticated())

    @api.exception_handler(HttpError)
    def refused(request: HttpRequest, error: Any) -> HttpResponse:
        status = HTTPStatus(error.status_code)
        return envelope(status, status.phrase.lower().replace(" ", "_"), str(error))

    @api.exception_handler(Http404)
    def missing(request: HttpRequest, error: Any) -> HttpResponse:
        return answer(NotFound("This does not exist.", "Check its name."))

    @api.exception_handler(ValidationError)
    def wrong(request: HttpRequest, error: Any) -> HttpResponse:
        first = error.errors[0]
        names = [str(part) for part in first["loc"][1:]]
        field = names[-1] if names else ""
        message = str(first["msg"]).removeprefix("Value error, ")
        return envelope(
            HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"{field}: {message}." if field else f"{message}.", field
        )
