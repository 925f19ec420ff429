"""Passwords: change one's own, choose a new one by email, confirm who one is."""

from __future__ import annotations

from typing import Any, cast

from allauth.account import forms as theirs
from allauth.account import views
from allauth.account.forms import PasswordVerificationMixin
from allauth.core import context
from django import forms
from django.contrib.auth import password_validation
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from eclectyc.accounts import signin_events
from eclectyc.accounts.models import User
from eclectyc.accounts.rate_limit import rules


def password_field(label: str, autocomplete: str, *, focus: bool = False, help_text: str = "") -> forms.CharField:
    """Return a field for a password."""
    attrs: dict[str, Any] = {"class": "input", "autocomplete": autocomplete}
    widget = forms.PasswordInput(attrs=attrs | ({"autofocus": True} if focus else {}))
    return forms.CharField(label=label, strip=False, max_length=1000, widget=widget, help_text=help_text)


POLICY = "At least 10 characters. A few unrelated words are easy to remember and hard to guess."


class NewPasswordForm(PasswordVerificationMixin, forms.Form):
    """A new password, typed twice, that follows the policy."""

    password1 = password_field("New password", "new-password", focus=True, help_text=POLICY)
    password2 = password_field("Repeat the new password", "new-password")

    def clean_password1(self) -> str:
        """Check it against the policy."""
        password: str = self.cleaned_data["password1"]
        password_validation.validate_password(password, self.user)
        return password


class ChangePasswordForm(NewPasswordForm, theirs.ChangePasswordForm):
    """The old password and a new one."""

    oldpassword = password_field("Current password", "current-password", focus=True)
    password1 = password_field("New password", "new-password", help_text=POLICY)
    password2 = password_field("Repeat the new password", "new-password")
    field_order = ("oldpassword", "password1", "password2")

    def clean_oldpassword(self) -> str:
        """Check it, within the limit on attempts."""
        turn = rules.count_own_password(context.request, self.user.pk)
        if not self.user.check_password(self.cleaned_data["oldpassword"]):
            raise forms.ValidationError("Wrong password. Passwords are case-sensitive.")
        turn.restore()
        return str(self.cleaned_data["oldpassword"])

    def clean(self) -> dict[str, Any]:
        """Refuse the current password, which an administrator may know."""
        found: dict[str, Any] = super().clean() or {}
        if found.get("oldpassword") and found.get("oldpassword") == found.get("password1"):
            self.add_error("password1", "This is your current password. Choose another one.")
        return found


class ChangePassword(views.PasswordChangeView):
    """``/account/password``."""

    template_name = "web/account/password.html"
    extra_context = {"title": "Change your password", "button": "Change password"}  # noqa: RUF012 - Django's own declaration
    form_class = ChangePasswordForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().get_context_data(**kwargs)
        return found | {"is_temporary": self._is_temporary()}

    def form_valid(self, form: ChangePasswordForm) -> HttpResponse:
        """Change it and record the event, or neither."""
        self.leads_to = "/" if self._is_temporary() else "/account?done=password"
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
        return response

    def get_default_success_url(self) -> str:
        return self.leads_to

    def _is_temporary(self) -> bool:
        return cast(User, self.request.user).password_is_temporary


class RequestResetForm(theirs.ResetPasswordForm):
    """An email address, which may or may not have an account."""

    email = forms.EmailField(
        label="Email address",
        max_length=254,
        widget=forms.EmailInput(attrs={"class": "input", "autocomplete": "username", "autofocus": True}),
        error_messages={"required": "Enter your email address."},
    )


class RequestReset(views.PasswordResetView):
    """``/account/password/reset``: emails a link if the account exists; the page is the same either way."""

    template_name = "web/account/reset.html"
    extra_context = {"title": "Choose a new password", "button": "Send link"}  # noqa: RUF012 - Django's own declaration
    form_class = RequestResetForm

    def form_valid(self, form: RequestResetForm) -> HttpResponse:
        rules.count_reset(self.request, form.cleaned_data["email"])
        response: HttpResponse = super().form_valid(form)
        return response


class ResetSent(views.PasswordResetDoneView):
    """``/account/password/reset/sent``."""

    template_name = "web/account/reset_sent.html"
    extra_context = {"title": "Check your email"}  # noqa: RUF012 - Django's own declaration


class ResetFromKeyForm(NewPasswordForm, theirs.ResetPasswordKeyForm):
    """A new password, chosen through the link in an email."""

    password1 = password_field("New password", "new-password", focus=True, help_text=POLICY)
    password2 = password_field("Repeat the new password", "new-password")


class ResetFromKey(views.PasswordResetFromKeyView):
    """The page that a reset link opens. The key is removed from the address at once."""

    template_name = "web/account/reset_choose.html"
    extra_context = {"title": "Choose a new password", "button": "Save and sign in"}  # noqa: RUF012 - Django's own declaration
    form_class = ResetFromKeyForm

    def dispatch(self, request: HttpRequest, uidb36: str, key: str, **kwargs: Any) -> HttpResponseBase:
        rules.count_link(request)
        response: HttpResponseBase = super().dispatch(request, uidb36, key, **kwargs)
        return response


class ConfirmPasswordForm(theirs.ReauthenticateForm):
    """The current password."""

    password = password_field("Password", "current-password", focus=True)

    def clean_password(self) -> str:
        """Check it, within the limit on attempts."""
        turn = rules.count_own_password(context.request, self.user.pk)
        if not self.user.check_password(self.cleaned_data["password"]):
            signin_events.record_failure(context.request, "password asked again", user=self.user)
            raise forms.ValidationError("Wrong password. Passwords are case-sensitive.")
        turn.restore()
        return str(self.cleaned_data["password"])


class ConfirmPassword(views.ReauthenticateView):
    """``/account/confirm``."""

    template_name = "web/account/confirm.html"
    extra_context = {"title": "Confirm it's you", "button": "Continue"}  # noqa: RUF012 - Django's own declaration
    form_class = ConfirmPasswordForm
