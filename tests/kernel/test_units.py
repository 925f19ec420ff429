"""Units against factors worked out from their definitions, in whole numbers where there are such."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.units import (
    CANONICAL,
    Conversion,
    UnitKind,
    conversion,
    conversion_for_meter,
    is_unit,
    kind_of,
    result_conversion,
    unit_key,
)

FOOT_M = Fraction(3048, 10000)  # exact since 1959


@pytest.mark.parametrize(
    ("printed", "unit", "factor"),
    [
        ("kWh", "kWh", Fraction(1)),
        ("Wh", "kWh", Fraction(1, 1000)),
        ("MWH", "kWh", Fraction(1000)),
        ("GWh", "kWh", Fraction(10**6)),
        ("MJ", "kWh", Fraction(10, 36)),
        ("GJ", "kWh", Fraction(10000, 36)),
        ("therm", "kWh", Fraction(105505585257348, 10**12) * Fraction(10, 36)),
        ("kVArh", "kVArh", Fraction(1)),
        ("MVArh", "kVArh", Fraction(1000)),
        ("m³", "m3", Fraction(1)),
        ("m3", "m3", Fraction(1)),
        ("ft³", "m3", FOOT_M**3),
        ("HCF", "m3", 100 * FOOT_M**3),
        ("Litres", "litre", Fraction(1)),
        ("tonnes", "kg", Fraction(1000)),
        ("°C", "degC", Fraction(1)),
        ("k Wh", "kWh", Fraction(1)),
    ],
)
def test_a_unit_becomes_canonical_by_its_exact_factor(printed: str, unit: str, factor: Fraction) -> None:
    found = conversion(printed)
    assert (found.unit, found.is_power) == (unit, False)
    # Exact, or where the decimal has no end, to the 28 digits that a Decimal holds.
    assert abs(Fraction(found.factor) - factor) <= factor * Fraction(1, 10**27)


@pytest.mark.parametrize("factor", ["1000", "0.001", "0.028316846592", "2.8316846592"])
def test_a_factor_with_an_end_is_written_to_its_end(factor: str) -> None:
    by_factor = {str(conversion(unit).factor) for unit in ("MWh", "Wh", "ft3", "hcf")}
    assert factor in by_factor


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("kW", Conversion("kWh", Decimal(1), is_power=True)),
        ("W", Conversion("kWh", Decimal("0.001"), is_power=True)),
        ("MW", Conversion("kWh", Decimal(1000), is_power=True)),
        ("kVAr", Conversion("kVArh", Decimal(1), is_power=True)),
        ("kVA", Conversion("kVAh", Decimal(1), is_power=True)),
    ],
)
def test_a_mean_power_is_marked_as_such(printed: str, expected: Conversion) -> None:
    assert conversion(printed) == expected


@pytest.mark.parametrize("printed", ["", "bananas", "£/kWh", "p/kWh", "kWh/m²", "kW²", "%"])
def test_what_is_no_unit_is_refused_by_name(printed: str) -> None:
    assert not is_unit(printed)
    with pytest.raises(Invalid) as refusal:
        conversion(printed)
    assert repr(printed) in refusal.value.reason
    assert refusal.value.field == "unit"


@pytest.mark.parametrize("unit", CANONICAL)
def test_every_canonical_unit_can_be_read(unit: str) -> None:
    assert is_unit(unit)
    assert conversion(unit).factor == 1


def test_spelling_of_a_unit_does_not_matter() -> None:
    assert {unit_key(text) for text in ("kWh", "KWH", "k.W.h", " kwh ")} == {"kwh"}


@pytest.mark.parametrize(
    ("printed", "own", "unit", "factor"),
    [
        ("m3", "litre", "litre", Decimal(1000)),
        ("litres", "m3", "m3", Decimal("0.001")),
        ("hcf", "litre", "litre", Decimal("2831.6846592")),
        ("m3", "", "m3", Decimal(1)),
        ("kVAr", "kVAr", "kVAr", Decimal(1)),
        ("kW", "kWh", "kWh", Decimal(1)),
    ],
)
def test_a_volume_is_stored_in_the_unit_that_the_meter_has(printed: str, own: str, unit: str, factor: Decimal) -> None:
    found = conversion_for_meter(printed, own)
    assert (found.unit, found.factor) == (unit, factor)


@pytest.mark.parametrize(
    ("printed", "unit", "factor"),
    [
        ("£", "penny", 100),
        ("GBP", "penny", 100),
        ("p", "penny", 1),
        ("€", "eurocent", 100),
        ("EUR", "eurocent", 100),
        ("gCO2e", "gCO2e", 1),
        ("kg CO2e", "gCO2e", 1000),
        ("tCO2e", "gCO2e", 10**6),
    ],
)
def test_results_have_units_that_no_meter_is_read_in(printed: str, unit: str, factor: int) -> None:
    assert result_conversion(printed) == Conversion(unit, Decimal(factor))
    assert not is_unit(printed)
    assert unit not in CANONICAL
    with pytest.raises(Invalid, match="is not known"):
        conversion(printed)
    with pytest.raises(Invalid, match="is not known"):
        conversion_for_meter(printed, "kWh")


@pytest.mark.parametrize("printed", ["kWh", "£/kWh", "gCO2e/kWh", "", "USD", "kg", "¥"])
def test_a_unit_of_readings_or_a_rate_is_not_one_of_results(printed: str) -> None:
    with pytest.raises(Invalid, match="not one of results"):
        result_conversion(printed)


def test_every_unit_has_a_kind_and_only_results_are_money_or_emissions() -> None:
    kinds = {unit: kind_of(unit) for unit in CANONICAL}
    assert not {UnitKind.MONEY, UnitKind.EMISSIONS} & set(kinds.values())
    assert kind_of("penny") == kind_of("eurocent") == UnitKind.MONEY
    assert kind_of("gCO2e") == UnitKind.EMISSIONS
