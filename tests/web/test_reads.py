"""``/meters/{id}/reads``: entering, correcting and withdrawing, and what each refusal says."""

from __future__ import annotations

import pytest
from django.test import Client

from eclectyc.registers.models import RegisterRead, TankEntry
from tests.factories import World, make_meter
from tests.registers.test_importing import days_of, span
from tests.web.pages import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client, world: World) -> Client:
    client.force_login(world.admin)
    return client


def send(admin: Client, meter: int, do: str, **fields: object) -> str:
    """Press a button, and return the page that comes next."""
    answer = admin.post(f"/meters/{meter}/reads", {"do": do} | fields, follow=True)
    assert answer.status_code == 200, text_of(answer)
    return text_of(answer)


def test_reads_are_entered_corrected_and_withdrawn(admin: Client, world: World) -> None:
    meter = world.meter.pk
    assert "No reads yet." in text_of(admin.get(f"/meters/{meter}/reads"))
    send(admin, meter, "read", on="2025-06-01", value="1000", quantity="import", serial="E10A 1")
    register = RegisterRead.objects.get().register_id
    page = send(admin, meter, "read", on="2025-06-11", at="00:00", value="1100", quantity="import", register=register)
    assert "Reading saved. 10 values of usage updated." in page
    assert "E10A 1" in page
    assert days_of(world.meter) == span("2025-06-01", "2025-06-11", 10)
    send(admin, meter, "read", on="2025-06-11", value="1200", quantity="import", register=register)
    assert days_of(world.meter) == span("2025-06-01", "2025-06-11", 20)
    newest = RegisterRead.objects.order_by("-pk").first()
    assert newest is not None
    page = send(admin, meter, "withdraw_read", of=newest.pk)
    assert "Reading withdrawn." in page
    assert "withdrawal" in page
    assert days_of(world.meter) == {}


def test_the_meter_s_page_leads_here_for_whom_it_is_open(admin: Client, world: World) -> None:
    address = f"/meters/{world.meter.pk}"
    assert f'href="{address}/reads"' in admin.get(address).content.decode()
    admin.force_login(world.viewer)
    assert f'href="{address}/reads"' not in admin.get(address).content.decode()
    assert admin.get(f"{address}/reads").status_code == 403


def test_a_tank_has_its_own_form(admin: Client, world: World) -> None:
    assert "delivery" not in text_of(admin.get(f"/meters/{world.meter.pk}/reads"))
    tank = make_meter(world.site, "GEN1", utility="diesel", unit="litre")
    for on, kind, litres in (("2025-03-01", "dip", 500), ("2025-03-05", "delivery", 1000), ("2025-03-11", "dip", 500)):
        page = send(admin, tank.pk, "tank", on=on, kind=kind, litres=litres)
    assert "Deliveries and dips" in admin.get(f"/meters/{tank.pk}/reads").content.decode()
    assert "Entry saved." in page
    assert days_of(tank) == span("2025-03-01", "2025-03-11", 100)
    send(admin, tank.pk, "withdraw_entry", of=TankEntry.objects.get(kind="delivery").pk)
    assert days_of(tank) == span("2025-03-01", "2025-03-11", 0), "as much is left as there was"


def test_digits_and_resets_are_declared(admin: Client, world: World) -> None:
    meter = world.meter.pk
    send(admin, meter, "read", on="2025-06-01", value="99950", quantity="import")
    register = RegisterRead.objects.get().register_id
    page = send(admin, meter, "read", on="2025-06-11", value="50", quantity="import", register=register)
    assert "fell from 99950" in page
    fields = {"register": register, "kind": "use", "until": "", "tolerance_s": "60"}
    send(admin, meter, "declare", digits="5", **fields)
    assert days_of(world.meter) == span("2025-06-01", "2025-06-11", 10)
    send(admin, meter, "declare", digits="", **fields)
    send(
        admin, meter, "reset", register=register, since="2025-06-06T00:00", until="2025-06-06T12:00", last_read="100000"
    )
    assert days_of(world.meter) == span("2025-06-01", "2025-06-11", 10)
    assert "Usage recalculated." in send(admin, meter, "again")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"do": "read", "on": "", "value": "5"}, "The date is missing."),
        ({"do": "read", "on": "2025-06-01", "value": "many"}, "'many' is not a number."),
        ({"do": "read", "on": "2999-01-01", "value": "5"}, "is in the future"),
        ({"do": "tank", "on": "2025-06-01", "litres": "5"}, "No action was selected."),
        ({}, "No action was selected."),
    ],
)
def test_a_refusal_keeps_what_was_typed_and_says_why(
    admin: Client, world: World, fields: dict[str, str], said: str
) -> None:
    answer = admin.post(f"/meters/{world.meter.pk}/reads", {"quantity": "import"} | fields)
    assert answer.status_code == 422
    assert said in text_of(answer)
    if fields.get("do") == "read":
        assert f'value="{fields["value"]}"' in answer.content.decode()
    assert not RegisterRead.objects.exists()


def test_another_s_read_is_not_there(admin: Client, world: World) -> None:
    send(admin, world.meter.pk, "read", on="2025-06-01", value="5", quantity="import")
    read = RegisterRead.objects.get().pk
    other = make_meter(world.site)
    answer = admin.post(f"/meters/{other.pk}/reads", {"do": "withdraw_read", "of": read})
    assert answer.status_code == 409
    assert "There is no such read." in text_of(answer)


def test_the_page_asks_a_constant_number_of_questions(
    admin: Client, world: World, django_assert_max_num_queries
) -> None:
    meter = world.meter.pk
    for day in range(1, 6):
        send(admin, meter, "read", on=f"2025-06-0{day}", value=str(day), quantity="import")
    with django_assert_max_num_queries(14):
        admin.get(f"/meters/{meter}/reads")
