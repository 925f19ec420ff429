"""Audit events about a person as a whole: sign-in, passwords, keys, second factors.

Such an event is recorded once for each organisation to which the person belongs: by their present and future
memberships or, if all have ended, by those. So the administrators of each can read of their own people, and no event
names another organisation. Events about a person without memberships are read by operators.
"""

from __future__ import annotations

from typing import Any

from eclectyc.accounts.grants import local_today
from eclectyc.accounts.models import Membership, User
from eclectyc.audit.actor import AuditActor
from eclectyc.audit.record import record_each


def organisations_of(user_id: int | None) -> list[int]:
    """Return the organisations in which events about a person are recorded; none for None. One query in each case."""
    today = local_today()
    theirs = set(Membership.objects.filter(user=user_id or 0).values_list("organisation_id", "until"))
    running = {organisation for organisation, until in theirs if until is None or until > today}
    return sorted(running or {organisation for organisation, _ in theirs})


def record_person_event(by: AuditActor, action: str, user: User, **details: Any) -> None:
    """Record an event about a person, for each of their organisations, within the change's transaction."""
    another = user.pk if user.pk != by.user_id else None
    record_each(by, action, user, organisations_of(user.pk), person_id=another, **details)
