"""Meters, sites and series that an import creates: planned while it reads, created when its batch begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from django.conf import settings

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.batches.lifecycle import CreatedRecords
from eclectyc.estate.models import Meter, Site
from eclectyc.estate.series import SeriesKey, all_exist, ensure_series
from eclectyc.intake.alignment.interpretation import Target
from eclectyc.intake.resolve import Point, new_meter_fields
from eclectyc.kernel.errors import Invalid


class HasTargets(Protocol):
    """A plan with the series that an import needs."""

    @property
    def targets(self) -> Sequence[Target]: ...


@dataclass(frozen=True, slots=True)
class Provisioning:
    """Creates new meters at a site. ``site`` is None if it is still to be created."""

    actor: Actor
    organisation: Organisation
    site_name: str
    site: Site | None

    @classmethod
    def for_site(cls, actor: Actor, organisation: Organisation, site_name: str) -> Provisioning:
        """Look up the site by name; without a name, use the organisation's only site."""
        sites = Site.objects.filter(organisation=organisation)
        name = " ".join(site_name.split())
        if name:
            return cls(actor, organisation, name, sites.filter(name__iexact=name).first())
        only = list(sites[:2])
        return cls(actor, organisation, "", only[0] if len(only) == 1 else None)

    @property
    def zone(self) -> str:
        """The time zone of meters that are created."""
        return self.site.timezone if self.site else settings.DEFAULT_SITE_ZONE

    def count_new(self, plan: HasTargets) -> tuple[int, int]:
        """Return how many sites and meters :meth:`create` would create."""
        meters = len(_new_points(plan.targets))
        if meters:
            self._check_named()
        return (1 if meters and self.site is None else 0), meters

    @staticmethod
    def series_numbers(plan: HasTargets) -> np.ndarray:
        """Return each target's series number, below zero if it is still to be created."""
        numbers = []
        for n, target in enumerate(plan.targets):
            key = (target.quantity, target.unit, target.step, "", target.register)
            stored = (s.id for s in target.point.series if (s.quantity, s.unit, s.step, s.source, s.register) == key)
            numbers.append(next(stored, n - len(plan.targets)))
        return np.array(numbers, dtype=np.int64)

    def create(self, plan: HasTargets) -> tuple[np.ndarray, CreatedRecords]:
        """Create what is missing and return each target's series number; call it within a transaction."""
        created = CreatedRecords()
        known = self.series_numbers(plan)
        if known.size and known.min() >= 0 and all_exist(known.tolist()):
            return known, created
        points = _new_points(plan.targets)
        found = self._meters_of(points, plan, created) if points else {}
        keys = [self._key(target, found) for target in plan.targets]
        series, new = ensure_series(keys)
        created.series = [one.pk for one in new]
        return np.array([series[key].pk for key in keys], dtype=np.int64), created

    @staticmethod
    def _key(target: Target, found: dict[str, int]) -> SeriesKey:
        meter = target.point.meter or found[target.point.identifier]
        return SeriesKey(meter, target.quantity, target.unit, target.step, register=target.register)

    def _meters_of(self, points: Sequence[Point], plan: HasTargets, created: CreatedRecords) -> dict[str, int]:
        """Create the new points' meters, unless they have been created meanwhile."""
        self._check_named()
        names = [point.identifier for point in points]
        stored = Meter.objects.filter(organisation=self.organisation, identifier__in=names).select_related("site")
        found = {meter.identifier: meter for meter in stored}
        moved = [name for name, meter in found.items() if meter.site.timezone != self.zone]
        if moved:
            raise Invalid(
                f"Meter {moved[0]} was created in another time zone during this import.", "Run the import again."
            )
        missing = [point for point in points if point.identifier not in found]
        if missing:
            from eclectyc.estate.meters import create_meters
            from eclectyc.estate.sites import create_site

            site = self.site or create_site(
                self.actor, organisation=self.organisation, name=self.site_name, timezone=self.zone
            )
            created.sites = [] if self.site else [site.pk]
            for alike, names in _group_alike(missing, plan.targets):
                new = create_meters(self.actor, site=site, identifiers=names, **alike)
                created.meters += [meter.pk for meter in new]
                found |= {meter.identifier: meter for meter in new}
        return {name: meter.pk for name, meter in found.items()}

    def _check_named(self) -> None:
        if self.site is None and not self.site_name:
            raise Invalid(
                "New meters need a site.", "Give one with --site; it is created if it does not exist.", field="site"
            )


def _new_points(targets: Sequence[Target]) -> list[Point]:
    return list({t.point.identifier: t.point for t in targets if t.point.meter is None}.values())


def _group_alike(points: Sequence[Point], targets: Sequence[Target]) -> list[tuple[dict[str, Any], list[str]]]:
    """Group new points whose meters differ only in their identifiers."""
    measured: dict[str, list[Target]] = {}
    for target in targets:
        measured.setdefault(target.point.identifier, []).append(target)
    groups: dict[tuple[tuple[str, Any], ...], list[str]] = {}
    for point in points:
        fields = new_meter_fields(point.identifier, measured[point.identifier])
        groups.setdefault(tuple(fields.items()), []).append(point.identifier)
    return [(dict(fields), names) for fields, names in groups.items()]
