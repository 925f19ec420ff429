"""Permissions by name, and the three roles that every organisation has. Custom roles are other sets of the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

VIEWER: Final = "viewer"
MANAGER: Final = "manager"
ADMIN: Final = "admin"
ROLES: Final = (VIEWER, MANAGER, ADMIN)

# Each permission, and what it lets a person do, as the roles page tells it.
PERMISSIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "estate.view": "See sites, meters and their readings",
        "reports.view": "Open reports",
        "estate.edit": "Add and change sites and meters",
        "readings.push": "Send readings",
        "imports.run": "Import files and take imports back",
        "exports.run": "Export readings and lists",
        "people.view": "See people, and what they may do where",
        "people.edit": "Invite people and give them roles",
        "roles.edit": "Make and change custom roles",
        "organisation.edit": "Change the organisation and its branding",
        "audit.view": "Read the audit record",
        "privacy.run": "Export and erase what is held about a person",
        "jobs.view": "See background jobs and what they logged",
        "jobs.manage": "Cancel and retry background jobs, and say when they run",
        "system.view": "See how the installation is doing",
    }
)

# Who may change people sees them.
IMPLIED: Final[Mapping[str, frozenset[str]]] = MappingProxyType({"people.edit": frozenset({"people.view"})})
VIEWING: Final = frozenset(name for name in PERMISSIONS if name.endswith(".view"))

_VIEWER_MAY: Final = frozenset({"estate.view"})
_MANAGER_MAY: Final = _VIEWER_MAY | {"reports.view"}
ROLE_PERMISSIONS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {VIEWER: _VIEWER_MAY, MANAGER: _MANAGER_MAY, ADMIN: frozenset(PERMISSIONS)}
)


def with_implied(permissions: Iterable[str]) -> frozenset[str]:
    """Return the permissions there are among these names, with those that they bring along.

    >>> sorted(with_implied(["people.edit", "no.such"]))
    ['people.edit', 'people.view']
    """
    known = frozenset(permissions) & PERMISSIONS.keys()
    return known.union(*(IMPLIED.get(name, frozenset()) for name in known))
