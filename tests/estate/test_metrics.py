from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.estate.fact_entries import add_entry, change_entry, entry_on, remove_entry
from eclectyc.estate.facts import METRIC
from eclectyc.kernel.errors import Conflict, Invalid
from tests.factories import World

pytestmark = pytest.mark.django_db


def test_a_level_holds_until_the_next_one(editor: Actor, world: World) -> None:
    add_entry(editor, METRIC, owner=world.site, name="Beds", unit="beds", value=20, since="2025-01-01")
    add_entry(editor, METRIC, owner=world.site, name="beds", unit="beds", value="24", since="2025-07-01")
    for day, beds in (
        (date(2024, 12, 31), None),
        (date(2025, 6, 30), 20),
        (date(2025, 7, 1), 24),
        (date(2030, 1, 1), 24),
    ):
        found = entry_on(METRIC, world.site, day, kind="BEDS")
        assert (found.value if found else None) == beds


def test_pounds_are_kept_to_the_penny(editor: Actor, world: World) -> None:
    largest = "999999999999.99"  # fifteen digits, with the one that pounds do not use
    metric = add_entry(
        editor,
        METRIC,
        owner=world.site,
        name="Works",
        unit="£",
        value=largest,
        measure="amount",
        since="2025-04-01",
        until="2025-07-01",
    )
    metric.refresh_from_db()
    assert metric.value == Decimal(largest)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"value": "1.001", "unit": "£"}, "more exact than a penny"),
        ({"value": "1.0001"}, "too many decimals"),
        ({"value": "1000000000000"}, "too large"),
        ({"value": "many"}, "not a number"),
        ({"value": True}, "not a number"),
        ({"value": "NaN"}, "not a number"),
        ({"since": None}, "missing"),
        ({"until": "2025-01-01"}, "ends before it begins"),
        ({"measure": "amount"}, "adds up over a span"),
        ({"measure": "guess"}, "measure"),
        ({"name": ""}, "empty"),
        ({"name": "x" * 61}, "name"),
        ({"unit": "x" * 21}, "unit"),
    ],
)
def test_a_metric_is_refused_in_words(fields: dict[str, Any], words: str, editor: Actor, world: World) -> None:
    with pytest.raises(Invalid, match=words):
        add_entry(editor, METRIC, owner=world.site, **({"name": "x", "value": 1, "since": "2025-01-01"} | fields))
    assert not world.site.metrics.exists()


def test_two_of_a_name_never_overlap(editor: Actor, world: World) -> None:
    add = {"owner": world.site, "name": "Occupants"}
    first = add_entry(editor, METRIC, **add, value=1, since="2025-01-01", until="2025-03-01")
    add_entry(editor, METRIC, **add, value=2, since="2025-03-01")
    for since, until in (("2025-02-01", "2025-02-02"), ("2024-01-01", None), ("2025-03-01", "2025-04-01")):
        with pytest.raises(Conflict, match=r"Occupants has a value from"):
            add_entry(editor, METRIC, **add, value=3, since=since, until=until)
    with pytest.raises(Conflict):
        change_entry(editor, METRIC, entry=first, until="2025-03-02")
    change_entry(editor, METRIC, entry=first, value=7)
    remove_entry(editor, METRIC, entry=first)
    assert [int(m.value) for m in world.site.metrics.all()] == [2]
