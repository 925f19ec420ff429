"""What concerns a person as a whole – signing in, passwords, keys, second factors – as the audit tells it.

Such a deed is of no one organisation. It is written once for each organisation to which the person belongs: those of
their memberships that hold or will, or, where all are over, of those. So the administrators of each read of their own
people, and no event tells of another organisation. What concerns somebody who belongs nowhere, operators read.
"""

from __future__ import annotations

from typing import Any

from eclectyc.accounts.grants import local_today
from eclectyc.accounts.models import Membership, User
from eclectyc.audit.actor import AuditActor
from eclectyc.audit.record import record_each


def organisations_of(user_id: int | None) -> list[int]:
    """Return the organisations that are told of a person; none for nobody. One query either way."""
    today = local_today()
    held = set(Membership.objects.filter(user=user_id or 0).values_list("organisation_id", "until"))
    running = {organisation for organisation, until in held if until is None or until > today}
    return sorted(running or {organisation for organisation, _ in held})


def record_person_event(by: AuditActor, action: str, user: User, **said: Any) -> None:
    """Write an event about a person, for each of their organisations. Called inside the deed's transaction."""
    another = user.pk if user.pk != by.user_id else None
    record_each(by, action, user, organisations_of(user.pk), person_id=another, **said)
