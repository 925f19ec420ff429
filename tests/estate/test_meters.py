from __future__ import annotations

from typing import Any

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.audit.models import Event
from eclectyc.estate import meters
from eclectyc.estate.models import Meter, Supplier
from eclectyc.kernel.errors import Conflict, Invalid
from tests.factories import World, make_meter, make_series, make_site

pytestmark = pytest.mark.django_db

BAD: list[tuple[dict[str, Any], str]] = [
    ({"identifier": ""}, "identifier"),
    ({"identifier": "x" * 65}, "identifier"),
    ({"identifier": "1.20E+12"}, "identifier"),
    ({"identifier": "1\x002"}, "identifier"),
    ({"utility": "magic"}, "utility"),
    ({"direction": "sideways"}, "direction"),
    ({"unit": "furlong"}, ""),
    ({"step_minutes": 7}, "step_minutes"),
    ({"multiplier": 0}, "multiplier"),
    ({"multiplier": "-1"}, "multiplier"),
    ({"multiplier": "1e9"}, "multiplier"),
    ({"multiplier": "0.1234567"}, "multiplier"),
    ({"multiplier": "nan"}, "multiplier"),
    ({"installed": "1/6/2025"}, "installed"),
    ({"installed": "0001-01-01"}, "installed"),
    ({"installed": "2025-06-02", "removed": "2025-06-01"}, "removed"),
    ({"serial": "s" * 65}, "serial"),
    ({"parent": "unknown"}, "parent"),
    ({"site": "nowhere"}, "site"),
    ({"nonsense": 1}, "nonsense"),
    ({"organisation": 1}, "organisation"),
    ({"version": None, "id": 7}, "id"),
]


@pytest.mark.parametrize(("fields", "field"), BAD)
def test_a_meter_is_refused_by_the_field_that_is_wrong(
    fields: dict[str, Any], field: str, editor: Actor, world: World
) -> None:
    with pytest.raises(Invalid) as refused:
        meters.update_meter(editor, meter=world.meter, **fields)
    assert refused.value.field == field or not field
    assert not Event.objects.exists()


def test_an_identifier_is_unique_in_its_organisation(editor: Actor, world: World) -> None:
    with pytest.raises(Invalid, match=r"There is already a meter 1200023305967. Choose another."):
        meters.create_meter(editor, site=world.site, identifier="12 0002 3305 967")
    meters.create_meter(Actor.system(), site=world.other_site, identifier="1200023305967")


def test_a_wrong_check_digit_is_a_warning(editor: Actor, world: World) -> None:
    meter = meters.create_meter(editor, site=world.site, identifier="1234567890123")
    assert meters.warnings_of(meter) == ["The check digit of MPAN 1234567890123 is wrong."]
    assert meters.warnings_of(world.meter) == []


def test_a_supplier_is_named_or_given_and_made_once(editor: Actor, world: World) -> None:
    first = meters.create_meter(editor, site=world.site, identifier="1", supplier="Pennine Gas")
    second = meters.create_meter(editor, site=world.site, identifier="2", supplier="  pennine GAS ")
    assert first.supplier == second.supplier == Supplier.objects.get()
    meters.update_meter(editor, meter=second, supplier="")
    assert second.supplier is None


def test_meters_made_together_are_checked_like_single_ones(editor: Actor, world: World) -> None:
    made = meters.create_meters(editor, site=world.site, identifiers=["0", "1", "2"], supplier="Pennine")
    assert Meter.objects.filter(search__contains="2", pk=made[2].pk).exists()
    assert {meter.supplier.name for meter in made if meter.supplier} == {"Pennine"}
    assert Event.objects.get(action="meters.created").after == {
        "meters": [m.pk for m in made],
        "site_id": world.site.pk,
    }
    with pytest.raises(Invalid):
        meters.create_meters(editor, site=world.site, identifiers=["9"], step_minutes=7)


def test_a_circle_of_meters_is_refused(editor: Actor, world: World) -> None:
    a, b, c = (make_meter(world.site, name) for name in "ABC")
    meters.update_meter(editor, meter=b, parent=a)
    meters.update_meter(editor, meter=c, parent="B")
    for parent in (a, b, c):
        with pytest.raises(Invalid, match=r"A would be its own parent"):
            meters.update_meter(editor, meter=a, parent=parent)
    meters.update_meter(editor, meter=c, parent=None)
    meters.update_meter(editor, meter=a, parent=c)


def test_meters_have_a_limited_depth(editor: Actor, world: World) -> None:
    above = world.meter
    for n in range(19):
        above = meters.create_meter(editor, site=world.site, identifier=f"deep{n}", parent=above)
    with pytest.raises(Invalid, match=r"at most 20"):
        meters.create_meter(editor, site=world.site, identifier="deepest", parent=above)


def test_a_meter_with_readings_or_subs_is_not_deleted(editor: Actor, world: World) -> None:
    sub = make_meter(world.site, "SUB", parent=world.meter)
    with pytest.raises(Conflict, match=r"Main incomer has 1 sub-meter. Give them another main meter first."):
        meters.delete_meter(editor, meter=world.meter)
    series = make_series(sub)
    with pytest.raises(Conflict, match=r"SUB has readings. Make it inactive, with the day it was removed."):
        meters.delete_meter(editor, meter=sub)
    series.delete()
    meters.delete_meter(editor, meter=sub)
    meters.delete_meter(editor, meter=world.meter)
    assert not Meter.objects.filter(organisation=world.org).exists()


def test_a_correction_of_the_site_needs_days_of_the_same_length(editor: Actor, world: World) -> None:
    make_series(world.meter)
    far = make_site(world.org, "Far", timezone="Asia/Tokyo")
    with pytest.raises(Invalid, match=r"Far has Asia/Tokyo"):
        meters.update_meter(editor, meter=world.meter, site="Far")
    near = make_site(world.org, "Near")
    assert meters.update_meter(editor, meter=world.meter, site=near).site == near
    assert far.meters.count() == 0


def test_what_is_searched_follows_what_is_written(editor: Actor, world: World) -> None:
    meters.update_meter(editor, meter=world.meter, name="Ölkeller", serial="E6S")
    world.meter.refresh_from_db()
    assert world.meter.search == "1200023305967\nölkeller\ne6s"
