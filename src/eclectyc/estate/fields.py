"""The fields of regions, suppliers, sites and meters, checked alike for the API, pages, files and commands."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import models

from eclectyc.estate import checks, properties
from eclectyc.estate.checks import Check, named
from eclectyc.estate.opening_hours import week_of
from eclectyc.kernel.errors import Invalid

_REGION: Final[dict[str, Check]] = {"name": checks.required}
_SUPPLIER: Final[dict[str, Check]] = {
    "name": checks.required,
    "account": checks.text,
    "website": checks.web_address,
    "contact_name": checks.text,
    "contact_email": checks.email,
    "contact_phone": checks.text,
    "notes": checks.text,
    "is_active": checks.yes_or_no,
}
_SITE: Final[dict[str, Check]] = {
    "name": checks.required,
    "company": checks.text,
    "region": checks.named_or_given,
    "address": checks.text,
    "postcode": checks.text,
    "site_type": checks.choice,
    "floor_area_m2": checks.number(0, 1e9),
    "latitude": checks.number(-90, 90),
    "longitude": checks.number(-180, 180),
    "timezone": checks.zone,
    "gas_region": checks.text,
    "is_active": checks.yes_or_no,
    "opening_hours": lambda field, value: week_of(value),
    "properties": properties.checked,
    "outside_references": checks.references,
    "created_at": checks.moment,
}
_METER: Final[dict[str, Check]] = {
    "identifier": checks.identifier,
    "site": lambda field, value: checks.required(field, value) if isinstance(value, str) else value,
    "parent": checks.parent,
    "name": checks.text,
    "utility": checks.choice,
    "direction": checks.choice,
    "unit": checks.unit,
    "step_minutes": checks.step,
    "multiplier": checks.factor,
    "correction": checks.correction,
    "serial": checks.text,
    "supplier": checks.named_or_given,
    "installed": checks.day,
    "removed": checks.day,
    "is_active": checks.yes_or_no,
    "formula": checks.text,
    "outside_references": checks.references,
    "created_at": checks.moment,
}
SITE_FIELDS: Final = frozenset(_SITE)
METER_FIELDS: Final = frozenset(_METER)
SUPPLIER_FIELDS: Final = frozenset(_SUPPLIER)


def checked_region_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a region's fields in their stored form, or raise ``Invalid`` naming the first bad one."""
    return _checked(fields, _REGION)


def checked_supplier_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a supplier's fields in their stored form, or raise ``Invalid``."""
    return _checked(fields, _SUPPLIER)


def checked_site_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a site's fields in their stored form, or raise ``Invalid`` naming the first bad one."""
    return _checked(fields, _SITE)


def checked_meter_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a meter's fields in their stored form, or raise ``Invalid`` naming the first bad one."""
    return _checked(fields, _METER)


def _checked(fields: Mapping[str, Any], known: Mapping[str, Check]) -> dict[str, Any]:
    """Check each field; an unknown one is refused, never dropped."""
    strange = sorted(set(fields) - set(known))
    if strange:
        raise Invalid(f"There is no field {strange[0][:60]!r}.", f"Use: {', '.join(sorted(known))}.", field=strange[0])
    return {name: known[name](name, value) for name, value in fields.items()}


def first_fault(thing: models.Model, besides: Collection[str] = ()) -> Invalid | None:
    """Return the first thing that the model itself finds wrong (a length, a choice), or None. Relations are not
    checked: they were looked up."""
    relations = {field.name for field in thing._meta.concrete_fields if field.is_relation}
    try:
        thing.clean_fields(exclude=relations | set(besides))
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        return Invalid(f"{named(field)}: {messages[0]}", "Correct it.", field=field)
    return None
