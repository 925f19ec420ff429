"""The actor: who asks, and what they may do where. Always the first argument, never ambient.

An actor's rights are the union of the person's memberships in effect today. A token can narrow them, never widen them.
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
    """Permissions, and where they apply. ``organisation`` is the one that gave them."""

    permissions: frozenset[str]
    reach: Reach
    organisation: int


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, a program with a token, or the command line, with what they may do where.

    An actor without grants sees nothing. An ``operator`` is above organisations: the command line of the machine
    itself, and platform operators. ``narrowed`` is the reach to which a token limits the person, ``only`` the
    permissions to which it limits them. ``origin`` is the request's address, for the audit.
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
        """Return a visitor who has not signed in."""
        return cls(label="anonymous")

    @classmethod
    def system(cls, label: str = "command line") -> Actor:
        """Return the actor of the command line, whose user has access to the data folder already."""
        return cls(label=label, operator=True, origin=label)

    @classmethod
    def of(cls, user: User, *, today: date | None = None, origin: str = "") -> Actor:
        """Return a user's actor as of now: read on each request, so that a lost right is lost immediately."""
        from eclectyc.accounts.grants import grants_of

        if not user.is_active:
            return cls.anonymous()
        if user.is_operator:
            return cls(label=user.email, user_id=user.pk, operator=True, origin=origin)
        return cls(label=user.email, user_id=user.pk, grants=grants_of(user, today=today), origin=origin)

    @property
    def by(self) -> AuditActor:
        """The actor as the audit records it."""
        return AuditActor(self.user_id, self.label if self.user_id is not None else "", self.origin)

    @property
    def is_known(self) -> bool:
        """Whether this is a person or an operator, not a visitor."""
        return self.operator or self.user_id is not None

    @property
    def is_full_operator(self) -> bool:
        """Whether this is an operator without a token that narrows their place or their permissions."""
        return self.operator and self.narrowed is None and self.only is None

    def sees_all(self, permission: str) -> bool:
        """Return whether this is an operator with a permission everywhere."""
        return self.operator and all(limit.everywhere for limit in self.limits(permission))

    def reach(self, permission: str = "estate.view") -> Reach:
        """Return where this actor has a permission, before a token's narrowing."""
        if self.only is not None and permission not in self.only:
            return Reach()
        if self.operator:
            return EVERYWHERE
        return union(grant.reach for grant in self.grants if permission in grant.permissions)

    def limits(self, permission: str = "estate.view") -> tuple[Reach, ...]:
        """Return the reaches that must all cover a thing for it to be seen or changed: of the grants, of the token."""
        return (self.reach(permission),) if self.narrowed is None else (self.reach(permission), self.narrowed)

    def organisations(self, permission: str = "estate.view") -> frozenset[int]:
        """Return the organisations in the whole of which this actor has a permission; empty for an operator."""
        limits = [limit for limit in self.limits(permission) if not limit.everywhere]
        return frozenset.intersection(*(limit.organisations for limit in limits)) if limits else frozenset()

    def own_organisations(self) -> frozenset[int]:
        """Return the organisations that granted this actor anything, at any scope."""
        return frozenset(grant.organisation for grant in self.grants)

    def may(self, permission: str, where: Place | int) -> bool:
        """Return whether this actor has a permission at a place; a number is a whole organisation."""
        place = Place(where) if isinstance(where, int) else where
        return all(limit.covers(place) for limit in self.limits(permission))

    def may_somewhere(self, permission: str) -> bool:
        """Return whether this actor has a permission anywhere."""
        return all(self.limits(permission))

    def require(self, permission: str, where: Place | int) -> None:
        """Raise ``Forbidden`` unless this actor has a permission at a place."""
        if not self.may(permission, where):
            raise Forbidden("Your role does not allow this.", "Ask an administrator of your organisation.")

    def permissions_at(self, where: Place | int) -> frozenset[str]:
        """Return every permission that this actor has at a place: those that they may grant there."""
        return frozenset(p for p in PERMISSIONS if self.may(p, where))
