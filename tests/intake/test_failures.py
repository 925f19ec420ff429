"""What goes wrong on the way leaves no trace."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection

from eclectyc.accounts.actor import Actor
from eclectyc.batches.models import Batch
from eclectyc.estate.models import Meter, Site
from eclectyc.intake.service import import_file
from eclectyc.lake.errors import OutOfOrder
from eclectyc.readers.blocks import UnreadableFile
from tests.factories import World, make_meter
from tests.intake.import_calls import bring, held, values_of
from tests.intake.make_files import METER, at, long

pytestmark = pytest.mark.django_db


def test_an_import_that_fails_leaves_nothing_and_the_next_one_works(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = long((0, 1), (1, 2), meter="M7")
    options = {"create_meters": True, "site": "New works"}

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is on fire")

    with monkeypatch.context() as broken:
        broken.setattr("eclectyc.intake.report.ImportReport.add_counts", fail)
        with pytest.raises(RuntimeError):
            bring(world, tmp_path / "a.csv", text, **options)
    assert not Meter.objects.filter(identifier="M7").exists()
    assert not Site.objects.filter(name="New works").exists()
    assert [batch.state for batch in Batch.objects.all()] == ["failed"]
    report = bring(world, tmp_path / "a.csv", text, **options)
    assert (report.added, report.created_meters, report.created_sites) == (2, 1, 1)


def test_a_meter_that_others_use_meanwhile_outlives_the_failed_import_that_made_it(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def use_and_fail(*_: object, **__: object) -> None:
        parent = Meter.objects.get(identifier="M7")
        make_meter(world.site, "SUB", parent=parent)
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr("eclectyc.intake.report.ImportReport.add_counts", use_and_fail)
    with pytest.raises(RuntimeError):
        bring(world, tmp_path / "a.csv", long((0, 1), meter="M7"), create_meters=True, site="New works")
    assert Meter.objects.filter(identifier="M7").exists()


def test_a_file_that_turns_unreadable_halfway_leaves_no_trace(world: World, home: Path, tmp_path: Path) -> None:
    bad = [(k + 1, "=x") for k in range(150)]
    text = long((0, 1), *bad) + f"{METER},13/02/2025 00:00,1\n{METER},02/13/2025 00:00,1\n"
    with pytest.raises(UnreadableFile):
        bring(world, tmp_path / "a.csv", text)
    assert Batch.objects.count() == 0
    assert list(home.glob("reports/*")) == []


def test_a_registry_older_than_its_lake_imports_nothing(world: World, tmp_path: Path) -> None:
    first = bring(world, tmp_path / "a.csv", long((0, 1)))
    bring(world, tmp_path / "b.csv", long((1, 1)))
    Batch.objects.all().delete()
    with connection.cursor() as cursor:  # as a restored copy of the registry would number on
        if connection.vendor == "sqlite":
            cursor.execute("UPDATE sqlite_sequence SET seq = %s WHERE name = 'intake_batch'", [(first.batch or 1) - 1])
        else:
            cursor.execute("SELECT setval('intake_batch_id_seq', %s)", [first.batch])
    with pytest.raises(OutOfOrder, match="restore both"):
        bring(world, tmp_path / "c.csv", long((2, 1)))
    assert Batch.objects.count() == 0
    assert len(held(world.meter)) == 2


def test_an_uploaded_file_goes_by_its_own_name(world: World, tmp_path: Path) -> None:
    path = tmp_path / "upload-1234"
    path.write_text(long((0, 1)))
    report = import_file(Actor.of(world.admin), organisation=world.org, path=path, name="January.csv")
    assert report.file == "January.csv"
    assert Batch.objects.get(pk=report.batch).file_name == "January.csv"


def test_a_file_without_a_quantity_is_export_for_an_export_meter(world: World, tmp_path: Path) -> None:
    solar = make_meter(world.site, "2248274887874", direction="export")
    report = bring(world, tmp_path / "a.csv", long((0, 1), meter="2248274887874"))
    assert [series.quantity for series in report.series] == ["export"]
    assert values_of(held(solar, "export")) == {at(0): 1.0}
