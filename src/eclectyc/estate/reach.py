"""Reach as query conditions: each kind of thing has its condition here, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import Q

from eclectyc.accounts.reach import Reach

NOTHING = Q(pk__in=())


def within(limits: Iterable[Reach], condition: Callable[[Reach], Q]) -> Q:
    """Return the condition of being within every limit; an empty limit lets nothing through."""
    wanted = Q()
    for limit in limits:
        if limit.everywhere:
            continue
        wanted &= condition(limit) if limit else NOTHING
    return wanted


def regions_within(reach: Reach) -> Q:
    """Regions wholly within reach, and those with a site within reach."""
    return _any(organisation__in=reach.organisations, pk__in=reach.regions) | _regions_of(reach)


def sites_within(reach: Reach) -> Q:
    """Sites wholly within reach."""
    return _any(organisation__in=reach.organisations, region__in=reach.regions, pk__in=reach.sites)


def meters_within(reach: Reach) -> Q:
    """Meters within reach, by their organisation, region, site or by themselves."""
    return _any(
        organisation__in=reach.organisations,
        site__region__in=reach.regions,
        site__in=reach.sites,
        pk__in=reach.meters,
    )


def series_within(reach: Reach) -> Q:
    """Series of meters within reach."""
    return _any(
        meter__organisation__in=reach.organisations,
        meter__site__region__in=reach.regions,
        meter__site__in=reach.sites,
        meter__in=reach.meters,
    )


def of_site_within(reach: Reach) -> Q:
    """What belongs to sites within reach."""
    return _any(site__organisation__in=reach.organisations, site__region__in=reach.regions, site__in=reach.sites)


def suppliers_within(reach: Reach) -> Q:
    """Suppliers of whole organisations within reach, and those of meters within it."""
    narrow = Reach(regions=reach.regions, sites=reach.sites, meters=reach.meters)
    whole = _any(organisation__in=reach.organisations)
    if not narrow:
        return whole
    from eclectyc.estate.models import Meter

    return whole | Q(pk__in=Meter.objects.filter(meters_within(narrow)).exclude(supplier=None).values("supplier"))


def _regions_of(reach: Reach) -> Q:
    if not reach.sites:
        return Q(pk__in=())
    from eclectyc.estate.models import Site

    return Q(pk__in=Site.objects.filter(pk__in=reach.sites).exclude(region=None).values("region"))


def _any(**conditions: Any) -> Q:
    """Return the union of the conditions that have values; without any, one that nothing meets."""
    wanted = Q()
    for name, values in conditions.items():
        if values:
            wanted |= Q(**{name: values})
    return wanted or NOTHING
