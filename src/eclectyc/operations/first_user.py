"""The first administrator of an installation, and generated passwords."""

from __future__ import annotations

import secrets
from typing import Final

from django.conf import settings
from django.db import transaction

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Membership, Organisation, User
from eclectyc.accounts.people import add_user
from eclectyc.accounts.roles import ADMIN

FIRST_ADMINISTRATOR: Final = "admin@localhost"
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # without letters that look alike


def new_password() -> str:
    """Return a password of 16 letters and digits (79 bits), in groups that can be read out.

    >>> len(new_password())
    19
    """
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))


def first_administrator(actor: Actor) -> tuple[User, str] | None:
    """Create an administrator with a new password if there is none; the password is returned only here."""
    administrators = User.objects.filter(is_active=True, memberships__role=ADMIN)
    if administrators.exists():
        return None
    with transaction.atomic():
        # Created by bring_up_to_date. A process that starts at the same moment waits here, and finds an administrator.
        organisation = Organisation.objects.select_for_update().order_by("pk")[0]
        return None if administrators.exists() else _make_administrator(actor, organisation)


def _make_administrator(actor: Actor, organisation: Organisation) -> tuple[User, str]:
    email, password = settings.ADMIN_EMAIL or FIRST_ADMINISTRATOR, new_password()
    known = User.objects.filter(email__iexact=email).first()
    if known is None:
        return add_user(
            actor, email=email, organisation=organisation, role=ADMIN, password=password, is_operator=True
        ), password
    Membership.objects.update_or_create(user=known, organisation=organisation, defaults={"role": ADMIN})
    known.set_password(password)
    known.is_active = True
    known.save(update_fields=["password", "is_active"])
    return known, password
