"""Derived series follow the series that they depend on: late, corrected and undone readings, and nothing else."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.batches.models import Batch
from eclectyc.derived import engine
from eclectyc.derived.engine import recalculate
from eclectyc.derived.health import derived
from eclectyc.derived.invalidation import mark_stale
from eclectyc.derived.models import Stale
from eclectyc.derived.protocol import Derivation
from eclectyc.derived.registry import FROM_OTHER_METERS, FROM_OWN_READINGS, derivations
from eclectyc.derived.spans import EVER
from eclectyc.estate.models import Meter, Series
from eclectyc.intake.push.drain import drain_inbox
from eclectyc.intake.undo import undo_batch
from eclectyc.jobs.models import Job
from eclectyc.kernel.errors import EclectycError, Invalid
from eclectyc.kernel.health import DEGRADED, HEALTHY
from eclectyc.kernel.hooks import Hook
from eclectyc.lake.commit import PendingCommit
from eclectyc.lake.lease import Lease
from eclectyc.lake.store import connect
from eclectyc.registers.entries import enter_read
from tests.derived.twice import TWICE, only_twice
from tests.factories import World, make_meter
from tests.intake.import_calls import bring
from tests.intake.push.pushing import push, reading

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eclectyc.derived.registry.derivations", only_twice())


@pytest.fixture
def below(world: World) -> Meter:
    """A meter that holds twice what the world's meter does, a day later."""
    return make_meter(world.site, "BELOW", name="twice", parent=world.meter)


def wide(*days: tuple[int, str], meter: str = "1200023305967") -> str:
    """A wide file of days in June 2025, each with one value throughout; a blank leaves the day's second half out."""
    head = "Meter,Date," + ",".join(f"HH{k + 1}" for k in range(48))
    return "\n".join([head, *(f"{meter},{day:02}/06/2025,{','.join([value] * 48)}" for day, value in days)]) + "\n"


def totals(meter: Meter) -> dict[int, float]:
    """The daily totals of June 2025, of all series of a meter."""
    series = list(Series.objects.filter(meter=meter).values_list("pk", flat=True))
    rows = connect().days(series, date(2025, 6, 1), date(2025, 7, 1))
    return {day.day: round(total, 6) for day, total in rows.select("day", "total").iter_rows()}


def test_what_depends_on_an_import_is_recalculated_once(world: World, below: Meter, tmp_path: Path) -> None:
    bring(world, tmp_path / "a.csv", wide((1, "1"), (2, "2")))
    assert Job.objects.filter(kind="derived.work_out", state=Job.WAITING).count() == 1
    done = recalculate()
    assert (done.batches, done.changed) == (1, 96)
    assert totals(below) == {2: 96, 3: 192}
    assert not Stale.objects.exists()
    assert not Job.objects.filter(kind="derived.work_out", state=Job.WAITING).exists(), "its work is done"
    before, version = Batch.objects.count(), connect().version
    assert recalculate().batches == 0
    assert (Batch.objects.count(), connect().version) == (before, version)


def test_the_same_file_again_makes_nothing_stale(world: World, below: Meter, tmp_path: Path) -> None:
    bring(world, tmp_path / "a.csv", wide((1, "1")))
    recalculate()
    bring(world, tmp_path / "a.csv")
    assert not Stale.objects.exists()


def test_only_a_corrected_day_is_recalculated(world: World, below: Meter, tmp_path: Path) -> None:
    bring(world, tmp_path / "a.csv", wide(*((day, "1") for day in range(1, 11))))
    recalculate()
    bring(world, tmp_path / "b.csv", wide(*((day, "3" if day in (4, 8) else "1") for day in range(1, 11))))
    spans = Stale.objects.order_by("start").values_list("start", "end")
    assert [(start.day, end.day) for start, end in spans] == [(5, 6), (9, 10)]
    assert recalculate().changed == 96
    assert totals(below) == {day: 288 if day in (5, 9) else 96 for day in range(2, 12)}


def test_what_is_undone_is_undone_below(world: World, below: Meter, tmp_path: Path) -> None:
    bring(world, tmp_path / "a.csv", wide((1, "1"), (2, "1")))
    second = bring(world, tmp_path / "b.csv", wide((2, "5"), (3, "5")))
    recalculate()
    assert totals(below) == {2: 96, 3: 480, 4: 480}
    undo_batch(Actor.of(world.admin), batch=second.batch or 0)
    recalculate()
    assert totals(below) == {2: 96, 3: 96}


def test_an_import_undone_before_anything_followed_leaves_nothing(world: World, below: Meter, tmp_path: Path) -> None:
    only = bring(world, tmp_path / "a.csv", wide((1, "1")))
    undo_batch(Actor.of(world.admin), batch=only.batch or 0)
    recalculate()
    assert totals(below) == {}
    assert not Stale.objects.exists()


def test_what_depends_on_derived_series_follows_too(world: World, below: Meter, tmp_path: Path) -> None:
    lower = make_meter(world.site, "LOWER", name="twice", parent=below)
    bring(world, tmp_path / "a.csv", wide((1, "1"), (2, "2")))
    assert recalculate().batches == 2
    assert totals(lower) == {3: 192, 4: 384}


def test_pushed_and_typed_readings_are_followed(world: World, below: Meter) -> None:
    push(world, [reading("2025-06-01T00:00:00Z", 7)])
    drain_inbox()
    recalculate()
    assert totals(below) == {2: 14}
    register = make_meter(world.site, "REGISTER", step_minutes=30)
    under = make_meter(world.site, "UNDER", name="twice", parent=register)
    for moment, shown in (("2025-06-10 00:00", 100), ("2025-06-11 00:00", 124)):
        enter_read(Actor.of(world.admin), meter=register, at=moment, value=shown)
    assert Stale.objects.filter(meter=under).exists()


def test_a_batch_that_fails_leaves_nothing_stale(
    world: World, below: Meter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, failures = PendingCommit.commit, [1]  # each is one commit that fails

    def fail(self: PendingCommit, lease: Lease, *, batch: int | None, **rest: Any) -> int:
        if batch is not None and failures:
            failures.pop()
            raise OSError("the disk is full")
        return usual(self, lease, batch=batch, **rest)

    monkeypatch.setattr(PendingCommit, "commit", fail)
    with pytest.raises(OSError, match="full"):
        bring(world, tmp_path / "a.csv", wide((1, "1")))
    assert not Stale.objects.exists()
    bring(world, tmp_path / "a.csv")
    failures.append(1)
    with pytest.raises(OSError, match="full"):
        recalculate()
    assert Series.objects.filter(meter=below).count() == 0, "what a failed batch made goes again"
    assert recalculate().changed == 48
    assert totals(below) == {2: 96}


def test_a_changed_rule_recalculates_every_day_with_readings(world: World, below: Meter, tmp_path: Path) -> None:
    bring(world, tmp_path / "a.csv", wide((1, "1"), (20, "1")))
    Stale.objects.all().delete()
    mark_stale("twice", [(below.pk, *EVER)])
    recalculate()
    assert totals(below) == {2: 96, 21: 96}
    below.name = "no longer derived"
    below.save()


def test_a_circle_is_refused_with_a_reason(
    world: World, below: Meter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "MOST_DEEP", 5)
    lower = make_meter(world.site, "LOWER", name="twice", parent=below)
    bring(world, tmp_path / "a.csv", wide((1, "1")))
    recalculate()
    Meter.objects.filter(pk=below.pk).update(parent=lower)
    bring(world, tmp_path / "a.csv", wide((1, "2")))
    mark_stale("twice", [(below.pk, *EVER)])
    with pytest.raises(EclectycError, match="depend on each other in a circle, more than 5 deep"):
        recalculate()


def test_what_the_lake_refuses_holds_nothing_else_up_and_shows_in_the_health(
    world: World, below: Meter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_meter(world.site, "OTHER", name="twice", parent=world.meter)
    bring(world, tmp_path / "a.csv", wide((1, "1")))
    usual = type(TWICE).plan

    def broken(self: object, wanted: pl.DataFrame, held: pl.DataFrame) -> object:
        plan = usual(TWICE, wanted, held)
        bad = Series.objects.filter(meter=other).values_list("pk", flat=True).first() or -1
        return type("Bad", (), {
            "spans": plan.spans, "created": plan.created,
            "__iter__": lambda _: (
                frame.with_columns(pl.when(pl.col("series") == bad).then(999).otherwise("step").alias("step"),
                                   day=pl.when(pl.col("series") == bad).then(date(2030, 1, 1)).otherwise("day"))
                for frame in plan
            ),
        })()  # fmt: skip

    monkeypatch.setattr(type(TWICE), "plan", broken)
    done = recalculate()
    assert done.faulty == 1
    assert totals(below) == {2: 96}
    assert "outside the span" in Stale.objects.get(meter=other).fault
    assert derived(now=timezone.now(), deep=False).status == DEGRADED
    monkeypatch.setattr(type(TWICE), "plan", usual)
    engine.retry_faulty()
    recalculate()
    assert totals(other) == {2: 96}


def test_health_reports_what_waits_for_long(world: World, below: Meter, tmp_path: Path) -> None:
    now = timezone.now()
    assert derived(now=now, deep=False).status == HEALTHY
    bring(world, tmp_path / "a.csv", wide((1, "1")))
    assert derived(now=now + timedelta(minutes=1), deep=False).status == HEALTHY
    late = derived(now=now + timedelta(minutes=30), deep=False)
    assert late.status == DEGRADED
    assert "1 derived meter waits" in late.message
    recalculate()
    assert derived(now=now + timedelta(minutes=30), deep=False).status == HEALTHY


def test_a_derived_batch_is_not_undone_by_itself(world: World, below: Meter, tmp_path: Path) -> None:
    bring(world, tmp_path / "a.csv", wide((1, "1")))
    recalculate()
    batch = Batch.objects.get(kind=Batch.DERIVED)
    with pytest.raises(Invalid, match="recalculated derived readings; it imported nothing"):
        undo_batch(Actor.of(world.admin), batch=batch.pk)


def test_stale_days_are_seen_by_those_who_see_the_meter(world: World, below: Meter, tmp_path: Path) -> None:
    bring(world, tmp_path / "a.csv", wide((1, "1")))
    assert Stale.objects.visible_to(Actor.of(world.viewer)).count() == 1
    assert not Stale.objects.visible_to(Actor.of(world.outsider)).exists()


def test_batches_need_the_same_number_of_queries_however_many_meters_depend_on_them(
    world: World, below: Meter, tmp_path: Path, django_assert_max_num_queries: object
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    bring(world, tmp_path / "a.csv", wide((1, "1")))
    with CaptureQueriesContext(
        connection,
    ) as few:
        recalculate()
    for n in range(20):
        make_meter(world.site, f"B{n:02}", name="twice", parent=world.meter)
    bring(world, tmp_path / "b.csv", wide((1, "2")))
    with CaptureQueriesContext(connection) as many:
        recalculate()
    assert len(many) <= len(few)


def test_gas_is_recalculated_before_virtual_meters_in_whatever_order_the_rooms_are_made_ready() -> None:
    assert derivations.names() == ["gas", "virtual"]
    assert [one.name for one in derivations] == ["gas", "virtual"], "each is registered under its own name"
    backwards: Hook[Derivation] = Hook("derivation")
    backwards.register("virtual", derivations.load("virtual"), rank=FROM_OTHER_METERS)
    backwards.register("gas", derivations.load("gas"), rank=FROM_OWN_READINGS)
    assert backwards.names() == ["gas", "virtual"]
