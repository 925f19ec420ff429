"""The actor: who asks, and what they may do in which organisation. Passed first, never ambient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from eclectyc.kernel.errors import Forbidden

if TYPE_CHECKING:
    from eclectyc.accounts.models import User

VIEWER: Final = "viewer"
MANAGER: Final = "manager"
ADMIN: Final = "admin"
ROLES: Final = (VIEWER, MANAGER, ADMIN)

_VIEWER_MAY = frozenset({"estate.view"})
_MANAGER_MAY = _VIEWER_MAY | {"reports.view"}
_ADMIN_MAY = _MANAGER_MAY | {"estate.edit", "imports.run", "exports.run", "people.edit", "system.view"}
PERMISSIONS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {VIEWER: _VIEWER_MAY, MANAGER: _MANAGER_MAY, ADMIN: _ADMIN_MAY}
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Someone, or the command line, with a role in each of their organisations.

    An actor without roles sees nothing. ``operator`` stands above organisations: the command line of the
    machine itself, and platform operators.
    """

    label: str
    user_id: int | None = None
    roles: Mapping[int, str] = field(default_factory=dict)
    operator: bool = False

    @classmethod
    def nobody(cls) -> Actor:
        """The visitor who has not signed in."""
        return cls(label="nobody")

    @classmethod
    def system(cls, label: str = "command line") -> Actor:
        """The command line, run by someone who already has the data folder in their hands."""
        return cls(label=label, operator=True)

    @classmethod
    def of(cls, user: User) -> Actor:
        """The actor that a user is at this moment: read anew on each request, so a demotion acts at once."""
        if not user.is_active:
            return cls.nobody()
        roles = dict(user.memberships.values_list("organisation_id", "role"))
        return cls(label=user.email, user_id=user.pk, roles=roles, operator=user.is_operator)

    @property
    def is_known(self) -> bool:
        """Whether this is anybody at all."""
        return self.operator or self.user_id is not None

    def organisations(self, permission: str = "estate.view") -> frozenset[int]:
        """Return the organisations in which this actor has a permission (an operator has it everywhere)."""
        return frozenset(o for o, role in self.roles.items() if permission in PERMISSIONS.get(role, frozenset()))

    def may(self, permission: str, organisation_id: int) -> bool:
        """Say whether this actor has a permission in an organisation."""
        return self.operator or organisation_id in self.organisations(permission)

    def may_somewhere(self, permission: str) -> bool:
        """Say whether this actor has a permission in any organisation."""
        return self.operator or bool(self.organisations(permission))

    def require(self, permission: str, organisation_id: int) -> None:
        """Raise ``Forbidden`` unless this actor has a permission in an organisation."""
        if not self.may(permission, organisation_id):
            raise Forbidden("Your role does not allow this.", "Ask an administrator of your organisation.")
