"""The second factor: at sign-in, set-up, removal, and recovery codes."""

from __future__ import annotations

from typing import Any

from allauth.account.utils import get_next_redirect_url
from allauth.core import context
from allauth.mfa.base import forms as theirs
from allauth.mfa.base import views
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.totp.internal import auth
from django import forms
from django.http import HttpResponse

from eclectyc import vault
from eclectyc.accounts.rate_limit import rules
from eclectyc.accounts.second_factor import SecondFactorAdapter


def code_field(help_text: str = "") -> forms.CharField:
    """Return a field for a code."""
    attrs = {"class": "input code", "autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}
    return forms.CharField(
        label="Code",
        max_length=32,
        widget=forms.TextInput(attrs=attrs),
        help_text=help_text,
        error_messages={"required": "Enter the code."},
    )


def checked_once(form: Any, check: Any) -> str:
    """Check a code, within the limit on attempts; a code works once."""
    turn = rules.count_code(context.request, form.user.email)
    code = "".join(str(form.cleaned_data["code"]).split())
    form.cleaned_data["code"] = code
    check()
    if not rules.is_first_use(form.user.pk, code):
        raise SecondFactorAdapter().validation_error("incorrect_code")
    turn.restore()
    return code


class CodeForm(theirs.AuthenticateForm):
    """A code from the app, or a recovery code."""

    code = code_field("Six digits from your authenticator app, or one of your recovery codes.")

    def clean_code(self) -> str:
        return checked_once(self, super().clean_code)


class Authenticate(views.AuthenticateView):
    """``/login/code``: the step after the password."""

    template_name = "web/account/code.html"
    extra_context = {"title": "Second factor", "button": "Sign in"}  # noqa: RUF012 - Django's own declaration
    form_class = CodeForm

    def form_valid(self, form: CodeForm) -> HttpResponse:
        self.request.session.cycle_key()
        response: HttpResponse = super().form_valid(form)
        return response


class ConfirmCodeForm(theirs.ReauthenticateForm):
    """A code, to confirm who one is."""

    code = code_field("Six digits from your authenticator app, or one of your recovery codes.")

    def clean_code(self) -> str:
        return checked_once(self, super().clean_code)


class ConfirmCode(views.ReauthenticateView):
    """``/account/confirm/code``."""

    template_name = "web/account/confirm.html"
    extra_context = {"title": "Confirm it's you", "button": "Continue"}  # noqa: RUF012 - Django's own declaration
    form_class = ConfirmCodeForm


class SetUpForm(forms.Form):
    """The first code of a newly set-up app; until then its secret is stored encrypted in the session."""

    code = code_field("The six digits that the app shows now.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.user = kwargs.pop("user")
        super().__init__(*args, **kwargs)
        session = context.request.session
        kept = session.get(auth.SECRET_SESSION_KEY)
        self.secret = _opened(kept) if kept and self.is_bound else ""
        if not self.secret:
            self.secret = auth.generate_totp_secret()
            session[auth.SECRET_SESSION_KEY] = vault.seal(self.secret)

    def clean_code(self) -> str:
        return checked_once(self, self._check)

    def _check(self) -> None:
        if not auth.validate_totp_code(self.secret, self.cleaned_data["code"]):
            raise SecondFactorAdapter().validation_error("incorrect_code")


def _opened(kept: str) -> str:
    """Return the stored secret; empty if its key is gone, and then the page shows a new one."""
    try:
        return vault.open(kept).decode()
    except vault.CannotOpen:
        return ""


class SetUp(totp.ActivateTOTPView):
    """``/account/second-factor/set-up``."""

    template_name = "web/account/set_up.html"
    extra_context = {"title": "Set up a second factor", "button": "Turn on"}  # noqa: RUF012 - Django's own declaration
    form_class = SetUpForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().get_context_data(**kwargs)
        secret = found["form"].secret
        found["secret"] = " ".join(secret[k : k + 4] for k in range(0, len(secret), 4))
        found["is_needed"] = getattr(self.request, "needs_second_factor", False)
        return found


class Remove(totp.DeactivateTOTPView):
    """``/account/second-factor/remove``."""

    template_name = "web/account/remove.html"
    extra_context = {"title": "Remove the second factor", "button": "Remove second factor"}  # noqa: RUF012 - Django's own declaration
    success_url = "/account?done=factor"


class RecoveryCodes(codes.ViewRecoveryCodesView):
    """``/account/recovery-codes``."""

    template_name = "web/account/recovery_codes.html"
    extra_context = {"title": "Recovery codes"}  # noqa: RUF012 - Django's own declaration

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().get_context_data(**kwargs)
        return found | {"go_on": get_next_redirect_url(self.request) or "/"}


class NewRecoveryCodes(codes.GenerateRecoveryCodesView):
    """``/account/recovery-codes/new``."""

    template_name = "web/account/new_recovery_codes.html"
    extra_context = {"title": "Create new recovery codes"}  # noqa: RUF012 - Django's own declaration


class RecoveryCodesFile(codes.DownloadRecoveryCodesView):
    """``/account/recovery-codes/file``."""

    template_name = "web/account/recovery_codes.txt"
