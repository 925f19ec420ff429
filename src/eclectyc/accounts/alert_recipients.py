"""Who of those that subscribed is told: people who are still active and may still see what it is about."""

from __future__ import annotations

from collections.abc import Sequence

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.branding import branding_of, logo_of
from eclectyc.accounts.models import Organisation, User
from eclectyc.jobs import kinds, rights
from eclectyc.jobs.alerts import AlertSubject, MailBranding, Recipient
from eclectyc.mail.letters import LetterLogo


def recipients(people: Sequence[int], matter: AlertSubject) -> tuple[list[Recipient], MailBranding]:
    """Return the readers among some people, by number, and how the mails of the matter's organisation look."""
    users = User.objects.filter(pk__in=people, is_active=True).order_by("pk")
    readers = [Recipient(str(u.pk), u.email) for u in users if rights.may(Actor.of(u), kinds.VIEW, matter)]
    return readers, _mail_branding(matter.organisation_id)


def _mail_branding(organisation_id: int | None) -> MailBranding:
    found = Organisation.objects.filter(pk=organisation_id).first() if organisation_id is not None else None
    look = branding_of(found)
    logo = logo_of(look.logo_of) if look.logo_of is not None else None
    return MailBranding(
        {"brand": look.name, "colour": look.colour, "ink": look.ink}, LetterLogo(*logo) if logo else None
    )
