"""``/account``: how the user signs in, and where they are signed in."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from eclectyc.accounts import second_factor, sessions
from eclectyc.accounts.models import User
from eclectyc.kernel.errors import NotFound


@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """``/account``."""
    user = cast(User, request.user)
    context = {
        "person": user,
        "sessions": sessions.sessions_of(user, request),
        "has_factor": second_factor.has_second_factor(user),
        "is_required": second_factor.is_required_of(user),
        "codes_left": second_factor.codes_left(user),
        "notice": _NOTICES.get(request.GET.get("done", ""), ""),
    }
    return render(request, "web/account/account.html", context)


_NOTICES = {
    "password": "Your password was changed. You are signed out everywhere else.",
    "session": "That device was signed out.",
    "sessions": "All other devices were signed out.",
    "factor": "You no longer need a code to sign in.",
}


def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of the user's sessions."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not sessions.end(cast(User, request.user), pk, request):
        raise NotFound("This session has already ended.", "Reload the list.")
    return HttpResponseRedirect(f"{reverse('account')}?done=session")


def end_others(request: HttpRequest) -> HttpResponse:
    """End all of the user's sessions but this one."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    sessions.end_others(cast(User, request.user), request)
    return HttpResponseRedirect(f"{reverse('account')}?done=sessions")
