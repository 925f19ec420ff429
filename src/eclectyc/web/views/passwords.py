"""Passwords: changing one's own, choosing a new one by mail, proving again who one is."""

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


POLICY = "At least 10 characters. A few words that only you would put together are easy to remember and hard to guess."


class NewPassword(PasswordVerificationMixin, forms.Form):
    """A new password, typed twice, that the policy takes."""

    password1 = password_field("New password", "new-password", focus=True, help_text=POLICY)
    password2 = password_field("The same again", "new-password")

    def clean_password1(self) -> str:
        """Say why the policy does not take it, where it does not."""
        password: str = self.cleaned_data["password1"]
        password_validation.validate_password(password, self.user)
        return password


class ChangeForm(NewPassword, theirs.ChangePasswordForm):
    """The old password and a new one."""

    oldpassword = password_field("Your password now", "current-password", focus=True)
    password1 = password_field("New password", "new-password", help_text=POLICY)
    password2 = password_field("The same again", "new-password")
    field_order = ("oldpassword", "password1", "password2")

    def clean_oldpassword(self) -> str:
        """Check it, as often as one may try."""
        turn = rules.at_own_password(context.request, self.user.pk)
        if not self.user.check_password(self.cleaned_data["oldpassword"]):
            raise forms.ValidationError("This is not your password.")
        turn.give_back()
        return str(self.cleaned_data["oldpassword"])

    def clean(self) -> dict[str, Any]:
        """Refuse the password that they have: whoever set it would know the new one too."""
        found: dict[str, Any] = super().clean() or {}
        if found.get("oldpassword") and found.get("oldpassword") == found.get("password1"):
            self.add_error("password1", "This is the password that you have. Choose another one.")
        return found


class Change(views.PasswordChangeView):
    """``/account/password``."""

    template_name = "web/account/password.html"
    extra_context = {"title": "Change your password", "button": "Change"}  # noqa: RUF012 - Django's own declaration
    form_class = ChangeForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().get_context_data(**kwargs)
        return found | {"is_temporary": self._is_temporary()}

    def form_valid(self, form: ChangeForm) -> HttpResponse:
        """Change it, with its event, or neither."""
        self.leads_to = "/" if self._is_temporary() else "/account?done=password"
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
        return response

    def get_default_success_url(self) -> str:
        return self.leads_to

    def _is_temporary(self) -> bool:
        return cast(User, self.request.user).password_is_temporary


class ResetForm(theirs.ResetPasswordForm):
    """The address of an account, which may or may not be one."""

    email = forms.EmailField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"class": "input", "autocomplete": "username", "autofocus": True}),
        error_messages={"required": "Type your e-mail address."},
    )


class Reset(views.PasswordResetView):
    """``/account/password/reset``: a link is sent, if there is such an account; the page says the same either way."""

    template_name = "web/account/reset.html"
    extra_context = {"title": "Choose a new password", "button": "Send a link"}  # noqa: RUF012 - Django's own declaration
    form_class = ResetForm

    def form_valid(self, form: ResetForm) -> HttpResponse:
        rules.at_reset(self.request, form.cleaned_data["email"])
        response: HttpResponse = super().form_valid(form)
        return response


class ResetSent(views.PasswordResetDoneView):
    """The link is on its way."""

    template_name = "web/account/reset_sent.html"
    extra_context = {"title": "Look into your mail"}  # noqa: RUF012 - Django's own declaration


class ResetForm2(NewPassword, theirs.ResetPasswordKeyForm):
    """A new password for whoever reads the mail."""

    password1 = password_field("New password", "new-password", focus=True, help_text=POLICY)
    password2 = password_field("The same again", "new-password")


class ResetFromKey(views.PasswordResetFromKeyView):
    """Where the link of a reset leads. The key leaves the address at once."""

    template_name = "web/account/reset_choose.html"
    extra_context = {"title": "Choose a new password", "button": "Save and sign in"}  # noqa: RUF012 - Django's own declaration
    form_class = ResetForm2

    def dispatch(self, request: HttpRequest, uidb36: str, key: str, **kwargs: Any) -> HttpResponseBase:
        rules.at_link(request)
        response: HttpResponseBase = super().dispatch(request, uidb36, key, **kwargs)
        return response


class ConfirmForm(theirs.ReauthenticateForm):
    """One's password, again."""

    password = password_field("Password", "current-password", focus=True)

    def clean_password(self) -> str:
        """Check it, as often as one may try."""
        turn = rules.at_own_password(context.request, self.user.pk)
        if not self.user.check_password(self.cleaned_data["password"]):
            signin_events.failed(context.request, "password asked again", user=self.user)
            raise forms.ValidationError("This is not your password.")
        turn.give_back()
        return str(self.cleaned_data["password"])


class Confirm(views.ReauthenticateView):
    """``/account/confirm``."""

    template_name = "web/account/confirm.html"
    extra_context = {"title": "Is it you?", "button": "Go on"}  # noqa: RUF012 - Django's own declaration
    form_class = ConfirmForm
