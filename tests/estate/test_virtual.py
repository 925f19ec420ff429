"""Virtual meters: what a formula may be made of, who may declare it, and what it does to the meters that it names."""

from __future__ import annotations

from typing import Any

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.audit.models import Event
from eclectyc.estate import bulk, changes, devices, virtual
from eclectyc.estate import meters as estate_meters
from eclectyc.estate.fact_entries import add_entry
from eclectyc.estate.facts import MULTIPLIER
from eclectyc.estate.formula_visibility import visible_formula
from eclectyc.estate.models import FormulaPart, Meter
from eclectyc.kernel.errors import Conflict, Forbidden, Invalid
from tests.estate.conftest import narrow
from tests.estate.test_concurrency import at_once
from tests.factories import World, make_meter, make_series, make_site, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def meters(world: World) -> dict[str, Meter]:
    """Four meters at the first site: A, B and C in kWh, W in m³."""
    units = {"A": "kWh", "B": "kWh", "C": "kWh", "W": "m3"}
    return {name: make_meter(world.site, name, unit=unit) for name, unit in units.items()}


def make(actor: Actor, world: World, identifier: str, formula: str, **fields: Any) -> Meter:
    return estate_meters.create_meter(actor, site=world.site, identifier=identifier, formula=formula, **fields)


def parts_of(meter: Meter) -> list[tuple[str, str, str]]:
    held = FormulaPart.objects.filter(meter=meter)
    return list(held.values_list("part__identifier", "quantity", "factor"))


def test_a_formula_is_kept_as_it_was_typed_and_as_its_parts(editor, world, meters):
    whole = make(editor, world, "V", "A + 0.5 × B.export − (C / 3)")
    assert whole.is_virtual
    assert whole.formula == "A + 0.5 × B.export − (C / 3)"
    assert parts_of(whole) == [("A", "import", "1"), ("B", "export", "0.5"), ("C", "import", "-1/3")]
    assert Event.objects.get(action="meter.created").after["formula"] == whole.formula


def test_a_term_has_the_quantity_of_its_direction_unless_one_is_named(editor, world, meters):
    make_meter(world.site, "X", direction="export")
    whole = make(editor, world, "V", "A - X")
    assert parts_of(whole) == [("A", "import", "1"), ("X", "export", "-1")]


def test_what_names_a_quantity_twice_is_added_up(editor, world, meters):
    assert parts_of(make(editor, world, "V", "A + A.import - B")) == [("A", "import", "2"), ("B", "import", "-1")]
    with pytest.raises(Invalid, match="A cancels out"):
        make(editor, world, "V2", "A - A.import + B")


def test_existing_meters_decide_what_a_hyphen_is(editor, world, meters):
    make_meter(world.site, "BFW-S01")
    whole = make(editor, world, "V", "A - BFW-S01 - B-C")
    assert whole.formula == 'A - "BFW-S01" - B - C'
    make_meter(world.site, "B-C")
    with pytest.raises(Invalid, match="may be one meter, or a difference"):
        make(editor, world, "V2", "A + B-C")


def test_a_meter_of_another_organisation_is_as_good_as_none(editor, world, meters):
    make_meter(world.other_site, "THEIRS")
    reasons = []
    for name in ("THEIRS", "NOBODYS"):
        with pytest.raises(Invalid) as refused:
            make(editor, world, "V", f"A + {name}")
        reasons.append(str(refused.value).replace(name, "…"))
    assert reasons[0] == reasons[1] == "There is no meter '…'. Check its identifier."
    assert not Meter.objects.filter(identifier="V").exists()


def test_a_meter_out_of_sight_is_as_good_as_none(world, meters):
    elsewhere = make_site(world.org, "Annexe")
    make_meter(elsewhere, "OUT")
    here = narrow(world.org.pk, sites={world.site.pk})
    with pytest.raises(Invalid, match=r"There is no meter 'OUT'"):
        make(here, world, "V", "A + OUT")
    assert make(here, world, "V", "A + B").is_virtual


@pytest.mark.parametrize(
    ("formula", "unit", "said"),
    [
        ("A + W", "kWh", r"W counts import in m3, not in kWh"),
        ("A + B.reactive_import", "kWh", r"B counts reactive import in kVArh, not in kWh"),
        ("A + B", "m3", r"A counts import in kWh, not in m3"),
        ("A + B", "degC", r"Amounts in degC do not add up"),
    ],
)
def test_units_that_do_not_go_together_are_refused(formula, unit, said, editor, world, meters):
    with pytest.raises(Invalid, match=said) as refused:
        make(editor, world, "V", formula, unit=unit)
    assert refused.value.remedy


def test_the_unit_of_a_part_is_that_of_its_readings(editor, world, meters):
    make_series(meters["A"], unit="m3")
    with pytest.raises(Invalid, match="A counts import in m3"):
        make(editor, world, "V", "A + B")
    make_meter(world.site, "L", unit="litre")
    assert make(editor, world, "V", "W + L - A", unit="m3").is_virtual  # litres are exact in m³


def test_the_step_is_that_into_which_its_parts_fit(editor, world, meters):
    Meter.objects.filter(identifier="B").update(step_minutes=10)
    assert make(editor, world, "V", "A + B").step_minutes == 30
    Meter.objects.filter(identifier="C").update(step_minutes=1440)
    assert make(editor, world, "V2", "A + C").step_minutes == 1440
    with pytest.raises(Invalid, match="The step of a virtual meter is that of its parts: 30 minutes"):
        make(editor, world, "V3", "A + B", step_minutes=5)


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"serial": "X1"}, "serial"), ({"multiplier": 2}, "multiplier"), ({"parent": "A"}, "parent"),
     ({"supplier": "New Supplier"}, "supplier")],
)  # fmt: skip
def test_what_only_a_device_has_is_refused(fields, field, editor, world, meters):
    with pytest.raises(Invalid, match="is a virtual meter: it has no") as refused:
        make(editor, world, "V", "A + B", **fields)
    assert refused.value.field == field
    whole = make(editor, world, "V", "A + B")
    with pytest.raises(Invalid):
        estate_meters.update_meter(editor, meter=whole, **fields)
    with pytest.raises(Invalid):
        devices.exchange_device(editor, meter=whole, on="2025-06-01", serial="X1")
    with pytest.raises(Invalid):
        add_entry(editor, MULTIPLIER, owner=whole, factor=2, since="2025-06-01")


def test_a_virtual_meter_has_no_sub_meters(editor, world, meters):
    make(editor, world, "V", "A + B")
    with pytest.raises(Invalid, match="it has no sub-meters"):
        estate_meters.update_meter(editor, meter=meters["C"], parent="V")


def test_a_formula_is_changed_with_its_parts_and_its_version(editor, world, meters):
    whole = make(editor, world, "V", "A + B")
    estate_meters.update_meter(editor, meter=whole, formula="A - C", version=1)
    assert parts_of(whole) == [("A", "import", "1"), ("C", "import", "-1")]
    assert whole.version == 2
    with pytest.raises(changes.Changed):
        estate_meters.update_meter(editor, meter=whole, formula="A", version=1)
    estate_meters.update_meter(editor, meter=whole, formula="A - C", name="Rest")
    event = Event.objects.filter(action="meter.changed").order_by("pk").first()
    assert (event.before["formula"], event.after["formula"]) == ("A + B", "A - C")


def test_a_meter_does_not_change_its_nature(editor, world, meters):
    whole = make(editor, world, "V", "A + B")
    with pytest.raises(Conflict, match="has a formula"):
        estate_meters.update_meter(editor, meter=whole, formula="")
    make_series(meters["C"])
    with pytest.raises(Conflict, match="readings of its own"):
        estate_meters.update_meter(editor, meter=meters["C"], formula="A + B")
    estate_meters.update_meter(editor, meter=meters["B"], parent="A")
    with pytest.raises(Conflict, match="has sub-meters"):
        estate_meters.update_meter(editor, meter=meters["A"], formula="B")
    estate_meters.update_meter(editor, meter=meters["W"], formula="A", unit="kWh")  # it never had any
    assert parts_of(meters["W"]) == [("A", "import", "1")]


def test_a_circle_is_refused_and_named(editor, world, meters):
    one = make(editor, world, "V1", "A")
    make(editor, world, "V2", "V1 + B")
    make(editor, world, "V3", "V2 + C")
    with pytest.raises(Invalid, match="V1 would depend on itself: V1 → V3 → V2 → V1"):
        estate_meters.update_meter(editor, meter=one, formula="A + V3")
    with pytest.raises(Invalid, match="V1 would depend on itself: V1 → V1"):
        estate_meters.update_meter(editor, meter=one, formula="A + V1")
    assert parts_of(one) == [("A", "import", "1")]


def test_the_way_round_does_not_name_what_is_out_of_sight(editor, world, meters):
    elsewhere = make_site(world.org, "Annexe")
    one = make(editor, world, "V1", "A")
    estate_meters.create_meter(editor, site=elsewhere, identifier="V2", formula="V1 + B")
    make(editor, world, "V3", "V2 + C")
    here = narrow(world.org.pk, sites={world.site.pk})
    with pytest.raises(Invalid, match=r"V1 → V3 → \[hidden\] → V1"):
        estate_meters.update_meter(here, meter=one, formula="A + V3")


def test_virtual_meters_have_a_limited_depth(editor, world, meters):
    for n in range(1, virtual.MOST_ABOVE + 1):
        make(editor, world, f"V{n}", "A" if n == 1 else f"V{n - 1}")
    with pytest.raises(Invalid, match="more than 8 levels deep"):
        make(editor, world, "V9", f"V{virtual.MOST_ABOVE}")


def test_a_formula_needs_the_right_to_edit_the_site(world, meters):
    for user in (world.viewer, world.manager, world.outsider):
        with pytest.raises(Forbidden):
            make(Actor.of(user), world, "V", "A + B")


def test_a_meter_in_a_formula_is_not_deleted(editor, world, meters):
    whole = make(editor, world, "V", "A + B")
    with pytest.raises(Conflict, match=r"A is used in the formula of V\. Change that formula first\."):
        estate_meters.delete_meter(editor, meter=meters["A"])
    estate_meters.delete_meter(editor, meter=whole)
    estate_meters.delete_meter(editor, meter=meters["A"])


def test_a_formula_out_of_sight_is_counted_and_not_named(editor, world, meters):
    elsewhere = make_site(world.org, "Annexe")
    estate_meters.create_meter(editor, site=elsewhere, identifier="SECRET", formula="A + B")
    with pytest.raises(Conflict, match=r"A is used in the formula of 1 virtual meter\."):
        estate_meters.delete_meter(narrow(world.org.pk, sites={world.site.pk}), meter=meters["A"])


def test_a_renamed_meter_is_renamed_in_formulas(editor, world, meters):
    whole = make(editor, world, "V", "A+ 0.5*B")
    estate_meters.update_meter(editor, meter=meters["B"], identifier="B-2")
    whole.refresh_from_db()
    assert whole.formula == 'A+ 0.5*"B-2"'
    estate_meters.update_meter(editor, meter=whole, formula='A + "B-2"')


def test_what_is_out_of_sight_has_no_name_in_a_formula(editor, world, meters):
    elsewhere = make_site(world.org, "Annexe")
    make_meter(elsewhere, "OUT-1")
    whole = make(editor, world, "V", 'A - "OUT-1"')
    here = narrow(world.org.pk, sites={world.site.pk})
    assert visible_formula(editor, whole).text == 'A - "OUT-1"'
    seen = visible_formula(here, whole)
    assert (seen.text, [part.meter.identifier for part in seen.parts], seen.hidden) == ("A - [hidden]", ["A"], 1)
    estate_meters.update_meter(here, meter=whole, formula="A - [hidden]", name="Rest")  # what a page sends back
    assert whole.formula == 'A - "OUT-1"'
    with pytest.raises(Invalid, match="cannot be part of a formula"):
        estate_meters.update_meter(here, meter=whole, formula="A + B - [hidden]")
    with pytest.raises(Invalid, match=r"A counts import in kWh, not in m3"):
        estate_meters.update_meter(here, meter=whole, unit="m3")
    Meter.objects.filter(identifier="A").update(unit="m3")
    with pytest.raises(Invalid, match=r"\[hidden\] counts import in kWh, not in m3"):
        estate_meters.update_meter(here, meter=whole, unit="m3")


def test_many_at_once_keep_virtual_meters_as_they_must_be(editor, world, meters):
    whole = make(editor, world, "V", "A + B")
    with pytest.raises(Invalid, match="Change its unit by itself"):
        bulk.change_meters(editor, which=[whole.pk, meters["W"].pk], unit="m3")
    with pytest.raises(Invalid, match="it has no supplier"):
        bulk.change_meters(editor, which=[whole.pk], supplier="New Supplier")
    assert bulk.change_meters(editor, which=[whole.pk], is_active=False).changed == 1


@pytest.mark.django_db(transaction=True)
def test_two_at_once_never_close_a_circle(transactional_db: None, home: object) -> None:
    world, system = make_world(), Actor.system()
    site = world.site
    for name in ("A", "V1", "V2", "V3"):
        make_meter(site, name)
    estate_meters.update_meter(system, meter=Meter.objects.get(identifier="V1"), formula="V2 + A")

    def declare(name: str, formula: str) -> Any:
        return lambda: estate_meters.update_meter(system, meter=Meter.objects.get(identifier=name), formula=formula)

    answers = at_once(declare("V2", "V3 + A"), declare("V3", "V1 + A"))
    assert sorted(type(answer).__name__ for answer in answers) == ["Invalid", "Meter"]
