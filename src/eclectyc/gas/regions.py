"""Which region's calorific values apply at a site."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from eclectyc.accounts.models import Organisation
from eclectyc.external.outside_facts import place_key
from eclectyc.gas.models import CalorificValue, UsualRegion


def usual_region(organisation: Organisation | int) -> str:
    """Return the region of sites that name none; empty if the organisation has not set one."""
    return UsualRegion.objects.filter(organisation=organisation).values_list("region", flat=True).first() or ""


@dataclass(frozen=True, slots=True)
class RegionValues:
    """Calorific values [MJ/m³] by key of the region and gas day."""

    known: dict[str, dict[date, Decimal]] = field(default_factory=dict)

    @classmethod
    def of(cls, organisation: int, keys: Iterable[str], first: date, end: date) -> RegionValues:
        """Look up the values of some regions on half-open gas days: one query."""
        rows = CalorificValue.objects.filter(
            organisation=organisation, region_key__in=sorted(set(keys)), day__gte=first, day__lt=end
        )
        values = cls()
        for key, day, value in rows.order_by().values_list("region_key", "day", "mj_per_m3"):
            values.known.setdefault(key, {})[day] = value
        return values

    def on(self, key: str, day: date) -> Decimal | None:
        """Return a region's value of a gas day."""
        return self.known.get(key, {}).get(day)


def key_at(site_region: str, usual: str) -> str:
    """Return the key of a site's region."""
    return place_key(site_region or usual)
