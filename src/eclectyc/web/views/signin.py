"""Signing in and out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import views as auth
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


class SignInForm(AuthenticationForm):
    """E-mail address and password; a wrong pair is told without saying which of the two was wrong."""

    error_messages = {  # noqa: RUF012 - Django's own declaration
        "invalid_login": "This e-mail address and password do not belong together. Check both; the password minds "
        "capitals.",
        "inactive": "This account is not active. Ask an administrator of your organisation.",
    }
    username = forms.CharField(
        label="E-mail address",
        widget=forms.EmailInput(attrs={"class": "input", "autocomplete": "username", "autofocus": True}),
        error_messages={"required": "Type your e-mail address."},
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        widget=forms.PasswordInput(attrs={"class": "input", "autocomplete": "current-password"}),
        error_messages={"required": "Type your password."},
    )


class SignIn(auth.LoginView):
    """``/login``."""

    template_name = "web/signin.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add why the person is here, when it is not to begin."""
        asked = self.request.GET
        return super().get_context_data(**kwargs) | {"ended": "ended" in asked, "left": "left" in asked}


class SignOut(auth.LogoutView):
    """``/logout``: POST ends the session; a look at the address asks first."""

    next_page = "/login"
    http_method_names = ["get", "head", "post", "options"]  # noqa: RUF012 - Django's own declaration

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask, because a link must not end anybody's session."""
        return render(request, "web/signout.html")

    def get_success_url(self) -> str:
        """Return to the sign-in page, which says that it worked."""
        return f"{self.next_page}?left=1"
