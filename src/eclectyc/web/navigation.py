"""The pages of the bar, and who may open them: what a person may not open is not shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from eclectyc.accounts.actor import Actor


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the navigation."""

    name: str
    address: str
    permission: str = "estate.view"


PLACES: Final = (
    Place("Dashboard", "/"),
    Place("Sites", "/sites"),
    Place("Meters", "/meters"),
    Place("Consumption", "/reports/consumption", "reports.view"),
)


def places_of(actor: Actor) -> list[Place]:
    """Return the pages that this actor may open."""
    return [place for place in PLACES if actor.may_somewhere(place.permission)]


def current(address: str) -> str:
    """Return the address of the place that an address belongs to."""
    inside = [p.address for p in PLACES if p.address != "/" and (address + "/").startswith(p.address + "/")]
    return inside[0] if inside else "/" if address == "/" else ""
