"""Adapters for django-allauth: addresses, emails, and who may sign in which way."""

from __future__ import annotations

import ipaddress
import logging
import threading
import time
from typing import Any, Final

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.db import connection
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from eclectyc.accounts import notices, sso_provisioning
from eclectyc.accounts.checks import assign_password
from eclectyc.accounts.client_address import origin_of
from eclectyc.accounts.models import User
from eclectyc.mail.letters import Letter, NotSent, link_to, send

FRESH_S: Final = 600  # after signing in, no password is asked for again for so long
log = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    """Passwords, resets and sessions."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Refuse: people are invited."""
        return False

    def is_safe_url(self, url: str) -> bool:
        """Accept only addresses of this installation, without a host."""
        return bool(url) and url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return a request's address; a local socket has none."""
        origin = origin_of(request)
        try:
            return str(ipaddress.ip_address(origin))
        except ValueError:
            return "0.0.0.0"  # noqa: S104 - a placeholder, not bound to

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Add no message: our pages show their own."""

    def set_password(self, user: User, password: str) -> None:
        """Set the password that a person chose, if the policy accepts it."""
        assign_password(user, password)
        user.password_is_temporary = False
        user.save(update_fields=["password", "password_is_temporary"])

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Ask for the password again, unless the person signed in just now."""
        request = context.request
        records = get_authentication_records(request, request.user)
        return not records or time.time() - records[-1]["at"] > FRESH_S

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return a reset's link at the configured address, never at the host that the request names."""
        person, _, secret = key.partition("-")
        return link_to(reverse("account_reset_password_from_key", kwargs={"uidb36": person, "key": secret}))

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """Send it to the stored address, not the typed one; in a thread, so that response times reveal no account."""
        threading.Thread(target=_send_reset, args=(user, context["password_reset_url"]), name="reset-mail").start()


class ProviderAdapter(DefaultSocialAccountAdapter):
    """Sign-in through an OpenID provider, which verifies the person's address and nothing else."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Refuse: an account at the provider is no account here; newcomers are added by ``sso_provisioning``."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find the person by their verified address; send others back to the sign-in page without a reason."""
        person = sociallogin.user if sociallogin.is_existing else self._match(request, sociallogin)
        if person is None or not person.is_active:
            raise ImmediateHttpResponse(HttpResponseRedirect(f"{reverse('login')}?refused=1"))

    def on_authentication_error(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Return to the sign-in page if the provider refuses, fails or sends an unexpected answer."""
        log.warning("sign-in through the provider failed: %s", type(kwargs.get("exception")).__name__)
        raise ImmediateHttpResponse(HttpResponseRedirect(f"{reverse('login')}?refused=1"))

    def _match(self, request: HttpRequest, sociallogin: SocialLogin) -> User | None:
        verified = [a.email for a in sociallogin.email_addresses if a.verified is True]
        found: User | None = None
        for email in verified:
            found = found or User.objects.filter(email__iexact=email, is_active=True).first()
        if found is None:
            claims = sociallogin.account.extra_data.get("userinfo") or sociallogin.account.extra_data
            found = sso_provisioning.provision(verified, name=str(claims.get("name") or ""), origin=origin_of(request))
        if found is not None:
            sociallogin.connect(request, found)
        return found


def _send_reset(user: User, link: str) -> None:
    try:
        branding = notices.person_branding_fields(user)
        send(Letter(to=user.email, subject="Choose a new password", template="reset", facts={"link": link}, **branding))
    except NotSent:
        log.warning("a reset could not be sent")
    finally:
        connection.close()  # of this thread
