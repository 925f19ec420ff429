"""What is a volume of gas: after an upgrade, and where a meter turns out to be one of gas, or of something else."""

from __future__ import annotations

from datetime import date, timedelta
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps

from eclectyc.accounts.actor import Actor
from eclectyc.derived.engine import recalculate
from eclectyc.derived.models import Stale
from eclectyc.estate.meters import update_meter
from eclectyc.estate.models import Meter, Series
from eclectyc.registers.entries import enter_read
from eclectyc.registers.models import Register
from tests.factories import World, make_meter, make_series
from tests.gas.burning import MPRN, gas_meter, span, tell, total, volumes
from tests.intake.import_calls import bring

pytestmark = pytest.mark.django_db
JUNE = date(2025, 6, 1)
VALUES = dict.fromkeys(span(JUNE - timedelta(days=1), 4), "40")


def quantities(meter: Meter) -> list[tuple]:
    series = Series.objects.filter(meter=meter).order_by("pk")
    return list(series.values_list("quantity", "unit", "source", "is_primary"))


def test_an_upgrade_separates_volumes_from_energy_and_has_them_converted(world: World) -> None:
    plain, both = gas_meter(world), gas_meter(world, "7512345612")
    water = make_meter(world.site, "W1", utility="water", unit="m3")
    make_series(plain, unit="m3")
    make_series(both, unit="m3")
    make_series(both, unit="kWh", is_primary=False)
    make_series(water, unit="m3")
    Register.objects.create(meter=plain, quantity="import", unit="m3")
    for app, name in (("estate", "0009_volumes_of_gas"), ("intake", "0008_volumes_of_gas")):
        import_module(f"eclectyc.{app}.migrations.{name}").tell_volumes(apps, None)
    assert quantities(plain) == [("volume", "m3", "", True)]
    assert quantities(both) == [("volume", "m3", "", True), ("import", "kWh", "", True)]
    assert quantities(water) == [("import", "m3", "", True)]
    assert Register.objects.get().quantity == "volume"
    assert sorted(Stale.objects.values_list("kind", "meter")) == [("gas", plain.pk), ("gas", both.pk)]


def test_a_meter_that_turns_out_to_be_one_of_gas_is_converted_and_back_again(world: World, tmp_path: Path) -> None:
    meter, actor = make_meter(world.site, MPRN, utility="water", unit="m3"), Actor.of(world.admin)
    bring(world, tmp_path / "a.csv", volumes([JUNE]))
    tell(world, VALUES)
    assert quantities(meter) == [("import", "m3", "", True)]
    update_meter(actor, meter=meter, utility="gas")
    recalculate()
    assert quantities(meter) == [("volume", "m3", "", True), ("import", "kWh", "calculated", True)]
    assert total(meter) == pytest.approx(480 * 1.02264 * 40 / 3.6)
    bring(world, tmp_path / "b.csv", volumes([JUNE + timedelta(days=1)]))
    recalculate()
    assert total(meter) == pytest.approx(960 * 1.02264 * 40 / 3.6)
    update_meter(actor, meter=meter, utility="water")
    recalculate()
    assert total(meter) == 960
    assert all(series.unit == "m3" for series in Series.objects.filter(meter=meter, is_primary=True))


def test_reads_of_a_gas_register_become_energy(world: World) -> None:
    meter = gas_meter(world, step_minutes=1440)
    tell(world, VALUES)
    for moment, shown in (("2025-06-01 00:00", 100), ("2025-06-02 00:00", 148)):
        enter_read(Actor.of(world.admin), meter=meter, at=moment, value=shown)
    recalculate()
    assert Register.objects.get().quantity == "volume"
    assert total(meter, "volume") == 48
    assert total(meter) == pytest.approx(48 * 1.02264 * 40 / 3.6)


def test_a_dry_run_of_reads_reports_missing_calorific_values(world: World, tmp_path: Path) -> None:
    gas_meter(world, step_minutes=1440)
    head = "meter,read date,reading,unit\n"
    may = f"{head}{MPRN},2025-05-01,100,m3\n{MPRN},2025-05-03,148,m3\n"
    bring(world, tmp_path / "may.csv", may, type="registers")
    june = f"{head}{MPRN},2025-05-05,200,m3\n"
    dry = bring(world, tmp_path / "june.csv", june, type="registers", dry_run=True)
    wet = bring(world, tmp_path / "june.csv", type="registers")
    start = "No calorific value is known for 2 gas days (3–4 May"
    [warning] = [text for text in wet.warnings if text.startswith(start)]
    assert warning in dry.warnings
