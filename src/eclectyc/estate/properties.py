"""A site's own properties: a name, a kind and a value."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

from eclectyc.estate import checks
from eclectyc.kernel.errors import Invalid

KINDS: Final = ("text", "number", "date", "yes_no")
MOST: Final = 50
_REMEDY: Final = 'Give {"name": {"kind": "text", "value": …}}; kinds are text, number, date and yes_no.'

Property = dict[str, Any]


def checked(field: str, given: Any) -> dict[str, Property]:
    """Return properties by name, each ``{"kind", "value"}``; a plain value has its own kind.

    >>> checked("properties", {"Storeys": 4, "Listed": {"kind": "yes_no", "value": "yes"}})
    {'Storeys': {'kind': 'number', 'value': 4}, 'Listed': {'kind': 'yes_no', 'value': True}}
    """
    if isinstance(given, str):  # a cell of a file
        try:
            given = json.loads(given or "{}")
        except ValueError:
            raise Invalid("The properties cannot be read.", _REMEDY, field=field) from None
    if not isinstance(given, Mapping):
        raise Invalid("Properties are names with values.", _REMEDY, field=field)
    if len(given) > MOST:
        raise Invalid(f"There are {len(given)} properties; {MOST} are the most.", "Leave some out.", field=field)
    found: dict[str, Property] = {}
    for name, entry in given.items():
        words = checks.required("property", name)
        if len(words) > 60:
            raise Invalid(f"The property {words[:60]!r} has too long a name.", "Use 60 characters.", field=field)
        if words.casefold() in {other.casefold() for other in found}:
            raise Invalid(f"The property {words!r} is given twice.", "Leave one out.", field=field)
        found[words] = _one(words, entry, field)
    return found


def _one(name: str, entry: Any, field: str) -> Property:
    if isinstance(entry, Mapping):
        if set(entry) != {"kind", "value"}:
            raise Invalid(f"The property {name!r} needs a kind and a value.", _REMEDY, field=field)
        kind, value = entry["kind"], entry["value"]
    else:
        kind, value = _kind_of(entry), entry
    if kind not in KINDS:
        raise Invalid(f"The property {name!r} has no kind {str(kind)[:40]!r}.", _REMEDY, field=field)
    return {"kind": kind, "value": _value(name, kind, value, field)}


def _kind_of(value: object) -> str:
    if isinstance(value, bool):
        return "yes_no"
    return "number" if isinstance(value, int | float) else "text"


def _value(name: str, kind: str, value: Any, field: str) -> Any:
    try:
        if kind == "yes_no":
            return checks.yes_or_no(name, value)
        if kind == "date":
            return checks.day_required(name, value).isoformat()
        if kind == "text":
            words = checks.text(name, value)
            if len(words) > 500:
                raise Invalid(f"The property {name!r} is too long.", "Use 500 characters.")
            return words
        return _number(name, value)
    except Invalid as error:
        raise Invalid(error.reason, error.remedy, field=field) from None


def _number(name: str, value: Any) -> int | float:
    found = checks.number(-1e15, 1e15)(name, value)
    if found is None or not math.isfinite(found):
        raise Invalid(f"The property {name!r} has no value.", "Give a number.")
    return int(found) if found.is_integer() else found
