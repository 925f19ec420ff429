"""Error pages that belong to the product: what happened, what to do, a reference to quote."""

from __future__ import annotations

import logging
import secrets

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string

from eclectyc.kernel.errors import Conflict, EclectycError, Forbidden, Invalid, NotFound, TooMany

log = logging.getLogger(__name__)
STATUS: dict[type[EclectycError], int] = {Invalid: 400, Conflict: 409}


def page(request: HttpRequest, status: int, title: str, reason: str, remedy: str) -> HttpResponse:
    """Return an error page. The reference is in the log beside the address."""
    reference = secrets.token_hex(4).upper()
    level = logging.ERROR if status >= 500 else logging.INFO
    log.log(level, "%s %s %s, reference %s", status, request.method, request.path, reference)
    context = {"title": title, "reason": reason, "remedy": remedy, "status": status, "reference": reference}
    # Without a request: an error page needs neither session nor registry, which may be what is broken.
    return HttpResponse(render_to_string("web/error.html", context), status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: the address or the form cannot be understood."""
    return page(
        request,
        400,
        "This request is not valid",
        "Something in the address or the form is wrong.",
        "Go back, check what you typed and try again.",
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: the role does not allow it."""
    known = exception if isinstance(exception, Forbidden) else None
    return page(
        request,
        403,
        "You don't have access to this page",
        known.reason if known else "You are signed in, but your role does not include this page.",
        known.remedy if known else "Ask an administrator of your organisation, or go back to the dashboard.",
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: no such page, or one that this person may not see; the two answers are the same."""
    return page(
        request,
        404,
        "Page not found",
        "The page does not exist, or you don't have access to it.",
        "Check the address, or find the site or meter in its list.",
    )


def wrong_method(request: HttpRequest, refused: HttpResponseBase) -> HttpResponse:
    """405: a page that is only read was sent something, or an address that only takes something was opened."""
    response = page(
        request,
        405,
        "Nothing can be sent to this address" if request.method == "POST" else "There is no page at this address",
        f"This address accepts only {refused.headers['Allow']}.",
        "Go back to the previous page and use its buttons.",
    )
    response["Allow"] = refused.headers["Allow"]
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """500: our fault."""
    return page(
        request,
        500,
        "Something went wrong on our side",
        "The error was written to the log.",
        "Try again in a moment. If it happens again, quote the reference below.",
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 on a form whose page is too old, or came from elsewhere."""
    return page(
        request,
        403,
        "This form has expired",
        "The page was open for too long, or your browser blocks cookies, so we can't be sure the form came from you.",
        "Go back, reload the page and send the form again.",
    )


def explained(request: HttpRequest, error: EclectycError) -> HttpResponse:
    """Return the page for one of the product's own errors, with its status."""
    if isinstance(error, NotFound):
        return not_found(request, error)
    if isinstance(error, Forbidden):
        return forbidden(request, error)
    if isinstance(error, TooMany):
        return too_many(request, error)
    title = "This request is not valid" if isinstance(error, Invalid) else "This can't be done now"
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 503)
    return page(request, status, title, error.reason, error.remedy or "Go back and try again.")


def too_many(request: HttpRequest, error: TooMany) -> HttpResponse:
    """429: too many attempts. Says when to try again, and nothing about the account that was tried."""
    minutes, seconds = divmod(error.retry_after_s, 60)
    wait = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    response = page(
        request,
        429,
        "Too many attempts",
        "There were too many attempts in a short time.",
        f"Try again in {wait}. If you have forgotten your password, you can reset it by email.",
    )
    response["Retry-After"] = str(error.retry_after_s)
    return response
