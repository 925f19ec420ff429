"""A mapping as a form: answers by field name, and the mapping they describe.

Answers are flat texts, so that anything typed can be saved, even if it is not valid yet. ``c3`` is the role of the
third column, ``q3`` and ``u3`` the quantity and the unit of its values, ``fw1`` and ``fm1`` a flag's text and its
meaning, ``qw1`` and ``qm1`` a quantity's text and its meaning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Dictionary
from typing import Any, Final

from eclectyc.intake.profiles.column_positions import column_at
from eclectyc.intake.profiles.mapping import ColumnRef, Mapping, mapping_of
from eclectyc.kernel.errors import EclectycError, Invalid
from eclectyc.readers.tables.file_sample import TableSample

Answers = dict[str, str]

LONGEST: Final = 2000  # characters of an answer
MOST: Final = 2500  # answers
SINGLE: Final = ("meter", "serial", "register_name", "stamp", "date", "time", "period", "unit", "flag", "quantity")
ROLES: Final = {
    "": "Not used",
    "meter": "Meter",
    "stamp": "Date and time",
    "date": "Date",
    "time": "Time",
    "period": "Period of the day",
    "value": "Values",
    "unit": "Unit",
    "flag": "Quality flag",
    "quantity": "Quantity",
    "serial": "Serial number",
    "register_name": "Register name",
    "slots": "First period of the day",
    "slot_flags": "First flag of the day",
}
ROLES_OF_LAYOUT: Final[dict[str, tuple[str, ...]]] = {
    "long": ("meter", "stamp", "date", "time", "period", "value", "unit", "flag", "quantity", "serial"),
    "wide": ("meter", "date", "slots", "slot_flags", "unit", "flag", "quantity", "serial"),
    "daily": ("meter", "date", "value", "unit", "flag", "quantity", "serial"),
    "matrix": ("stamp", "date", "time", "period", "value"),
    "registers": ("meter", "stamp", "date", "time", "value", "unit", "flag", "quantity", "serial", "register_name"),
}
_TEXTS: Final = (
    "sheet",
    "delimiter",
    "header",
    "skip",
    "records",
    "layout",
    "slots_count",
    "slots_every",
    "slots_are",
    "stamps",
    "closes_midnight",
    "timezone",
    "unit",
    "quantity",
    "step",
    "dates",
    "times",
    "decimal",
    "missing",
    "meter",
    "unknown",
    "site",
    "add_serials",
    "last_wins",
    "name",
    "sender",
    "notes",
    "profile",
    "version",
)
_KNOWN: Final = re.compile(rf"({'|'.join(_TEXTS)}|[cqu][0-9]{{1,5}}|(fw|fm|qw|qm)[0-9]{{1,3}})")
_MEANINGS: Final = ("stamps", "timezone", "unit", "quantity", "slots_are", "dates", "times")


def answers_in(given: Dictionary[str, str]) -> Answers:
    """Return the known answers among submitted texts, limited in length and number."""
    known = {name: text for name, text in given.items() if _KNOWN.fullmatch(name) and text.strip()}
    return {name: text[:LONGEST].replace("\x00", "") for name, text in list(known.items())[:MOST]}


def number_of(answers: Answers, name: str, usual: int = 0) -> int:
    """Return an answer as a small whole number; ``usual`` if it is not one."""
    text = answers.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else usual


def roles_of(answers: Answers) -> dict[int, str]:
    """Return the roles of columns by index, as far as the layout has them."""
    offered = ROLES_OF_LAYOUT.get(answers.get("layout", ""), ())
    roles = {int(name[1:]) - 1: role for name, role in answers.items() if name[0] == "c" and name[1:].isdigit()}
    return {index: role for index, role in sorted(roles.items()) if role in offered and index >= 0}


def mapping_data(answers: Answers, table: TableSample) -> dict[str, Any]:
    """Return the unchecked values of the mapping that answers describe for a table."""
    layout = answers.get("layout", "")
    columns = _columns(answers, table)
    meaning: dict[str, Any] = {name: answers[name].strip() for name in _MEANINGS if answers.get(name, "").strip()}
    if layout != "wide":
        meaning.pop("slots_are", None)
    if layout in ("wide", "daily"):
        meaning.pop("stamps", None)
    if meaning.get("stamps") == "end" and _is_on(answers, "closes_midnight"):
        meaning["closes_midnight"] = True
    if number_of(answers, "step") and layout in ("long", "matrix"):
        meaning["step"] = number_of(answers, "step")
    if answers.get("decimal") == "comma":
        meaning["decimal"] = "comma"
    missing = [line.strip() for line in answers.get("missing", "").splitlines() if line.strip()]
    if missing:
        meaning["missing"] = list(dict.fromkeys(missing))
    data: dict[str, Any] = {"layout": layout, "file": _file(answers, table), "columns": columns, "meaning": meaning}
    data["flags"] = words_of(answers, "f") if columns.get("flag") or "flags" in columns.get("slots", {}) else {}
    data["quantities"] = words_of(answers, "q") if columns.get("quantity") else {}
    data["meters"] = _meters(answers, columns)
    if _is_on(answers, "last_wins"):
        data["last_wins"] = True
    return {name: value for name, value in data.items() if value not in ({}, "")}


def words_of(answers: Answers, kind: str) -> dict[str, str]:
    """Return the meanings of words: of flags (``f``) or of quantities (``q``)."""
    found = {}
    for name, word in answers.items():
        if re.fullmatch(rf"{kind}w[0-9]+", name):
            meant = answers.get(f"{kind}m{name[2:]}", "")
            if meant and word.strip():
                found[word.strip()] = meant
    return found


def column_ref(index: int, table: TableSample, *, has_names: bool) -> ColumnRef:
    """Return a column's heading if it is unique, otherwise its position."""
    name = table.names[index] if index < len(table.names) else ""
    is_own = has_names and name and len(name) <= 200 and table.names.count(name) == 1
    return name if is_own else index + 1


def answers_of(mapping: Mapping, table: TableSample | None = None) -> Answers:
    """Return the answers that describe a mapping, without columns that a table does not have."""
    data = mapping.as_data()
    found: Answers = {"layout": mapping.layout}
    shape, meaning, meters = mapping.file, mapping.meaning, mapping.meters
    found |= {"sheet": shape.sheet, "delimiter": shape.delimiter, "records": str(shape.records or "")}
    if not shape.header:
        found |= {"header": "0", "skip": str(shape.skip_rows or "")}
    elif table is not None and shape.records is None:
        found["header"] = str(table.header_line)
    found |= {name: str(getattr(meaning, name) or "") for name in (*_MEANINGS, "step")}
    found |= {"closes_midnight": _true_or_blank(meaning.closes_midnight), "missing": "\n".join(meaning.missing)}
    found |= {"decimal": "comma" if meaning.decimal == "comma" else "", "last_wins": _true_or_blank(mapping.last_wins)}
    found |= {"meter": meters.meter, "unknown": meters.unknown, "site": meters.site}
    found["add_serials"] = _true_or_blank(meters.add_serials)
    for kind, words in (("f", data.get("flags", {})), ("q", data.get("quantities", {}))):
        for n, (word, meant) in enumerate(words.items(), 1):
            found |= {f"{kind}w{n}": word, f"{kind}m{n}": meant}
    if table is not None:
        found |= _column_answers(mapping, table)
    return {name: text for name, text in found.items() if text}


def checked_mapping(answers: Answers, table: TableSample) -> Mapping:
    """Return the mapping that answers describe; raise ``Invalid`` for the first fault."""
    if not answers.get("layout"):
        raise Invalid("No layout is selected.", "Choose a layout.", field="layout")
    return mapping_of(mapping_data(answers, table))


def _file(answers: Answers, table: TableSample) -> dict[str, Any]:
    delimiter = "tab" if table.delimiter == "\t" else table.delimiter
    shape: dict[str, Any] = {}
    if answers.get("sheet", "").strip():
        shape["sheet"] = answers["sheet"].strip()
    elif delimiter in (",", ";", "|", "tab"):
        shape["delimiter"] = delimiter
    if number_of(answers, "records"):
        shape["records"] = number_of(answers, "records")
    elif answers.get("header") == "0":
        shape["header"] = False
        if number_of(answers, "skip"):
            shape["skip_rows"] = number_of(answers, "skip")
    return shape


def _columns(answers: Answers, table: TableSample) -> dict[str, Any]:
    has_names = answers.get("header") != "0" or bool(number_of(answers, "records"))
    found: dict[str, Any] = {}
    values: list[Any] = []
    slots: dict[str, Any] = {}
    for index, role in roles_of(answers).items():
        if index >= len(table.names):
            continue
        place = column_ref(index, table, has_names=has_names)
        if role == "value":
            values.append(_value(answers, index, place))
        elif role in ("slots", "slot_flags"):
            slots["first" if role == "slots" else "flags"] = place
        else:
            found.setdefault(role, place)
    if values:
        found["value"] = values[0] if len(values) == 1 else values
    if "first" in slots:
        slots["count"] = number_of(answers, "slots_count", 48)
        if number_of(answers, "slots_every", 1) > 1:
            slots["every"] = number_of(answers, "slots_every")
        found["slots"] = slots
    return found


def _value(answers: Answers, index: int, place: ColumnRef) -> Any:
    given = {"quantity": answers.get(f"q{index + 1}", ""), "unit": answers.get(f"u{index + 1}", "").strip()}
    given = {name: text for name, text in given.items() if text}
    return {"column": place, **given} if given else place


def _meters(answers: Answers, columns: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if answers.get("meter", "").strip() and "meter" not in columns and answers.get("layout") != "matrix":
        found["meter"] = answers["meter"].strip()
    if answers.get("unknown") in ("reject", "create"):
        found["unknown"] = answers["unknown"]
        if answers["unknown"] == "create":
            found["site"] = answers.get("site", "").strip()
    if _is_on(answers, "add_serials") and "serial" in columns:
        found["add_serials"] = True
    return found


def _column_answers(mapping: Mapping, table: TableSample) -> Answers:
    found: Answers = {}

    def add_role(place: ColumnRef | None, role: str) -> int | None:
        try:
            index = None if place is None else column_at(place, table.names)
        except EclectycError:
            return None
        if index is not None:
            found[f"c{index + 1}"] = role
        return index

    for role in SINGLE:
        add_role(getattr(mapping.columns, role), role)
    for value in mapping.columns.values:
        index = add_role(value.column, "value")
        if index is not None:
            found |= {f"q{index + 1}": str(value.quantity or ""), f"u{index + 1}": value.unit}
    slots = mapping.columns.slots
    if slots:
        add_role(slots.first, "slots")
        add_role(slots.flags, "slot_flags")
        found |= {"slots_count": str(slots.count), "slots_every": str(slots.every)}
    return found


def _is_on(answers: Answers, name: str) -> bool:
    return answers.get(name) == "true"


def _true_or_blank(value: bool) -> str:
    return "true" if value else ""
