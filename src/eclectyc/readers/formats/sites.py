"""Sites: a list of places. Headings with spaces, underscores or none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from eclectyc.readers.blocks import LineError, Recognition, RecordBlock
from eclectyc.readers.files.source import Source
from eclectyc.readers.reader import Reader, ReadOptions
from eclectyc.readers.tables.field_columns import has_readings
from eclectyc.readers.tables.file_sample import FileSample, sample_of
from eclectyc.readers.tables.registry_tables import (
    RegistryField,
    find_columns,
    iso_moment,
    keys,
    number_between,
    one_of,
    read_records,
    sureness,
    yes_or_no,
)

_SITE_TYPE_NAMES = "office warehouse retail industrial residential construction education healthcare other"
SITE_TYPES: Final = tuple(_SITE_TYPE_NAMES.split())
FIELDS: Final = {
    "name": RegistryField(keys("name", "sitename", "site")),
    "company": RegistryField(keys("company", "companyname", "organisation", "organization")),
    "region": RegistryField(keys("region", "regionname")),
    "address": RegistryField(keys("address", "siteaddress", "streetaddress")),
    "postcode": RegistryField(keys("postcode", "zip", "zipcode", "postalcode", "sitepostcode")),
    "site_type": RegistryField(keys("sitetype", "type"), one_of({word: word for word in SITE_TYPES}, "site type")),
    "floor_area_m2": RegistryField(
        keys(
            "floorarea",
            "area",
            "floorspace",
            "floorareasqm",
            "floorareasqmetres",
            "floorspacesqm",
            "gia",
            "giam2",
            "floorareasquaremetres",
            "areasqm",
            "floorarea2",
            "floorareamm2",
            "floorarea_m2",
            "floorareaM2".lower(),
            "aream2",
        ),
        number_between(0, 1e9),
    ),
    "latitude": RegistryField(keys("latitude", "lat"), number_between(-90, 90)),
    "longitude": RegistryField(keys("longitude", "lng", "lon", "long"), number_between(-180, 180)),
    "is_active": RegistryField(keys("isactive", "active", "status", "enabled"), yes_or_no),
    "created_at": RegistryField(keys("createdat", "created", "createdon", "datecreated"), iso_moment),
    "timezone": RegistryField(keys("timezone", "tz")),
    "gas_region": RegistryField(keys("gasregion", "ldz", "localdistributionzone", "gaszone")),
    "opening_hours": RegistryField(keys("openinghours", "hours")),
    "properties": RegistryField(keys("properties", "customproperties")),
}


class SiteTable(Reader):
    name = "sites"
    kind = "sites"

    def recognise(self, sample: FileSample) -> Recognition | None:
        if has_readings(sample.table):
            return None
        found = find_columns(sample.table, FIELDS)
        others = [field for field in found if field in FIELDS and field not in ("name", "is_active", "site_type")]
        if "name" not in found or not (others or "site_type" in found):
            return None
        recognition = Recognition(self.name, f"a list of sites: {', '.join(found)}", sureness(len(others)))
        recognition.columns = {field: sample.table.names[index] for field, index in found.items()}
        return recognition

    def read(
        self, source: Source, recognition: Recognition, options: ReadOptions
    ) -> Iterator[tuple[RecordBlock, list[LineError]]]:
        yield from read_records(source, sample_of(source).table, FIELDS, "name", recognition.warnings)
