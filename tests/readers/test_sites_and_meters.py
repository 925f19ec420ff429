"""Files that describe sites and meters."""

from __future__ import annotations

from pathlib import Path

import pytest

from eclectyc.readers.blocks import RecordBlock, UnreadableFile
from tests.readers.reading import read_text


def test_a_list_of_sites_gives_its_fields_plain(tmp_path: Path) -> None:
    text = (
        "Site Name,Company,Post Code,site_type,Floor Area,lat,lng,Status,Created At,company_id,nonsense\n"
        'Works,"Smith, Ltd",AB1 2CD,Office,"1,234.5",52.5,-1.5,Active,01/02/2024 10:00,77,x\n'
        "Depot,,,,,,,no,,,\n"
    )
    read = read_text(tmp_path, text)
    [block] = read.blocks
    assert isinstance(block, RecordBlock)
    assert (read.recognition.format, read.errors, block.rows) == ("sites", [], 2)
    assert block.frame.row(0, named=True) == {
        "line": 2, "name": "Works", "company": "Smith, Ltd", "postcode": "AB1 2CD", "site_type": "office",
        "floor_area_m2": "1234.5", "latitude": "52.5", "longitude": "-1.5", "is_active": "true",
        "created_at": "2024-02-01T10:00:00", "company_id": "77",
    }  # fmt: skip
    assert block.frame.row(1, named=True)["is_active"] == "false"
    assert block.frame.row(1, named=True)["company"] is None


@pytest.mark.parametrize(
    ("heading", "field"),
    [("site_name", "name"), ("sitename", "name"), ("name", "name"), ("post code", "postcode"), ("zip", "postcode"),
     ("zip_code", "postcode"), ("lat", "latitude"), ("LNG", "longitude"), ("lon", "longitude"),
     ("area", "floor_area_m2"), ("floor_area", "floor_area_m2"), ("Floor Area (m²)", "floor_area_m2"),
     ("site type", "site_type"), ("is_active", "is_active"), ("region_id", "region_id"), ("createdAt", "created_at")],
)  # fmt: skip
def test_headings_of_sites_are_found_in_every_spelling(tmp_path: Path, heading: str, field: str) -> None:
    cell = {"site_type": "office", "is_active": "yes", "created_at": "2024-02-01"}.get(field, "1")
    first, name = ("name,", "Works,") if field != "name" else ("", "")
    other, cells = ("address,", "x,") if field != "address" else ("", "")
    read = read_text(tmp_path, f"{first}{other}{heading}\n{name}{cells}{cell}\n", "sites")
    assert field in read.frame.columns


@pytest.mark.parametrize(
    ("heading", "cell"),
    [("floor area", "big"), ("floor area", "-1"), ("lat", "91"), ("lng", "181"), ("site type", "castle"),
     ("status", "maybe"), ("created at", "31/02/2024"), ("created at", "soon")],
)  # fmt: skip
def test_a_site_with_an_unreadable_cell_rejects_its_line(tmp_path: Path, heading: str, cell: str) -> None:
    read = read_text(tmp_path, f"name,address,{heading}\nWorks,x,{cell}\nDepot,y,\n,z,\n")
    assert read.column("name") == ["Depot"]
    assert [(error.line, error.column) for error in read.errors] == [(2, heading), (4, "name")]


def test_a_list_of_meters_gives_its_fields_plain(tmp_path: Path) -> None:
    text = (
        "MPAN,Site,Utility,Direction,Meter Serial,Unit,Step,Multiplier,Parent,Supplier,Installed,Removed\n"
        "'1200023305967.0,Works,Elec,Import,E12 345,kWh,half-hourly,1.5,,Acme,01/02/2020,\n"
    )
    read = read_text(tmp_path, text)
    assert read.recognition.format == "meters"
    assert read.frame.row(0, named=True) == {
        "line": 2, "identifier": "1200023305967", "site": "Works", "utility": "electricity", "direction": "import",
        "serial": "E12 345", "unit": "kWh", "step_minutes": "30", "multiplier": "1.5", "parent": None,
        "supplier": "Acme", "installed": "2020-02-01", "removed": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("heading", "cell"),
    [("utility", "magic"), ("unit", "bananas"), ("step", "7"), ("multiplier", "x"), ("installed", "31/02/2020"),
     ("mpan", "1.20E+12"), ("mpan", "")],
)  # fmt: skip
def test_a_meter_with_an_unreadable_cell_rejects_its_line(tmp_path: Path, heading: str, cell: str) -> None:
    names = ["mpan", "site", *([heading] if heading != "mpan" else [])]
    bad = [cell if name == heading else "A" for name in names]
    good = ["B" if name in ("mpan", "site") else "" for name in names]
    read = read_text(tmp_path, "\n".join(",".join(cells) for cells in (names, bad, good)) + "\n")
    assert read.column("identifier") == ["B"]
    assert [(error.line, error.column) for error in read.errors] == [(2, heading)]


def test_a_list_that_describes_sites_and_meters_alike_asks_which(tmp_path: Path) -> None:
    text = "site name,mpan,postcode\nWorks,1200023305967,AB1 2CD\n"
    with pytest.raises(UnreadableFile) as error:
        read_text(tmp_path, text)
    assert "-t meters" in str(error.value)
    assert "-t sites" in str(error.value)
    assert read_text(tmp_path, text, "sites").recognition.format == "sites"
    assert read_text(tmp_path, text, "meters").recognition.format == "meters"


def test_two_columns_for_one_field_of_a_site_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="two columns for postcode"):
        read_text(tmp_path, "name,postcode,zip\nWorks,A,B\n")


def test_a_header_repeated_among_sites_is_no_site(tmp_path: Path) -> None:
    read = read_text(tmp_path, "name,address\nWorks,x\nname,address\nDepot,y\n")
    assert read.column("name") == ["Works", "Depot"]
