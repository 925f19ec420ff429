"""``/account/privacy``: the user's own data. ``/admin/privacy``: inventory, retention rules, export and erasure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from eclectyc.accounts.models import Organisation, User
from eclectyc.accounts.people import user_by_email
from eclectyc.accounts.person_events import organisations_of
from eclectyc.kernel.errors import Conflict, EclectycError, Forbidden, Invalid, NotFound
from eclectyc.privacy import consents, erasure, personal_data, rules
from eclectyc.privacy.data_inventory import INVENTORY
from eclectyc.privacy.rules import EffectiveRule
from eclectyc.web.security import actor_of
from eclectyc.web.views.admin.page import number_in, show

MOST_ORGANISATIONS: Final = 1000

NOTICES: Final = {
    "given": "Your consent was recorded.",
    "withdrawn": "Your consent was withdrawn.",
    "rule": "The rule was saved.",
    "erased": "The person was erased. What they did stays in the records under a pseudonym.",
    "traces": "The person was erased. The database was in use, so traces stay in free pages of its file until its next "
    "VACUUM.",
}


def own_privacy(request: HttpRequest) -> HttpResponse:
    """Show the user's own data and consents."""
    actor, user = actor_of(request), cast(User, request.user)
    if request.method == "POST":
        do, what = request.POST.get("do", ""), request.POST.get("what", "")
        if do == "export":
            return _zip(personal_data.export(actor, user=user))
        if do == "give":
            consents.give(actor, what=what)
        elif do == "withdraw":
            consents.withdraw(actor, what=what)
        else:
            raise Invalid("No action was selected.", "Use one of the buttons on the page.", field="do")
        return HttpResponseRedirect(f"{reverse('own-privacy')}?done={'given' if do == 'give' else 'withdrawn'}")
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "POST"])
    held = [(column.title, personal_data.rows_of(column, user).count()) for column in personal_data.columns()]
    own = organisations_of(user.pk)
    only = Organisation.objects.visible_to(actor).filter(pk=own[0]).first() if len(own) == 1 else None
    context = {
        "standings": consents.consent_statuses(user.pk),
        "held": held,
        "rules": rules.rules(only),
        "person": user,
        "notice": NOTICES.get(request.GET.get("done", ""), ""),
    }
    return render(request, "web/account_privacy.html", context)


def privacy(request: HttpRequest) -> HttpResponse:
    """Show what is stored where and how long; export or erase a person; an operator changes the rules."""
    actor = actor_of(request)
    fault: EclectycError | None = None
    whole = Organisation.objects.visible_to(actor, "privacy.run").order_by("name")
    organisations = {one.pk: one for one in whole[:MOST_ORGANISATIONS]}
    if request.method == "POST":
        try:
            return _do(request, organisations)
        except EclectycError as error:
            fault = error
    elif request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "POST"])
    owner = _owner(request.POST if fault else request.GET, organisations)
    if owner is None and not actor.is_full_operator and len(organisations) == 1:
        owner = next(iter(organisations.values()))
    context = {
        "stored": INVENTORY,
        "rules": [_rule_row(rule, owner, organisations) for rule in rules.rules(owner)],
        "organisations": organisations.values(),
        "owner": owner,
        "may_rule": actor.is_full_operator if owner is None else actor.may("privacy.run", owner.pk),
        "typed": request.POST.get("email", "")[:254] or request.GET.get("email", "")[:254],
        "fault": fault,
        "notice": NOTICES.get(request.GET.get("done", ""), ""),
    }
    return show(request, "privacy", "Privacy", context, status=200 if fault is None else _status(fault))


def _rule_row(
    rule: EffectiveRule, owner: Organisation | None, organisations: Mapping[int, Organisation]
) -> dict[str, Any]:
    """Return a rule with where it is set, and whether the page's organisation or installation can change it."""
    source = "the installation" if not rule.is_default else "default"
    if rule.of is not None:
        is_own = owner is not None and rule.of == owner.pk
        above = organisations.get(rule.of)
        source = "this organisation" if is_own else above.name if above else "an organisation above"
    mine = owner.pk if owner is not None else None
    return {
        "kind": rule.kind,
        "days": rule.days,
        "source": source,
        "may": owner is None or rule.kind.is_of_organisations,
        "is_own": not rule.is_default and rule.of == mine,
    }


def _owner(sent: QueryDict, organisations: Mapping[int, Organisation]) -> Organisation | None:
    """Return the chosen organisation; None for the installation, or if it is not visible."""
    return organisations.get(number_in(sent.get("organisation", "")))


def _rule(request: HttpRequest, organisations: Mapping[int, Organisation], do: str) -> HttpResponse:
    actor, kind = actor_of(request), request.POST.get("kind", "")
    owner = _owner(request.POST, organisations)
    if owner is None and request.POST.get("organisation"):
        raise NotFound("There is no such organisation.", "Choose one from the list.", field="organisation")
    if do == "unrule":
        rules.remove_rule(actor, kind=kind, organisation=owner)
    else:
        days = request.POST.get("days", "").strip()
        if days and not (days.isascii() and days.isdigit() and len(days) < 7):
            remedy = "Enter a whole number, or leave it blank for no limit."
            raise Invalid(f"{days[:20]!r} is not a number of days.", remedy, field="days")
        rules.set_rule(actor, kind=kind, days=int(days) if days else None, organisation=owner)
    return _back("rule", owner)


def _do(request: HttpRequest, organisations: Mapping[int, Organisation]) -> HttpResponse:
    actor, do = actor_of(request), request.POST.get("do", "")
    if do in ("rule", "unrule"):
        return _rule(request, organisations, do)
    user = user_by_email(actor, request.POST.get("email", "")[:254])
    if do == "export":
        return _zip(personal_data.export(actor, user=user))
    if do != "erase":
        raise Invalid("No action was selected.", "Use one of the buttons on the page.", field="do")
    if request.POST.get("repeat", "").strip().casefold() != user.email.casefold():
        raise Invalid("The two addresses are different.", "Type the same address twice.", field="repeat")
    return _back("erased" if erasure.erase(actor, user=user).is_wiped else "traces")


def _back(done: str, owner: Organisation | None = None) -> HttpResponse:
    more = f"&organisation={owner.pk}#rules" if owner is not None else "#rules" if done == "rule" else ""
    return HttpResponseRedirect(f"{reverse('privacy')}?done={done}{more}")


def _zip(packed: bytes) -> HttpResponse:
    response = HttpResponse(packed, content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="personal-data-{timezone.now():%Y%m%d}.zip"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _status(fault: EclectycError) -> int:
    return 403 if isinstance(fault, Forbidden) else 409 if isinstance(fault, Conflict) else 422
