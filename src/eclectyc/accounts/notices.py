"""Emails to a person about their own account: each change of their password, address or second factor.

They have the branding of the person's organisation, or the product's if the person belongs to several.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from eclectyc.accounts.branding import Branding, branding_of, logo_of
from eclectyc.accounts.models import Organisation, User
from eclectyc.accounts.person_events import organisations_of
from eclectyc.mail.background_send import send_in_background
from eclectyc.mail.letters import Letter, LetterLogo, link_to

# Audit event: subject and first sentence of the email.
CHANGES: Final[Mapping[str, str]] = {
    "password.changed": "Your password was changed.",
    "password.reset": "Your password was reset through a link sent to this address.",
    "person.password_set": "An administrator set a new password for you.",
    "person.readdressed": "An operator changed the email address that you sign in with.",
    "second_factor.added": "A second factor was set up: signing in now needs a code as well.",
    "second_factor.removed": "Your second factor was removed: signing in now needs only your password.",
    "recovery_codes.renewed": "New recovery codes were created; the old ones no longer work.",
}
RESET_PAGE: Final = "/account/password/reset"


def notify(user: User, change: str, *, origin: str = "", remark: str = "", to: str = "") -> None:
    """Email a person after the commit, at the address they have now or at ``to``."""
    at, reader = timezone.now(), to or user.email
    transaction.on_commit(partial(send_in_background, partial(notice, user, change, at, origin, remark, reader)))


def notice(user: User, change: str, at: datetime, origin: str, remark: str, reader: str) -> Letter:
    """Return the email about a change."""
    local = at.astimezone(ZoneInfo(settings.DEFAULT_SITE_ZONE))
    facts = {
        "what": CHANGES[change],
        "at": f"{local.day} {local:%b %Y %H:%M} ({local:%Z})",
        "origin": origin,
        "remark": remark,
        "link": link_to(RESET_PAGE),
    }
    return Letter(
        to=reader, subject=CHANGES[change].rstrip("."), template="notice", facts=facts, **person_branding_fields(user)
    )


def person_branding_fields(user: User) -> dict[str, Any]:
    """Return the branding of emails to a person, as fields of a letter."""
    theirs = organisations_of(user.pk)
    own = Organisation.objects.filter(pk=theirs[0]).first() if len(theirs) == 1 else None
    return branding_fields(branding_of(own))


def branding_fields(branding: Branding) -> dict[str, Any]:
    """Return branding as fields of a letter."""
    logo = logo_of(branding.logo_of) if branding.logo_of is not None else None
    letter_logo = LetterLogo(*logo) if logo else None
    return {"brand": branding.name, "colour": branding.colour, "ink": branding.ink, "logo": letter_logo}
