"""Headings: fields, units, quantities and declarations."""

from __future__ import annotations

import pytest

from eclectyc.readers.tables.headings import header_key, parse_heading, unit_in


def test_a_header_key_is_letters_and_digits() -> None:
    assert header_key("Read Date/Time") == "readdatetime"
    assert header_key("Consumption m³") == "consumptionm3"


@pytest.mark.parametrize(
    ("role", "names"),
    [
        ("meter", "MPAN|mpan_core|Meter Code|METER|Meter ID|meterReference|meter ref|meter_serial|Meter Serial Number|"
                  "serial|Serial Number|Supply Number|MPRN|MSN|SPID"),
        ("moment", "Date|read_date|Reading Date|period date|Settlement Date|bill date|insertdate|Settlement Period|"
                   "period|SP|time|Read Time|reading_time|Period Time|datetime|timestamp|readDateTime|Reading DateTime|"
                   "Start Date|start|interval_start|datetime_utc|End Date|end|interval end|end_datetime_gmt|"
                   "read_datetime_end_local|Period Ending|StartTimeUTC|timestamp_local|period_beginning"),
        ("value", "reading|Read Value|value|Consumption|kWh|Wh|MWh|usage|m3|m³|kvarh|AI|RI|RE|Consumption (kWh)|"
                  "Usage [Wh]|Import kWh|active_import_kwh|Reactive Export (kVArh)|kW"),
        ("unit", "unit|Units|UOM"),
        ("flag", "reading type|Type|status|AE|Actual/Estimated|estimate|Flag"),
        ("quantity", "Measurement Type|channel_type|Channel|measurement quantity"),
        ("total", "Total|Total kWh|daily total|Sum|Total Consumption (kWh)"),
        ("", "Price (£/kWh)|kWh/m²|p/kWh|Cost|carbon intensity|temperature|Month|site|Unit Rate (p/kWh)|kWh per m2|"
             "kgCO2/kWh|b2|1200023305967|notes|standing charge"),
    ],
)  # fmt: skip
def test_a_heading_names_its_field_in_every_spelling(role: str, names: str) -> None:
    assert {name: parse_heading(0, name).role for name in names.split("|")} == dict.fromkeys(names.split("|"), role)


@pytest.mark.parametrize(
    ("name", "starts", "ends", "clock"),
    [
        ("read_datetime_end_local", False, True, "local"), ("datetime_utc", False, False, "UTC"),
        ("Start Date", True, False, None), ("interval_end", False, True, None), ("timestamp GMT", False, False, "UTC"),
        ("Period Ending", False, True, None), ("period beginning", True, False, None), ("datetime", False, False, None),
        ("StartTimeUTC", True, False, "UTC"),
    ],
)  # fmt: skip
def test_words_in_a_heading_are_declarations(name: str, starts: bool, ends: bool, clock: str | None) -> None:
    column = parse_heading(0, name)
    assert (column.starts, column.ends, column.clock) == (starts, ends, clock)


@pytest.mark.parametrize(
    ("name", "unit", "quantity"),
    [
        ("Consumption (kWh)", "kWh", None), ("Wh", "Wh", None), ("kWh", "kWh", None), ("MWh", "MWh", None),
        ("m³", "m3", None), ("kvarh", "kVArh", "reactive_import"), ("RE", "kVArh", "reactive_export"),
        ("AI", None, "import"), ("Export kWh", "kWh", "export"), ("reading", None, None), ("kW", "kW", None),
    ],
)  # fmt: skip
def test_a_value_heading_names_its_unit_and_quantity(name: str, unit: str | None, quantity: str | None) -> None:
    column = parse_heading(0, name)
    assert (column.role, column.unit, column.quantity) == ("value", unit, quantity)


@pytest.mark.parametrize(
    "name", ["£/kWh", "kWh/m²", "p/kWh", "Energy (kWh/m²)", "kg_CO2/kWh", "Tariff kWh", "kWh per m2"]
)
def test_a_rate_names_no_unit(name: str) -> None:
    assert unit_in(name) is None
