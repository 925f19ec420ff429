"""Subscribers get every day that a batch changes, once; one that fails, fails the batch, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.batches.lifecycle import recover
from eclectyc.batches.models import Batch
from eclectyc.batches.subscribers import BatchSubscriber, subscribers
from eclectyc.derived.engine import recalculate
from eclectyc.derived.models import Stale
from eclectyc.estate.meters import create_meter
from eclectyc.estate.models import Meter, Series
from eclectyc.intake.push.drain import drain_inbox
from eclectyc.intake.push.models import Push
from eclectyc.intake.undo import undo_batch
from eclectyc.kernel.hooks import Hook
from eclectyc.lake.commit import PendingCommit
from eclectyc.lake.errors import CommitConflict
from eclectyc.lake.store import connect
from eclectyc.registers.entries import enter_read
from eclectyc.registers.models import RegisterRead
from tests.factories import World, make_meter
from tests.intake.import_calls import bring
from tests.intake.push.pushing import push, reading

pytestmark = pytest.mark.django_db
Pair = tuple[int, date]
Deed = Callable[[], object]


class Broken(Exception):
    """The subscriber failed."""


class Recorder(BatchSubscriber):
    """Keeps the keys of each batch, as a room does in its tables; counts them once the batch is done."""

    def __init__(self, fails: str = "") -> None:
        self.fails = fails
        self.keys: dict[int, list[Pair]] = {}
        self.counted: dict[int, list[Pair]] = {}
        self.failed: list[int] = []
        self.calls = 0

    def on_touched(self, batch: Batch, touched: pl.DataFrame) -> None:
        assert batch.state == Batch.PENDING
        self.calls += 1
        self.keys[batch.pk] = list(touched.select("series", "day").iter_rows())
        self._perhaps_fail("touched")

    def on_done(self, batch: Batch) -> None:
        self._perhaps_fail("done")
        assert batch.pk not in self.counted
        self.counted[batch.pk] = self.keys.pop(batch.pk)

    def on_failed(self, batch: Batch) -> None:
        self.failed.append(batch.pk)
        self.keys.pop(batch.pk, None)

    def _perhaps_fail(self, where: str) -> None:
        if self.fails == where:
            raise Broken


@pytest.fixture
def listen(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have these listen too, beside the product's own subscribers."""

    def add(*more: Recorder) -> None:
        every: Hook[BatchSubscriber] = Hook("batch subscriber")
        for name in subscribers.names():
            every.register(name, subscribers.load(name))
        for n, one in enumerate(more):
            every.register(f"test {n}", one)
        monkeypatch.setattr("eclectyc.batches.lifecycle.subscribers", every)

    return add


def wide(value: str, *days: int, meter: str = "1200023305967") -> str:
    head = "Meter,Date," + ",".join(f"HH{k + 1}" for k in range(48))
    return "\n".join([head, *(f"{meter},{day:02}/06/2025,{','.join([value] * 48)}" for day in days)]) + "\n"


def deed_of(kind: str, world: World, folder: Path) -> Deed:
    """Prepare a batch of a kind and return what writes it; it changes at least one day."""
    admin = Actor.of(world.admin)
    if kind == "import":
        return lambda: bring(world, folder / "a.csv", wide("1", 1, 2))
    if kind == "undo":
        first = bring(world, folder / "a.csv", wide("1", 1, 2)).batch or 0
        return lambda: undo_batch(admin, batch=first)
    if kind == "derived":
        create_meter(admin, site=world.site, identifier="SUM", formula=f"2 * {world.meter.identifier}")
        bring(world, folder / "a.csv", wide("1", 1, 2))
        return recalculate
    if kind == "push":
        push(world, [reading("2025-06-01T00:00:00Z", 7)])
        return drain_inbox
    meter = make_meter(world.site, "REGISTER", step_minutes=30)
    enter_read(admin, meter=meter, at="2025-06-10 00:00", value=100)
    if kind == "read":
        return lambda: enter_read(admin, meter=meter, at="2025-06-12 00:00", value=124)
    batch = enter_read(admin, meter=meter, at="2025-06-12 00:00", value=124).batch
    return lambda: undo_batch(admin, batch=batch)


KINDS = ("import", "undo", "derived", "push", "read", "undo of reads")


@pytest.mark.parametrize("kind", KINDS)
def test_two_subscribers_each_get_every_day_that_a_batch_changes_once(
    kind: str, world: World, tmp_path: Path, listen: Callable[..., None]
) -> None:
    deed = deed_of(kind, world, tmp_path)
    before, days_before = set(Batch.objects.values_list("pk", flat=True)), lake_days()
    one, other = Recorder(), Recorder()
    listen(one, other)
    deed()
    (batch,) = Batch.objects.exclude(pk__in=before)
    assert batch.state == Batch.DONE
    assert (one.keys, one.failed) == ({}, [])
    assert one.counted == other.counted
    pairs = one.counted[batch.pk]
    assert pairs == sorted(set(pairs))
    days = lake_days()
    changed = {key for key in days.keys() | days_before.keys() if days.get(key) != days_before.get(key)}
    assert set(pairs) == changed != set()


def lake_days() -> dict[Pair, Any]:
    """Return the values of every day in the lake, by series and day."""
    rows = connect().days(None, date(2025, 1, 1), date(2026, 1, 1), values=True)
    return {(series, day): values for series, day, values in rows.select("series", "day", "values").iter_rows()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_subscriber_that_fails_fails_the_batch_and_nothing_is_lost(
    kind: str, world: World, tmp_path: Path, listen: Callable[..., None]
) -> None:
    deed = deed_of(kind, world, tmp_path)
    before = state_of_the_registry()
    days_before, batches = lake_days(), set(Batch.objects.values_list("pk", flat=True))
    well, broken = Recorder(), Recorder("touched")
    listen(well, broken)
    with pytest.raises(Broken):
        deed()
    (failed,) = Batch.objects.exclude(pk__in=batches)
    assert failed.state == Batch.FAILED
    assert (well.keys, well.counted, well.failed) == ({}, {}, [failed.pk])
    assert lake_days() == days_before
    assert state_of_the_registry() == before
    broken.fails = ""
    deed()
    assert len(well.counted) == 1
    assert lake_days() != days_before


def state_of_the_registry() -> dict[str, Any]:
    """Return what a batch that fails must not change."""
    return {
        "series": sorted(Series.objects.values_list("pk", flat=True)),
        "meters": sorted(Meter.objects.values_list("pk", flat=True)),
        "reads": sorted(RegisterRead.objects.values_list("pk", flat=True)),
        "pushes": sorted(Push.objects.values_list("pk", "batch")),
        "stale": sorted(Stale.objects.values_list("kind", "meter", "start", "end", "worked_by")),
        "done": sorted(Batch.objects.exclude(state=Batch.FAILED).values_list("pk", "state")),
    }


def test_a_commit_that_is_repeated_counts_each_day_once(
    world: World, tmp_path: Path, listen: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, failures = PendingCommit.commit, [1]

    def conflict_once(self: PendingCommit, *args: Any, **rest: Any) -> int:
        if failures and rest.get("batch") is not None:
            failures.pop()
            raise CommitConflict("Another writer was quicker.", "Try again.")
        return usual(self, *args, **rest)

    monkeypatch.setattr(PendingCommit, "commit", conflict_once)
    one = Recorder()
    listen(one)
    report = bring(world, tmp_path / "a.csv", wide("1", 1, 2))
    assert one.calls == 2
    assert [day.day for _, day in one.counted[report.batch or 0]] == [1, 2]


def test_a_subscriber_that_fails_at_the_end_is_called_again_by_the_next_writer(
    world: World, tmp_path: Path, listen: Callable[..., None]
) -> None:
    broken = Recorder("done")
    listen(broken)
    with pytest.raises(Broken):
        bring(world, tmp_path / "a.csv", wide("1", 1))
    batch = Batch.objects.get()
    assert batch.state == Batch.COMMITTED, "the lake has it"
    assert (broken.counted, broken.failed) == ({}, [])
    broken.fails = ""
    recover()
    batch.refresh_from_db()
    assert batch.state == Batch.DONE
    assert [day.day for _, day in broken.counted[batch.pk]] == [1]


def test_a_series_with_readings_in_the_inbox_outlives_the_failed_batch_that_created_it(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = PendingCommit.commit

    def push_and_fail(self: PendingCommit, *args: Any, **rest: Any) -> int:
        if rest.get("batch") is None:
            return usual(self, *args, **rest)
        push(world, [reading("2025-06-01T00:00:00Z", 7)])
        raise OSError("the disk is full")

    monkeypatch.setattr(PendingCommit, "commit", push_and_fail)
    with pytest.raises(OSError, match="full"):
        bring(world, tmp_path / "a.csv", wide("1", 1))
    assert Batch.objects.get().state == Batch.FAILED
    assert Push.objects.get().series == Series.objects.get(meter=world.meter)


def test_the_rooms_of_the_product_subscribe() -> None:
    assert subscribers.names() == ["derived", "registers", "pushes"]
