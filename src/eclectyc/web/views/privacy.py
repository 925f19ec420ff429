"""``/account/privacy``: what is held about me? ``/admin/privacy``: what is stored where, how long, and about whom?"""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from eclectyc.accounts.models import User
from eclectyc.accounts.people import user_by_email
from eclectyc.kernel.errors import Conflict, EclectycError, Forbidden, Invalid
from eclectyc.privacy import consents, erasure, holdings, retention
from eclectyc.privacy.stored import STORED
from eclectyc.web.security import actor_of

SAID = {
    "given": "Your consent is written down.",
    "withdrawn": "Your consent is withdrawn.",
    "rule": "The rule is changed.",
    "erased": "The person is erased. What they did stays, under a pseudonym.",
    "traces": "The person is erased. The database was in use, so traces stay in free pages of its file until its next "
    "VACUUM.",
}


def own_privacy(request: HttpRequest) -> HttpResponse:
    """Show what is held about oneself, and one's consents."""
    actor, user = actor_of(request), cast(User, request.user)
    if request.method == "POST":
        do, what = request.POST.get("do", ""), request.POST.get("what", "")
        if do == "export":
            return _zip(holdings.export(actor, user=user))
        if do == "give":
            consents.give(actor, what=what)
        elif do == "withdraw":
            consents.withdraw(actor, what=what)
        else:
            raise Invalid("Nothing was asked for.", "Use one of the page's buttons.", field="do")
        return HttpResponseRedirect(f"{reverse('own-privacy')}?done={'given' if do == 'give' else 'withdrawn'}")
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "POST"])
    held = [(holding.words, holding.of(user).count()) for holding in holdings.HOLDINGS]
    context = {"standings": consents.standings(user.pk), "held": held, "rules": retention.rules(), "person": user,
               "said": SAID.get(request.GET.get("done", ""), "")}  # fmt: skip
    return render(request, "web/account_privacy.html", context)


def privacy(request: HttpRequest) -> HttpResponse:
    """Show what is stored where and how long; export or erase a person; an operator changes the rules."""
    actor = actor_of(request)
    fault: EclectycError | None = None
    if request.method == "POST":
        try:
            return _do(request)
        except EclectycError as error:
            fault = error
    elif request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "POST"])
    context = {
        "stored": STORED,
        "rules": retention.rules(),
        "may_rule": actor.stands_above,
        "typed": request.POST.get("email", "")[:254] or request.GET.get("email", "")[:254],
        "fault": fault,
        "said": SAID.get(request.GET.get("done", ""), ""),
    }
    return render(request, "web/privacy.html", context, status=200 if fault is None else _status(fault))


def _do(request: HttpRequest) -> HttpResponse:
    actor, do = actor_of(request), request.POST.get("do", "")
    if do == "rule":
        days = request.POST.get("days", "").strip()
        if days and not (days.isascii() and days.isdigit() and len(days) < 7):
            raise Invalid(f"{days[:20]!r} is no number of days.", "Give a number, or nothing for ever.", field="days")
        retention.set_rule(actor, kind=request.POST.get("kind", ""), days=int(days) if days else None)
        return _back("rule")
    user = user_by_email(actor, request.POST.get("email", "")[:254])
    if do == "export":
        return _zip(holdings.export(actor, user=user))
    if do != "erase":
        raise Invalid("Nothing was asked for.", "Use one of the page's buttons.", field="do")
    if request.POST.get("repeat", "").strip().casefold() != user.email.casefold():
        raise Invalid("The address was not repeated.", "Type it a second time, to be sure.", field="repeat")
    return _back("erased" if erasure.erase(actor, user=user).is_wiped else "traces")


def _back(done: str) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('privacy')}?done={done}")


def _zip(packed: bytes) -> HttpResponse:
    response = HttpResponse(packed, content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="personal-data-{timezone.now():%Y%m%d}.zip"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _status(fault: EclectycError) -> int:
    return 403 if isinstance(fault, Forbidden) else 409 if isinstance(fault, Conflict) else 422
