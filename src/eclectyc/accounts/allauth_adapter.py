"""What django-allauth asks of its installation: addresses, letters, and who may come in by which door."""

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

FRESH_S: Final = 600  # how long after signing in somebody need not prove again who they are
log = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    """Passwords, resets and sessions."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody signs themselves up: people are invited."""
        return False

    def is_safe_url(self, url: str) -> bool:
        """Only addresses of this installation, without a host."""
        return bool(url) and url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return where a request comes from; a socket of this machine has no address."""
        origin = origin_of(request)
        try:
            return str(ipaddress.ip_address(origin))
        except ValueError:
            return "0.0.0.0"  # noqa: S104 - nowhere in particular

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing in passing: our pages say it where it belongs."""

    def set_password(self, user: User, password: str) -> None:
        """Give a person a password of their own that the policy takes."""
        assign_password(user, password)
        user.password_is_temporary = False
        user.save(update_fields=["password", "password_is_temporary"])

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Ask again who it is, unless they have just proved it."""
        request = context.request
        records = get_authentication_records(request, request.user)
        return not records or time.time() - records[-1]["at"] > FRESH_S

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return the link of a reset: at the configured address, whatever the request calls this installation."""
        person, _, secret = key.partition("-")
        return link_to(reverse("account_reset_password_from_key", kwargs={"uidb36": person, "key": secret}))

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """Send it to the address that is kept, not the one typed; apart, so that no waiting tells of an account."""
        threading.Thread(target=_send_reset, args=(user, context["password_reset_url"]), name="reset-mail").start()


class ProviderAdapter(DefaultSocialAccountAdapter):
    """Sign-in through an OpenID provider: it proves whose an address is, no more."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Nobody gets an account here by having one there; who is taken in has one by then."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find the person whose verified address this is; send everybody else away, without saying more."""
        person = sociallogin.user if sociallogin.is_existing else self._match(request, sociallogin)
        if person is None or not person.is_active:
            raise ImmediateHttpResponse(HttpResponseRedirect(f"{reverse('login')}?refused=1"))

    def on_authentication_error(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Return to our own door when the provider refuses, fails or answers what was not asked."""
        log.warning("sign-in through the provider failed: %s", type(kwargs.get("exception")).__name__)
        raise ImmediateHttpResponse(HttpResponseRedirect(f"{reverse('login')}?refused=1"))

    def _match(self, request: HttpRequest, sociallogin: SocialLogin) -> User | None:
        verified = [a.email for a in sociallogin.email_addresses if a.verified is True]
        found: User | None = None
        for email in verified:
            found = found or User.objects.filter(email__iexact=email, is_active=True).first()
        if found is None:
            said = sociallogin.account.extra_data.get("userinfo") or sociallogin.account.extra_data
            found = sso_provisioning.provision(verified, name=str(said.get("name") or ""), origin=origin_of(request))
        if found is not None:
            sociallogin.connect(request, found)
        return found


def _send_reset(user: User, link: str) -> None:
    try:
        look = notices.person_branding_fields(user)
        send(Letter(to=user.email, subject="Choose a new password", template="reset", facts={"link": link}, **look))
    except NotSent:
        log.warning("a reset could not be sent")
    finally:
        connection.close()  # this thread's own
