"""Addresses of signing in and of one's own account, by the names that django-allauth looks for."""

from allauth.socialaccount.providers.openid_connect import views as sso
from django.urls import URLPattern, path, re_path
from django.views.generic import RedirectView

from eclectyc.web.security import View, open_to_visitors, signed_in
from eclectyc.web.views import account, invitation, passwords, second_factor, signin


def at(address: str, view: View, name: str) -> URLPattern:
    """Return the address of a page that visitors, or people who have yet to set up a second factor, may open."""
    return path(address, open_to_visitors(view), name=name)


to_account = RedirectView.as_view(pattern_name="account")
to_login = RedirectView.as_view(pattern_name="login")
to_reset = RedirectView.as_view(pattern_name="account_reset_password")

urlpatterns: list[URLPattern] = [
    path("account", signed_in(account.account), name="account"),
    path("account/sessions/<int:pk>/end", signed_in(account.end_session), name="end_session"),
    path("account/sessions/end-others", signed_in(account.end_others), name="end_other_sessions"),
    at("account/password", passwords.ChangePassword.as_view(), "account_change_password"),
    at("account/password/set", to_reset, "account_set_password"),
    at("account/password/reset", passwords.RequestReset.as_view(), "account_reset_password"),
    at("account/password/reset/sent", passwords.ResetSent.as_view(), "account_reset_password_done"),
    at("account/password/reset/done", to_account, "account_reset_password_from_key_done"),
    re_path(
        r"^account/password/reset/(?P<uidb36>[0-9A-Za-z]{1,20})-(?P<key>[^/]{1,200})$",
        open_to_visitors(passwords.ResetFromKey.as_view()),
        name="account_reset_password_from_key",
    ),
    at("account/confirm", passwords.ConfirmPassword.as_view(), "account_reauthenticate"),
    at("account/confirm/code", second_factor.ConfirmCode.as_view(), "mfa_reauthenticate"),
    at("login/code", second_factor.Authenticate.as_view(), "mfa_authenticate"),
    at("account/second-factor", to_account, "mfa_index"),
    at("account/second-factor/set-up", second_factor.SetUp.as_view(), "mfa_activate_totp"),
    at("account/second-factor/remove", second_factor.Remove.as_view(), "mfa_deactivate_totp"),
    at("account/recovery-codes", second_factor.RecoveryCodes.as_view(), "mfa_view_recovery_codes"),
    at("account/recovery-codes/new", second_factor.NewRecoveryCodes.as_view(), "mfa_generate_recovery_codes"),
    at("account/recovery-codes/file", second_factor.RecoveryCodesFile.as_view(), "mfa_download_recovery_codes"),
    at("account/sso/<slug:provider_id>", signin.to_provider, "openid_connect_login"),
    at("account/sso/<slug:provider_id>/back", sso.callback, "openid_connect_callback"),
    at("account/sso/refused", signin.refused, "socialaccount_login_error"),
    at("account/sso/cancelled", signin.refused, "socialaccount_login_cancelled"),
    at("account/sso/unknown", signin.refused, "socialaccount_signup"),
    at("invitation/<str:token>", invitation.invitation, "invitation"),
    at("account/login", to_login, "account_login"),
    at("account/logout", RedirectView.as_view(pattern_name="logout"), "account_logout"),
    at("account/inactive", to_login, "account_inactive"),
    at("account/signup", to_login, "account_signup"),
]
