"""What a person is told by mail of their own account: whenever a way in has changed, whoever changed it.

A letter to somebody looks like their organisation, where they have one; like the product, where they have several.
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

# What the audit calls it: what the mail says of it.
CHANGES: Final[Mapping[str, str]] = {
    "password.changed": "Your password was changed.",
    "password.reset": "A new password was chosen through a link that was sent to this address.",
    "person.password_set": "A new password was set for you by an administrator.",
    "person.readdressed": "The address with which you sign in was changed by whoever runs this installation.",
    "second_factor.added": "A second factor was set up: signing in asks for a code as well.",
    "second_factor.removed": "Your second factor was taken away: signing in asks for your password alone.",
    "recovery_codes.renewed": "New recovery codes were made; the old ones are worth nothing.",
}
RESET_PAGE: Final = "/account/password/reset"


def notify(user: User, change: str, *, origin: str = "", remark: str = "", to: str = "") -> None:
    """Tell a person, once the change is committed. ``to`` is another address than the one they have now."""
    at, reader = timezone.now(), to or user.email
    transaction.on_commit(partial(send_in_background, partial(notice, user, change, at, origin, remark, reader)))


def notice(user: User, change: str, at: datetime, origin: str, remark: str, reader: str) -> Letter:
    """Return the letter that tells of a change."""
    local = at.astimezone(ZoneInfo(settings.DEFAULT_SITE_ZONE))
    facts = {"what": CHANGES[change], "at": f"{local.day} {local:%b %Y %H:%M} ({local:%Z})", "origin": origin,
             "remark": remark, "link": link_to(RESET_PAGE)}  # fmt: skip
    return Letter(
        to=reader, subject=CHANGES[change].rstrip("."), template="notice", facts=facts, **person_branding_fields(user)
    )


def person_branding_fields(user: User) -> dict[str, Any]:
    """Return how a letter to a person looks, as the fields of a letter."""
    told = organisations_of(user.pk)
    own = Organisation.objects.filter(pk=told[0]).first() if len(told) == 1 else None
    return branding_fields(branding_of(own))


def branding_fields(branding: Branding) -> dict[str, Any]:
    """Return a look as the fields of a letter."""
    logo = logo_of(branding.logo_of) if branding.logo_of is not None else None
    return {
        "brand": branding.name, "colour": branding.colour, "ink": branding.ink, "logo": LetterLogo(*logo) if logo else None,
    }  # fmt: skip
