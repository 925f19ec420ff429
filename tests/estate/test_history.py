"""Moves, exchanges and multipliers: from a day on, and nothing before it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eclectyc.accounts.actor import Actor
from eclectyc.audit.models import Event
from eclectyc.estate import devices, meters, placements
from eclectyc.estate import sites as estate_sites
from eclectyc.estate.fact_entries import add_entry, remove_entry, value_on
from eclectyc.estate.facts import METRIC, MULTIPLIER
from eclectyc.estate.models import Meter, Site
from eclectyc.kernel.errors import Conflict, Forbidden, Invalid
from tests.estate.conftest import narrow
from tests.factories import World, make_meter, make_series, make_site

pytestmark = pytest.mark.django_db
TODAY = "2026-06-15T12:00:00Z"


@pytest.fixture(autouse=True)
def _today() -> Any:
    with time_machine.travel(TODAY, tick=False):
        yield


def spans(meter: Meter) -> list[tuple[str, date | None, date | None]]:
    return [(p.site.name, p.since, p.until) for p in meter.placements.select_related("site")]


def test_a_move_leaves_what_was_where_it_was(editor: Actor, world: World) -> None:
    mill = make_site(world.org, "Mill")
    placements.move_meter(editor, meter=world.meter, to=mill, on=date(2026, 3, 29))
    assert spans(world.meter) == [
        ("Harbour House", None, date(2026, 3, 29)),
        ("Mill", date(2026, 3, 29), None),
    ]
    world.meter.refresh_from_db()
    assert (world.meter.site, world.meter.version) == (mill, 2)
    assert placements.site_on(world.meter, date(2026, 3, 28)) == world.site
    assert placements.site_on(world.meter, date(2026, 3, 29)) == mill
    event = Event.objects.get(action="meter.moved")
    assert (event.before, event.after) == ({"site_id": world.site.pk}, {"site_id": mill.pk, "on": "2026-03-29"})


def test_a_meter_that_never_moved_was_always_there(world: World) -> None:
    assert placements.site_on(world.meter, date(1999, 1, 1)) == world.site


def test_a_move_and_back_and_its_taking_back(editor: Actor, world: World) -> None:
    mill = make_site(world.org, "Mill")
    placements.move_meter(editor, meter=world.meter, to=mill, on="2026-03-01")
    placements.move_meter(editor, meter=world.meter, to=world.site, on="2026-04-01")
    assert placements.undo_move(editor, meter=world.meter) == mill
    assert spans(world.meter)[-1] == ("Mill", date(2026, 3, 1), None)
    assert placements.undo_move(editor, meter=world.meter) == world.site
    assert spans(world.meter) == []
    with pytest.raises(Conflict, match=r"has never moved"):
        placements.undo_move(editor, meter=world.meter)


@pytest.mark.parametrize(
    ("on", "words"),
    [("2026-06-16", "is in the future"), ("2026-03-01", "since 2026-03-01"), ("2026-02-28", "since 2026-03-01"),
     ("soon", "not a date"), (None, "missing")],
)  # fmt: skip
def test_a_move_has_a_day_between_the_last_one_and_today(on: Any, words: str, editor: Actor, world: World) -> None:
    mill, quay = make_site(world.org, "Mill"), make_site(world.org, "Quay")
    placements.move_meter(editor, meter=world.meter, to=mill, on="2026-03-01")
    with pytest.raises(Invalid, match=words):
        placements.move_meter(editor, meter=world.meter, to=quay, on=on)
    assert len(spans(world.meter)) == 2


def test_today_is_the_sites_own(editor: Actor, world: World) -> None:
    east = make_site(world.org, "East", timezone="Pacific/Auckland")
    other = make_site(world.org, "Other", timezone="Pacific/Auckland")
    meter = make_meter(east)
    placements.move_meter(editor, meter=meter, to=other, on="2026-06-16")  # it is tomorrow there already


def test_a_meter_does_not_move_before_it_was_installed(editor: Actor, world: World) -> None:
    meter = make_meter(world.site, installed=date(2026, 5, 1))
    with pytest.raises(Invalid, match=r"since 2026-05-01"):
        placements.move_meter(editor, meter=meter, to=make_site(world.org), on="2026-05-01")


def test_a_move_asks_for_rights_at_both_ends(world: World) -> None:
    mill = make_site(world.org, "Mill")
    for here in ({world.site.pk}, {mill.pk}):
        with pytest.raises(Forbidden):
            placements.move_meter(narrow(world.org.pk, sites=here), meter=world.meter, to=mill, on="2026-06-01")
    both = narrow(world.org.pk, sites={mill.pk, world.site.pk})
    placements.move_meter(both, meter=world.meter, to=mill, on="2026-06-01")


def test_who_sees_a_meter_follows_where_it_is(editor: Actor, world: World) -> None:
    mill = make_site(world.org, "Mill")
    at_house, at_mill = (narrow(world.org.pk, sites={site.pk}) for site in (world.site, mill))
    placements.move_meter(editor, meter=world.meter, to=mill, on="2026-06-01")
    assert not Meter.objects.visible_to(at_house).exists()
    assert Meter.objects.visible_to(at_mill).get() == world.meter


def test_a_meter_with_readings_moves_only_between_equal_days(editor: Actor, world: World) -> None:
    make_series(world.meter)
    with pytest.raises(Invalid, match=r"Far has UTC"):
        placements.move_meter(
            editor, meter=world.meter, to=make_site(world.org, "Far", timezone="UTC"), on="2026-06-01"
        )


def test_a_site_with_a_past_is_not_deleted(editor: Actor, world: World) -> None:
    placements.move_meter(editor, meter=world.meter, to=make_site(world.org, "Mill"), on="2026-06-01")
    with pytest.raises(Conflict, match=r"usage of meters that were there. Make it inactive instead."):
        estate_sites.delete_site(editor, site=world.site)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 40)), max_size=6))
def test_a_day_is_at_the_site_of_the_last_move_before_it(
    moves: list[tuple[int, int]], editor: Actor, world: World
) -> None:
    Meter.objects.filter(identifier="P").delete()
    sites = [Site.objects.get_or_create(organisation=world.org, name=f"S{n}")[0] for n in range(4)]
    meter = make_meter(sites[0], "P")
    plain = {date(2026, 1, 1): sites[0]}  # day of change → site
    day = date(2026, 1, 1)
    for to, later in moves:
        day = min(date.fromordinal(day.toordinal() + later), date(2026, 6, 15))
        try:
            placements.move_meter(editor, meter=meter, to=sites[to], on=day)
            plain[day] = sites[to]
        except Invalid:
            assert sites[to] == plain[max(plain)] or (day <= max(plain) and len(plain) > 1)
    for ordinal in range(date(2025, 12, 30).toordinal(), date(2026, 6, 16).toordinal()):
        asked = date.fromordinal(ordinal)
        before = [change for change in plain if change <= asked]
        assert placements.site_on(meter, asked) == (plain[max(before)] if before else sites[0])
    assert meter.site == plain[max(plain)]


def test_an_exchange_closes_the_old_device_and_opens_the_new(editor: Actor, world: World) -> None:
    meter = make_meter(world.site, "E", serial="OLD 1", installed=date(2020, 1, 1))
    new = devices.exchange_device(
        editor, meter=meter, on="2026-05-05", serial="NEW 2", closing_read="99871.5", opening_read=0, digits=5,
        ct_ratio="200/5", multiplier="40",
    )  # fmt: skip
    old, now = meter.devices.all()
    assert (old.serial, old.since, old.until, old.closing_read) == (
        "OLD 1", date(2020, 1, 1), date(2026, 5, 5), Decimal("99871.500"),
    )  # fmt: skip
    assert (now, now.ct_ratio, now.digits, now.until) == (new, "200/5", 5, None)
    meter.refresh_from_db()
    assert (meter.serial, meter.multiplier) == ("NEW 2", 40)
    assert meter.search.endswith("new 2")
    assert value_on(MULTIPLIER, meter, date(2026, 5, 4)) == 1
    assert value_on(MULTIPLIER, meter, date(2026, 5, 5)) == 40
    devices.undo_exchange(editor, meter=meter)
    assert (meter.serial, meter.devices.get().until) == ("OLD 1", None)


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"serial": ""}, "serial"), ({"digits": 0}, "digits"), ({"digits": 13}, "digits"),
     ({"ct_ratio": "200"}, "ct_ratio"),
     ({"ct_ratio": "0/5"}, "ct_ratio"), ({"opening_read": "123456", "digits": 5}, "opening_read"),
     ({"opening_read": "-1"}, "opening_read"), ({"closing_read": "1e5"}, "closing_read"),
     ({"opening_read": "1.2345"}, "opening_read"), ({"multiplier": "0"}, "multiplier"), ({"on": "2026-06-16"}, "on")],
)  # fmt: skip
def test_an_exchange_is_refused_whole(fields: dict[str, Any], field: str, editor: Actor, world: World) -> None:
    with pytest.raises(Invalid) as refused:
        devices.exchange_device(editor, meter=world.meter, **({"on": "2026-05-05", "serial": "N"} | fields))
    assert refused.value.field == field
    assert not world.meter.devices.exists()
    assert not Event.objects.exists()


def test_a_device_is_corrected_between_its_neighbours(editor: Actor, world: World) -> None:
    for on, serial in (("2026-02-01", "B"), ("2026-04-01", "C")):
        devices.exchange_device(editor, meter=world.meter, on=on, serial=serial)
    first, second, third = world.meter.devices.all()
    devices.correct_device(editor, device=second, since="2026-01-15", opening_read="7")
    first.refresh_from_db()
    assert first.until == date(2026, 1, 15)
    with pytest.raises(Invalid, match=r"removed on 2026-04-01"):
        devices.correct_device(editor, device=second, since="2026-04-01")
    with pytest.raises(Invalid, match=r"fitted later"):
        devices.correct_device(editor, device=third, since="2026-01-15")
    devices.correct_device(editor, device=third, serial="C2")
    world.meter.refresh_from_db()
    assert world.meter.serial == "C2"
    meters.update_meter(editor, meter=world.meter, serial="C3")  # a correction of what it is now
    third.refresh_from_db()
    assert third.serial == "C3"


def test_multipliers_hold_from_their_day_on(editor: Actor, world: World) -> None:
    for since, factor in (("2026-03-01", "10"), ("2026-01-01", "5"), ("2026-05-01", "20")):
        add_entry(editor, MULTIPLIER, owner=world.meter, factor=factor, since=since)
    days = {
        date(2025, 12, 31): 1,
        date(2026, 1, 1): 5,
        date(2026, 3, 1): 10,
        date(2026, 4, 30): 10,
        date(2026, 5, 1): 20,
    }
    assert {day: int(value_on(MULTIPLIER, world.meter, day)) for day in days} == days
    assert world.meter.multiplier == 20
    with pytest.raises(Conflict, match=r"an entry from 2026-03-01"):
        add_entry(editor, MULTIPLIER, owner=world.meter, factor=2, since="2026-03-01")
    remove_entry(editor, MULTIPLIER, entry=world.meter.multipliers.get(since="2026-05-01"))
    world.meter.refresh_from_db()
    assert world.meter.multiplier == 10
    meters.update_meter(editor, meter=world.meter, multiplier="11")
    assert value_on(MULTIPLIER, world.meter, date(2026, 4, 1)) == 11
    for since in ("2026-01-01", "2026-03-01"):
        remove_entry(editor, MULTIPLIER, entry=world.meter.multipliers.get(since=since))
    assert not world.meter.multipliers.exists()


def test_only_an_editor_changes_histories(editor: Actor, world: World) -> None:
    devices.exchange_device(editor, meter=world.meter, on="2026-02-01", serial="B", multiplier=2)
    device, entry = world.meter.devices.last(), world.meter.multipliers.last()
    assert device is not None
    assert entry is not None
    for person in (world.viewer, world.outsider):
        actor = Actor.of(person)
        for attempt in (
            lambda actor=actor: devices.exchange_device(actor, meter=world.meter, on="2026-03-01", serial="C"),
            lambda actor=actor: devices.correct_device(actor, device=device, serial="X"),
            lambda actor=actor: devices.undo_exchange(actor, meter=world.meter),
            lambda actor=actor: add_entry(actor, MULTIPLIER, owner=world.meter, factor=3, since="2026-03-01"),
            lambda actor=actor: remove_entry(actor, MULTIPLIER, entry=entry),
            lambda actor=actor: add_entry(actor, METRIC, owner=world.site, name="beds", value=1, since="2026-01-01"),
        ):
            with pytest.raises(Forbidden):
                attempt()
