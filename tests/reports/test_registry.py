"""Sites and meters exported and imported again: nothing changes, and no cell is a formula."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path
from typing import Any

import fastexcel
import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.audit.models import Event
from eclectyc.estate import meters
from eclectyc.estate import sites as estate_sites
from eclectyc.estate.lists import MeterFilter, SiteFilter
from eclectyc.estate.models import Meter, Site
from eclectyc.intake.import_options import ImportOptions
from eclectyc.intake.report import ImportReport
from eclectyc.intake.service import import_file
from eclectyc.kernel.errors import Forbidden
from eclectyc.kernel.spreadsheet_safety import original_text, safe
from eclectyc.reports.registry import meter_rows, site_rows
from eclectyc.reports.sheets import csv_parts, xlsx
from tests.factories import World, make_meter

pytestmark = pytest.mark.django_db
FORMULAS = ["=1+1", "+44 117", "-7", "@sum", "'=1+1", "''+x", " =x".strip(), "'Tis a house", '=HYPERLINK("http://x")']


@pytest.fixture
def admin(world: World) -> Actor:
    return Actor.of(world.admin)


@pytest.fixture
def estate(world: World, admin: Actor) -> list[Site]:
    sites = [
        estate_sites.create_site(admin, organisation=world.org, name=name, company=name, region="=North", postcode="+1")
        for name in FORMULAS
    ]
    estate_sites.update_site(
        admin,
        site=sites[0],
        address='1 High Street\nBristol, "UK"',
        floor_area_m2=1234.5,
        latitude=51.5,
        longitude=-2.5,
        opening_hours="Mon-Fri 07:30-18:00; Sat 22:00-02:00",
        site_type="office",
        is_active=False,
        properties={"Beds": 7, "Opened": {"kind": "date", "value": "1999-01-01"}},
        outside_references={"company_id": "12"},
    )
    main = meters.create_meter(
        admin,
        site=sites[0],
        identifier="1000000000040",
        supplier="=Gas & Co",
        multiplier="0.000125",
        installed=date(2020, 2, 29),
        serial="00123",
        name="Größe ½",
    )
    meters.create_meter(
        admin,
        site=sites[1],
        identifier="-7",
        parent=main,
        utility="gas",
        unit="m3",
        step_minutes=1440,
        direction="export",
        removed="2025-01-01",
        is_active=False,
    )
    return sites


def written(rows: Any, form: str, path: Path) -> Path:
    path.write_bytes(b"".join(csv_parts(rows)) if form == "csv" else xlsx(rows, "list"))
    return path


def taken_in(actor: Actor, organisation: Organisation, path: Path, kind: str) -> ImportReport:
    return import_file(actor, organisation=organisation, path=path, options=ImportOptions(type=kind))


def everything() -> list[dict[str, Any]]:
    return [*Site.objects.order_by("pk").values(), *Meter.objects.order_by("pk").values()]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_an_exported_file_imported_again_changes_nothing(
    form: str, estate: list[Site], world: World, admin: Actor, tmp_path: Path
) -> None:
    before, files = everything(), []
    files.append((written(site_rows(admin), form, tmp_path / f"sites.{form}"), "sites", len(FORMULAS) + 1))
    files.append((written(meter_rows(admin), form, tmp_path / f"meters.{form}"), "meters", 3))
    for path, kind, lines in files:
        report = taken_in(admin, world.org, path, kind)
        assert (report.rows, report.accepted, report.rejected, report.errors) == (lines, lines, 0, [])
        assert report.updated_sites == report.updated_meters == report.created_sites == report.created_meters == 0
    assert everything() == before


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_an_export_imported_into_an_empty_organisation_gives_the_same_estate(
    form: str, estate: list[Site], world: World, admin: Actor, tmp_path: Path
) -> None:
    files = [
        (written(site_rows(admin), form, tmp_path / f"sites.{form}"), "sites"),
        (written(meter_rows(admin), form, tmp_path / f"meters.{form}"), "meters"),
    ]
    there = Organisation.objects.create(name="There")
    for path, kind in files:
        assert taken_in(Actor.system(), there, path, kind).errors == []
    for rows, wanted in ((site_rows, SiteFilter), (meter_rows, MeterFilter)):
        copy = list(rows(Actor.system(), wanted(organisations=(there.pk,))))  # type: ignore[operator]
        assert copy == list(rows(Actor.system(), wanted(organisations=(world.org.pk,))))  # type: ignore[operator]


def test_a_changed_cell_of_a_workbook_changes_that_field(
    estate: list[Site], world: World, admin: Actor, tmp_path: Path
) -> None:
    rows = [list(row) for row in site_rows(admin)]
    named = next(row for row in rows if row[0] == "=1+1")
    named[rows[0].index("company")] = "Other"
    report = taken_in(admin, world.org, written(rows, "xlsx", tmp_path / "s.xlsx"), "sites")
    assert (report.updated_sites, report.created_sites) == (1, 0)
    assert Site.objects.get(name="=1+1").company == "Other"


def test_no_cell_of_either_file_is_a_formula(estate: list[Site], admin: Actor, tmp_path: Path) -> None:
    text = b"".join(csv_parts(site_rows(admin))).decode("utf-8-sig")
    for row in list(csv.reader(io.StringIO(text)))[1:]:
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row if not _is_number(cell))
    book = fastexcel.read_excel(xlsx(site_rows(admin), "sites"))
    names = book.load_sheet(0).to_polars()["name"].to_list()
    assert sorted(original_text(name) for name in names) == sorted([*FORMULAS, "Harbour House"])
    import zipfile

    with zipfile.ZipFile(io.BytesIO(xlsx(site_rows(admin), "sites"))) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


@pytest.mark.parametrize("text", [*FORMULAS, "", "plain", "'", "''", "'='", "\t=x"])
def test_escaped_cells_are_imported_exactly(text: str) -> None:
    assert original_text(str(safe(text))) == text


def test_only_permitted_rows_are_exported_and_the_export_is_recorded(world: World, admin: Actor) -> None:
    for person in (world.viewer, world.manager):
        with pytest.raises(Forbidden):
            list(meter_rows(Actor.of(person)))
    assert [row[0] for row in meter_rows(Actor.of(world.outsider))] == ["identifier", "1000000000040"]
    Event.objects.all()
    assert [row[0] for row in meter_rows(admin)] == ["identifier", "1200023305967"]
    event = Event.objects.order_by("-id")[0]
    assert (event.action, event.organisation_id, event.after) == ("export.meters", world.org.pk, {"rows": 1})


def test_many_rows_are_written_part_by_part(world: World, admin: Actor) -> None:
    Meter.objects.bulk_create(
        Meter(organisation=world.org, site=world.site, identifier=f"M{n:05}") for n in range(4500)
    )
    parts = list(csv_parts(meter_rows(admin)))
    assert len(parts) == 3
    assert b"".join(parts).count(b"\r\n") == 4502
    assert make_meter(world.site).pk


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
