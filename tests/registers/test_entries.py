"""Reads and tank entries that somebody types: entered, corrected, withdrawn, declared – audited, and by whom."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.audit.models import Event
from eclectyc.batches.models import Batch
from eclectyc.estate.devices import exchange_device
from eclectyc.estate.models import Meter
from eclectyc.intake.undo import undo_batch
from eclectyc.kernel.errors import Forbidden, Invalid, NotFound
from eclectyc.registers import entries
from eclectyc.registers.models import Register, RegisterRead, TankEntry
from tests.factories import World, make_meter
from tests.registers.test_importing import days_of, span, tell

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(world: World) -> Actor:
    return Actor.of(world.admin)


def typed(admin: Actor, meter: Meter, *rows: tuple[str, float]) -> list[int]:
    return [entries.enter_read(admin, meter=meter, at=at, value=value).batch for at, value in rows]


def test_typed_reads_give_use_and_a_correction_is_a_later_word(world: World, admin: Actor) -> None:
    typed(admin, world.meter, ("2025-06-01", 0), ("2025-06-11 00:00", 100))
    assert days_of(world.meter) == span("2025-06-01", "2025-06-11", 10)
    entered = entries.enter_read(admin, meter=world.meter, at="2025-06-11", value="200")
    assert (entered.added, entered.changed, entered.removed) == (0, 10, 0)
    assert days_of(world.meter) == span("2025-06-01", "2025-06-11", 20)
    assert (Register.objects.count(), RegisterRead.objects.count()) == (1, 3), "nothing is overwritten"
    undo_batch(admin, batch=entered.batch)
    assert days_of(world.meter) == span("2025-06-01", "2025-06-11", 10)


def test_a_typed_read_joins_the_register_of_a_file(world: World, admin: Actor, tmp_path: Path) -> None:
    tell(world, tmp_path, ("2025-06-01", 0), ("2025-06-11", 100))
    register = Register.objects.get()
    entries.enter_read(admin, meter=world.meter, at="2025-06-21", value=300, register=register.pk)
    assert days_of(world.meter) == span("2025-06-01", "2025-06-11", 10) | span("2025-06-11", "2025-06-21", 20)


def test_one_read_of_a_file_is_withdrawn_and_brought_back(world: World, admin: Actor, tmp_path: Path) -> None:
    tell(world, tmp_path, ("2025-06-01", 0), ("2025-06-11", 100), ("2025-06-21", 300))
    read = RegisterRead.objects.get(value=100)
    gone = entries.withdraw_read(admin, meter=world.meter, read=read.pk)
    assert days_of(world.meter) == span("2025-06-01", "2025-06-21", 15)
    undo_batch(admin, batch=gone.batch)
    assert days_of(world.meter) == span("2025-06-01", "2025-06-11", 10) | span("2025-06-11", "2025-06-21", 20)


def test_an_entry_is_a_batch_and_is_audited(world: World, admin: Actor) -> None:
    (batch,) = typed(admin, world.meter, ("2025-06-01", 0))
    kept = Batch.objects.get(pk=batch)
    assert (kept.format, kept.state, kept.derives_use, kept.user) == (entries.READ, Batch.DONE, True, world.admin)
    actions = Event.objects.filter(subject_id=str(batch)).values_list("action", flat=True)
    assert set(actions) == {"import.started", "import.done"}


def test_tanks_are_typed_corrected_and_withdrawn(world: World, admin: Actor) -> None:
    tank = make_meter(world.site, "GEN1", utility="diesel", unit="litre")
    for at, kind, litres in (("2025-03-01", "dip", 500), ("2025-03-05", "delivery", 1000), ("2025-03-11", "dip", 500)):
        entries.enter_tank(admin, meter=tank, at=at, kind=kind, litres=litres)
    assert days_of(tank) == span("2025-03-01", "2025-03-11", 100)
    entries.enter_tank(admin, meter=tank, at="2025-03-11", kind="dip", litres=700)
    assert days_of(tank) == span("2025-03-01", "2025-03-11", 80)
    delivery = TankEntry.objects.get(kind="delivery")
    entered = entries.withdraw_entry(admin, meter=tank, entry=delivery.pk)
    assert days_of(tank) == {}
    assert "gained 200 litres" in entered.notes[0]


def test_digits_resets_and_ends_are_declared_and_use_follows(world: World, admin: Actor, tmp_path: Path) -> None:
    tell(world, tmp_path, ("2025-06-01", 99_950), ("2025-06-11", 50))
    register = Register.objects.get().pk
    assert days_of(world.meter) == {}
    entries.declare_register(admin, meter=world.meter, register=register, digits="5")
    assert days_of(world.meter) == span("2025-06-01", "2025-06-11", 10)
    entries.declare_register(admin, meter=world.meter, register=register, digits="")
    assert days_of(world.meter) == {}
    window = {"since": "2025-06-06", "until": "2025-06-06 12:00", "last_read": "100000"}
    entries.declare_reset(admin, meter=world.meter, register=register, **window)
    assert days_of(world.meter) == span("2025-06-01", "2025-06-11", 10)
    assert Event.objects.filter(action__startswith="register.").count() == 3
    entries.declare_register(admin, meter=world.meter, register=register, kind="maximum")
    assert days_of(world.meter) == {}


def test_use_follows_an_exchange_that_is_written_down_later(world: World, admin: Actor) -> None:
    typed(admin, world.meter, ("2025-06-01", 100), ("2025-06-21", 105))
    assert days_of(world.meter)[date(2025, 6, 5)] == pytest.approx(0.25)
    exchange_device(admin, meter=world.meter, on="2025-06-11", serial="NEW", closing_read="200", opening_read="5")
    entered = entries.recalculate_consumption(admin, meter=world.meter)
    assert days_of(world.meter) == span("2025-06-01", "2025-06-21", 10)
    with pytest.raises(Invalid, match="only recalculated consumption"):
        undo_batch(admin, batch=entered.batch)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"at": "yesterday"}, "at"),
        ({"at": "2999-01-01"}, "at"),
        ({"at": ""}, "at"),
        ({"value": "many"}, "value"),
        ({"value": -1}, "value"),
        ({"value": "1,23"}, "value"),
        ({"quantity": "x"}, "quantity"),
    ],
)
def test_what_cannot_be_taken_is_refused_and_nothing_is_kept(
    world: World, admin: Actor, fields: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        entries.enter_read(admin, meter=world.meter, **({"at": "2025-06-01", "value": 1} | fields))  # type: ignore[arg-type]
    assert refusal.value.field == field
    assert not RegisterRead.objects.exists()


def test_only_who_may_import_enters_and_only_at_the_own_meters(world: World, admin: Actor) -> None:
    with pytest.raises(Forbidden):
        entries.enter_read(Actor.of(world.viewer), meter=world.meter, at="2025-06-01", value=1)
    with pytest.raises(Forbidden):
        entries.enter_read(Actor.of(world.outsider), meter=world.meter, at="2025-06-01", value=1)
    typed(admin, world.meter, ("2025-06-01", 0))
    outsider, own, read = Actor.of(world.outsider), world.other_meter, RegisterRead.objects.get()
    with pytest.raises(NotFound):
        entries.withdraw_read(outsider, meter=own, read=read.pk)
    with pytest.raises(NotFound):
        entries.enter_read(outsider, meter=own, at="2025-06-01", value=1, register=read.register_id)
    with pytest.raises(NotFound):
        entries.declare_register(outsider, meter=own, register=read.register_id, digits=5)
    with pytest.raises(Invalid, match="has no tank"):
        entries.enter_tank(admin, meter=world.meter, at="2025-06-01", kind="dip", litres=1)
    assert not RegisterRead.objects.visible_to(outsider).exists()
    assert not Register.objects.visible_to(outsider).exists()
    assert not TankEntry.objects.visible_to(outsider).exists()
    assert RegisterRead.objects.visible_to(admin).count() == 1
