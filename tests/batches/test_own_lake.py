"""A lake that has lost readings stays lost, and is refused, until its own is back or the one there is adopted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from eclectyc.accounts.actor import Actor
from eclectyc.audit.models import Event
from eclectyc.batches.health import lake as lake_check
from eclectyc.batches.lifecycle import recover, writers_turn
from eclectyc.batches.models import Batch
from eclectyc.cli import main
from eclectyc.intake.undo import undo_batch
from eclectyc.kernel.errors import Forbidden
from eclectyc.lake import maintenance_job
from eclectyc.lake.errors import LakeLost
from eclectyc.lake.files import Storage
from eclectyc.lake.lease import writer_lease
from eclectyc.lake.models import KnownLake
from eclectyc.lake.store import Lake, connect
from eclectyc.operations.lake_adoption import adopt, consequences
from eclectyc.operations.structure import check_structure
from eclectyc.registers import entries
from tests.factories import World
from tests.intake.import_calls import bring, held
from tests.lake.rows import Turn, frame
from tests.registers.test_importing import days_of, span

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
OPERATOR = Actor.system()
Loss = Callable[[Path], None]


def text_of(number: int) -> str:
    """One day of 48 half-hours of the world's meter, each the number."""
    head = "Meter,Date," + ",".join(f"HH{k + 1}" for k in range(48))
    return f"{head}\n1000000000010,{number:02}/06/2025,{','.join([str(number)] * 48)}\n"


def bring_day(world: World, tmp_path: Path, number: int, **options: bool) -> int:
    text = text_of(number).replace("1000000000010", world.meter.identifier)
    report = bring(world, tmp_path / f"{number}.csv", text, **options)
    return report.batch or 0


@pytest.fixture
def filled(world: World, tmp_path: Path, home: Path) -> Path:
    """A lake with three imports of a day; a copy of it with two. Return its folder."""
    folder = home / "lake"
    for number in (1, 2):
        bring_day(world, tmp_path, number)
    shutil.copytree(folder, tmp_path / "copy")
    bring_day(world, tmp_path, 3)
    return folder


def remove(folder: Path) -> None:
    shutil.rmtree(folder)


def empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def make_new(folder: Path) -> None:
    shutil.rmtree(folder)
    storage = Storage.from_url(str(folder))
    from eclectyc.lake.commit import create_table

    create_table(storage, 1)


def put_another(folder: Path) -> None:
    shutil.rmtree(folder)
    rows: list[tuple[int, date, int, list[float | None], list[int]]] = [(1, date(2025, 6, 1), 1440, [7.0], [1])]
    for batch in range(1, 20):
        Lake(Storage.from_url(str(folder))).write([frame(rows)], lease=Turn(batch), batch=batch)


def drop_newest_entry(folder: Path) -> None:
    max((folder / "_delta_log").glob("*.json")).unlink()


def put_older_copy(folder: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(folder.parents[1] / "copy", folder)


LOSSES = [
    (remove, "missing"),
    (empty, "empty"),
    (make_new, "empty"),
    (put_another, "another"),
    (drop_newest_entry, "older"),
    (put_older_copy, "older"),
]


def log_of(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*.json"))


@pytest.mark.parametrize(("lose", "word"), LOSSES)
def test_a_lost_lake_is_refused_by_every_writer_and_export_and_stays_critical(
    lose: Loss, word: str, filled: Path, world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    actor, before = Actor.of(world.admin), list(Batch.objects.order_by("pk").values("pk", "state"))
    lose(filled)
    log = log_of(filled)
    refused: list[Callable[[], object]] = [
        lambda: bring_day(world, tmp_path, 4),
        lambda: bring_day(world, tmp_path, 4, dry_run=True),
        lambda: undo_batch(actor, batch=before[0]["pk"]),
        lambda: maintenance_job.run(None),  # type: ignore[arg-type]
        lambda: entries.enter_read(actor, meter=world.meter, at="2025-06-01", value=1),
        lambda: writers_turn("backup").__enter__(),
    ]
    if connect().version >= 0:
        del refused[3]
        with writer_lease("upkeep") as lease, pytest.raises(LakeLost):
            connect().maintain(lease=lease)
    for write in refused:
        with pytest.raises(LakeLost, match=word):
            write()
        found = lake_check(now=NOW, deep=False)
        assert (found.status, found.detail["lost"]) == ("critical", word)
        assert "Mount its storage" in found.message
        assert "Restore a backup" in found.message
    capsys.readouterr()
    for kind in ("daily", "monthly", "readings"):
        assert main(["export", kind, "--organisation", world.org.name, "-o", str(tmp_path / "x.csv")]) == 2
        assert word in capsys.readouterr().err
    assert not (tmp_path / "x.csv").exists()
    assert main(["export", "meters", "--organisation", world.org.name, "-o", str(tmp_path / "m.csv")]) == 0
    assert [f.area for f in check_structure() if word in f.problem] == ["lake"]
    assert log_of(filled) == log, "nothing was written"
    assert list(Batch.objects.order_by("pk").values("pk", "state")) == before


def test_the_own_lake_that_comes_back_is_written_again(filled: Path, world: World, tmp_path: Path) -> None:
    filled.rename(tmp_path / "away")
    with pytest.raises(LakeLost):
        bring_day(world, tmp_path, 4)
    (tmp_path / "away").rename(filled)
    bring_day(world, tmp_path, 4)
    assert lake_check(now=NOW, deep=True).status == "healthy"
    assert len(held(world.meter)) == 4 * 48


def test_a_lake_that_moved_as_a_copy_is_the_same(filled: Path, world: World, tmp_path: Path) -> None:
    shutil.copytree(filled, tmp_path / "elsewhere")
    settings.LAKE_URL = str(tmp_path / "elsewhere")
    bring_day(world, tmp_path, 4)
    assert lake_check(now=NOW, deep=True).status == "healthy"


def test_a_lake_that_moves_to_an_object_store_is_the_same_and_is_missed_when_it_goes(
    s3_lake: str, home: Path, world: World, tmp_path: Path
) -> None:
    import boto3

    settings.LAKE_URL = str(home / "lake")
    bring_day(world, tmp_path, 1)
    known = KnownLake.objects.get().table_id
    settings.LAKE_URL = s3_lake
    with pytest.raises(LakeLost, match="missing"):
        bring_day(world, tmp_path, 2)
    bucket = boto3.resource("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"]).Bucket(s3_lake.split("/")[2])
    for path in (path for path in (home / "lake").rglob("*") if path.is_file()):
        bucket.upload_file(str(path), f"readings/{path.relative_to(home / 'lake')}")
    bring_day(world, tmp_path, 2)
    assert lake_check(now=NOW, deep=True).status == "healthy"
    assert KnownLake.objects.get().table_id == known
    bucket.objects.all().delete()
    assert lake_check(now=NOW, deep=False).detail["lost"] == "missing", "although this process had it open"
    with pytest.raises(LakeLost):
        bring_day(world, tmp_path, 3)


def test_a_lake_that_is_ahead_of_the_registry_is_recovered(
    filled: Path, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process was killed between the lake's commit and the registry's."""
    before = KnownLake.objects.values().get()
    batch = bring_day(world, tmp_path, 4)
    Batch.objects.filter(pk=batch).update(state=Batch.PENDING, finished_at=None)
    KnownLake.objects.update(**before)
    assert lake_check(now=NOW, deep=False).status == "healthy"
    assert [one.pk for one in recover()] == [batch]
    assert Batch.objects.get(pk=batch).state == Batch.DONE
    assert KnownLake.objects.get().last_batch == batch


@pytest.mark.parametrize(("lose", "word"), LOSSES)
def test_a_batch_left_unfinished_is_not_settled_by_a_lost_lake(
    lose: Loss, word: str, filled: Path, world: World
) -> None:
    last = Batch.objects.order_by("-pk")[0]
    Batch.objects.filter(pk=last.pk).update(state=Batch.PENDING)
    lose(filled)
    with pytest.raises(LakeLost):
        recover()
    assert Batch.objects.get(pk=last.pk).state == Batch.PENDING


def test_a_registry_that_has_not_learnt_its_lake_knows_what_must_be_in_it(
    filled: Path, world: World, tmp_path: Path
) -> None:
    learnt = KnownLake.objects.values().get()
    KnownLake.objects.all().delete()
    shutil.move(filled, tmp_path / "away")
    with pytest.raises(LakeLost):
        bring_day(world, tmp_path, 4)
    assert lake_check(now=NOW, deep=False).detail["lost"] == "missing"
    shutil.move(tmp_path / "away", filled)
    with writers_turn("test"):
        assert KnownLake.objects.values().get() == learnt


def test_pages_and_answers_of_a_lake_that_is_gone_give_the_reason_not_zeros(filled: Path, world: World) -> None:
    client = Client()
    client.force_login(world.admin)
    address = f"/api/meters/{world.meter.identifier}/readings"
    assert client.get(address).status_code == client.get("/reports/consumption?format=csv").status_code == 200
    remove(filled)
    for answer in (client.get(address), client.get(address, headers={"Accept": "text/csv"})):
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "lake_lost"
    assert client.get("/reports/consumption?format=csv").status_code == 503
    assert "The lake is missing" in client.get("/").content.decode()


@pytest.mark.parametrize(("lose", "word"), LOSSES)
def test_an_adopted_lake_is_healthy_and_the_books_say_what_was_given_up(
    lose: Loss, word: str, filled: Path, world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = list(Batch.objects.order_by("pk").values_list("pk", flat=True))
    lose(filled)
    gone = numbers[2:] if word == "older" else numbers
    found = consequences()
    assert (found.lost, found.batches, found.readings) == (word, gone, 48 * len(gone))
    assert main(["lake", "adopt"]) == 2
    told = capsys.readouterr().err
    assert f"{48 * len(gone)} readings" in told
    assert "--really" in told
    assert Batch.objects.filter(state=Batch.FAILED).count() == 0
    assert main(["lake", "adopt", "--really"]) == 0
    assert lake_check(now=NOW, deep=True).status == "healthy"
    assert list(Batch.objects.filter(state=Batch.FAILED).order_by("pk").values_list("pk", flat=True)) == gone
    for batch in Batch.objects.filter(pk__in=gone):
        assert (batch.added, batch.report["given_up"]["added"]) == (0, 48)
    event = Event.objects.get(action="lake.adopted")
    assert (event.after["lost"], event.after["batches"], event.after["readings"]) == (word, gone, 48 * len(gone))
    assert Event.objects.filter(action="import.given_up").count() == len(gone)
    world.meter.refresh_from_db()
    again = bring_day(world, tmp_path, 3)  # the same file
    assert Batch.objects.get(pk=again).added == 48
    assert lake_check(now=NOW, deep=True).status == "healthy"
    assert main(["lake", "adopt"]) == 0
    assert "nothing to adopt" in capsys.readouterr().err


def test_an_import_whose_undo_is_given_up_counts_again(filled: Path, world: World) -> None:
    first = Batch.objects.order_by("pk")[0]
    shutil.copytree(filled, filled.parents[1] / "before")
    undo = undo_batch(Actor.of(world.admin), batch=first.pk).by
    remove(filled)
    shutil.copytree(filled.parents[1] / "before", filled)
    assert adopt(OPERATOR).batches == [undo]
    first.refresh_from_db()
    assert (first.state, Batch.objects.get(pk=undo).state) == (Batch.DONE, Batch.FAILED)
    assert len(held(world.meter)) == 3 * 48


def test_consumption_comes_back_from_the_reads_and_deliveries_of_the_registry(world: World, home: Path) -> None:
    actor = Actor.of(world.admin)
    for at, value in (("2025-06-01", 0), ("2025-06-11", 100)):
        entries.enter_read(actor, meter=world.meter, at=at, value=value)
    remove(home / "lake")
    assert adopt(OPERATOR).meters == [world.meter.pk]
    assert days_of(world.meter) == span("2025-06-01", "2025-06-11", 10)
    assert lake_check(now=NOW, deep=True).status == "healthy"


def test_what_was_never_finished_fails_with_the_adoption(filled: Path, world: World) -> None:
    last = Batch.objects.order_by("-pk")[0]
    Batch.objects.filter(pk=last.pk).update(state=Batch.COMMITTED)
    put_older_copy(filled)
    adopt(OPERATOR)
    assert Batch.objects.get(pk=last.pk).state == Batch.FAILED


def test_only_an_operator_adopts(filled: Path, world: World) -> None:
    remove(filled)
    with pytest.raises(Forbidden):
        adopt(Actor.of(world.admin))


def test_a_fresh_installation_makes_its_lake_and_adopts_nothing(world: World, tmp_path: Path) -> None:
    assert consequences().lost == ""
    bring_day(world, tmp_path, 1)
    known = KnownLake.objects.get()
    there = connect().compare(None).found
    assert (known.table_id, known.version, known.last_batch) == (there.table_id, there.version, there.last_batch)


def test_a_writer_that_comes_late_does_not_turn_the_registry_back(filled: Path) -> None:
    from eclectyc.lake.identity import LakeIdentity
    from eclectyc.lake.known import remember

    known = KnownLake.objects.values().get()
    remember(LakeIdentity(known["table_id"], known["version"] - 1, known["last_batch"] - 1))
    assert KnownLake.objects.values().get() == known
