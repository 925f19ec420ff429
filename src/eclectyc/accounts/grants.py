"""A person's memberships as grants: two queries, however many memberships and organisations there are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q

from eclectyc.accounts.actor import Grant
from eclectyc.accounts.reach import Reach
from eclectyc.accounts.roles import ROLE_PERMISSIONS, with_implied

if TYPE_CHECKING:
    from eclectyc.accounts.models import Membership, Organisation, Position, User


def local_today() -> date:
    """Return today in the installation's time zone: memberships begin and end at its midnight."""
    return datetime.now(ZoneInfo(settings.DEFAULT_SITE_ZONE)).date()


def in_effect_on(today: date) -> Q:
    """Return the condition of a membership in effect on a day; ``until`` is exclusive."""
    return (Q(since=None) | Q(since__lte=today)) & (Q(until=None) | Q(until__gt=today))


def grants_of(user: User, *, today: date | None = None) -> tuple[Grant, ...]:
    """Return a person's grants on a day (today)."""
    rows = user.memberships.filter(in_effect_on(today or local_today())).select_related("custom_role", "organisation")
    memberships = list(rows.order_by())  # on every request, and sorting costs as much as the rest
    below = _descendants([m for m in memberships if m.is_of_whole_organisation])
    return tuple(
        Grant(permissions_of(m), _reach_of(m, below), m.organisation_id) for m in memberships if permissions_of(m)
    )


def permissions_of(position: Position) -> frozenset[str]:
    """Return the permissions of a position's role; unknown names are ignored."""
    if position.custom_role is not None:
        return with_implied(position.custom_role.permissions)
    return ROLE_PERMISSIONS.get(position.role, frozenset())


def _reach_of(membership: Membership, below: dict[int, frozenset[int]]) -> Reach:
    if membership.meter_id is not None:
        return Reach(meters=frozenset({membership.meter_id}))
    if membership.site_id is not None:
        return Reach(sites=frozenset({membership.site_id}))
    if membership.region_id is not None:
        return Reach(regions=frozenset({membership.region_id}))
    return Reach(organisations=below[membership.organisation_id])


def _descendants(memberships: list[Membership]) -> dict[int, frozenset[int]]:
    return descendants(m.organisation for m in memberships)


def descendants(organisations: Iterable[Organisation]) -> dict[int, frozenset[int]]:
    """Return the numbers of each organisation and all below it, by its number: one query."""
    from eclectyc.accounts.models import Organisation

    roots = {o.pk: o.path for o in organisations}
    if not roots:
        return {}
    within = Q()
    for path in roots.values():
        within |= Q(path__startswith=path)
    known = list(Organisation.objects.filter(within).order_by().values_list("pk", "path"))
    return {
        root: frozenset(pk for pk, path in known if path.startswith(start)) | {root} for root, start in roots.items()
    }
