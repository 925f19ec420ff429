"""Reads that come late, twice, or are corrected or undone: consumption is that of the effective reads."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from eclectyc.accounts.actor import Actor
from eclectyc.analytics.readings import meter_day, meter_readings
from eclectyc.batches.models import Batch
from eclectyc.estate.devices import exchange_device
from eclectyc.estate.fact_entries import add_entry
from eclectyc.estate.facts import MULTIPLIER
from eclectyc.estate.models import Meter
from eclectyc.intake.undo import undo_batch
from eclectyc.kernel.quality import ACTUAL, DERIVED
from eclectyc.lake.store import connect
from eclectyc.registers.models import Register, RegisterRead
from tests.factories import World, make_meter
from tests.intake.import_calls import bring, held, snapshot, values_of

pytestmark = pytest.mark.django_db

MPAN = "1200023305967"
HEAD = "mpan,serial,register,date,reading"


def table(*rows: tuple[str, float], serial: str = "S1", register: str = "", meter: str = MPAN) -> str:
    lines = [f"{meter},{serial},{register},{day},{value}" for day, value in rows]
    return "\n".join([HEAD, *lines]) + "\n"


def tell(world: World, folder: Path, *rows: tuple[str, float], **kind: str) -> int:
    """Import some reads; return the batch."""
    batch = bring(world, folder / "reads.csv", table(*rows, **kind), type="registers").batch
    assert batch is not None
    return batch


def days_of(meter: Meter) -> dict[date, float]:
    """The use of each local day."""
    zone = ZoneInfo(meter.site.timezone)
    return {start.astimezone(zone).date(): round(value, 6) for start, value in values_of(held(meter)).items()}


def span(first: str, last: str, daily: float) -> dict[date, float]:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return {start + timedelta(days=n): daily for n in range((end - start).days)}


def test_a_late_read_changes_the_days_it_touches_and_nothing_else(world: World, tmp_path: Path) -> None:
    tell(world, tmp_path, ("2025-06-01", 0), ("2025-06-11", 100), ("2025-06-21", 300))
    before = days_of(world.meter)
    assert before == span("2025-06-01", "2025-06-11", 10) | span("2025-06-11", "2025-06-21", 20)
    late = bring(world, tmp_path / "late.csv", table(("2025-06-16", 150)), type="registers")
    assert days_of(world.meter) == span("2025-06-01", "2025-06-11", 10) | span("2025-06-11", "2025-06-16", 10) | span(
        "2025-06-16", "2025-06-21", 30
    )
    assert (late.added, late.changed, late.unchanged) == (0, 10, 0)
    assert late.batch is not None
    undo_batch(Actor.of(world.admin), batch=late.batch)
    assert days_of(world.meter) == before


def test_the_same_reads_again_change_nothing_and_witness_the_first(world: World, tmp_path: Path) -> None:
    first = tell(world, tmp_path, ("2025-06-01", 0), ("2025-06-11", 100))
    files = set(connect().storage.open().file_uris())
    again = bring(world, tmp_path / "reads.csv", table(("2025-06-01", 0), ("2025-06-11", 100)), type="registers")
    assert (again.added, again.changed, again.unchanged, again.readings) == (0, 0, 10, 10)
    assert set(connect().storage.open().file_uris()) == files
    undo_batch(Actor.of(world.admin), batch=first)
    assert days_of(world.meter) == span("2025-06-01", "2025-06-11", 10), "the second batch has the same reads"
    assert again.batch is not None
    undo_batch(Actor.of(world.admin), batch=again.batch)
    assert days_of(world.meter) == {}


def test_a_corrected_read_moves_use_between_its_neighbours(world: World, tmp_path: Path) -> None:
    tell(world, tmp_path, ("2025-06-01", 0), ("2025-06-11", 100), ("2025-06-21", 300), ("2025-07-01", 400))
    tell(world, tmp_path, ("2025-06-11", 200))
    assert days_of(world.meter) == span("2025-06-01", "2025-06-11", 20) | span("2025-06-11", "2025-06-21", 10) | span(
        "2025-06-21", "2025-07-01", 10
    )


def test_taking_back_the_first_of_two_batches_leaves_only_what_the_second_tells(world: World, tmp_path: Path) -> None:
    first = tell(world, tmp_path, ("2025-06-01", 0), ("2025-06-11", 100))
    tell(world, tmp_path, ("2025-06-16", 150), ("2025-06-21", 300))
    undo_batch(Actor.of(world.admin), batch=first)
    assert days_of(world.meter) == span("2025-06-16", "2025-06-21", 30)


def test_a_dry_run_says_what_would_happen_and_writes_nothing(world: World, home: Path, tmp_path: Path) -> None:
    tell(world, tmp_path, ("2025-06-01", 0))
    before = snapshot(home)
    tried = bring(world, tmp_path / "r.csv", table(("2025-06-11", 100)), type="registers", dry_run=True)
    assert (tried.added, tried.readings, tried.reads, tried.kwh) == (10, 10, 1, pytest.approx(100))
    assert snapshot(home) == before
    text = table(("2025-06-01", 0), ("2025-06-02", 24), meter="1000000000040")
    fresh = bring(world, tmp_path / "n.csv", text, type="registers", dry_run=True, create_meters=True, site="New")
    assert (fresh.created_meters, fresh.created_sites, fresh.added) == (1, 1, 1)
    assert snapshot(home) == before


def test_unknown_meters_are_named_and_their_rows_rejected(world: World, tmp_path: Path) -> None:
    text = table(("2025-06-01", 0), ("2025-06-02", 24), meter="1000000000040")
    report = bring(world, tmp_path / "r.csv", text, type="registers")
    assert (report.exit_code, report.rejected, report.unknown_meters) == (2, 2, ["1000000000040"])
    assert not RegisterRead.objects.exists()
    assert bring(world, tmp_path / "r.csv", text, type="registers", create_meters=True).exit_code == 0
    made = Meter.objects.get(organisation=world.org, identifier="1000000000040")
    assert (made.step_minutes, days_of(made)) == (30, span("2025-06-01", "2025-06-02", 24))


def test_an_exchange_is_never_differenced_and_its_reads_close_and_open(world: World, tmp_path: Path) -> None:
    world.meter.serial = "OLD"
    world.meter.save()
    exchange_device(Actor.of(world.admin), meter=world.meter, on="2025-06-11", serial="NEW", closing_read="200",
                    opening_read="5")  # fmt: skip
    bring(world, tmp_path / "r.csv", table(("2025-06-01", 100), ("2025-06-21", 105), serial=""), type="registers")
    assert days_of(world.meter) == span("2025-06-01", "2025-06-21", 10)


def test_a_multiplier_and_a_ratio_hold_on_their_days(world: World, tmp_path: Path) -> None:
    admin = Actor.of(world.admin)
    add_entry(admin, MULTIPLIER, owner=world.meter, factor="40", since="2025-06-11")
    tell(world, tmp_path, ("2025-06-01", 100), ("2025-06-21", 300))
    assert days_of(world.meter) == span("2025-06-01", "2025-06-11", 10) | span("2025-06-11", "2025-06-21", 400)
    other = make_meter(world.site, "1000000000040", serial="OLD")
    exchange_device(admin, meter=other, on="2025-06-11", serial="NEW", ct_ratio="200/5", opening_read="0")
    tell(world, tmp_path, ("2025-06-11", 0), ("2025-06-12", 1), serial="NEW", meter="1000000000040")
    assert days_of(other) == span("2025-06-11", "2025-06-12", 40)


def test_day_and_night_are_kept_apart_and_summed(world: World, tmp_path: Path) -> None:
    rows = [("D", "2025-06-01", 0), ("N", "2025-06-01", 5000), ("D", "2025-06-11", 100), ("N", "2025-06-11", 5050)]
    lines = [f"{MPAN},S1,{code},{day},{value}" for code, day, value in rows]
    report = bring(world, tmp_path / "r.csv", "\n".join([HEAD, *lines]), type="registers")
    assert {(one.register, one.total) for one in report.series} == {("D", 100.0), ("N", 50.0)}
    assert set(Register.objects.values_list("code", flat=True)) == {"D", "N"}
    assert days_of(world.meter) == span("2025-06-01", "2025-06-11", 15)


def test_derived_days_stay_out_of_peak_low_profile_and_heat(world: World, tmp_path: Path) -> None:
    tell(world, tmp_path, ("2025-05-01", 0), ("2025-06-30", 600))
    rows = connect().days(None, date(2025, 5, 1), date(2025, 7, 1), values=True)
    assert rows["quality"].explode().unique().to_list() == [DERIVED]
    assert rows.select("low", "peak", "peak_slot").null_count().row(0) == (len(rows),) * 3
    assert (rows["estimated"] == 1).all()
    view = meter_day(Actor.of(world.admin), world.meter, date(2025, 6, 20))
    assert view.band is None
    month = meter_readings(
        Actor.of(world.admin), world.meter, start=date(2025, 6, 1), end=date(2025, 6, 30), by="month"
    ).frame.row(0, named=True)
    assert (month["value"], month["present"], month["estimated"]) == (pytest.approx(290), 29, 29)


def test_a_supplier_s_own_day_outlives_what_was_spread_over_it(world: World, tmp_path: Path) -> None:
    tell(world, tmp_path, ("2025-06-01", 0), ("2025-06-11", 100))
    bring(world, tmp_path / "daily.csv", f"mpan,date,kwh\n{MPAN},2025-06-05,7\n", type="daily")
    tell(world, tmp_path, ("2025-06-11", 200))
    expected = span("2025-06-01", "2025-06-11", 20) | {date(2025, 6, 5): 7.0}
    assert days_of(world.meter) == expected
    assert [slot for start, slot in held(world.meter).items() if start.day == 4 and start.month == 6] == [(7.0, ACTUAL)]


def test_the_history_keeps_what_was_known_when(world: World, tmp_path: Path) -> None:
    first = tell(world, tmp_path, ("2025-06-01", 0), ("2025-06-11", 100))
    tell(world, tmp_path, ("2025-06-11", 200))
    days = connect().days(None, date(2025, 6, 1), date(2025, 6, 11), known_at=first)
    assert days["total"].to_list() == [pytest.approx(10.0)] * 10


def test_a_read_of_a_failed_batch_counts_for_nothing(world: World, tmp_path: Path) -> None:
    dead = Batch.objects.create(organisation=world.org, state=Batch.FAILED)
    register = Register.objects.create(meter=world.meter, serial="S1", serial_key="S1")
    at_s = int(datetime(2025, 6, 6, tzinfo=ZoneInfo("Europe/London")).timestamp())
    RegisterRead.objects.create(register=register, batch=dead, at_s=at_s, value=99, quality=ACTUAL)
    tell(world, tmp_path, ("2025-06-01", 0), ("2025-06-11", 100))
    assert days_of(world.meter) == span("2025-06-01", "2025-06-11", 10)


READS = st.lists(
    st.tuples(st.integers(1, 28), st.integers(0, 40)), min_size=1, max_size=3, unique_by=lambda read: read[0]
)
STORIES = st.lists(st.one_of(READS, st.integers(0, 5)), min_size=2, max_size=6)


# Each example is a handful of imports: what fails is reported as it is, without minutes of shrinking.
@settings(max_examples=8, phases=[Phase.explicit, Phase.generate],
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])  # fmt: skip
@given(STORIES)
def test_whatever_is_imported_and_undone_consumption_is_that_of_the_effective_reads(
    world: World, tmp_path: Path, story: list[list[tuple[int, int]] | int]
) -> None:
    meter = make_meter(world.site)
    live: list[tuple[int, list[tuple[int, int]]]] = []
    for event in story:
        if isinstance(event, list):
            rows = [(f"2025-06-{day:02}", float(value)) for day, value in event]
            live.append((tell(world, tmp_path, *rows, meter=meter.identifier), event))
        elif live:
            batch, _ = live.pop(event % len(live))
            undo_batch(Actor.of(world.admin), batch=batch)
        effective = sorted({day: value for _, reads in live for day, value in reads}.items())
        expected: dict[date, float] = {}
        for (day, before), (until, after) in pairwise(effective):
            if after >= before:
                daily = (after - before) / (until - day)
                expected |= span(f"2025-06-{day:02}", f"2025-06-{until:02}", round(daily, 6))
        assert days_of(meter) == expected
