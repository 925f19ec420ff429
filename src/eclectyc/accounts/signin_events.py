"""What signing in leaves in the audit. What was typed is personal text, apart from the event and erasable."""

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
from eclectyc.accounts.person_events import note, organisations_of
from eclectyc.accounts.rate_limit.rules import remember_device
from eclectyc.audit.actor import AuditActor
from eclectyc.audit.record import record_each


def failed(request: HttpRequest, why: str, *, typed: str = "", user: User | None = None) -> None:
    """Record an attempt that failed."""
    if user is None and typed and "\x00" not in typed:
        user = User.objects.filter(email__iexact=typed.strip()).first()
    number = user.pk if user is not None else None
    with transaction.atomic():
        record_each(
            AuditActor(None, "", origin_of(request)), "session.failed", user, organisations_of(number), after={"why": why},
            personal={"address typed": typed[:254]} if typed else None, person_id=number,
        )  # fmt: skip


def connect() -> None:
    """Listen to what happens at the door."""
    account.user_logged_in.connect(_started)
    user_logged_out.connect(_left)
    account.password_changed.connect(_password_changed)
    account.password_set.connect(_password_changed)
    account.password_reset.connect(_password_reset)
    mfa.authenticator_added.connect(_factor_added)
    mfa.authenticator_reset.connect(_factor_reset)
    mfa.authenticator_removed.connect(_factor_removed)
    mfa.authentication_failed.connect(_factor_failed)


def _started(request: HttpRequest, user: User, response: Any, **more: Any) -> None:
    sessions.opened(request)
    remember_device(request, response, user.email)
    methods = [r["method"] for r in get_authentication_records(request, user)]
    _note(request, user, "session.started", {"methods": methods})


def _left(request: HttpRequest | None, user: User | None, **more: Any) -> None:
    if request is not None and user is not None:
        sessions.forget(request)
        _note(request, user, "session.ended", {"how": "signed out"})


def _password_changed(request: HttpRequest, user: User, **more: Any) -> None:
    _note(request, user, "password.changed", {"how": "by its person"}, "password.changed")


def _password_reset(request: HttpRequest, user: User, **more: Any) -> None:
    _note(request, user, "password.changed", {"how": "reset by mail"}, "password.reset")


_NAMES: Final = {Authenticator.Type.TOTP: "second_factor", Authenticator.Type.RECOVERY_CODES: "recovery_codes"}


def _factor_added(request: HttpRequest, user: User, authenticator: Authenticator, **more: Any) -> None:
    action = f"{_NAMES[Authenticator.Type(authenticator.type)]}.added"
    _note(request, user, action, {}, action)


def _factor_reset(request: HttpRequest, user: User, authenticator: Authenticator, **more: Any) -> None:
    _note(request, user, "recovery_codes.renewed", {}, "recovery_codes.renewed")


def _factor_removed(request: HttpRequest, user: User, authenticator: Authenticator, **more: Any) -> None:
    action = f"{_NAMES[Authenticator.Type(authenticator.type)]}.removed"
    _note(request, user, action, {}, action)


def _factor_failed(request: HttpRequest, user: User, **more: Any) -> None:
    failed(request, "second factor", user=user)


def _note(request: HttpRequest, user: User, action: str, after: dict[str, object], told: str = "") -> None:
    """Write an event down, and tell the person by mail where there are words for it."""
    origin = origin_of(request)
    with transaction.atomic():
        note(AuditActor(user.pk, user.email, origin), action, user, after=after)
        if told in notices.CHANGES:
            device = sessions.device_of(request.headers.get("User-Agent", ""))
            notices.tell(user, told, origin=f"{origin}, {device}" if origin else device)
