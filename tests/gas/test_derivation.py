"""m³ become kWh: by the published numbers, slot by slot against decimals, and again whenever something changes."""

from __future__ import annotations

import random
import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection

from eclectyc.accounts.actor import Actor
from eclectyc.analytics.estate import consumption, estate_overview
from eclectyc.analytics.readings import meter_readings
from eclectyc.batches.models import Batch
from eclectyc.derived.engine import recalculate
from eclectyc.derived.models import Stale
from eclectyc.estate.fact_entries import add_entry, change_entry, remove_entry
from eclectyc.estate.facts import CORRECTION
from eclectyc.estate.meters import update_meter
from eclectyc.estate.models import Series, Site
from eclectyc.estate.sites import update_site
from eclectyc.external.values import store_values
from eclectyc.gas.calorific_values import CALORIFIC_VALUE
from eclectyc.gas.missing_values import gaps_of
from eclectyc.gas.rules import kwh_per_m3
from eclectyc.gas.service import set_usual_region
from eclectyc.intake.undo import undo_batch
from eclectyc.kernel.errors import Forbidden
from eclectyc.lake.store import Lake
from tests.factories import World, make_meter
from tests.gas.burning import MPRN, daily, gas_meter, reference, span, tell, total, volumes
from tests.intake.import_calls import Slot, bring, held

pytestmark = pytest.mark.django_db

JUNE = date(2025, 6, 1)


def close(found: dict, expected: dict[object, Slot]) -> None:
    assert found.keys() == expected.keys()
    for start, (value, quality) in expected.items():
        assert found[start][0] == pytest.approx(value, rel=1e-12), start
        assert found[start][1] == quality, start


def test_published_conversions_come_out_to_the_last_digit() -> None:
    assert round(100 * kwh_per_m3(Decimal("39.5"), Decimal("1.02264")), 5) == 1122.06333
    assert round(2.83 * kwh_per_m3(Decimal("39.47333"), Decimal("1.02264")), 2) == 31.73


@pytest.mark.parametrize(
    ("first", "count"),
    [
        (date(2025, 3, 29), 3),  # the clocks go forward
        (date(2025, 10, 25), 3),  # and back
        (date(2015, 9, 29), 4),  # gas days begin at 05:00 from October 2015 on
        (date(2014, 10, 25), 3),  # and began at 06:00 before, here on a day of 25 hours
        (date(2024, 12, 31), 2),  # two months, two years
    ],
)
def test_each_slot_has_the_value_of_its_gas_day(world: World, tmp_path: Path, first: date, count: int) -> None:
    meter, chance = gas_meter(world), random.Random(first.toordinal())
    days = span(first, count)
    head, *lines = volumes(days).splitlines()
    lines = [re.sub(r"(?<=,)10(?=,|$)", lambda _: f"{chance.randint(1, 9999) / 1000}", line) for line in lines]
    bring(world, tmp_path / "gas.csv", "\n".join([head, *lines]) + "\n")
    values = {day: f"{chance.randint(37_000, 44_000) / 1000}" for day in span(first - timedelta(days=1), count + 1)}
    tell(world, values)
    stored = held(meter, "volume")
    assert len(stored) > 90
    close(held(meter), reference(stored, values))


def test_a_daily_volume_has_the_value_of_the_gas_day_that_begins_in_it(world: World, tmp_path: Path) -> None:
    meter = gas_meter(world, step_minutes=1440)
    bring(world, tmp_path / "gas.csv", daily(span(JUNE, 3)))
    values = {JUNE: "39", JUNE + timedelta(days=1): "40", JUNE + timedelta(days=2): "41"}
    tell(world, values)
    close(held_daily(meter), reference(held_daily(meter, "volume"), values, step=1440))
    assert len(held_daily(meter)) == 3


def held_daily(meter: object, quantity: str = "import") -> dict:
    return held(meter, quantity)  # type: ignore[arg-type]


def test_a_slot_without_a_calorific_value_is_missing_and_coverage_says_so(world: World, tmp_path: Path) -> None:
    meter = gas_meter(world)
    report = bring(world, tmp_path / "gas.csv", volumes(span(JUNE, 3)))
    assert "No calorific value is known for 4 gas days (31 May 2025 – 3 June 2025)" in report.warnings[-1]
    assert recalculate().changed == 0
    assert not Series.objects.filter(meter=meter, quantity="import").exists(), "nothing to hold"
    tell(world, {JUNE: "39.5"})
    readings = meter_readings(Actor.of(world.viewer), meter, start=JUNE, end=JUNE + timedelta(days=3), by="day")
    assert readings.unit == "kWh"
    assert readings.frame["present"].to_list() == [38, 10, 0]
    assert readings.frame["expected"].to_list() == [48, 48, 48]
    assert readings.frame["value"][2] is None
    gaps = gaps_of(meter)
    assert gaps is not None
    assert gaps.words() == "3 gas days (31 May 2025, 2–3 June 2025)"


def test_a_dry_run_reports_missing_calorific_values(world: World, tmp_path: Path) -> None:
    gas_meter(world)
    bring(world, tmp_path / "gas.csv", volumes(span(JUNE, 1)))
    dry = bring(world, tmp_path / "july.csv", volumes(span(JUNE + timedelta(days=30), 2)), dry_run=True)
    assert "No calorific value is known for 3 gas days (30 June 2025 – 2 July 2025)" in dry.warnings[-1]


def test_estimated_volumes_are_estimated_energy(world: World, tmp_path: Path) -> None:
    gas_meter(world)
    lines = ["Meter,Timestamp,Value,Unit,Flag"]
    lines += [f"{MPRN},2025-06-01 {8 + k // 2:02}:{30 * (k % 2):02},2,m3,{'E' if k % 3 else 'A'}" for k in range(12)]
    bring(world, tmp_path / "gas.csv", "\n".join(lines) + "\n")
    tell(world, {JUNE: "40"})
    assert [q for _, (_, q) in sorted(held(MPRN).items())] == [1 if k % 3 == 0 else 2 for k in range(12)]


def test_late_corrected_and_withdrawn_volumes_and_values_are_followed(world: World, tmp_path: Path) -> None:
    meter = gas_meter(world)
    days = span(JUNE, 4)
    values = dict.fromkeys(span(JUNE - timedelta(days=1), 6), "40")
    bring(world, tmp_path / "a.csv", volumes(days[:2]))
    tell(world, values)  # values after the volumes
    unit = kwh_per_m3(Decimal(40), Decimal("1.02264"))
    assert total(meter) == pytest.approx(2 * 480 * unit)
    late = bring(world, tmp_path / "b.csv", volumes(days[2:]))  # volumes after the values
    recalculate()
    assert total(meter) == pytest.approx(4 * 480 * unit)
    bring(world, tmp_path / "c.csv", volumes(days[:1], "11"))  # corrected volumes
    assert [(s.start, s.end) for s in Stale.objects.all()] == [(days[0], days[1])]
    recalculate()
    assert total(meter) == pytest.approx((3 * 480 + 528) * unit)
    undo_batch(Actor.of(world.admin), batch=late.batch or 0)
    recalculate()
    assert total(meter) == pytest.approx((480 + 528) * unit)
    put = store_values(Actor.of(world.admin), CALORIFIC_VALUE, organisation=world.org, values={JUNE: "42"})
    assert (put.added, put.changed, put.unchanged, put.meters) == (0, 1, 0, 1)
    assert [(s.start, s.end) for s in Stale.objects.all()] == [(JUNE, JUNE + timedelta(days=2))]
    recalculate()
    close(held(meter), reference(held(meter, "volume"), values | {JUNE: "42"}))
    version = Batch.objects.count()
    assert tell(world, {JUNE: "42.0"}).unchanged == 1
    assert Batch.objects.count() == version, "the same again works nothing out"


def test_a_meter_has_its_own_correction_from_a_gas_day_on(world: World, tmp_path: Path) -> None:
    meter, actor = gas_meter(world), Actor.of(world.admin)
    days = span(JUNE, 3)
    bring(world, tmp_path / "a.csv", volumes(days))
    values = dict.fromkeys(span(JUNE - timedelta(days=1), 5), "40")
    tell(world, values)
    second = days[1]
    entry = add_entry(actor, CORRECTION, owner=meter, factor="1.5", since=second)
    recalculate()
    usual, own = (reference(held(meter, "volume"), values, factor) for factor in ("1.02264", "1.5"))
    turn = min(start for start in usual if start.isoformat() >= "2025-06-02T04:00")  # 05:00 in London
    close(held(meter), {start: (own if start >= turn else usual)[start] for start in usual})
    change_entry(actor, CORRECTION, entry=entry, since=days[0])
    recalculate()
    turn = min(start for start in usual if start.isoformat() >= "2025-06-01T04:00")
    close(held(meter), {start: (own if start >= turn else usual)[start] for start in usual})
    remove_entry(actor, CORRECTION, entry=entry)
    recalculate()
    close(held(meter), usual)
    meter.refresh_from_db()
    update_meter(actor, meter=meter, correction="1.5")
    recalculate()
    close(held(meter), own)


def test_a_site_s_region_counts_before_the_organisation_s_usual_one(world: World, tmp_path: Path) -> None:
    meter, actor = gas_meter(world), Actor.of(world.admin)
    bring(world, tmp_path / "a.csv", volumes([JUNE]))
    both = span(JUNE - timedelta(days=1), 2)
    tell(world, dict.fromkeys(both, "38"), "SE")
    tell(world, dict.fromkeys(both, "42"), "North West")
    assert not Series.objects.filter(meter=meter, quantity="import").exists()
    set_usual_region(actor, organisation=world.org, region="se")
    recalculate()
    assert total(meter) == pytest.approx(480 * kwh_per_m3(Decimal(38), Decimal("1.02264")))
    update_site(actor, site=Site.objects.get(pk=world.site.pk), gas_region="north  west")
    recalculate()
    assert total(meter) == pytest.approx(480 * kwh_per_m3(Decimal(42), Decimal("1.02264")))
    update_site(actor, site=Site.objects.get(pk=world.site.pk), gas_region="Nowhere")
    recalculate()
    assert held(meter) == {}
    assert gaps_of(meter).place == "Nowhere"  # type: ignore[union-attr]


def test_the_supplier_s_own_energy_goes_before_what_is_converted(world: World, tmp_path: Path) -> None:
    meter, actor = gas_meter(world), Actor.of(world.admin)
    bring(world, tmp_path / "a.csv", volumes([JUNE]))
    tell(world, dict.fromkeys(span(JUNE - timedelta(days=1), 2), "40"))
    theirs = bring(world, tmp_path / "b.csv", volumes([JUNE], "100", unit="kWh"))
    recalculate()
    assert total(meter) == 4800
    counted = consumption(actor, start=JUNE, end=JUNE + timedelta(days=1), group_by="meter", today=JUNE)
    of_gas = counted.filter(counted["unit"] == "kWh")["value"].to_list()
    assert [value for value in of_gas if value] == [4800], "counted once"
    beside = Series.objects.get(meter=meter, source="calculated")
    assert not beside.is_primary
    undo_batch(actor, batch=theirs.batch or 0)
    recalculate()
    assert total(meter) == pytest.approx(480 * kwh_per_m3(Decimal(40), Decimal("1.02264")))


def test_readings_of_a_gas_meter_are_energy_if_there_is_any_otherwise_volume(
    world: World, tmp_path: Path, client: object
) -> None:
    meter = gas_meter(world)
    bring(world, tmp_path / "a.csv", volumes([JUNE]))
    client.force_login(world.admin)  # type: ignore[attr-defined]
    address = f"/api/meters/{MPRN}/readings?from=2025-06-01&to=2025-06-02&by=day"

    def asked(more: str = "") -> tuple:
        found = client.get(address + more).json()  # type: ignore[attr-defined]
        return found["quantity"], found["unit"], found["readings"][0]["value"]

    assert asked() == ("volume", "m3", 480)
    tell(world, dict.fromkeys(span(JUNE - timedelta(days=1), 2), "40"))
    assert asked() == ("import", "kWh", pytest.approx(480 * 1.02264 * 40 / 3.6))
    assert asked("&quantity=volume") == ("volume", "m3", 480)
    assert asked("&quantity=import")[1] == "kWh"
    assert meter.pk


def test_values_of_one_organisation_are_nothing_to_another(world: World, tmp_path: Path) -> None:
    actor = Actor.of(world.outsider)
    store_values(
        actor,
        CALORIFIC_VALUE,
        organisation=world.other_org,
        values=dict.fromkeys(span(JUNE - timedelta(days=1), 2), "40"),
    )
    meter = gas_meter(world)
    bring(world, tmp_path / "a.csv", volumes([JUNE]))
    recalculate()
    assert held(meter) == {}
    with pytest.raises(Forbidden):
        store_values(actor, CALORIFIC_VALUE, organisation=world.org, values={JUNE: "40"})
    with pytest.raises(Forbidden):
        store_values(Actor.of(world.manager), CALORIFIC_VALUE, organisation=world.org, values={JUNE: "40"})


def test_hundreds_of_cubic_feet_are_exact_cubic_metres(world: World, tmp_path: Path) -> None:
    meter = gas_meter(world)
    bring(world, tmp_path / "a.csv", volumes([JUNE], "1", unit="hcf"))
    assert total(meter, "volume") == pytest.approx(48 * 2.8316846592, rel=1e-12)


def test_a_new_meter_of_m3_and_kwh_with_an_mprn_is_one_of_gas(world: World, tmp_path: Path) -> None:
    text = "Meter,Date,kWh,m3\n7512345612,01/06/2025,100,9\n7512345612,02/06/2025,100,9\n"
    bring(world, tmp_path / "a.csv", text, create_meters=True, site="Harbour House")
    series = Series.objects.filter(meter__identifier="7512345612").values_list("meter__utility", "quantity", "unit")
    assert sorted(series) == [("gas", "import", "kWh"), ("gas", "volume", "m3")]


def test_water_is_not_burnt(world: World, tmp_path: Path) -> None:
    make_meter(world.site, "SPID1", utility="water", unit="m3")
    bring(world, tmp_path / "a.csv", volumes([JUNE], meter="SPID1"))
    tell(world, {JUNE: "40"})
    assert list(Series.objects.filter(meter__identifier="SPID1").values_list("quantity", "unit")) == [("import", "m3")]


def test_many_meters_take_no_more_questions_than_few(world: World, tmp_path: Path) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for names in (["75123456" + f"{n:02}" for n in range(10, 12)], ["75123456" + f"{n:02}" for n in range(20, 60)]):
        for name in names:
            gas_meter(world, name)
        lines = [volumes([JUNE], meter=name).splitlines()[1] for name in names]
        bring(world, tmp_path / f"{len(names)}.csv", "\n".join([volumes([]).strip(), *lines]) + "\n")
        store_values(Actor.of(world.admin), CALORIFIC_VALUE, organisation=world.org, values={JUNE: f"4{len(counts)}"})
        with CaptureQueriesContext(connection) as asked:
            recalculate()
        counts.append(len(asked))
    assert counts[1] <= counts[0] + 1


def test_volumes_without_calorific_values_are_shown_as_volumes_and_counted_once_they_are_energy(
    world: World, tmp_path: Path
) -> None:
    meter, actor = gas_meter(world), Actor.of(world.admin)
    today = JUNE + timedelta(days=2)
    bring(world, tmp_path / "a.csv", volumes(span(JUNE, 2)))

    def rows() -> list[tuple]:
        found = consumption(actor, start=JUNE, end=today, group_by="utility", today=today)
        return [row for row in found.select("label", "unit", "value").iter_rows() if row[2]]

    assert rows() == [("gas", "m3", 960)]
    assert meter.pk not in {silent.meter for silent in estate_overview(actor, today).silent}
    tell(world, dict.fromkeys(span(JUNE - timedelta(days=1), 3), "40"))
    kwh = 960 * kwh_per_m3(Decimal(40), Decimal("1.02264"))
    assert rows() == [("gas", "kWh", pytest.approx(kwh))]
    assert estate_overview(actor, today).month.total.value == pytest.approx(kwh)


def test_energy_is_expected_on_every_day_of_volumes(world: World, tmp_path: Path) -> None:
    """Calorific values that are missing at the beginning or the end lower the coverage of the energy."""
    meter, actor = gas_meter(world), Actor.of(world.admin)
    days = span(JUNE, 10)
    today = days[-1] + timedelta(days=1)
    bring(world, tmp_path / "a.csv", volumes(days))
    tell(world, dict.fromkeys(days[3:5], "40"))
    found = consumption(actor, start=JUNE, end=today, group_by="meter", today=today)
    row = found.filter(found["label"].str.contains(MPRN)).row(0, named=True)
    # Gas days open at 05:00: of the two days' 96 slots the last ten fall on the third.
    assert (row["unit"], row["present"], row["expected"]) == ("kWh", 96, 480)
    assert meter.pk not in {silent.meter for silent in estate_overview(actor, today).silent}


def test_an_empty_series_of_energy_does_not_hide_the_volumes(world: World, tmp_path: Path) -> None:
    meter, actor = gas_meter(world), Actor.of(world.admin)
    today = JUNE + timedelta(days=2)
    bring(world, tmp_path / "a.csv", volumes(span(JUNE, 2)))
    Series.objects.create(
        meter=meter, quantity="import", unit="kWh", step_minutes=30, source="calculated", is_primary=True
    )
    found = consumption(actor, start=JUNE, end=today, group_by="utility", today=today)
    assert [row for row in found.select("label", "unit", "value").iter_rows() if row[2]] == [("gas", "m3", 960)]


@pytest.mark.parametrize(("file", "makes"), [(daily, False), (volumes, True)], ids=["days", "half-hours"])
def test_a_value_of_the_day_before_converts_the_early_slots_alone(world: World, tmp_path: Path, file, makes) -> None:
    meter = gas_meter(world, step_minutes=1440 if file is daily else 30)
    bring(world, tmp_path / "a.csv", file(span(JUNE, 2)))
    tell(world, {JUNE - timedelta(days=1): "40"})
    assert Series.objects.filter(meter=meter, quantity="import").exists() is makes


@pytest.mark.django_db(transaction=True)
def test_the_lake_is_looked_at_before_the_registry_is_held(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An object store may be slow: no other work should wait for it."""
    gas_meter(world)
    bring(world, tmp_path / "a.csv", volumes(span(JUNE, 2)))
    held, usual = list[bool](), Lake.span

    def watched(self: Lake, *args: object) -> object:
        held.append(connection.in_atomic_block)
        return usual(self, *args)

    monkeypatch.setattr(Lake, "span", watched)
    tell(world, dict.fromkeys(span(JUNE - timedelta(days=1), 3), "40"))
    assert held
    assert not any(held)
