"""The actor: who asks, and what they may do where. Passed first, never ambient.

Rights are the union of a person's memberships that hold today; none means nothing. A token can narrow them further,
never widen them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from eclectyc.accounts.reach import Place, Reach, union
from eclectyc.accounts.roles import PERMISSIONS
from eclectyc.audit.actor import AuditActor
from eclectyc.kernel.errors import Forbidden

if TYPE_CHECKING:
    from eclectyc.accounts.models import User

EVERYWHERE: Final = Reach(everywhere=True)


@dataclass(frozen=True, slots=True)
class Grant:
    """Some permissions, and where they hold. ``organisation`` is the one that gave them."""

    permissions: frozenset[str]
    reach: Reach
    organisation: int


@dataclass(frozen=True, slots=True)
class Actor:
    """Someone, or the command line, with what they may do where.

    An actor without grants sees nothing. ``operator`` stands above organisations: the command line of the
    machine itself, and platform operators. ``narrowed`` is what a token leaves of the person's reach; ``only``
    what it leaves of their permissions. ``origin`` is where the request came from, for the audit.
    """

    label: str
    user_id: int | None = None
    grants: tuple[Grant, ...] = ()
    operator: bool = False
    narrowed: Reach | None = None
    only: frozenset[str] | None = None
    origin: str = ""
    token_id: int | None = None

    @classmethod
    def anonymous(cls) -> Actor:
        """The visitor who has not signed in."""
        return cls(label="nobody")

    @classmethod
    def system(cls, label: str = "command line") -> Actor:
        """The command line, run by someone who already has the data folder in their hands."""
        return cls(label=label, operator=True, origin=label)

    @classmethod
    def of(cls, user: User, *, today: date | None = None, origin: str = "") -> Actor:
        """The actor that a user is at this moment: read anew on each request, so a demotion acts at once."""
        from eclectyc.accounts.grants import grants_of

        if not user.is_active:
            return cls.anonymous()
        if user.is_operator:
            return cls(label=user.email, user_id=user.pk, operator=True, origin=origin)
        return cls(label=user.email, user_id=user.pk, grants=grants_of(user, today=today), origin=origin)

    @property
    def by(self) -> AuditActor:
        """This actor as the audit writes them down."""
        return AuditActor(self.user_id, self.label if self.user_id is not None else "", self.origin)

    @property
    def is_known(self) -> bool:
        """Whether this is anybody at all."""
        return self.operator or self.user_id is not None

    @property
    def is_full_operator(self) -> bool:
        """Whether this is an operator in full: not through a key that is narrowed, or that only reads or pushes."""
        return self.operator and self.narrowed is None and self.only is None

    def sees_all(self, permission: str) -> bool:
        """Whether this is an operator with a permission everywhere."""
        return self.operator and all(limit.everywhere for limit in self.limits(permission))

    def reach(self, permission: str = "estate.view") -> Reach:
        """Return where this actor has a permission, before any narrowing."""
        if self.only is not None and permission not in self.only:
            return Reach()
        if self.operator:
            return EVERYWHERE
        return union(grant.reach for grant in self.grants if permission in grant.permissions)

    def limits(self, permission: str = "estate.view") -> tuple[Reach, ...]:
        """Return every reach that something must be within to be seen or changed: grants, then the narrowing."""
        return (self.reach(permission),) if self.narrowed is None else (self.reach(permission), self.narrowed)

    def organisations(self, permission: str = "estate.view") -> frozenset[int]:
        """Return the organisations in whose whole this actor has a permission (an operator has it everywhere)."""
        limits = [limit for limit in self.limits(permission) if not limit.everywhere]
        return frozenset.intersection(*(limit.organisations for limit in limits)) if limits else frozenset()

    def own_organisations(self) -> frozenset[int]:
        """Return the organisations that gave this actor anything at all, at whatever scope."""
        return frozenset(grant.organisation for grant in self.grants)

    def may(self, permission: str, where: Place | int) -> bool:
        """Say whether this actor has a permission at a place; a number is a whole organisation."""
        place = Place(where) if isinstance(where, int) else where
        return all(limit.covers(place) for limit in self.limits(permission))

    def may_somewhere(self, permission: str) -> bool:
        """Say whether this actor has a permission anywhere."""
        return all(self.limits(permission))

    def require(self, permission: str, where: Place | int) -> None:
        """Raise ``Forbidden`` unless this actor has a permission at a place."""
        if not self.may(permission, where):
            raise Forbidden("Your role does not allow this.", "Ask an administrator of your organisation.")

    def permissions_at(self, where: Place | int) -> frozenset[str]:
        """Return every permission that this actor has at a place: what they may pass on there."""
        return frozenset(p for p in PERMISSIONS if self.may(p, where))
