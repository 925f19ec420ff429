"""Reach: where a permission applies. Pure.

``organisations`` includes their descendants; the sites of ``regions`` and the meters of ``sites`` are found by the
queries that use it (``estate.reach``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

NONE: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Place:
    """The organisation of a thing and, if it has them, its region, site and meter, by number."""

    organisation: int
    region: int | None = None
    site: int | None = None
    meter: int | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """A set of places; false if it is empty."""

    everywhere: bool = False
    organisations: frozenset[int] = NONE
    regions: frozenset[int] = NONE
    sites: frozenset[int] = NONE
    meters: frozenset[int] = NONE

    def covers(self, place: Place) -> bool:
        """Return whether everything at a place is within reach."""
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
    every = list(reaches)
    return Reach(
        any(r.everywhere for r in every),
        NONE.union(*(r.organisations for r in every)),
        NONE.union(*(r.regions for r in every)),
        NONE.union(*(r.sites for r in every)),
        NONE.union(*(r.meters for r in every)),
    )
