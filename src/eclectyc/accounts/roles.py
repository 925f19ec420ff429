"""Permissions by name, and the three built-in roles. Custom roles are other sets of permissions. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

VIEWER: Final = "viewer"
MANAGER: Final = "manager"
ADMIN: Final = "admin"
ROLES: Final = (VIEWER, MANAGER, ADMIN)

# Each permission, with its description on the roles page.
PERMISSIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "estate.view": "See sites, meters and their readings",
        "reports.view": "Open reports",
        "estate.edit": "Add and change sites and meters",
        "readings.push": "Send readings",
        "imports.run": "Import files and undo imports",
        "exports.run": "Export readings and lists",
        "people.view": "See people and their roles",
        "people.edit": "Invite people and give them roles",
        "roles.edit": "Create and change custom roles",
        "organisation.edit": "Change the organisation and its branding",
        "audit.view": "Read the audit record",
        "privacy.run": "Export and erase a person's data",
        "jobs.view": "See background jobs and their logs",
        "jobs.manage": "Cancel, retry and schedule background jobs",
        "system.view": "See the health of the installation",
    }
)

# A person who may edit people may see them.
IMPLIED: Final[Mapping[str, frozenset[str]]] = MappingProxyType({"people.edit": frozenset({"people.view"})})
VIEWING: Final = frozenset(name for name in PERMISSIONS if name.endswith(".view"))

_VIEWER_MAY: Final = frozenset({"estate.view"})
_MANAGER_MAY: Final = _VIEWER_MAY | {"reports.view"}
ROLE_PERMISSIONS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {VIEWER: _VIEWER_MAY, MANAGER: _MANAGER_MAY, ADMIN: frozenset(PERMISSIONS)}
)


def with_implied(permissions: Iterable[str]) -> frozenset[str]:
    """Return the permissions among these names, with those that they imply; unknown names are ignored.

    >>> sorted(with_implied(["people.edit", "no.such"]))
    ['people.edit', 'people.view']
    """
    known = frozenset(permissions) & PERMISSIONS.keys()
    return known.union(*(IMPLIED.get(name, frozenset()) for name in known))
