"""The navigation: pages that register themselves, shown to whom they open.

A page registers in ``AppConfig.ready``::

    from eclectyc.web.navigation import NavigationEntry, sections

    sections.register("tariffs", NavigationEntry("Tariffs", "/admin/tariffs", "estate.edit"), rank=75)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.urls import Resolver404, resolve

from eclectyc.accounts.actor import Actor
from eclectyc.kernel.hooks import Hook

ADMINISTRATION: Final = "Administration"


@dataclass(frozen=True, slots=True)
class NavigationEntry:
    """A page of the navigation; any one of its permissions, anywhere, opens it."""

    name: str
    address: str
    permission: str = "estate.view"

    def opens_to(self, actor: Actor) -> bool:
        """Return whether an actor may open this page, and it exists."""
        return any(actor.may_somewhere(one) for one in self.permission.split()) and _exists(self.address)

    def contains(self, address: str) -> bool:
        """Return whether an address is this page or below it."""
        return (address + "/").startswith(self.address.rstrip("/") + "/")


pages: Final[Hook[NavigationEntry]] = Hook("page of the bar")
sections: Final[Hook[NavigationEntry]] = Hook("section of the administration")


def pages_for(actor: Actor) -> list[NavigationEntry]:
    """Return the pages that this actor may open; the administration leads to its first section."""
    open_sections = sections_for(actor)
    administration = [NavigationEntry(ADMINISTRATION, open_sections[0].address)] if open_sections else []
    return [page for page in pages if page.opens_to(actor)] + administration


def sections_for(actor: Actor) -> list[NavigationEntry]:
    """Return the sections of the administration that this actor may open."""
    return [section for section in sections if section.opens_to(actor)]


def section_of(address: str) -> str:
    """Return the address of the section that an address belongs to; empty if it belongs to none."""
    return next((section.address for section in sections if section.contains(address)), "")


def current(address: str, shown: list[NavigationEntry] | None = None) -> str:
    """Return the address of the page of the bar that an address belongs to; empty if it belongs to none."""
    if address.startswith("/admin/"):
        return next((page.address for page in shown or [] if page.name == ADMINISTRATION), "")
    if address == "/":
        return "/"
    return next((page.address for page in pages if page.address != "/" and page.contains(address)), "")


def _exists(address: str) -> bool:
    try:
        resolve(address)
    except Resolver404:
        return False
    return True
