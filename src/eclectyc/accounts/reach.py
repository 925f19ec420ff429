"""How far a permission reaches: everywhere, some organisations with all below them, some regions, sites, meters.

A reach is a value. What it holds is exact: an organisation's descendants are in ``organisations`` already, while a
region's sites and a site's meters are found by the queries that use it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

NONE: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is: its organisation always, and as much below it as it has."""

    organisation: int
    region: int | None = None
    site: int | None = None
    meter: int | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """A set of places. An empty reach reaches nothing."""

    everywhere: bool = False
    organisations: frozenset[int] = NONE
    regions: frozenset[int] = NONE
    sites: frozenset[int] = NONE
    meters: frozenset[int] = NONE

    def covers(self, place: Place) -> bool:
        """Say whether all that is at a place is within reach."""
        return (
            self.everywhere
            or place.organisation in self.organisations
            or place.region in self.regions
            or place.site in self.sites
            or place.meter in self.meters
        )

    def __bool__(self) -> bool:
        return bool(self.everywhere or self.organisations or self.regions or self.sites or self.meters)


def union(reaches: Iterable[Reach]) -> Reach:
    """Return the union of reaches."""
    every = list(reaches)
    return Reach(
        any(r.everywhere for r in every),
        NONE.union(*(r.organisations for r in every)),
        NONE.union(*(r.regions for r in every)),
        NONE.union(*(r.sites for r in every)),
        NONE.union(*(r.meters for r in every)),
    )
