"""Sites: a list of places. Headings with spaces, underscores or none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from eclectyc.readers.blocks import LineError, ReadOptions, Recognition, RecordBlock
from eclectyc.readers.files.source import Source
from eclectyc.readers.tables.field_columns import is_of_readings
from eclectyc.readers.tables.file_sample import Head, head_of
from eclectyc.readers.tables.registry_tables import Field, find, keys, moment, number, one_of, read, sureness, truth

SITE_TYPES: Final = ("office", "warehouse", "retail", "industrial", "residential", "construction", "education",
                     "healthcare", "other")  # fmt: skip
FIELDS: Final = {
    "name": Field(keys("name", "sitename", "site")),
    "company": Field(keys("company", "companyname", "organisation", "organization")),
    "region": Field(keys("region", "regionname")),
    "address": Field(keys("address", "siteaddress", "streetaddress")),
    "postcode": Field(keys("postcode", "zip", "zipcode", "postalcode", "sitepostcode")),
    "site_type": Field(keys("sitetype", "type"), one_of({word: word for word in SITE_TYPES}, "site type")),
    "floor_area_m2": Field(
        keys("floorarea", "area", "floorspace", "floorareasqm", "floorareasqmetres", "floorspacesqm", "gia", "giam2",
             "floorareasquaremetres", "areasqm", "floorarea2", "floorareamm2", "floorarea_m2", "floorareaM2".lower(),
             "aream2"),
        number(0, 1e9),
    ),
    "latitude": Field(keys("latitude", "lat"), number(-90, 90)),
    "longitude": Field(keys("longitude", "lng", "lon", "long"), number(-180, 180)),
    "is_active": Field(keys("isactive", "active", "status", "enabled"), truth),
    "created_at": Field(keys("createdat", "created", "createdon", "datecreated"), moment),
    "timezone": Field(keys("timezone", "tz")),
    "gas_region": Field(keys("gasregion", "ldz", "localdistributionzone", "gaszone")),
    "opening_hours": Field(keys("openinghours", "hours")),
    "properties": Field(keys("properties", "customproperties")),
}  # fmt: skip


class Sites:
    name = "sites"
    kind: Final = "sites"

    def recognise(self, head: Head) -> Recognition | None:
        if is_of_readings(head.table):
            return None
        found = find(head.table, FIELDS)
        others = [field for field in found if field in FIELDS and field not in ("name", "is_active", "site_type")]
        if "name" not in found or not (others or "site_type" in found):
            return None
        seen = Recognition(self.name, f"a list of sites: {', '.join(found)}", sureness(len(others)))
        seen.columns = {field: head.table.names[index] for field, index in found.items()}
        return seen

    def read(
        self, source: Source, seen: Recognition, options: ReadOptions
    ) -> Iterator[tuple[RecordBlock, list[LineError]]]:
        yield from read(source, head_of(source).table, FIELDS, "name", seen.warnings)
