"""Recipients of alerts: subscribers who are still active and may still see the alert's subject."""

from __future__ import annotations

from collections.abc import Sequence

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.branding import branding_of, logo_of
from eclectyc.accounts.models import Organisation, User
from eclectyc.jobs import kinds, rights
from eclectyc.jobs.alerts import AlertSubject, MailBranding, Recipient
from eclectyc.mail.letters import LetterLogo


def recipients(people: Sequence[int], subject: AlertSubject) -> tuple[list[Recipient], MailBranding]:
    """Return the recipients among some subscribers, by number, and the branding of the subject's organisation."""
    users = User.objects.filter(pk__in=people, is_active=True).order_by("pk")
    found = [Recipient(str(u.pk), u.email) for u in users if rights.may(Actor.of(u), kinds.VIEW, subject)]
    return found, _mail_branding(subject.organisation_id)


def _mail_branding(organisation_id: int | None) -> MailBranding:
    found = Organisation.objects.filter(pk=organisation_id).first() if organisation_id is not None else None
    branding = branding_of(found)
    logo = logo_of(branding.logo_of) if branding.logo_of is not None else None
    colours = {"brand": branding.name, "colour": branding.colour, "ink": branding.ink}
    return MailBranding(colours, LetterLogo(*logo) if logo else None)
