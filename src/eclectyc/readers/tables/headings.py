"""Parse headings: the field, its unit and quantity, and what the heading declares about stamps and time zones.

A heading's *key* is its lower-case letters and digits. Words such as utc, local, start or end in it are declarations:
stripped to find the field, kept as evidence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from eclectyc.kernel.units import is_unit

Role = Literal["meter", "moment", "value", "unit", "flag", "quantity", "total", ""]

# Earlier tiers win: a metering point is the meter; a serial names a device under it.
METER_TIERS: Final = (
    {"mpan", "mpancore", "mpannumber", "mprn", "mprnnumber", "spid", "supplynumber", "meterpoint", "meteringpoint"},
    {"metercode", "meter", "meterid", "meterreference", "meterref", "meternumber", "meteridentifier"},
    {"meterserial", "meterserialnumber", "meterserialno", "serial", "serialnumber", "serialno", "msn"},
)
# Whether such a column holds dates, times or stamps depends on its cells: a "Start Date" can hold stamps.
_DATE_WORDS = "date readdate readingdate perioddate settlementdate day consumptiondate"
_PERIOD_WORDS = "settlementperiod period sp interval periodfrom from to periodto"
_TIME_WORDS = "time readtime readingtime periodtime datetime timestamp readdatetime readingdatetime dateandtime"
MOMENT_TIERS: Final = (
    {"", *_DATE_WORDS.split(), *_PERIOD_WORDS.split(), *_TIME_WORDS.split()},
    {"billdate", "insertdate"},
)
# Headings of sites and meters, used only to distinguish a header from the lines around it.
_SITE_WORDS = "name sitename site building company region address postcode zip sitetype floorarea area"
_PLACE_WORDS = "latitude lat longitude lng lon isactive createdat"
_METER_WORDS = "utility fuel step multiplier parent supplier installed removed metername identifier formula"
DESCRIPTION_KEYS: Final = {*_SITE_WORDS.split(), *_PLACE_WORDS.split(), *_METER_WORDS.split()}
UNIT_KEYS: Final = {"unit", "units", "uom", "unitofmeasure"}
_FLAG_WORDS = "readingtype readtype type valuetype status flag readflag dataflag quality estimate estimated"
_ACTUAL_OR_ESTIMATED = "ae actest actualestimated actualestimate actualorestimated actualorestimate"
FLAG_KEYS: Final = {*_FLAG_WORDS.split(), *_ACTUAL_OR_ESTIMATED.split()}
QUANTITY_KEYS: Final = {"measurementtype", "channeltype", "channel", "measurementquantity", "quantity", "direction"}

_STARTS: Final = ("beginning", "start", "begin", "from")
_ENDS: Final = ("ending", "end", "to")
_CLOCKS: Final = {"utc": "UTC", "gmt": "UTC", "local": "local"}
_DECLARATIONS: Final = (*_STARTS, *_ENDS, *_CLOCKS)

_VALUE_WORDS: Final = ("consumption", "readvalue", "reading", "energy", "usage", "value", "advance", "used", "use")
_TOTAL_WORDS: Final = ("total", "sum", "daily", "day")
_QUANTITY_WORDS: Final = {
    **dict.fromkeys(("import", "activeimport", "ai"), "import"),
    **dict.fromkeys(("export", "activeexport", "ae"), "export"),
    **dict.fromkeys(("reactiveimport", "ri"), "reactive_import"),
    **dict.fromkeys(("reactiveexport", "re"), "reactive_export"),
}
_UNIT_NAMES = "kWh MWh GWh Wh kW MW m3 kVArh kVAh hcf ft3 litre therms GJ"
_UNIT_WORDS: Final = {name.lower(): name for name in _UNIT_NAMES.split()} | {"litres": "litre"}
_WORD: Final = re.compile(
    "|".join(sorted((*_VALUE_WORDS, *_TOTAL_WORDS, *_QUANTITY_WORDS, *_UNIT_WORDS), key=len, reverse=True))
)
_BRACKETED: Final = re.compile(r"[(\[]([^)\]]*)[)\]]")
_RATE: Final = re.compile(
    r"[£$€%]|\bper\b|price|cost|rate|tariff|co2|carbon|intensity|temp|humid|charge", re.IGNORECASE
)
_RATIO: Final = re.compile(
    r"(k?wh|mwh|m[23²³]|kvarh|kw|p|kg\w*|g\w*)\s*/\s*(k?wh|mwh|m[23²³]|kvarh|kw|day|d|h|hour)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One parsed heading. ``tier`` 0 is preferred; ``starts`` and ``ends`` are its declarations."""

    index: int
    name: str
    key: str
    role: Role
    tier: int = 0
    quantity: str | None = None
    unit: str | None = None
    starts: bool = False
    ends: bool = False
    clock: str | None = None  # "UTC" or "local" if declared
    may_be_register: bool = False  # it is called reading, and may hold a register's display


def header_key(name: str) -> str:
    """Return a heading's key.

    >>> header_key("Read Date/Time")
    'readdatetime'
    """
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("³", "3").replace("²", "2"))


def parse_heading(index: int, name: str) -> TableColumn:
    """Return a heading's role, by its name alone; "" if it is unknown."""
    key = header_key(name)
    for tier, keys in enumerate(METER_TIERS):
        if key in keys:
            return TableColumn(index, name, key, "meter", tier)
    if key in FLAG_KEYS:
        return TableColumn(index, name, key, "flag", quantity="export" if key == "ae" else None)
    if key in UNIT_KEYS:
        return TableColumn(index, name, key, "unit")
    if key in QUANTITY_KEYS:
        return TableColumn(index, name, key, "quantity")
    return _moment(index, name, key) or _value(index, name, key) or TableColumn(index, name, key, "")


def is_rate(name: str) -> bool:
    """Return whether a heading names a price, a rate or a weather measure: never meter readings."""
    return bool(_RATE.search(name) or _RATIO.search(name))


def unit_in(name: str) -> str | None:
    """Return the unit in a heading, in brackets or as a separate word.

    >>> unit_in("Consumption (kWh)"), unit_in("£/kWh"), unit_in("HH01 kWh")
    ('kWh', None, 'kWh')
    """
    if is_rate(name):
        return None
    for inside in _BRACKETED.findall(name):
        if inside.strip() and "²" not in inside and is_unit(inside):
            return str(inside).strip()
    words = re.split(r"[^A-Za-z0-9³]+", name)
    return next((_UNIT_WORDS[header_key(word)] for word in words if header_key(word) in _UNIT_WORDS), None)


def _moment(index: int, name: str, key: str) -> TableColumn | None:
    found: set[str] = set()
    left = key
    while True:
        for tier, keys in enumerate(MOMENT_TIERS):
            if left in keys and (left or found):
                if left in ("from", "periodfrom"):
                    found.add("start")
                if left in ("to", "periodto"):
                    found.add("end")
                return _with_declarations(TableColumn(index, name, key, "moment", tier), found)
        word = next((w for w in _DECLARATIONS if left.startswith(w) or left.endswith(w)), None)
        if word is None or not left:
            return None
        found.add(word)
        left = left.removesuffix(word) if left.endswith(word) else left.removeprefix(word)


def _with_declarations(column: TableColumn, words: set[str]) -> TableColumn:
    clock = next((_CLOCKS[word] for word in words if word in _CLOCKS), None)
    return TableColumn(
        column.index,
        column.name,
        column.key,
        column.role,
        column.tier,
        starts=any(word in _STARTS for word in words),
        ends=any(word in _ENDS for word in words),
        clock=clock,
    )


def _value(index: int, name: str, key: str) -> TableColumn | None:
    """Return a value's column if the heading has only value, unit and quantity words."""
    bare = header_key(_BRACKETED.sub("", name))
    unit = unit_in(name)
    if is_rate(name) or not bare or _WORD.sub("", bare):
        return None
    words = _WORD.findall(bare)
    units = [_UNIT_WORDS[word] for word in words if word in _UNIT_WORDS]
    quantities = [_QUANTITY_WORDS[word] for word in words if word in _QUANTITY_WORDS]
    unit = unit or (units[0] if units else None)
    if words == ["day"] or len(set(quantities)) > 1 or len(units) > 1:
        return None
    total = any(word in _TOTAL_WORDS for word in words)
    return TableColumn(
        index,
        name,
        key,
        "total" if total else "value",
        quantity=quantities[0] if quantities else _quantity_of_unit(unit),
        unit=unit or ("kVArh" if quantities and quantities[0].startswith("reactive") else None),
        may_be_register=words in (["reading"], ["readvalue"]) and not quantities,
    )


def _quantity_of_unit(unit: str | None) -> str | None:
    """Return the quantity that a unit implies: kVArh alone is reactive import."""
    from eclectyc.kernel.units import conversion

    if unit is None:
        return None
    return {"kVArh": "reactive_import"}.get(conversion(unit).unit)
