"""Sites, meters and series: what changes them, with the same checks whoever asks. Actor first; one short transaction.

Fields are those of the models. Where a person names a thing (a region, a parent meter), its name may be given
instead of the object. A field that is not known is refused, never dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.db import IntegrityError, transaction

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.estate.fields import checked_meter_fields, checked_site_fields, first_fault
from eclectyc.estate.models import Meter, Region, Series, Site
from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.identifiers import clean_identifier

SITE_FIELDS: Final = frozenset(
    {"name", "company", "region", "address", "postcode", "site_type", "floor_area_m2", "latitude", "longitude",
     "timezone", "is_active", "outside_references", "created_at"}
)  # fmt: skip
METER_FIELDS: Final = frozenset(
    {"identifier", "site", "name", "utility", "direction", "unit", "step_minutes", "multiplier", "serial", "supplier",
     "parent", "installed", "removed", "is_active", "outside_references", "created_at"}
)  # fmt: skip


def create_site(actor: Actor, *, organisation: Organisation, name: str, **fields: Any) -> Site:
    """Make a site. Its name is unique in the organisation."""
    actor.require("estate.edit", organisation.pk)
    site = Site(organisation=organisation)
    return _save_site(site, {"name": name} | fields)


def update_site(actor: Actor, *, site: Site, **fields: Any) -> Site:
    """Change a site's fields. Its time zone is fixed once readings have been laid in its days."""
    actor.require("estate.edit", site.organisation_id)
    moves = "timezone" in fields and fields["timezone"] != site.timezone
    if moves and Series.objects.filter(meter__site=site).exists():
        raise Invalid(
            f"{site.name} has readings in days of {site.timezone}.",
            "Make a new site in the other time zone and import its readings there.",
            field="timezone",
        )
    return _save_site(site, fields)


def _save_site(site: Site, fields: Mapping[str, Any]) -> Site:
    _refuse_unknown(fields, SITE_FIELDS)
    checked = checked_site_fields(fields)
    with transaction.atomic():
        if "region" in checked:
            checked["region"] = _region(site.organisation, checked["region"])
        _merge_references(site, checked)
        for name, value in checked.items():
            setattr(site, name, value)
        others = Site.objects.filter(organisation=site.organisation).exclude(pk=site.pk)
        if others.filter(name__iexact=site.name).exists():
            raise Invalid(f"There is a site {site.name!r} already.", "Choose another name.", field="name")
        _save(site, f"There is a site {site.name!r} already.", "name")
    return site


def create_meter(actor: Actor, *, site: Site, identifier: str, **fields: Any) -> Meter:
    """Make a meter at a site. Its identifier is unique in the organisation."""
    actor.require("estate.edit", site.organisation_id)
    meter = Meter(organisation=site.organisation, site=site)
    return _save_meter(meter, {"identifier": identifier} | fields)


def create_meters(actor: Actor, *, site: Site, identifiers: Sequence[str], **alike: Any) -> list[Meter]:
    """Make many meters at one site that differ in their identifiers alone; none of them may be there yet."""
    actor.require("estate.edit", site.organisation_id)
    _refuse_unknown(alike, METER_FIELDS - {"identifier", "site", "parent"})
    checked = checked_meter_fields(alike)
    longest = max(identifiers, key=len, default="")
    pattern = Meter(organisation=site.organisation, site=site, identifier=longest, **checked)
    fault = first_fault(pattern, besides=("organisation", "site", "parent"))
    if fault is not None:
        raise fault
    names = [checked_meter_fields({"identifier": identifier})["identifier"] for identifier in identifiers]
    new = [Meter(organisation=site.organisation, site=site, identifier=name, **checked) for name in names]
    return Meter.objects.bulk_create(new, batch_size=500)


def update_meter(actor: Actor, *, meter: Meter, **fields: Any) -> Meter:
    """Change a meter's fields."""
    actor.require("estate.edit", meter.organisation_id)
    return _save_meter(meter, fields)


def _save_meter(meter: Meter, fields: Mapping[str, Any]) -> Meter:
    _refuse_unknown(fields, METER_FIELDS)
    checked = checked_meter_fields(fields)
    with transaction.atomic():
        if "site" in checked:
            checked["site"] = _site(meter, checked["site"])
        if "parent" in checked:
            checked["parent"] = _parent(meter, checked["parent"])
        _merge_references(meter, checked)
        for name, value in checked.items():
            setattr(meter, name, value)
        if meter.installed and meter.removed and meter.removed < meter.installed:
            raise Invalid("The meter is removed before it is installed.", "Correct one date.", field="removed")
        _save(meter, f"There is a meter {meter.identifier} already.", "identifier")
    return meter


def _save(thing: Site | Meter, taken: str, field: str) -> None:
    fault = first_fault(thing)
    if fault is not None:
        raise fault
    try:
        with transaction.atomic():
            thing.save()
    except IntegrityError:
        raise Invalid(taken, "Choose another.", field=field) from None


def _refuse_unknown(fields: Mapping[str, Any], known: frozenset[str]) -> None:
    strange = sorted(set(fields) - known)
    if strange:
        raise Invalid(f"There is no field {strange[0]!r}.", f"Use: {', '.join(sorted(known))}.", field=strange[0])


def _merge_references(thing: Site | Meter, checked: dict[str, Any]) -> None:
    if "outside_references" in checked:
        checked["outside_references"] = thing.outside_references | dict(checked["outside_references"] or {})


def _region(organisation: Organisation, named: Region | str | None) -> Region | None:
    if named is None or named == "":
        return None
    if isinstance(named, Region):
        if named.organisation_id != organisation.pk:
            raise Invalid("There is no such region.", "Choose one of this organisation.", field="region")
        return named
    found = Region.objects.filter(organisation=organisation, name__iexact=named).first()
    return found or Region.objects.create(organisation=organisation, name=named)


def _site(meter: Meter, named: Site | str) -> Site:
    site = named
    if not isinstance(site, Site):
        found = Site.objects.filter(organisation=meter.organisation, name__iexact=site).first()
        if found is None:
            raise Invalid(f"There is no site {site!r}.", "Make it first, or check its spelling.", field="site")
        site = found
    if site.organisation_id != meter.organisation_id:
        raise Invalid("There is no such site.", "Choose one of this organisation.", field="site")
    is_held = meter.pk is not None and meter.series.exists()
    if is_held and site.timezone != meter.site.timezone:
        raise Invalid(
            f"{meter} has readings in days of {meter.site.timezone}; {site.name} keeps {site.timezone}.",
            "Make a new meter there.",
            field="site",
        )
    return site


def _parent(meter: Meter, named: Meter | str | None) -> Meter | None:
    if named is None or named == "":
        return None
    parent = named
    if not isinstance(parent, Meter):
        found = Meter.objects.filter(organisation=meter.organisation, identifier=clean_identifier(parent)).first()
        if found is None:
            raise Invalid(f"There is no meter {parent!r}.", "Make the parent meter first.", field="parent")
        parent = found
    if parent.organisation_id != meter.organisation_id:
        raise Invalid("There is no such meter.", "Choose one of this organisation.", field="parent")
    above: Meter | None = parent
    while above is not None:
        if above.pk == meter.pk:
            raise Invalid(f"{meter.identifier} would be its own parent.", "Choose another parent.", field="parent")
        above = above.parent
    return parent


def series_for(
    actor: Actor, *, meter: Meter, quantity: str = "import", unit: str = "", step_minutes: int = 30, source: str = ""
) -> Series:
    """Return a meter's series of a quantity, unit, step and source; make it where there is none."""
    actor.require("imports.run", meter.organisation_id)
    key = (meter.pk, quantity, unit or meter.unit, step_minutes, source)
    return ensure_series([key])[0][key]


SeriesKey = tuple[int, str, str, int, str]  # meter, quantity, unit, step [minutes], source


def ensure_series(keys: Iterable[SeriesKey]) -> tuple[dict[SeriesKey, Series], list[Series]]:
    """Return the series of each key, and which of them had to be made; call it within a transaction.

    The first source and unit of a meter's quantity is its primary one: only that is counted. All its steps are
    primary together. Another unit or source stands beside it.
    """
    wanted = list(dict.fromkeys(keys))
    meters = {key[0] for key in wanted}
    held = {_key(series): series for series in series_of(meters)}
    primary = {(k[0], k[1]): (k[2], k[4]) for k, series in held.items() if series.is_primary}
    made = []
    for key in wanted:
        if key in held:
            continue
        meter, quantity, unit, step, source = key
        counted = primary.setdefault((meter, quantity), (unit, source))
        made.append(
            Series(meter_id=meter, quantity=quantity, unit=unit, step_minutes=step, source=source,
                   is_primary=counted == (unit, source))
        )  # fmt: skip
    Series.objects.bulk_create(made, batch_size=500)
    return held | {_key(series): series for series in made}, made


def series_of(meters: Iterable[int]) -> list[Series]:
    """Return the series of some meters, by number; in pieces, because databases bound a query's length."""
    numbers = sorted(meters)
    return [
        series
        for at in range(0, len(numbers), 5000)
        for series in Series.objects.filter(meter__in=numbers[at : at + 5000])
    ]


def _key(series: Series) -> SeriesKey:
    return series.meter_id, series.quantity, series.unit, series.step_minutes, series.source
