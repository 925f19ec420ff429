"""Files of sites and meters: upsert by name, never a second one; each bad line told, the rest taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.batches.models import Batch
from eclectyc.estate.models import Meter, Site
from eclectyc.kernel.errors import Forbidden
from tests.factories import World
from tests.intake.import_calls import bring, snapshot

pytestmark = pytest.mark.django_db

SITES = """Site Name,Company,Region,Post Code,Site Type,Floor Area,Lat,Lng,Status,Company ID
Harbour House,Harbour Ltd,South West,BS1 4RN,office,1500.5,51.45,-2.6,active,77
New Works,Harbour Ltd,North,M1 1AA,industrial,9000,53.48,-2.24,inactive,78
"""
METERS = """MPAN,Site,Utility,Serial,Unit,Step,Parent,Supplier,Installed
1200023305967,Harbour House,electricity,E1,kWh,30,,Bright,01/02/2020
2248274887874,New Works,electricity,E2,kWh,30,1200023305967,Bright,
7654321,New Works,gas,G4 001,m3,60,,Bright,2021-03-04
"""


def test_sites_are_made_and_brought_up_to_date_by_name(world: World, tmp_path: Path) -> None:
    report = bring(world, tmp_path / "s.csv", SITES)
    assert (report.format, report.rows, report.accepted, report.exit_code) == ("sites", 2, 2, 0)
    assert (report.created_sites, report.updated_sites) == (1, 1)
    house = Site.objects.get(pk=world.site.pk)
    assert (house.company, house.region.name, house.floor_area_m2, house.site_type) == (
        "Harbour Ltd", "South West", 1500.5, "office",
    )  # fmt: skip
    works = Site.objects.get(organisation=world.org, name="New Works")
    assert (works.is_active, works.outside_references) == (False, {"company_id": "78"})
    batch = Batch.objects.get(pk=report.batch)
    assert (batch.state, batch.format, batch.accepted) == ("done", "sites", 2)


def test_the_same_file_again_makes_and_changes_nothing(world: World, tmp_path: Path) -> None:
    bring(world, tmp_path / "s.csv", SITES)
    bring(world, tmp_path / "m.csv", METERS)
    before = list(Site.objects.values()), list(Meter.objects.values())
    for name in ("s.csv", "m.csv"):
        again = bring(world, tmp_path / name)
        counts = (again.created_sites, again.updated_sites, again.created_meters, again.updated_meters)
        assert (counts, again.exit_code) == ((0, 0, 0, 0), 0)
    assert (list(Site.objects.values()), list(Meter.objects.values())) == before


def test_a_name_in_another_case_is_the_same_site(world: World, tmp_path: Path) -> None:
    bring(world, tmp_path / "s.csv", "Site name,Postcode\nharbour  HOUSE,BS2 2BB\n")
    assert Site.objects.filter(organisation=world.org).count() == 1


def test_a_blank_cell_leaves_the_field_as_it_is(world: World, tmp_path: Path) -> None:
    bring(world, tmp_path / "s.csv", "Site name,Postcode,Floor area\nHarbour House,,900\n")
    site = Site.objects.get(pk=world.site.pk)
    assert (site.postcode, site.floor_area_m2) == ("BS1 4RN", 900)


def test_meters_are_made_with_their_parents_wherever_these_stand(world: World, tmp_path: Path) -> None:
    bring(world, tmp_path / "s.csv", SITES)
    lines = METERS.splitlines()
    report = bring(world, tmp_path / "m.csv", "\n".join([lines[0], *reversed(lines[1:])]) + "\n")
    assert (report.created_meters, report.updated_meters, report.exit_code) == (2, 1, 0)
    sub = Meter.objects.get(identifier="2248274887874")
    assert (sub.parent.identifier, sub.site.name, sub.serial) == ("1200023305967", "New Works", "E2")
    gas = Meter.objects.get(identifier="7654321")
    assert (gas.utility, gas.unit, gas.step_minutes, gas.serial) == ("gas", "m3", 60, "G4 001")


def test_bad_lines_are_told_and_the_rest_goes_in(world: World, tmp_path: Path) -> None:
    text = SITES + "Bad type,,,,palace,,,,,\n,,,,office,,,,,\nFine,,,,office,,,,,\nToo far,,,,office,,99,,,\n"
    report = bring(world, tmp_path / "s.csv", text)
    assert [error.line for error in report.errors] == [4, 5, 7]
    assert (report.rows, report.accepted, report.rejected, report.exit_code) == (6, 3, 3, 1)
    assert Site.objects.filter(organisation=world.org, name="Fine").exists()


def test_a_meter_at_a_site_that_is_not_there_is_told(world: World, tmp_path: Path) -> None:
    report = bring(world, tmp_path / "m.csv", METERS)
    assert [(error.line, error.column) for error in report.errors] == [(3, "Site"), (4, "Site")]
    assert Meter.objects.filter(organisation=world.org).count() == 1


def test_another_organisations_site_is_none_of_ours(world: World, tmp_path: Path) -> None:
    report = bring(world, tmp_path / "m.csv", "MPAN,Site,Serial\n2248274887874,Elsewhere Works,E2\n")
    assert report.exit_code == 2
    assert "no site" in report.errors[0].reason
    bring(world, tmp_path / "s.csv", "Site name,Postcode\nElsewhere Works,ZZ1 1ZZ\n")
    world.other_site.refresh_from_db()
    assert world.other_site.postcode == ""


def test_the_site_option_is_for_meters_whose_lines_name_none(world: World, tmp_path: Path) -> None:
    report = bring(world, tmp_path / "m.csv", "MPAN,Serial\n2248274887874,E2\n", site="Harbour House")
    assert report.created_meters == 1


def test_a_dry_run_makes_nothing(world: World, home: Path, tmp_path: Path) -> None:
    before = snapshot(home)
    report = bring(world, tmp_path / "s.csv", SITES, dry_run=True)
    assert (report.created_sites, report.updated_sites, report.batch) == (1, 1, None)
    assert snapshot(home) == before


def test_only_an_administrator_brings_structure_in(world: World, tmp_path: Path) -> None:
    from eclectyc.intake.service import import_file

    path = tmp_path / "s.csv"
    path.write_text(SITES)
    for user in (world.viewer, world.manager, world.outsider):
        with pytest.raises(Forbidden):
            import_file(Actor.of(user), organisation=world.org, path=path)
