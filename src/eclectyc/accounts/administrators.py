"""The last administrator of an organisation cannot be removed, however many people act at once.

An administrator of an organisation is an active person who may edit people in the whole of it, today and without an end
date: by a membership there or in an organisation above. Operators are not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from django.db import transaction
from django.db.models import Q

from eclectyc.accounts.grants import in_effect_on, local_today, permissions_of
from eclectyc.accounts.models import Membership, Organisation
from eclectyc.accounts.roles import ROLE_PERMISSIONS
from eclectyc.kernel.errors import Conflict

ADMINISTRATOR_PERMISSION: Final = "people.edit"
_ADMINISTRATOR_ROLES: Final = [
    role for role, permissions in ROLE_PERMISSIONS.items() if ADMINISTRATOR_PERMISSION in permissions
]


class LastAdministrator(Conflict):
    """The change would leave an organisation without an administrator."""

    code = "last_administrator"

    def __init__(self, organisation: Organisation) -> None:
        super().__init__(
            f"{organisation.name} would be left without an administrator.",
            "Make another person its administrator first, without an end date.",
        )


@contextmanager
def keeping_administrators(organisations: Iterable[int]) -> Iterator[None]:
    """Run a change in one transaction; undo it and raise ``LastAdministrator`` if an organisation loses its last.

    Pass the organisations whose memberships, or whose place in the tree, the change touches. They are locked, so that
    the second of two changes at once sees the result of the first.
    """
    with transaction.atomic():
        numbers = sorted(set(organisations))
        had = with_administrator(lock_organisations(numbers))
        yield
        left = with_administrator(Organisation.objects.filter(pk__in=had))
        for organisation in Organisation.objects.filter(pk__in=had - left)[:1]:
            raise LastAdministrator(organisation)


def lock_organisations(numbers: Iterable[int]) -> list[Organisation]:
    """Lock organisations in order of their numbers; on SQLite the transaction itself is the lock."""
    return list(Organisation.objects.select_for_update(no_key=True).filter(pk__in=sorted(numbers)).order_by("pk"))


def with_administrator(organisations: Iterable[Organisation]) -> frozenset[int]:
    """Return which of these organisations have an administrator: one query, however many."""
    lines = {organisation.pk: organisation.ancestry for organisation in organisations}
    above = {number for line in lines.values() for number in line}
    today = local_today()
    lasting = Membership.objects.filter(in_effect_on(today), until=None, user__is_active=True)
    whole = lasting.filter(organisation__in=above, region=None, site=None, meter=None).select_related("custom_role")
    found = whole.filter(Q(role__in=_ADMINISTRATOR_ROLES) | Q(custom_role__isnull=False))
    having = {m.organisation_id for m in found if ADMINISTRATOR_PERMISSION in permissions_of(m)}
    return frozenset(number for number, line in lines.items() if not having.isdisjoint(line))
