"""An organisation that has an administrator keeps one, whoever acts and however many act at once.

An administrator of an organisation is an active person who keeps its people as a whole, today and without an end: by
a membership there or in an organisation above. An operator may always help out, but is not one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from django.db import transaction
from django.db.models import Q

from eclectyc.accounts.grants import local_today, permissions_of
from eclectyc.accounts.models import Membership, Organisation
from eclectyc.accounts.roles import ROLE_PERMISSIONS
from eclectyc.kernel.errors import Conflict

ADMINISTRATOR_PERMISSION: Final = "people.edit"
_ADMINISTRATOR_ROLES: Final = [
    role for role, permissions in ROLE_PERMISSIONS.items() if ADMINISTRATOR_PERMISSION in permissions
]


class LastAdministrator(Conflict):
    """What was asked would leave an organisation that nobody can administer."""

    code = "last_administrator"

    def __init__(self, organisation: Organisation) -> None:
        super().__init__(
            f"{organisation.name} would be left without an administrator.",
            "Make somebody else an administrator of it first, without an end date.",
        )


@contextmanager
def keeping_administrators(organisations: Iterable[int]) -> Iterator[None]:
    """Run a change in one transaction; undo it and raise ``LastAdministrator`` where it takes an organisation's last.

    Organisations are those whose memberships (or whose place in the tree) the change touches. They are locked, so
    that of two such changes at once the second sees what the first has left.
    """
    with transaction.atomic():
        numbers = sorted(set(organisations))
        had = with_administrator(lock_organisations(numbers))
        yield
        left = with_administrator(Organisation.objects.filter(pk__in=had))
        for organisation in Organisation.objects.filter(pk__in=had - left)[:1]:
            raise LastAdministrator(organisation)


def lock_organisations(numbers: Iterable[int]) -> list[Organisation]:
    """Lock organisations in one order; on SQLite the transaction itself holds the only write lock."""
    return list(Organisation.objects.select_for_update(no_key=True).filter(pk__in=sorted(numbers)).order_by("pk"))


def with_administrator(organisations: Iterable[Organisation]) -> frozenset[int]:
    """Return which of these organisations have an administrator: one query, however many."""
    lines = {organisation.pk: organisation.ancestry for organisation in organisations}
    above = {number for line in lines.values() for number in line}
    today = local_today()
    held = Membership.objects.filter(
        Q(role__in=_ADMINISTRATOR_ROLES) | Q(custom_role__isnull=False),
        Q(since=None) | Q(since__lte=today),
        organisation__in=above, region=None, site=None, meter=None, until=None, user__is_active=True,
    ).select_related("custom_role")  # fmt: skip
    kept = {m.organisation_id for m in held if ADMINISTRATOR_PERMISSION in permissions_of(m)}
    return frozenset(number for number, line in lines.items() if not kept.isdisjoint(line))
