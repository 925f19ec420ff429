"""Who may see and manage a job: people with the permission for all jobs of its organisation, people with its kind's
permission, and the person who requested it, while they may still request such jobs. Jobs of no organisation are an
operator's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from django.db.models import Q

from eclectyc.jobs import kinds

if TYPE_CHECKING:
    from eclectyc.accounts.actor import Actor


class JobSubject(Protocol):
    """What the rights of a job depend on."""

    @property
    def kind(self) -> str: ...

    @property
    def organisation_id(self) -> int | None: ...

    @property
    def person_id(self) -> int | None: ...


def reached(actor: Actor, permission: str, prefix: str = "", person: str = "person_id") -> Q | None:
    """Return the condition of the jobs that an actor reaches with a permission; None: all."""
    if actor.sees_all(permission):
        return None
    found = Q(**{f"{prefix}organisation_id__in": actor.organisations(permission)})
    for opening, names in kinds.by_permission().items():
        of_kind = {f"{prefix}kind__in": names}
        found |= Q(**of_kind, **{f"{prefix}organisation_id__in": actor.organisations(opening)})
        if person and (own := _own_organisations(actor, opening)):
            found |= Q(**of_kind, **{f"{prefix}organisation_id__in": own, f"{prefix}{person}": actor.user_id})
    return found


def may(actor: Actor, permission: str, job: JobSubject) -> bool:
    """Return the same for one job, without a query."""
    if actor.sees_all(permission):
        return True
    if job.organisation_id is None:
        return False
    if job.organisation_id in actor.organisations(permission):
        return True
    kind = kinds.find(job.kind)
    if kind is None or not kind.permission:
        return False
    is_own = actor.user_id is not None and job.person_id == actor.user_id
    return job.organisation_id in actor.organisations(kind.permission) or (
        is_own and job.organisation_id in _own_organisations(actor, kind.permission)
    )


def _own_organisations(actor: Actor, permission: str) -> set[int]:
    """Return where this person may request such jobs, even for one site only; a narrowed token: nowhere."""
    if actor.user_id is None or actor.narrowed is not None or not actor.may_somewhere(permission):
        return set()
    return {grant.organisation for grant in actor.grants if permission in grant.permissions}
