"""The pages of the bar, and who may open them: what a person may not open is not shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.urls import Resolver404, resolve

from eclectyc.accounts.actor import Actor


@dataclass(frozen=True, slots=True)
class NavigationEntry:
    """A page of the navigation; any one of its permissions, anywhere, opens it."""

    name: str
    address: str
    permission: str = "estate.view"

    def opens_to(self, actor: Actor) -> bool:
        """Whether an actor may open this page, and it is there."""
        return any(actor.may_somewhere(one) for one in self.permission.split()) and _is_there(self.address)


PLACES: Final = (
    NavigationEntry("Dashboard", "/"),
    NavigationEntry("Sites", "/sites"),
    NavigationEntry("Meters", "/meters"),
    NavigationEntry("Consumption", "/reports/consumption", "reports.view"),
)
SECTIONS: Final = (
    NavigationEntry("Sites", "/admin/sites", "estate.edit"),
    NavigationEntry("Meters", "/admin/meters", "estate.edit"),
    NavigationEntry("Regions", "/admin/regions", "estate.edit"),
    NavigationEntry("Suppliers", "/admin/suppliers", "estate.edit"),
    NavigationEntry("Imports", "/admin/imports", "imports.run"),
    NavigationEntry("Feeds", "/admin/feeds", "imports.run"),
    NavigationEntry("Calorific values", "/admin/calorific-values", "imports.run"),
    NavigationEntry("Background work", "/admin/jobs", "jobs.view"),
    NavigationEntry("People", "/admin/users", "people.view"),
    NavigationEntry("Roles", "/admin/roles", "people.view"),
    NavigationEntry("Organisation", "/admin/organisation", "organisation.edit"),
    NavigationEntry("Audit", "/admin/audit", "audit.view"),
    NavigationEntry("Privacy", "/admin/privacy", "privacy.run"),
)


def places_of(actor: Actor) -> list[NavigationEntry]:
    """Return the pages that this actor may open; the administration leads to its first."""
    sections = sections_of(actor)
    administration = [NavigationEntry("Administration", sections[0].address)] if sections else []
    return [place for place in PLACES if place.opens_to(actor)] + administration


def sections_of(actor: Actor) -> list[NavigationEntry]:
    """Return the pages of the administration that this actor may open."""
    return [place for place in SECTIONS if place.opens_to(actor)]


def section(address: str) -> str:
    """Return the address of the section that an address belongs to."""
    return next((p.address for p in SECTIONS if (address + "/").startswith(p.address + "/")), "")


def current(address: str, places: list[NavigationEntry] | None = None) -> str:
    """Return the address of the place that an address belongs to."""
    if address.startswith("/admin/"):
        return next((p.address for p in places or [] if p.name == "Administration"), "")
    inside = [p.address for p in PLACES if p.address != "/" and (address + "/").startswith(p.address + "/")]
    return inside[0] if inside else "/" if address == "/" else ""


def _is_there(address: str) -> bool:
    try:
        resolve(address)
    except Resolver404:
        return False
    return True
