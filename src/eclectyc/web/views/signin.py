"""Signing in and out."""

from __future__ import annotations

import logging
from typing import Any, Final, cast

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django import forms
from django.conf import settings
from django.contrib.auth import views as auth
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from eclectyc.accounts import signin_events
from eclectyc.accounts.models import User
from eclectyc.accounts.rate_limit import rules

log: Final = logging.getLogger(__name__)


class SignInForm(AuthenticationForm):
    """Email address and password; the error does not say which of the two was wrong."""

    error_messages = {  # noqa: RUF012 - Django's own declaration
        "invalid_login": "Wrong email address or password. Passwords are case-sensitive.",
        "inactive": "This account is disabled. Ask an administrator of your organisation.",
    }
    username = forms.CharField(
        label="Email address",
        max_length=254,
        widget=forms.EmailInput(attrs={"class": "input", "autocomplete": "username", "autofocus": True}),
        error_messages={"required": "Enter your email address."},
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"class": "input", "autocomplete": "current-password"}),
        error_messages={"required": "Enter your password."},
    )

    def clean(self) -> dict[str, Any]:
        """Check the pair, within the limit on attempts."""
        typed, request = self.cleaned_data.get("username"), cast(HttpRequest, self.request)
        if not typed or not self.cleaned_data.get("password"):
            return self.cleaned_data
        turn = rules.count_sign_in(request, typed)
        try:
            cleaned = super().clean()
        except ValidationError:
            signin_events.record_failure(request, "password", typed=typed)
            raise
        turn.restore()
        return cleaned


class SignIn(auth.LoginView):
    """``/login``."""

    template_name = "web/signin.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Go on to the second factor, or in. The session gets a new name at each step that makes it worth more."""
        user = form.get_user()
        return enter(self.request, user, self.get_success_url())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add why the person was sent to this page, if they were."""
        asked = self.request.GET
        return super().get_context_data(**kwargs) | {
            "ended": "ended" in asked,
            "left": "left" in asked,
            "refused": "refused" in asked,
            "silent": "silent" in asked,
            "sso": settings.OIDC_NAME,
        }


def enter(request: HttpRequest, user: User, address: str) -> HttpResponse:
    """Sign a person in whose password was checked."""
    if request.session.session_key:
        request.session.cycle_key()
    login = Login(user=user, email=user.email, redirect_url=address)
    return cast(HttpResponse, perform_password_login(request, {"email": user.email}, login))


def to_provider(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Redirect to the provider, or back to sign-in if it does not respond."""
    from allauth.socialaccount.providers.openid_connect.views import login
    from requests import RequestException

    try:
        return cast(HttpResponse, login(request, provider_id))
    except RequestException as error:
        log.warning("the provider of single sign-on does not answer: %s", type(error).__name__)
        return HttpResponseRedirect(f"{reverse('login')}?silent=1")


def refused(request: HttpRequest) -> HttpResponse:
    """Return to sign-in after the provider refused a person."""
    return HttpResponseRedirect(f"{reverse('login')}?refused=1")


class SignOut(auth.LogoutView):
    """``/logout``: POST ends the session; GET asks first."""

    next_page = "/login"
    http_method_names = ["get", "head", "post", "options"]  # noqa: RUF012 - Django's own declaration

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask first, because a link must not end a session."""
        return render(request, "web/signout.html")

    def get_success_url(self) -> str:
        """Return to the sign-in page, which confirms it."""
        return f"{self.next_page}?left=1"
