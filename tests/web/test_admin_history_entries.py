"""Entries of histories, corrected and deleted in the browser."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client

from eclectyc.accounts.actor import Actor
from eclectyc.audit.models import Event
from eclectyc.estate import devices, placements
from eclectyc.estate.fact_entries import add_entry
from eclectyc.estate.facts import METRIC, MULTIPLIER
from tests.factories import World, make_site
from tests.web.pages import rows_of, text_of

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()


@pytest.fixture
def entries(world: World) -> dict[str, Any]:
    """A meter with one exchange, one multiplier and one move; a site with one metric."""
    meter = world.meter
    devices.exchange_device(SYSTEM, meter=meter, on="2025-03-01", serial="E2", opening_read="3")
    add_entry(SYSTEM, MULTIPLIER, owner=meter, factor="2", since="2025-03-01")
    placements.move_meter(SYSTEM, meter=meter, to=make_site(world.org, "Quay Works"), on="2025-04-01")
    metric = add_entry(
        SYSTEM, METRIC, owner=world.site, name="Beds", value="120", since="2025-01-01", until="2025-06-01"
    )
    return {
        "device": meter.devices.get(serial="E2"), "multiplier": meter.multipliers.last(),
        "placement": meter.placements.last(), "metric": metric,
    }  # fmt: skip


def page_of(kind: str, world: World, entry: Any) -> str:
    here = f"/admin/sites/{world.site.pk}" if kind == "metric" else f"/admin/meters/{world.meter.pk}"
    return f"{here}?correct={kind}-{entry.pk}"


CASES: list[tuple[str, dict[str, str], str, Any]] = [
    ("device", {"serial": "E-2", "since": "2025-03-04", "opening_read": "7", "digits": "5"}, "since", date(2025, 3, 4)),
    ("multiplier", {"factor": "2.5", "since": "2025-02-01"}, "since", date(2025, 2, 1)),
    ("placement", {"on": "2025-04-07"}, "since", date(2025, 4, 7)),
    ("metric", {"name": "Beds", "value": "118", "measure": "level", "since": "2025-01-01", "until": ""}, "until", None),
]


@pytest.mark.parametrize(("kind", "said", "field", "value"), CASES)
def test_an_entry_opens_filled_and_is_corrected(
    kind: str, said: dict[str, str], field: str, value: Any, admin: Client, world: World, entries: dict[str, Any]
) -> None:
    here = page_of(kind, world, entries[kind])
    shown = admin.get(here)
    assert f'href="?correct={kind}-{entries[kind].pk}#' in admin.get(here.partition("?")[0]).content.decode()
    assert "Save correction" in text_of(shown)
    answer = admin.post(here, said | {"do": "correct"})
    assert answer.status_code == 302
    assert "?" not in answer.url
    entries[kind].refresh_from_db()
    assert getattr(entries[kind], field) == value
    assert Event.objects.filter(action__endswith="_corrected" if kind != "metric" else "metric_changed").count() == 1


@pytest.mark.parametrize(("kind", "said", "field"), [
    ("device", {"serial": "", "since": "2025-03-01"}, "serial"),
    ("device", {"serial": "E2", "since": "soon"}, "since"),
    ("multiplier", {"factor": "-1", "since": "2025-03-01"}, "factor"),
    ("placement", {"on": "2999-01-01"}, "on"),
    ("metric", {"name": "Beds", "value": "1", "measure": "level", "since": "2025-01-01", "until": "2024-01-01"},
     "until"),
])  # fmt: skip
def test_an_error_is_shown_at_its_field_and_nothing_typed_is_lost(
    kind: str, said: dict[str, str], field: str, admin: Client, world: World, entries: dict[str, Any]
) -> None:
    answer = admin.post(page_of(kind, world, entries[kind]), said | {"do": "correct"})
    assert answer.status_code == 422
    assert f'id="correct_{field}_error"' in answer.content.decode()
    assert f'value="{said[field]}"' in answer.content.decode()


def test_an_entry_that_never_was_is_deleted(admin: Client, world: World, entries: dict[str, Any]) -> None:
    for kind in ("device", "multiplier", "metric"):
        assert admin.post(page_of(kind, world, entries[kind]), {"do": "take_out"}).status_code == 302
    world.meter.refresh_from_db()
    assert (world.meter.serial, world.meter.multiplier) == ("", 1)
    assert not world.site.metrics.exists()
    assert ["not known", "the start", "on"] in [
        row[:3] for row in rows_of(admin.get(f"/admin/meters/{world.meter.pk}"))
    ]


def test_a_move_and_the_first_multiplier_are_not_deleted(admin: Client, world: World, entries: dict[str, Any]) -> None:
    first = world.meter.multipliers.first()
    for kind, entry in (("placement", entries["placement"]), ("multiplier", first)):
        here = page_of(kind, world, entry)
        assert "Delete this entry" not in text_of(admin.get(here))
        assert admin.post(here, {"do": "take_out"}).status_code in (404, 409)
    assert world.meter.multipliers.count() == 2


def test_another_versions_correction_is_refused(admin: Client, world: World, entries: dict[str, Any]) -> None:
    answer = admin.post(
        page_of("multiplier", world, entries["multiplier"]),
        {"do": "correct", "factor": "3", "since": "2025-03-01", "version": "1"},
    )
    assert answer.status_code == 409
    assert "changed by another user" in text_of(answer)


@pytest.mark.parametrize("correct", ["device-0", "device-999999999", "device", "site-1", "-", "metric-1", "device-x"])
def test_what_is_not_of_this_meter_is_as_if_it_were_not_there(
    correct: str, admin: Client, outsider: Client, world: World, entries: dict[str, Any]
) -> None:
    here = f"/admin/meters/{world.meter.pk}?correct={correct}"
    assert "Save correction" not in text_of(admin.get(here))
    assert admin.post(here, {"do": "correct", "serial": "X"}).status_code == 404
    theirs = f"/admin/meters/{world.other_meter.pk}?correct=device-{entries['device'].pk}"
    assert "E2" not in text_of(outsider.get(theirs))
    assert outsider.post(theirs, {"do": "take_out"}).status_code == 404
    assert world.meter.devices.count() == 2
