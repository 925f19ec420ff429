"""Audit events of signing in. An address as typed is personal text: stored apart from the event, and erasable."""

from __future__ import annotations

from typing import Any, Final

from allauth.account import signals as account
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.http import HttpRequest

from eclectyc.accounts import notices, sessions
from eclectyc.accounts.client_address import origin_of
from eclectyc.accounts.models import User
from eclectyc.accounts.person_events import organisations_of, record_person_event
from eclectyc.accounts.rate_limit.rules import remember_device
from eclectyc.audit.actor import AuditActor
from eclectyc.audit.record import record_each


def record_failure(request: HttpRequest, why: str, *, typed: str = "", user: User | None = None) -> None:
    """Record a failed attempt. ``why`` is stored; ``typed`` is the address as entered."""
    if user is None and typed and "\x00" not in typed:
        user = User.objects.filter(email__iexact=typed.strip()).first()
    number = user.pk if user is not None else None
    with transaction.atomic():
        record_each(
            AuditActor(None, "", origin_of(request)),
            "session.failed",
            user,
            organisations_of(number),
            after={"why": why},
            personal={"address typed": typed[:254]} if typed else None,
            person_id=number,
        )


def connect_signals() -> None:
    """Connect the handlers below to the signals of sign-in, passwords and second factors."""
    account.user_logged_in.connect(_on_sign_in)
    user_logged_out.connect(_on_sign_out)
    account.password_changed.connect(_on_password_change)
    account.password_set.connect(_on_password_change)
    account.password_reset.connect(_on_password_reset)
    mfa.authenticator_added.connect(_on_factor_added)
    mfa.authenticator_reset.connect(_on_factor_reset)
    mfa.authenticator_removed.connect(_on_factor_removed)
    mfa.authentication_failed.connect(_on_factor_failure)


def _on_sign_in(request: HttpRequest, user: User, response: Any, **more: Any) -> None:
    sessions.start_session(request)
    remember_device(request, response, user.email)
    methods = [r["method"] for r in get_authentication_records(request, user)]
    _record(request, user, "session.started", {"methods": methods})


def _on_sign_out(request: HttpRequest | None, user: User | None, **more: Any) -> None:
    if request is not None and user is not None:
        sessions.remove_from_list(request)
        _record(request, user, "session.ended", {"how": "signed out"})


def _on_password_change(request: HttpRequest, user: User, **more: Any) -> None:
    _record(request, user, "password.changed", {"how": "by its person"}, "password.changed")


def _on_password_reset(request: HttpRequest, user: User, **more: Any) -> None:
    _record(request, user, "password.changed", {"how": "reset by mail"}, "password.reset")


_NAMES: Final = {Authenticator.Type.TOTP: "second_factor", Authenticator.Type.RECOVERY_CODES: "recovery_codes"}


def _on_factor_added(request: HttpRequest, user: User, authenticator: Authenticator, **more: Any) -> None:
    action = f"{_NAMES[Authenticator.Type(authenticator.type)]}.added"
    _record(request, user, action, {}, action)


def _on_factor_reset(request: HttpRequest, user: User, authenticator: Authenticator, **more: Any) -> None:
    _record(request, user, "recovery_codes.renewed", {}, "recovery_codes.renewed")


def _on_factor_removed(request: HttpRequest, user: User, authenticator: Authenticator, **more: Any) -> None:
    action = f"{_NAMES[Authenticator.Type(authenticator.type)]}.removed"
    _record(request, user, action, {}, action)


def _on_factor_failure(request: HttpRequest, user: User, **more: Any) -> None:
    record_failure(request, "second factor", user=user)


def _record(request: HttpRequest, user: User, action: str, after: dict[str, object], change: str = "") -> None:
    """Record an event and, if ``change`` is in ``notices.CHANGES``, notify the person."""
    origin = origin_of(request)
    with transaction.atomic():
        record_person_event(AuditActor(user.pk, user.email, origin), action, user, after=after)
        if change in notices.CHANGES:
            device = sessions.device_of(request.headers.get("User-Agent", ""))
            notices.notify(user, change, origin=f"{origin}, {device}" if origin else device)
