"""Who looked at what is held about people: noted for each organisation, with the numbers of those who were shown.

To be called by whatever shows people, page or API, with what it shows. It costs no query and no lock.
"""

from __future__ import annotations

from collections.abc import Iterable

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Invitation, Membership, User
from eclectyc.audit.read_log_queue import record_read


def record_people_read(actor: Actor, users: Iterable[User], memberships: Iterable[Membership] = ()) -> None:
    """Note that people were shown, with these of their memberships; one's own self is nobody else's data."""
    shown = {user.pk for user in users} - {actor.user_id}
    where: dict[int | None, set[int]] = {}
    for membership in memberships:
        if membership.user_id in shown:
            where.setdefault(membership.organisation_id, set()).add(membership.user_id)
    elsewhere = shown.difference(*where.values())
    if elsewhere:
        where[None] = elsewhere
    for organisation, people in where.items():
        record_read(
            actor.by, "person.read", subject_type="user", organisation_id=organisation, after={"people": sorted(people)}
        )


def record_memberships_read(actor: Actor, memberships: Iterable[Membership]) -> None:
    """Note that memberships were shown, and with them their people."""
    shown = list(memberships)
    record_people_read(actor, [User(pk=m.user_id) for m in shown], shown)


def record_invitations_read(actor: Actor, invitations: Iterable[Invitation]) -> None:
    """Note that invitations were shown: each holds an address of mail."""
    where: dict[int, list[int]] = {}
    for invitation in invitations:
        where.setdefault(invitation.organisation_id, []).append(invitation.pk)
    for organisation, numbers in where.items():
        record_read(
            actor.by, "invitation.read", subject_type="invitation", organisation_id=organisation,
            after={"invitations": sorted(numbers)},
        )  # fmt: skip
