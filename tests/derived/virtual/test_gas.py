"""Virtual meters over gas: they follow what is calculated from volumes, kWh and m³ each by its name."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.derived.engine import recalculate
from eclectyc.estate import meters
from eclectyc.estate.models import Meter, Series
from eclectyc.gas.missing_values import gaps_of
from eclectyc.kernel.errors import Invalid
from eclectyc.lake.store import connect
from tests.factories import World
from tests.gas.burning import MPRN, gas_meter, span, tell, total, volumes
from tests.intake.import_calls import bring

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()
DAYS = span(date(2025, 6, 1), 3)


def declared(world: World, identifier: str, formula: str, unit: str = "kWh") -> Meter:
    fields = {"identifier": identifier, "formula": formula, "unit": unit, "utility": "gas"}
    return meters.create_meter(SYSTEM, site=world.site, **fields)


def test_the_kwh_of_gas_are_followed_through_its_calorific_values(world: World, tmp_path: Path) -> None:
    gas = gas_meter(world)
    half, volume = declared(world, "HALF", f"{MPRN} / 2"), declared(world, "VOLUME", f"{MPRN}.volume * 2", "m3")
    bring(world, tmp_path / "a.csv", volumes(DAYS))
    recalculate()
    assert not Series.objects.filter(meter=half).exists()
    assert total(volume, "volume") == 2 * 10 * 48 * 3
    tell(world, dict.fromkeys([date(2025, 5, 31), *DAYS], "39.5"))
    assert total(half) == pytest.approx(total(gas) / 2, abs=1e-6)
    before = total(gas)
    tell(world, {DAYS[1]: "38.0"})
    assert total(gas) < before
    assert total(half) == pytest.approx(total(gas) / 2, abs=1e-6)


def test_volumes_of_a_virtual_meter_are_not_turned_into_kwh(world: World, tmp_path: Path) -> None:
    gas = gas_meter(world)
    volume = declared(world, "VOLUME", f"{MPRN}.volume", "m3")
    bring(world, tmp_path / "a.csv", volumes(DAYS))
    recalculate()
    tell(world, {DAYS[0]: "39.5"})
    assert set(Series.objects.filter(meter=volume).values_list("quantity", "source")) == {("volume", "formula")}
    assert gaps_of(gas) is not None
    assert gaps_of(volume) is None


def test_kwh_and_volumes_are_not_added(world: World) -> None:
    gas_meter(world)
    with pytest.raises(Invalid, match="counts import in kWh, not in m3"):
        declared(world, "V", f"{MPRN}", "m3")
    with pytest.raises(Invalid, match="counts volume in m3, not in kWh"):
        declared(world, "V", f"1200023305967 + {MPRN}.volume")


def test_a_supplier_s_own_kwh_take_the_place_of_the_converted_in_formulas_too(world: World, tmp_path: Path) -> None:
    gas = gas_meter(world)
    half = declared(world, "HALF", f"{MPRN} / 2")
    bring(world, tmp_path / "a.csv", volumes(DAYS))
    tell(world, dict.fromkeys([date(2025, 5, 31), *DAYS], "39.5"))
    assert total(half) == pytest.approx(total(gas) / 2, abs=1e-6)
    supplied = f"MPRN,Date,kWh\n{MPRN},{DAYS[0]:%d/%m/%Y},100\n"
    bring(world, tmp_path / "b.csv", supplied)
    recalculate()
    counted = Series.objects.get(meter=gas, quantity="import", is_primary=True)
    assert counted.source == ""
    series = list(Series.objects.filter(meter=half, is_primary=True).values_list("pk", flat=True))
    rows = connect().days(series, DAYS[0], date(2025, 7, 1))
    assert rows.filter(rows["present"] > 0).select("day", "total").rows() == [(DAYS[0], 50.0)]
