"""Accounts created at the first single sign-on, for people of the domains in ``OIDC_DOMAINS``.

By default there are none: people are invited. A newcomer has no rights, or is a viewer of ``OIDC_ORGANISATION``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.conf import settings
from django.db import IntegrityError, transaction

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.checks import checked_email, checked_text
from eclectyc.accounts.models import Membership, User
from eclectyc.accounts.organisations import organisation_named
from eclectyc.accounts.person_events import record_person_event
from eclectyc.accounts.role_assignments import assignment_details, role_fields
from eclectyc.accounts.roles import VIEWER
from eclectyc.audit.actor import AuditActor
from eclectyc.kernel.errors import EclectycError

log = logging.getLogger(__name__)


def has_admitted_domain(email: str) -> bool:
    """Return whether an address's whole domain is one of ``OIDC_DOMAINS``."""
    return email.rpartition("@")[2].lower() in settings.OIDC_DOMAINS


def provision(verified: Iterable[str], *, name: str = "", origin: str = "") -> User | None:
    """Create an account for the first admitted of these addresses that has none; None if there is none."""
    for email in verified:
        if has_admitted_domain(email) and not User.objects.filter(email__iexact=email).exists():
            try:
                return _add(email, name, origin)
            except (EclectycError, IntegrityError) as error:
                log.warning("a person could not be added at single sign-on: %s", type(error).__name__)
    return None


def _add(email: str, name: str, origin: str) -> User:
    user = User(email=checked_email(email), name=_checked_name(name))
    user.set_unusable_password()
    with transaction.atomic():
        user.save(force_insert=True)
        details: dict[str, object] = {"how": "single sign-on"}
        if settings.OIDC_ORGANISATION:
            organisation = organisation_named(Actor.system("single sign-on"), settings.OIDC_ORGANISATION)
            membership = Membership.objects.create(
                user=user, organisation=organisation, **role_fields(VIEWER, None, organisation)
            )
            details |= assignment_details(membership)
        by = AuditActor(user.pk, user.email, origin)
        record_person_event(by, "person.added", user, after=details, personal={"person": user.email})
    return user


def _checked_name(name: str) -> str:
    try:
        return checked_text(name[:200], "name", longest=200, is_needed=False)
    except EclectycError:
        return ""
