"""The page that an invitation link opens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode

from eclectyc.accounts.client_address import origin_of
from eclectyc.accounts.invitations import Offer, accept, offer_of
from eclectyc.accounts.models import User
from eclectyc.accounts.rate_limit import rules
from eclectyc.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from eclectyc.web import errors
from eclectyc.web.views.passwords import POLICY, password_field
from eclectyc.web.views.signin import enter


class NewPersonForm(forms.Form):
    """The name and password of a new person."""

    name = forms.CharField(
        label="Your name",
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "name", "autofocus": True}),
    )
    password = password_field("Choose a password", "new-password", help_text=POLICY)

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean(self) -> dict[str, Any]:
        """Check the password against the policy."""
        found = self.cleaned_data
        if "password" in found:
            person = User(email=self.email, name=found.get("name", ""))
            try:
                password_validation.validate_password(found["password"], person)
            except forms.ValidationError as error:
                self.add_error("password", error)
        return found


def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Show an invitation; POST accepts it, signed in as that address or as a new person with a password."""
    rules.count_link(request)
    try:
        offer = offer_of(token)
    except NotFound as error:
        return errors.page(request, 404, "This link no longer works", error.reason, error.remedy)
    form = None if offer.has_account else NewPersonForm(request.POST or None, email=offer.email)
    problem = ""
    if request.method == "POST":
        try:
            accepted = _accept(request, token, offer, form)
        except (Conflict, Forbidden, Invalid, NotFound) as error:
            accepted, problem = None, f"{error.reason} {error.remedy}"
        if accepted is not None:
            return accepted
    back = urlencode({"next": request.path})
    context = {
        "title": "You are invited",
        "button": "Accept",
        "offer": offer,
        "form": form,
        "problem": problem,
        "is_theirs": _is_theirs(request, offer),
        "sign_in": f"{reverse('login')}?{back}",
    }
    return render(request, "web/account/invitation.html", context)


def _accept(request: HttpRequest, token: str, offer: Offer, form: NewPersonForm | None) -> HttpResponse | None:
    if form is None:
        user = request.user
        if not user.is_authenticated:
            return None
        accept(token, user=user, origin=origin_of(request))
        return HttpResponseRedirect("/")
    if not form.is_valid():
        return None
    typed = form.cleaned_data
    person = accept(token, name=typed["name"], password=typed["password"], origin=origin_of(request))
    return enter(request, person, "/")


def _is_theirs(request: HttpRequest, offer: Offer) -> bool:
    user = request.user
    return user.is_authenticated and user.email.lower() == offer.email.lower()
