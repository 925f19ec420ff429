"""Units and their exact factors. Stored values are in canonical units; other units are converted once, on import.

Units of readings and units of results are apart: no meter is read in pence or in grams of CO2e, and a file that gives
such a unit is refused. See docs/decisions/0008-series-and-results.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum

from eclectyc.kernel.errors import Invalid

CANONICAL = ("kWh", "kVArh", "kVAh", "m3", "litre", "kg", "degC", "kW", "kVA", "kVAr", "count")
_NOT_ADDED = frozenset({"degC", "kW", "kVA", "kVAr"})
_ALREADY_CANONICAL = frozenset({"degC", "kVA", "kVAr"})  # kW is converted to kWh
_LITRES_PER_M3 = Decimal(1000)


class UnitKind(Enum):
    """What is measured or calculated in a unit."""

    ENERGY = "energy"
    REACTIVE_ENERGY = "reactive energy"
    APPARENT_ENERGY = "apparent energy"
    POWER = "power"
    VOLUME = "volume"
    MASS = "mass"
    TEMPERATURE = "temperature"
    COUNT = "count"
    MONEY = "money"
    EMISSIONS = "emissions"


_KINDS: dict[str, UnitKind] = {
    "kWh": UnitKind.ENERGY,
    "kVArh": UnitKind.REACTIVE_ENERGY,
    "kVAh": UnitKind.APPARENT_ENERGY,
    "kW": UnitKind.POWER,
    "kVA": UnitKind.POWER,
    "kVAr": UnitKind.POWER,
    "m3": UnitKind.VOLUME,
    "litre": UnitKind.VOLUME,
    "kg": UnitKind.MASS,
    "degC": UnitKind.TEMPERATURE,
    "count": UnitKind.COUNT,
    "penny": UnitKind.MONEY,
    "eurocent": UnitKind.MONEY,
    "gCO2e": UnitKind.EMISSIONS,
}


@dataclass(frozen=True, slots=True)
class Conversion:
    """How a printed unit becomes a canonical one: multiply by ``factor``.

    ``is_power`` marks a mean power over the slot, whose energy is factor × value × step [h].
    """

    unit: str
    factor: Decimal
    is_power: bool = False


def _of(unit: str, factor: str = "1", *, is_power: bool = False) -> Conversion:
    return Conversion(unit, Decimal(factor), is_power)


# Keys are lower case with everything but letters and digits removed, so "k Wh" and "m³" are found too.
_KNOWN: dict[str, Conversion] = {
    "wh": _of("kWh", "0.001"),
    "kwh": _of("kWh"),
    "mwh": _of("kWh", "1000"),
    "gwh": _of("kWh", "1000000"),
    "mj": Conversion("kWh", Decimal(1) / Decimal("3.6")),
    "gj": Conversion("kWh", Decimal(1000) / Decimal("3.6")),
    "therm": Conversion("kWh", Decimal("105.505585257348") / Decimal("3.6")),  # the UK's statutory therm [MJ]
    "therms": Conversion("kWh", Decimal("105.505585257348") / Decimal("3.6")),
    "w": _of("kWh", "0.001", is_power=True),
    "kw": _of("kWh", is_power=True),
    "mw": _of("kWh", "1000", is_power=True),
    "varh": _of("kVArh", "0.001"),
    "kvarh": _of("kVArh"),
    "mvarh": _of("kVArh", "1000"),
    "kvar": _of("kVArh", is_power=True),
    "kvah": _of("kVAh"),
    "kva": _of("kVAh", is_power=True),
    "m3": _of("m3"),
    "cubicmetres": _of("m3"),
    "cubicmeters": _of("m3"),
    "ft3": _of("m3", "0.028316846592"),
    "cubicfeet": _of("m3", "0.028316846592"),
    "cuft": _of("m3", "0.028316846592"),
    "hcf": _of("m3", "2.8316846592"),  # what an imperial gas meter counts in: hundreds of cubic feet
    "ccf": _of("m3", "2.8316846592"),
    "100ft3": _of("m3", "2.8316846592"),
    "ft3x100": _of("m3", "2.8316846592"),
    "100cubicfeet": _of("m3", "2.8316846592"),
    "hundredsofcubicfeet": _of("m3", "2.8316846592"),
    "litre": _of("litre"),
    "litres": _of("litre"),
    "liter": _of("litre"),
    "liters": _of("litre"),
    "l": _of("litre"),
    "kg": _of("kg"),
    "tonne": _of("kg", "1000"),
    "tonnes": _of("kg", "1000"),
    "degc": _of("degC"),
    "c": _of("degC"),
    "count": _of("count"),
}

# Of results: the smallest unit in use, so that sums of whole numbers stay exact. Readings are never given in these.
_RESULTS: dict[str, Conversion] = {
    "£": _of("penny", "100"),
    "gbp": _of("penny", "100"),
    "p": _of("penny"),
    "pence": _of("penny"),
    "penny": _of("penny"),
    "€": _of("eurocent", "100"),
    "eur": _of("eurocent", "100"),
    "eurocent": _of("eurocent"),
    "gco2e": _of("gCO2e"),
    "kgco2e": _of("gCO2e", "1000"),
    "tco2e": _of("gCO2e", "1000000"),
}

_RATE = re.compile(r"[/£€$%²]")


def unit_key(text: str) -> str:
    """Return the look-up key of a printed unit: lower case, letters and digits only, ³ as 3.

    >>> unit_key("Consumption m³")
    'consumptionm3'
    """
    return re.sub(r"[^a-z0-9]", "", text.replace("³", "3").lower())


def is_added(unit: str) -> bool:
    """Say whether values of a canonical unit add up over time: energy does, a power or a temperature does not."""
    return unit not in _NOT_ADDED


def is_volume(text: str) -> bool:
    """Say whether a printed unit is one of volume that is kept in m³.

    >>> is_volume("hcf"), is_volume("kWh"), is_volume("litre")
    (True, False, False)
    """
    return is_unit(text) and conversion(text).unit == "m3"


def is_unit(text: str) -> bool:
    """Say whether a printed unit is known. A rate (``£/kWh``, ``kWh/m²``) is none.

    >>> is_unit("kWh"), is_unit("£/kWh")
    (True, False)
    """
    return not _RATE.search(text) and unit_key(text) in _KNOWN


def conversion(text: str) -> Conversion:
    """Return how a printed unit becomes a canonical one; raise ``Invalid`` for one that is not known.

    >>> conversion("MWh").factor
    Decimal('1000')
    """
    if not is_unit(text):
        raise Invalid(f"The unit {text!r} is not known.", "Use kWh, Wh, MWh, kW, kVArh, m3 or litre.", field="unit")
    return _KNOWN[unit_key(text)]


def conversion_for_meter(text: str, meter_unit: str) -> Conversion:
    """Return how a printed unit becomes the canonical one of a meter's readings; raise ``Invalid`` if it is not known.

    Cubic metres and litres become whichever of the two the meter has.

    >>> conversion_for_meter("m3", "litre").factor
    Decimal('1000')
    """
    known = Conversion(text, Decimal(1)) if text in _ALREADY_CANONICAL else conversion(text)
    if (meter_unit, known.unit) == ("m3", "litre"):
        return replace(known, unit=meter_unit, factor=known.factor / _LITRES_PER_M3)
    if (meter_unit, known.unit) == ("litre", "m3"):
        return replace(known, unit=meter_unit, factor=known.factor * _LITRES_PER_M3)
    return known


def kind_of(unit: str) -> UnitKind:
    """Return what a canonical unit, of readings or of results, is a unit of.

    >>> kind_of("kWh").value, kind_of("penny").value
    ('energy', 'money')
    """
    return _KINDS[unit]


def result_conversion(text: str) -> Conversion:
    """Return how a unit of money or emissions becomes that of results: pennies, eurocents, grams of CO2e.

    Raises ``Invalid`` for every other unit, and for a rate such as ``£/kWh``.

    >>> result_conversion("£"), result_conversion("kgCO2e").factor
    (Conversion(unit='penny', factor=Decimal('100'), is_power=False), Decimal('1000'))
    """
    found = _RESULTS.get(text.strip() if text.strip() in ("£", "€") else unit_key(text))
    if found is None or "/" in text:
        raise Invalid(f"The unit {text!r} is not one of results.", "Use £, p, €, gCO2e, kgCO2e or tCO2e.", field="unit")
    return found
