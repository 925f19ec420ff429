"""A wrong entry is corrected or deleted, and every day still has an entry."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eclectyc.accounts.actor import Actor
from eclectyc.audit.models import Event
from eclectyc.estate import devices as estate_devices
from eclectyc.estate import placements
from eclectyc.estate.fact_entries import add_entry, change_entry, entry_on, value_on
from eclectyc.estate.facts import METRIC, MULTIPLIER
from eclectyc.estate.models import Device, Meter
from eclectyc.kernel.errors import Conflict, Forbidden, Invalid
from tests.factories import World, make_meter, make_site

pytestmark = pytest.mark.django_db
DAYS = [date(2026, 1, 1) + timedelta(days=30 * n) for n in range(5)]


@pytest.fixture(autouse=True)
def _today() -> Any:
    with time_machine.travel("2026-06-15T12:00:00Z", tick=False):
        yield


def spans(meter: Meter) -> list[tuple[str, date | None, date | None]]:
    return [(d.serial, d.since, d.until) for d in meter.devices.all()]


def exchanged(editor: Actor, world: World) -> Meter:
    meter = make_meter(world.site, serial="A")
    for on, serial in (("2026-02-01", "B"), ("2026-04-01", "C")):
        estate_devices.exchange_device(editor, meter=meter, on=on, serial=serial, closing_read="90", opening_read="5")
    return meter


def test_the_days_of_a_deleted_device_go_to_the_one_before_it(editor: Actor, world: World) -> None:
    meter = exchanged(editor, world)
    estate_devices.remove_device(editor, device=meter.devices.get(serial="B"))
    assert spans(meter) == [("A", None, date(2026, 4, 1)), ("C", date(2026, 4, 1), None)]
    assert meter.devices.get(serial="A").closing_read is None  # it was read when the other came, which never did
    event = Event.objects.get(action="meter.device_removed")
    assert event.before == {
        "serial": "B", "since": "2026-02-01", "until": "2026-04-01", "opening_read": "5.000", "closing_read": "90.000",
    }  # fmt: skip
    assert event.after == {"serial": "C"}


def test_if_the_first_device_is_deleted_the_next_was_there_from_the_start(editor: Actor, world: World) -> None:
    meter = exchanged(editor, world)
    estate_devices.remove_device(editor, device=meter.devices.get(serial="A"))
    assert spans(meter) == [("B", None, date(2026, 4, 1)), ("C", date(2026, 4, 1), None)]


def test_if_the_last_device_is_deleted_the_meter_has_the_one_before_again(editor: Actor, world: World) -> None:
    meter = exchanged(editor, world)
    estate_devices.remove_device(editor, device=meter.devices.get(serial="C"))
    meter.refresh_from_db()
    assert (meter.serial, spans(meter)[-1]) == ("B", ("B", date(2026, 2, 1), None))
    for serial in ("B", "A"):
        estate_devices.remove_device(editor, device=meter.devices.get(serial=serial))
    meter.refresh_from_db()
    assert (meter.serial, spans(meter)) == ("A", [])


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(taken=st.lists(st.integers(0, 4), min_size=1, max_size=5))
def test_after_any_deletion_each_day_has_one_device_and_the_meter_the_newest(
    taken: list[int], editor: Actor, world: World
) -> None:
    Meter.objects.filter(identifier="P").delete()
    meter = make_meter(world.site, "P", serial="0")
    for number, day in enumerate(DAYS[1:], 1):
        estate_devices.exchange_device(editor, meter=meter, on=day, serial=str(number))
    left = [str(n) for n in range(5)]
    for index in taken:
        if index < len(left):
            estate_devices.remove_device(editor, device=meter.devices.get(serial=left.pop(index)))
    devices: list[Device] = list(meter.devices.all())
    meter.refresh_from_db()
    assert [d.serial for d in devices] == left
    if devices:
        assert (devices[0].since, devices[-1].until, devices[-1].serial) == (None, None, meter.serial)
    for one, other in itertools.pairwise(devices):
        assert one.until == other.since


def test_a_multiplier_is_corrected_and_the_meter_follows_its_newest(editor: Actor, world: World) -> None:
    meter = make_meter(world.site)
    for since, factor in (("2026-01-01", "5"), ("2026-03-01", "10")):
        add_entry(editor, MULTIPLIER, owner=meter, factor=factor, since=since)
    first, second, third = meter.multipliers.all()
    change_entry(editor, MULTIPLIER, entry=second, factor="6", since="2026-04-01")  # now after the third
    meter.refresh_from_db()
    assert [int(value_on(MULTIPLIER, meter, date(2026, month, 15))) for month in (1, 2, 3, 4)] == [1, 1, 10, 6]
    assert meter.multiplier == 6
    event = Event.objects.get(action="meter.multiplier_corrected")
    assert event.before == {"factor": "5.000000", "since": "2026-01-01"}
    assert event.after == {"factor": "6.000000", "since": "2026-04-01"}
    with pytest.raises(Conflict, match=r"an entry from 2026-03-01"):
        change_entry(editor, MULTIPLIER, entry=second, since="2026-03-01")
    change_entry(editor, MULTIPLIER, entry=first, factor="2")
    assert value_on(MULTIPLIER, meter, date(2025, 1, 1)) == Decimal(2)
    with pytest.raises(Invalid, match=r"from the start"):
        change_entry(editor, MULTIPLIER, entry=first, since="2025-01-01")
    with pytest.raises(Invalid, match=r"Only the first"):
        change_entry(editor, MULTIPLIER, entry=third, since=None)
    with pytest.raises(Invalid, match=r"no field 'meter'"):
        change_entry(editor, MULTIPLIER, entry=third, meter=7)


def test_the_day_of_a_move_is_corrected_between_its_neighbours(editor: Actor, world: World) -> None:
    meter = make_meter(world.site)
    mill, quay = make_site(world.org, "Mill"), make_site(world.org, "Quay")
    placements.move_meter(editor, meter=meter, to=mill, on="2026-02-01")
    placements.move_meter(editor, meter=meter, to=quay, on="2026-04-01")
    first, second, _ = meter.placements.all()
    placements.correct_move(editor, placement=second, on="2026-02-10")
    assert placements.site_on(meter, date(2026, 2, 9)) == world.site
    assert placements.site_on(meter, date(2026, 2, 10)) == mill
    for day, said in (("2026-04-01", "left Mill on 2026-04-01"), ("2026-06-16", "is in the future")):
        with pytest.raises(Invalid, match=said):
            placements.correct_move(editor, placement=second, on=day)
    with pytest.raises(Invalid, match=r"came to Mill on 2026-02-10"):
        placements.correct_move(editor, placement=meter.placements.get(site=quay), on="2026-02-10")
    with pytest.raises(Conflict, match=r"from the start"):
        placements.correct_move(editor, placement=first, on="2026-01-01")
    event = Event.objects.get(action="meter.move_corrected")
    assert (event.before["on"], event.after["on"]) == ("2026-02-01", "2026-02-10")


def test_the_end_of_a_metric_is_corrected_and_removed(editor: Actor, world: World) -> None:
    beds = add_entry(editor, METRIC, owner=world.site, name="beds", value=9, since="2026-01-01", until="2026-03-01")
    change_entry(editor, METRIC, entry=beds, until="2026-05-01")
    assert entry_on(METRIC, world.site, date(2026, 4, 30), kind="beds") == beds
    change_entry(editor, METRIC, entry=beds, until=None)
    assert entry_on(METRIC, world.site, date(2030, 1, 1), kind="beds") == beds
    with pytest.raises(Invalid, match=r"ends before it begins"):
        change_entry(editor, METRIC, entry=beds, until="2025-01-01")
    assert [e.before["until"] for e in Event.objects.filter(action="site.metric_changed").order_by("pk")] == [
        "2026-03-01", "2026-05-01",
    ]  # fmt: skip


def test_only_an_editor_corrects_a_history(editor: Actor, world: World) -> None:
    estate_devices.exchange_device(editor, meter=world.meter, on="2026-02-01", serial="B", multiplier=2)
    placements.move_meter(editor, meter=world.meter, to=make_site(world.org, "Mill"), on="2026-03-01")
    device, entry = world.meter.devices.last(), world.meter.multipliers.last()
    placement = world.meter.placements.last()
    assert device is not None
    assert entry is not None
    assert placement is not None
    before = Event.objects.count()
    for person in (world.viewer, world.outsider):
        actor = Actor.of(person)
        for attempt in (
            lambda actor=actor: estate_devices.remove_device(actor, device=device),
            lambda actor=actor: change_entry(actor, MULTIPLIER, entry=entry, factor=3),
            lambda actor=actor: placements.correct_move(actor, placement=placement, on="2026-03-02"),
        ):
            with pytest.raises(Forbidden):
                attempt()
    assert Event.objects.count() == before
