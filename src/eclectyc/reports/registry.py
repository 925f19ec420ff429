"""Sites and meters as files. Importing an exported file again changes nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from django.db.models import QuerySet

from eclectyc.accounts.actor import Actor
from eclectyc.audit.record import record
from eclectyc.estate.formula_visibility import visible_formulas
from eclectyc.estate.lists import MeterFilter, SiteFilter, matching_meters, matching_sites
from eclectyc.estate.models import Meter, Site
from eclectyc.estate.opening_hours import text_of
from eclectyc.kernel.errors import Forbidden
from eclectyc.reports.sheets import Row

SITE_COLUMNS: Final = (
    *("name", "company", "region", "address", "postcode", "site_type", "floor_area_m2"),
    *("latitude", "longitude", "timezone", "gas_region", "is_active", "opening_hours", "properties"),
)
METER_COLUMNS: Final = (
    *("identifier", "name", "site", "utility", "direction", "serial", "unit", "step", "multiplier", "correction"),
    *("parent", "supplier", "installed", "removed", "is_active", "formula"),
)
_REFERENCE: Final = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*_id")
_MOST_REFERENCES: Final = 30
_CHUNK: Final = 2000


def site_rows(actor: Actor, filters: SiteFilter | None = None) -> Iterator[Row]:
    """Yield a header and the sites of a filter that the actor may export, by name."""
    found = matching_sites(actor, filters).filter(pk__in=_may_export(actor, Site))
    references = _references(found)
    _record_export(actor, "sites", found)
    yield (*SITE_COLUMNS, *references)
    for site in found.select_related("region").order_by("organisation", "name").iterator(chunk_size=_CHUNK):
        yield (*(site_cell(site, column) for column in SITE_COLUMNS), *_reference_cells(site, references))


def meter_rows(actor: Actor, filters: MeterFilter | None = None) -> Iterator[Row]:
    """Yield a header and the meters of a filter that the actor may export, by identifier."""
    found = matching_meters(actor, filters).filter(pk__in=_may_export(actor, Meter))
    references = _references(found)
    _record_export(actor, "meters", found)
    yield (*METER_COLUMNS, *references)
    rows = found.select_related("site", "supplier", "parent").order_by("organisation", "identifier")
    for meters in _in_chunks(rows):
        formulas = visible_formulas(actor, meters)
        for meter in meters:
            meter.formula = formulas[meter.pk].text
            yield (*(_meter_cell(meter, column) for column in METER_COLUMNS), *_reference_cells(meter, references))


def _in_chunks(rows: QuerySet[Meter]) -> Iterator[list[Meter]]:
    each = rows.iterator(chunk_size=_CHUNK)
    while chunk := list(islice(each, _CHUNK)):
        yield chunk


def _may_export(actor: Actor, model: type[Site] | type[Meter]) -> QuerySet[Any]:
    if not actor.may_somewhere("exports.run"):
        raise Forbidden("Your role does not allow this.", "Ask an administrator of your organisation.")
    return model.objects.visible_to(actor, "exports.run").order_by().values("pk")


def _record_export(actor: Actor, what: str, found: QuerySet[Any]) -> None:
    organisations = list(found.order_by().values_list("organisation", flat=True).distinct()[:2])
    only = organisations[0] if len(organisations) == 1 else None
    record(actor.by, f"export.{what}", organisation_id=only, after={"rows": found.count()})


def site_cell(site: Site, column: str) -> object:
    """Return a site's cell in a column of ``SITE_COLUMNS``."""
    if column == "region":
        return site.region.name if site.region else ""
    if column == "opening_hours":
        return text_of(site.opening_hours)
    if column == "properties":
        return json.dumps(site.properties, ensure_ascii=False) if site.properties else ""
    return getattr(site, column)


def _meter_cell(meter: Meter, column: str) -> object:
    if column == "site":
        return meter.site.name
    if column == "supplier":
        return meter.supplier.name if meter.supplier else ""
    if column == "parent":
        return meter.parent.identifier if meter.parent else ""
    return meter.step_minutes if column == "step" else getattr(meter, column)


def _references(found: QuerySet[Any]) -> list[str]:
    """Return the names of outside references, such as ``energystar_id``, that get a column."""
    stored = found.order_by().exclude(outside_references={}).values_list("outside_references", flat=True)
    names = {name for references in stored.iterator(chunk_size=_CHUNK) for name in references}
    return sorted(name for name in names if _REFERENCE.fullmatch(name))[:_MOST_REFERENCES]


def _reference_cells(thing: Site | Meter, names: list[str]) -> list[str]:
    return [thing.outside_references.get(name, "") for name in names]
