"""People whom single sign-on brings for the first time, where this installation takes them in (``OIDC_DOMAINS``).

By default it takes nobody in: people are invited. A newcomer has no rights, or is viewer of the one organisation that
is named for them (``OIDC_ORGANISATION``).
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
    """Say whether an address is of one of the domains whose people are taken in; each is named as it is, whole."""
    return email.rpartition("@")[2].lower() in settings.OIDC_DOMAINS


def provision(verified: Iterable[str], *, name: str = "", origin: str = "") -> User | None:
    """Add the person whose verified addresses these are; None where nobody is taken in by them."""
    for email in verified:
        if has_admitted_domain(email) and not User.objects.filter(email__iexact=email).exists():
            try:
                return _add(email, name, origin)
            except (EclectycError, IntegrityError) as error:
                log.warning("single sign-on brought somebody who could not be added: %s", type(error).__name__)
    return None


def _add(email: str, name: str, origin: str) -> User:
    user = User(email=checked_email(email), name=_checked_name(name))
    user.set_unusable_password()
    with transaction.atomic():
        user.save(force_insert=True)
        told: dict[str, object] = {}
        if settings.OIDC_ORGANISATION:
            organisation = organisation_named(Actor.system("single sign-on"), settings.OIDC_ORGANISATION)
            membership = Membership.objects.create(
                user=user, organisation=organisation, **role_fields(VIEWER, None, organisation)
            )
            told = assignment_details(membership)
        record_person_event(AuditActor(user.pk, user.email, origin), "person.added", user, after={"how": "single sign-on"} | told,
             personal={"person": user.email})  # fmt: skip
    return user


def _checked_name(name: str) -> str:
    try:
        return checked_text(name[:200], "name", longest=200, is_needed=False)
    except EclectycError:
        return ""
