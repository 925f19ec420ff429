"""Record who read data about people, for each organisation.

Pages and the API call this with the people, memberships or invitations that they show. It costs no query and no lock.
"""

from __future__ import annotations

from collections.abc import Iterable

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Invitation, Membership, User
from eclectyc.audit.read_log_queue import record_read


def record_people_read(actor: Actor, users: Iterable[User], memberships: Iterable[Membership] = ()) -> None:
    """Record that people, with these of their memberships, were read; reading one's own data is not recorded."""
    shown = {user.pk for user in users} - {actor.user_id}
    by_organisation: dict[int | None, set[int]] = {}
    for membership in memberships:
        if membership.user_id in shown:
            by_organisation.setdefault(membership.organisation_id, set()).add(membership.user_id)
    elsewhere = shown.difference(*by_organisation.values())
    if elsewhere:
        by_organisation[None] = elsewhere
    for organisation, people in by_organisation.items():
        after = {"people": sorted(people)}
        record_read(actor.by, "person.read", subject_type="user", organisation_id=organisation, after=after)


def record_memberships_read(actor: Actor, memberships: Iterable[Membership]) -> None:
    """Record that memberships, and with them their people, were read."""
    shown = list(memberships)
    record_people_read(actor, [User(pk=m.user_id) for m in shown], shown)


def record_invitations_read(actor: Actor, invitations: Iterable[Invitation]) -> None:
    """Record that invitations were read: each contains an email address."""
    by_organisation: dict[int, list[int]] = {}
    for invitation in invitations:
        by_organisation.setdefault(invitation.organisation_id, []).append(invitation.pk)
    for organisation, numbers in by_organisation.items():
        after = {"invitations": sorted(numbers)}
        record_read(actor.by, "invitation.read", subject_type="invitation", organisation_id=organisation, after=after)
