"""Lists of meters, sites, regions and suppliers: searched, filtered, sorted, a page at a time, for pages and the API.

Each takes at most four queries however long it is: the numbers of the page, the total count, the rows of the page, and
the counts for each row. Everything starts from ``visible_to(actor)``.

In a filter None filters nothing; an empty tuple lets nothing through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from django.db.models import Count, F, Model, Q, QuerySet

from eclectyc.accounts.actor import Actor
from eclectyc.estate.models import Meter, Region, Site, Supplier
from eclectyc.estate.reach import sites_within, within

Thing = TypeVar("Thing", bound=Model)
Numbers = tuple[int, ...]

LONGEST_SEARCH: Final = 200
MOST_WORDS: Final = 8


@dataclass(frozen=True, slots=True)
class ListPage(Generic[Thing]):
    """A page of a list, and the length of the list. counts : what belongs to each item, by its number."""

    items: list[Thing]
    count: int
    counts: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class ListPart:
    """Which part of a list, and its order: the name of a column, with a minus for descending."""

    sort: str = ""
    offset: int = 0
    limit: int = 50


@dataclass(frozen=True, slots=True)
class MeterFilter:
    """The filter of a list of meters."""

    search: str = ""
    organisations: Numbers | None = None
    regions: Numbers | None = None
    sites: Numbers | None = None
    suppliers: Numbers | None = None
    parents: Numbers | None = None
    meters: Numbers | None = None
    utility: str | None = None
    direction: str | None = None
    site_type: str | None = None
    is_active: bool | None = None
    is_sub: bool | None = None
    is_virtual: bool | None = None

    def condition(self, actor: Actor) -> Q:
        """Return the filter as a condition on meters, without joins: sites are queried by themselves.

        A user who sees only a meter knows its site's name and region, and finds it by nothing else of the site.
        """
        visible = Site.objects.visible_to(actor).order_by()
        filters = _among(organisation=self.organisations, site=self.sites, supplier=self.suppliers)
        filters &= _among(parent=self.parents, pk=self.meters)
        filters &= _equal(utility=self.utility, direction=self.direction, is_active=self.is_active)
        if self.is_sub is not None:
            filters &= Q(parent__isnull=not self.is_sub)
        if self.is_virtual is not None:
            filters &= ~Q(formula="") if self.is_virtual else Q(formula="")
        if self.regions is not None:
            filters &= Q(site__in=Site.objects.filter(region__in=self.regions).order_by().values("pk"))
        if self.site_type is not None:
            filters &= Q(site__in=visible.filter(site_type=self.site_type).values("pk"))
        for word in words_of(self.search):
            sites = Site.objects.filter(_sites_with_word(actor, word)).order_by().values("pk")
            filters &= Q(site__in=sites) | Q(search__contains=word)
        return filters


@dataclass(frozen=True, slots=True)
class SiteFilter:
    """The filter of a list of sites."""

    search: str = ""
    organisations: Numbers | None = None
    regions: Numbers | None = None
    sites: Numbers | None = None
    site_type: str | None = None
    utility: str | None = None
    is_active: bool | None = None

    def condition(self) -> Q:
        """Return the filter as a condition on sites."""
        filters = _among(organisation=self.organisations, region=self.regions, pk=self.sites)
        filters &= _equal(site_type=self.site_type, is_active=self.is_active)
        if self.utility is not None:
            filters &= Q(pk__in=Meter.objects.filter(utility=self.utility).order_by().values("site"))
        for word in words_of(self.search):
            filters &= Q(search__contains=word)
        return filters


@dataclass(frozen=True, slots=True)
class NameFilter:
    """The filter of a list of regions or suppliers; regions are never inactive."""

    search: str = ""
    organisations: Numbers | None = None
    is_active: bool | None = None

    def condition(self) -> Q:
        """Return the filter as a condition on things with a name."""
        filters = _among(organisation=self.organisations) & _equal(is_active=self.is_active)
        for word in words_of(self.search):
            filters &= Q(name__icontains=word)
        return filters


METER_SORTS: Final[Mapping[str, str]] = {
    "identifier": "identifier",
    "name": "name",
    "serial": "serial",
    "site": "site__name",
    "region": "site__region__name",
    "supplier": "supplier__name",
    "organisation": "organisation__name",
    "utility": "utility",
    "direction": "direction",
    "unit": "unit",
    "step": "step_minutes",
    "installed": "installed",
    "removed": "removed",
    "is_active": "is_active",
}
SITE_SORTS: Final[Mapping[str, str]] = {
    "name": "name",
    "company": "company",
    "region": "region__name",
    "organisation": "organisation__name",
    "postcode": "postcode",
    "site_type": "site_type",
    "floor_area_m2": "floor_area_m2",
    "is_active": "is_active",
}
REGION_SORTS: Final[Mapping[str, str]] = {"name": "name", "organisation": "organisation__name"}
SUPPLIER_SORTS: Final[Mapping[str, str]] = {**REGION_SORTS, "account": "account", "is_active": "is_active"}
_NULLABLE: Final = frozenset(
    {"site__region__name", "supplier__name", "region__name", "installed", "removed", "floor_area_m2"}
)


def meters(actor: Actor, filters: MeterFilter | None = None, part: ListPart | None = None) -> ListPage[Meter]:
    """List meters with their site, region, organisation, supplier and parent; counts: their sub-meters."""
    found = matching_meters(actor, filters)
    rows = Meter.objects.select_related("site__region", "organisation", "supplier", "parent")
    items, count = _page(found, rows, part or ListPart(), METER_SORTS, "identifier")
    below = Meter.objects.visible_to(actor).filter(parent__in=[meter.pk for meter in items])
    return ListPage(items, count, _counts(below, "parent"))


def sites(actor: Actor, filters: SiteFilter | None = None, part: ListPart | None = None) -> ListPage[Site]:
    """List sites with their region and organisation; counts: their meters."""
    found = matching_sites(actor, filters)
    rows = Site.objects.select_related("region", "organisation")
    items, count = _page(found, rows, part or ListPart(), SITE_SORTS, "name")
    return ListPage(items, count, _counts(Meter.objects.filter(site__in=[site.pk for site in items]), "site"))


def regions(actor: Actor, filters: NameFilter | None = None, part: ListPart | None = None) -> ListPage[Region]:
    """List regions with their organisation; counts: their sites, as far as the actor sees them."""
    found = Region.objects.visible_to(actor).filter((filters or NameFilter()).condition())
    rows = Region.objects.select_related("organisation")
    items, count = _page(found, rows, part or ListPart(), REGION_SORTS, "name")
    inside = Site.objects.visible_to(actor).filter(region__in=[region.pk for region in items])
    return ListPage(items, count, _counts(inside, "region"))


def suppliers(actor: Actor, filters: NameFilter | None = None, part: ListPart | None = None) -> ListPage[Supplier]:
    """List suppliers with their organisation; counts: their meters, as far as the actor sees them."""
    found = Supplier.objects.visible_to(actor).filter((filters or NameFilter()).condition())
    rows = Supplier.objects.select_related("organisation")
    items, count = _page(found, rows, part or ListPart(), SUPPLIER_SORTS, "name")
    supplied = Meter.objects.visible_to(actor).filter(supplier__in=[supplier.pk for supplier in items])
    return ListPage(items, count, _counts(supplied, "supplier"))


def matching_meters(actor: Actor, filters: MeterFilter | None = None) -> QuerySet[Meter]:
    """Return all meters of a filter, for an export or a bulk edit."""
    return Meter.objects.visible_to(actor).filter((filters or MeterFilter()).condition(actor))


def matching_sites(actor: Actor, filters: SiteFilter | None = None) -> QuerySet[Site]:
    """Return all sites of a filter, for an export or a bulk edit."""
    return Site.objects.visible_to(actor).filter((filters or SiteFilter()).condition())


def words_of(search: str) -> list[str]:
    """Return the words of a search in lower case: every one must be found.

    >>> words_of("  Harbour  BS1 ")
    ['harbour', 'bs1']
    """
    plain = search.replace("\x00", "")[:LONGEST_SEARCH].casefold()
    return list(dict.fromkeys(plain.split()))[:MOST_WORDS]


def _page(
    found: QuerySet[Thing], rows: QuerySet[Thing], part: ListPart, sorts: Mapping[str, str], default: str
) -> tuple[list[Thing], int]:
    """Return a page and the count. Only numbers are sorted: whole rows are read for the page alone."""
    column = sorts.get(part.sort.removeprefix("-"), sorts[default])
    order: Any = F(column).desc() if part.sort.startswith("-") else F(column).asc()
    if column in _NULLABLE:
        order.nulls_last = True
    tie = "-pk" if part.sort.startswith("-") else "pk"
    numbers = list(found.order_by(order, tie).values_list("pk", flat=True)[part.offset : part.offset + part.limit])
    read: dict[int, Thing] = {row.pk: row for row in rows.filter(pk__in=numbers).order_by()}
    is_last = len(numbers) < part.limit and (numbers or not part.offset)  # a short list is counted already
    count = part.offset + len(numbers) if is_last else found.order_by().count()
    return [read[number] for number in numbers if number in read], count


def _counts(found: QuerySet[Any], field: str) -> dict[int, int]:
    counted = found.order_by().values_list(field).annotate(number=Count("pk"))
    return dict(counted)


def _sites_with_word(actor: Actor, word: str) -> Q:
    """Return the sites whose meters a word finds, for a list of meters that the actor sees.

    A user with a role at a single meter may see it without its site: then only the site's name is searched. For all
    others a meter's site is visible too, and its visibility need not be checked again.
    """
    found = Q(search__contains=word)
    limits = actor.limits()
    if not any(limit.meters for limit in limits):
        return found
    return within(limits, sites_within) & found | Q(name__icontains=word)


def _among(**filters: Numbers | Sequence[int] | None) -> Q:
    found = Q()
    for field, numbers in filters.items():
        if numbers is not None:
            found &= Q(**{f"{field}__in": numbers})
    return found


def _equal(**filters: str | bool | None) -> Q:
    found = Q()
    for field, value in filters.items():
        if value is not None:
            found &= Q(**{field: value})
    return found
