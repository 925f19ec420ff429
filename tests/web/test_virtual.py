"""Virtual meters in the browser: declared with a formula that says what it means, shown with their parts."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Membership
from eclectyc.batches.models import Batch
from eclectyc.derived.engine import recalculate
from eclectyc.estate import meters
from eclectyc.estate.models import Meter
from eclectyc.lake.store import connect
from tests.analytics.filling import fill, flat_days
from tests.factories import World, make_meter, make_series, make_site, make_user
from tests.web.conftest import signed_in
from tests.web.pages import rows_of, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]
SYSTEM = Actor.system()
VIRTUAL = {
    "identifier": "REST", "name": "Unmetered", "site": "Harbour House", "formula": "1200023305967 - SUB",
    "utility": "electricity", "direction": "import", "unit": "kWh", "is_active": "true", "installed": "", "removed": "",
}  # fmt: skip


@pytest.fixture
def sub(world: World) -> Meter:
    """A sub-meter with readings of the last days of June, as its main has."""
    sub = make_meter(world.site, "SUB", name="Boiler house", parent=world.meter)
    for meter, value in ((world.meter, 10.0), (sub, 4.0)):
        fill(make_series(meter), flat_days(date(2025, 6, 20), date(2025, 7, 2), value))
    return sub


def follow(world: World) -> None:
    """Work out what is stale; the registry's batches come after those that only the lake has been given."""
    while Batch.objects.create(organisation=world.org, state=Batch.DONE).pk < connect().last_batch():
        pass
    recalculate()


def declared(world: World, formula: str = "1200023305967 - SUB", **fields: str) -> Meter:
    made = meters.create_meter(SYSTEM, site=world.site, identifier="REST", formula=formula, **fields)
    follow(world)
    return made


def test_a_virtual_meter_is_made_with_its_formula(admin: Client, world: World, sub: Meter) -> None:
    assert "New virtual meter" in text_of(admin.get("/admin/meters"))
    answer = admin.post("/admin/meters/new-virtual", VIRTUAL | {"organisation": str(world.org.pk)})
    made = Meter.objects.get(identifier="REST")
    assert answer.url == f"/meters/{made.pk}"
    assert (made.formula, made.formula_parts.count()) == ("1200023305967 - SUB", 2)
    page = text_of(admin.get(answer.url))
    assert "Not calculated yet" in page
    assert "Some days are being recalculated" in page
    follow(world)
    page = text_of(admin.get(answer.url))
    assert "288 kWh" in page
    assert "1200023305967 − SUB" in page
    assert "being recalculated" not in page


@pytest.mark.parametrize(
    ("formula", "told"),
    [("", "The formula is empty"), ("SUB *", "At character 6: the formula ends too early"),
     ("SUB - 1000000000040", "There is no meter"), ("SUB - NOBODY", "There is no meter")],
)  # fmt: skip
def test_a_wrong_formula_is_told_beside_it(formula: str, told: str, admin: Client, world: World, sub: Meter) -> None:
    answer = admin.post("/admin/meters/new-virtual", VIRTUAL | {"organisation": str(world.org.pk), "formula": formula})
    assert answer.status_code == 422
    assert 'id="id_formula_error"' in answer.content.decode()
    assert told in text_of(answer)


def test_the_meaning_is_told_while_it_is_typed(admin: Client, world: World, sub: Meter) -> None:
    asked = {"organisation": str(world.org.pk), "site": "Harbour House", "unit": "kWh", "direction": "import"}
    answer = admin.get("/admin/formula", asked | {"formula": "1200023305967 - 0.5*SUB"})
    assert "Main incomer less 0.5 × Boiler house, every 30 minutes." in text_of(answer)
    assert ["Tue 1 Jul 2025", "384 kWh", "48 of 48"] in [row[:3] for row in rows_of(answer)]
    for typed, told in (("SUB +", "ends too early"), ("SUB + NOBODY", "There is no meter 'NOBODY'"), ("", "")):
        assert told in text_of(admin.get("/admin/formula", asked | {"formula": typed}))
    assert not Meter.objects.exclude(formula="").exists()


def test_a_formula_is_changed_and_a_stale_page_is_refused(admin: Client, world: World, sub: Meter) -> None:
    made = declared(world)
    here = f"/admin/meters/{made.pk}"
    page = admin.get(here)
    assert "1200023305967 - SUB</textarea>" in page.content.decode()
    assert "Exchange the device" not in text_of(page)
    said = VIRTUAL | {"formula": "1200023305967 / 2", "version": "1"}
    assert admin.post(here, said).status_code == 302
    made.refresh_from_db()
    assert (made.formula, made.version) == ("1200023305967 / 2", 2)
    assert admin.post(here, said).status_code == 409


def test_the_page_says_which_part_is_missing(viewer: Client, world: World, sub: Meter) -> None:
    late = make_meter(world.site, "LATE", name="New pump")
    fill(make_series(late), flat_days(date(2025, 6, 28), date(2025, 7, 2), 1.0))
    made = declared(world, "1200023305967 - SUB - LATE")
    page = text_of(viewer.get(f"/meters/{made.pk}", {"day": "2025-06-22"}))
    assert "If a part has no reading, the result is missing too, never too low." in page
    assert "no readings before Sat 28 Jun 2025" in page
    assert "enter its installation date" in page
    meters.update_meter(SYSTEM, meter=late, installed=date(2025, 6, 28))
    follow(world)
    page = text_of(viewer.get(f"/meters/{made.pk}", {"day": "2025-06-22"}))
    assert "not installed: not included" in page
    assert "288 kWh" in page


def test_whoever_sees_the_result_does_not_see_its_parts_by_that(world: World, sub: Meter) -> None:
    annexe = make_site(world.org, "Annexe")
    hidden = make_meter(annexe, "SECRET-1", name="Hidden pump")
    fill(make_series(hidden), flat_days(date(2025, 6, 20), date(2025, 7, 2), 1.0))
    made = declared(world, 'SUB - "SECRET-1"')
    person = make_user("narrow@harbour.example", world.org)
    Membership.objects.filter(user=person).update(site=world.site)
    here = signed_in(person)
    page = here.get(f"/meters/{made.pk}")
    words = text_of(page)
    assert "144 kWh" in words
    assert "SUB − [hidden]" in words
    assert "1 meter you don't have access to" in words
    assert "SECRET-1" not in page.content.decode()
    assert "Hidden pump" not in page.content.decode()
    assert here.get(f"/meters/{hidden.pk}").status_code == 404


def test_the_list_has_virtual_meters_by_themselves(admin: Client, world: World, sub: Meter) -> None:
    declared(world)
    of = lambda level: [row[1].split()[0] for row in rows_of(admin.get("/admin/meters", {"level": level}))[1:]]  # noqa: E731
    assert of("virtual") == ["REST"]
    assert "REST" not in of("main")
    assert "REST" not in of("sub")


def test_a_virtual_meter_is_shown_and_never_counted(manager: Client, world: World, sub: Meter) -> None:
    asked = {"from": "2025-06-20", "to": "2025-07-01"}
    ways = ("site", "utility", "region")
    totals = {by: rows_of(manager.get("/reports/consumption", asked | {"by": by})) for by in ways}
    front = text_of(manager.get("/"))
    site = rows_of(manager.get(f"/sites/{world.site.pk}"))
    made = declared(world)
    for by in ways:
        assert rows_of(manager.get("/reports/consumption", asked | {"by": by})) == totals[by]
    assert text_of(manager.get("/")) == front
    grown = rows_of(manager.get(f"/sites/{world.site.pk}"))
    assert [row for row in grown if "REST" not in row[0]] == site
    by_meter = rows_of(manager.get("/reports/consumption", asked | {"by": "meter"}))
    [marked] = [row[0] for row in by_meter if "virtual" in row[0]]
    assert marked.startswith("REST")
    assert made.is_virtual
