"""Meters: a list of metering points."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from eclectyc.kernel.identifiers import clean_identifier, has_lost_digits
from eclectyc.kernel.units import CANONICAL, conversion, is_unit
from eclectyc.readers.blocks import LineError, Recognition, RecordBlock
from eclectyc.readers.files.source import Source
from eclectyc.readers.reader import Reader, ReadOptions
from eclectyc.readers.tables.field_columns import has_readings
from eclectyc.readers.tables.file_sample import FileSample, sample_of
from eclectyc.readers.tables.headings import METER_TIERS, header_key
from eclectyc.readers.tables.registry_tables import (
    BadCell,
    RegistryField,
    find_columns,
    iso_date,
    keys,
    number_between,
    one_of,
    read_records,
    sureness,
    yes_or_no,
)

_UTILITY_NAMES = "electricity gas water heat steam cooling oil lpg diesel hvo solar ev battery other"
UTILITIES: Final = tuple(_UTILITY_NAMES.split())
_UTILITY_WORDS: Final = {
    **{word: word for word in UTILITIES},
    "elec": "electricity",
    "power": "electricity",
    "pv": "solar",
    "naturalgas": "gas",
    "evcharging": "ev",
    "districtheat": "heat",
    "districtheating": "heat",
}
_DIRECTIONS: Final = {"import": "import", "imp": "import", "export": "export", "exp": "export"}


_UNITS: Final = "Use kWh, kVArh, m3, litre or kg."


def _identifier(text: str) -> str:
    if has_lost_digits(text):
        raise BadCell(f"{text!r} has lost its digits to a spreadsheet.", "Format the column as text and export again.")
    return clean_identifier(text)


def _unit(text: str) -> str:
    """Normalise the unit in which a meter's readings are stored, and assumed if a file names none."""
    if not is_unit(text):
        raise BadCell(f"{text.strip()!r} is not a known unit.", _UNITS)
    if text.strip() in CANONICAL and text.strip() != "kW":
        return text.strip()
    known = conversion(text)
    if known.factor != 1 or known.is_power:
        raise BadCell(
            f"{text.strip()!r} is not a unit in which readings are stored.",
            f"{_UNITS} If a file has readings in {text.strip()}, the file or --unit states it.",
        )
    return known.unit


def _step(text: str) -> str:
    from eclectyc.kernel.days import STEPS

    words = {"halfhourly": "30", "hh": "30", "hourly": "60", "quarterhourly": "15", "daily": "1440"}
    minutes = words.get(header_key(text), text.strip().removesuffix(".0"))
    if minutes not in {str(step) for step in STEPS}:
        raise BadCell(f"{text.strip()!r} is not a step.", "Enter minutes that divide an hour, or 1440 for whole days.")
    return minutes


FIELDS: Final = {
    "identifier": RegistryField(frozenset(METER_TIERS[0] | METER_TIERS[1] | {"identifier"}), _identifier),
    "serial": RegistryField(frozenset(METER_TIERS[2])),
    "site": RegistryField(keys("site", "sitename", "building", "location")),
    "name": RegistryField(keys("name", "metername", "description", "label")),
    "utility": RegistryField(
        keys("utility", "fuel", "fueltype", "commodity", "metertype", "utilitytype", "type"),
        one_of(_UTILITY_WORDS, "utility"),
    ),
    "direction": RegistryField(keys("direction", "importexport"), one_of(_DIRECTIONS, "direction")),
    "unit": RegistryField(keys("unit", "units", "uom"), _unit),
    "step_minutes": RegistryField(keys("step", "stepminutes", "interval", "intervalminutes", "resolution"), _step),
    "multiplier": RegistryField(keys("multiplier", "meterfactor", "factor", "ctratio"), number_between(1e-6, 1e5)),
    "correction": RegistryField(
        keys("correction", "correctionfactor", "volumecorrection", "volumecorrectionfactor"), number_between(0.5, 50)
    ),
    "parent": RegistryField(keys("parent", "parentmeter", "mainmeter", "parentidentifier", "parentmpan"), _identifier),
    "supplier": RegistryField(keys("supplier", "suppliername")),
    "installed": RegistryField(
        keys("installed", "installedon", "installdate", "installationdate", "installeddate"), iso_date
    ),
    "removed": RegistryField(keys("removed", "removedon", "removaldate", "removeddate"), iso_date),
    "formula": RegistryField(keys("formula", "virtualformula", "calculation")),
    "is_active": RegistryField(keys("isactive", "active", "status", "enabled"), yes_or_no),
}


class MeterTable(Reader):
    name = "meters"
    kind = "meters"

    def recognise(self, sample: FileSample) -> Recognition | None:
        if has_readings(sample.table):
            return None
        found = find_columns(sample.table, FIELDS)
        others = [field for field in found if field in FIELDS and field not in ("identifier", "unit", "is_active")]
        if "identifier" not in found or not others:
            return None
        recognition = Recognition(self.name, f"a list of meters: {', '.join(found)}", sureness(len(others)))
        recognition.columns = {field: sample.table.names[index] for field, index in found.items()}
        return recognition

    def read(
        self, source: Source, recognition: Recognition, options: ReadOptions
    ) -> Iterator[tuple[RecordBlock, list[LineError]]]:
        yield from read_records(source, sample_of(source).table, FIELDS, "identifier", recognition.warnings)
