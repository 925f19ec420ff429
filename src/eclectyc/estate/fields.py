"""The fields of sites and meters, checked and brought into their stored form. Names nothing in the registry."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError

from eclectyc.kernel.days import STEPS, zone_of
from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.identifiers import clean_identifier, has_lost_digits
from eclectyc.kernel.units import CANONICAL, conversion

if TYPE_CHECKING:
    from eclectyc.estate.models import Meter, Site

Check = Callable[[str, Any], Any]


def _text(field: str, value: Any) -> str:
    if not isinstance(value, str):
        raise Invalid(f"{_named(field)} must be text.", "Give it as text.", field=field)
    if any(ord(character) < 32 and character not in "\n\t" for character in value) or "\x7f" in value:
        raise Invalid(f"{_named(field)} has characters that cannot be printed.", "Remove them.", field=field)
    return " ".join(value.split()) if field != "address" else value.strip()


def _required(field: str, value: Any) -> str:
    text = _text(field, value)
    if not text:
        raise Invalid(f"{_named(field)} is empty.", "Give one.", field=field)
    return text


def _choice(field: str, value: Any) -> str:
    return _text(field, value).lower()  # the model knows its choices


def _number(low: float, high: float) -> Check:
    def check(field: str, value: Any) -> float | None:
        if value is None or value == "":
            return None
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise Invalid(f"{_named(field)} {value!r} is not a number.", "Use a decimal point.", field=field) from None
        if isinstance(value, bool) or not math.isfinite(number) or not low <= number <= high:
            raise Invalid(f"{_named(field)} {value} is out of range.", f"Use {low:g} to {high:g}.", field=field)
        return number

    return check


def _zone(field: str, value: Any) -> str:
    return zone_of(_required(field, value)).key


def _unit(field: str, value: Any) -> str:
    text = _required(field, value)
    if text in CANONICAL:
        return text
    known = conversion(text)
    return "kW" if known.is_power else known.unit


def _step(field: str, value: Any) -> int:
    try:
        step = int(str(value))
    except ValueError:
        step = 0
    if step not in STEPS:
        raise Invalid(f"A step of {value} minutes cannot be kept.", "Use a divisor of 60, or 1440.", field=field)
    return step


def _multiplier(field: str, value: Any) -> Decimal:
    try:
        factor = Decimal(str(value))
    except InvalidOperation:
        raise Invalid(f"The multiplier {value!r} is not a number.", "Use a decimal point.", field=field) from None
    if not factor.is_finite() or not 0 < factor < 1_000_000:
        raise Invalid(f"The multiplier {value} is out of range.", "Use a number above 0.", field=field)
    return factor


def _day(field: str, value: Any) -> date | None:
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise Invalid(f"{_named(field)} {value!r} is not a date.", "Use YYYY-MM-DD.", field=field) from None


def _yes_or_no(field: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in ("true", "yes", "1", "active"):
        return True
    if word in ("false", "no", "0", "inactive"):
        return False
    raise Invalid(f"{_named(field)} {value!r} is neither yes nor no.", "Use true or false.", field=field)


def _moment(field: str, value: Any) -> datetime:
    from django.utils.timezone import is_naive, make_aware

    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise Invalid(f"{_named(field)} {value!r} is not a date.", "Use YYYY-MM-DD.", field=field) from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        raise Invalid(f"{_named(field)} {value!r} is not a date.", "Use YYYY-MM-DD.", field=field)
    return make_aware(value) if is_naive(value) else value


def _identifier(field: str, value: Any) -> str:
    text = _required(field, str(value) if isinstance(value, int) and not isinstance(value, bool) else value)
    if has_lost_digits(text):
        raise Invalid(f"The identifier {text} has lost its digits.", "Format the column as text.", field=field)
    return clean_identifier(text)


def _references(field: str, value: Any) -> dict[str, str]:
    if value is not None and not isinstance(value, Mapping):
        raise Invalid("Outside references are names with values.", "Give an object.", field=field)
    return {_required(field, name): _text(field, str(text)) for name, text in (value or {}).items()}


_SITE: Final[dict[str, Check]] = {
    "name": _required,
    "company": _text,
    "address": _text,
    "postcode": _text,
    "site_type": _choice,
    "floor_area_m2": _number(0, 1e9),
    "latitude": _number(-90, 90),
    "longitude": _number(-180, 180),
    "timezone": _zone,
    "is_active": _yes_or_no,
    "created_at": _moment,
    "region": lambda field, value: _text(field, value) if isinstance(value, str) else value,
    "outside_references": _references,
}
_METER: Final[dict[str, Check]] = {
    "identifier": _identifier,
    "site": lambda field, value: _required(field, value) if isinstance(value, str) else value,
    "parent": lambda field, value: _text(field, value) if isinstance(value, str) else value,
    "name": _text,
    "utility": _choice,
    "direction": _choice,
    "unit": _unit,
    "step_minutes": _step,
    "multiplier": _multiplier,
    "serial": _text,
    "supplier": _text,
    "installed": _day,
    "removed": _day,
    "is_active": _yes_or_no,
    "created_at": _moment,
    "outside_references": _references,
}


def checked_site_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a site's fields in their stored form, or raise ``Invalid`` naming the first that cannot be taken."""
    return {name: _SITE[name](name, value) for name, value in fields.items()}


def checked_meter_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a meter's fields in their stored form, or raise ``Invalid`` naming the first that cannot be taken."""
    return {name: _METER[name](name, value) for name, value in fields.items()}


def first_fault(thing: Site | Meter, besides: Collection[str] = ()) -> Invalid | None:
    """Return what the model itself finds wrong (lengths, choices), in our words, or None."""
    try:
        thing.clean_fields(exclude=besides)
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        return Invalid(f"{_named(field)}: {messages[0]}", "Correct it.", field=field)
    return None


def _named(field: str) -> str:
    return f"The {field.replace('_', ' ')}"
