"""A fact with dates is one declaration: its service, schemas and form follow from it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.api.dated_facts import schemas_of
from eclectyc.audit.models import Event
from eclectyc.estate import checks
from eclectyc.estate.change_events import EstateChange
from eclectyc.estate.dated_facts import DatedFact, FactField, FromDayOn, since_field
from eclectyc.estate.fact_entries import add_entry, change_entry, remove_entry, value_on
from eclectyc.estate.facts import FACTS
from eclectyc.estate.models import Correction
from eclectyc.kernel.errors import Invalid
from eclectyc.web.views.admin import fact_forms
from tests.factories import World

pytestmark = pytest.mark.django_db
CAPACITY = DatedFact(  # a fact that the meter itself has no field for
    name="agreed_capacity",
    model=Correction,
    owner="meter",
    entries="corrections",
    fields=(FactField("factor", "Agreed capacity", checks.correction, "number"), since_field()),
    timeline=FromDayOn(),
    value="factor",
    label="Agreed capacity",
    plural="Agreed capacities",
    about="What the network operator keeps ready.",
    unit="kVA",
)


def test_a_fact_of_which_the_meter_has_no_field_is_unknown_before_its_first_day(editor: Actor, world: World) -> None:
    meter = world.meter
    before = meter.version
    first = add_entry(editor, CAPACITY, owner=meter, factor="20", since="2025-03-01")
    add_entry(editor, CAPACITY, owner=meter, factor="30", since="2025-06-01")
    days = (date(2025, 2, 28), date(2025, 3, 1), date(2025, 5, 31), date(2025, 6, 1))
    assert [value_on(CAPACITY, meter, day) for day in days] == [None, 20, 20, 30]
    assert meter.version == before + 2
    change_entry(editor, CAPACITY, entry=first, factor="25")
    assert value_on(CAPACITY, meter, days[1]) == 25
    remove_entry(editor, CAPACITY, entry=first)
    assert value_on(CAPACITY, meter, days[1]) is None
    assert meter.corrections.count() == 1
    actions = Event.objects.filter(action__contains="capacity").order_by("pk").values_list("action", flat=True)
    assert [action.rpartition("_")[2] for action in actions] == ["set", "set", "corrected", "removed"]
    event = Event.objects.filter(action="meter.agreed_capacity_removed").get()
    assert (event.before, event.after) == ({"factor": "25.000000", "since": "2025-03-01"}, {})


def test_an_entry_needs_a_day_and_known_fields(editor: Actor, world: World) -> None:
    with pytest.raises(Invalid, match="missing"):
        add_entry(editor, CAPACITY, owner=world.meter, factor="20")
    with pytest.raises(Invalid, match="There is no field 'kva'") as refusal:
        add_entry(editor, CAPACITY, owner=world.meter, kva="20", since="2025-03-01")
    assert refusal.value.remedy == "Use: factor, since."
    assert not world.meter.corrections.exists()


def test_every_change_of_a_fact_is_announced(editor: Actor, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[EstateChange] = []
    monkeypatch.setattr("eclectyc.estate.change_events._listeners", [heard.extend])
    entry = add_entry(editor, FACTS["metric"], owner=world.site, name="Beds", value="2", since="2025-01-01")
    add_entry(editor, FACTS["multiplier"], owner=world.meter, factor="2", since="2025-01-01")
    assert [(one.thing, one.action) for one in heard] == [
        (world.site, "site.metric_added"),
        (world.meter, "meter.multiplier_set"),
    ]
    assert heard[0].after["metric"] == entry.pk
    assert heard[1].before == {"multiplier": 1}


def test_schemas_of_a_new_fact_follow_from_its_fields(world: World) -> None:
    schemas = schemas_of(CAPACITY)
    assert [one.__name__ for one in (schemas.new, schemas.changed, schemas.entry, schemas.page)] == [
        "NewAgreedCapacity", "ChangedAgreedCapacity", "AgreedCapacityOut", "AgreedCapacityPage",
    ]  # fmt: skip
    new = schemas.new.model_validate({"factor": "20.5", "since": "2025-03-01"})
    assert new.model_dump() == {"factor": Decimal("20.5"), "since": date(2025, 3, 1)}
    entry = Correction(pk=7, meter=world.meter, factor=Decimal("20.500000"), since=None)
    assert schemas.output(entry).model_dump() == {"id": 7, "factor": 20.5, "since": None}


def test_the_form_of_a_new_fact_follows_from_its_fields(editor: Actor, world: World) -> None:
    adding, changing = (fact_forms.fields_of(CAPACITY, is_new=is_new) for is_new in (True, False))
    assert [(one.name, one.label, one.kind, one.is_required) for one in adding] == [
        ("factor", "Agreed capacity", "text", True),
        ("since", "From", "date", True),
    ]
    assert [one.is_required for one in changing] == [True, False]
    entry = add_entry(editor, CAPACITY, owner=world.meter, factor="20", since="2025-03-01")
    assert fact_forms.title_of(CAPACITY, entry) == "agreed capacity 20 from 2025-03-01"
    assert fact_forms.values_of(CAPACITY, entry) == {"factor": "20", "since": date(2025, 3, 1)}
