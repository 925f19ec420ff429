from __future__ import annotations

from datetime import date

import pytest
from django.test.utils import CaptureQueriesContext

from eclectyc.accounts.actor import Actor
from eclectyc.audit.models import Event
from eclectyc.estate import bulk
from eclectyc.estate.models import Meter, Supplier
from eclectyc.kernel.errors import Forbidden, Invalid, NotFound
from tests.estate.conftest import narrow
from tests.factories import World, make_meter, make_series, make_site

pytestmark = pytest.mark.django_db


def test_one_change_reaches_all_and_is_audited_once(editor: Actor, world: World) -> None:
    meters = [make_meter(world.site, utility="gas", unit="m3") for _ in range(5)]
    like_that = make_meter(world.site, is_active=False)
    done = bulk.change_meters(editor, which=[m.pk for m in meters] + [like_that.pk], is_active="no")
    assert (done.changed, done.unchanged) == (5, 1)
    event = Event.objects.get()
    assert event.action == "meters.changed"
    assert event.before == {str(m.pk): {"is_active": True} for m in meters}
    assert event.after == {"is_active": False}
    assert set(Meter.objects.filter(pk__in=[m.pk for m in meters]).values_list("is_active", "version")) == {(False, 2)}


def test_all_or_none(editor: Actor, world: World) -> None:
    fine = make_meter(world.site, installed="2025-01-01")
    late = make_meter(world.site, installed="2026-01-01")
    with pytest.raises(Invalid, match=r"removed before it is installed"):
        bulk.change_meters(editor, which=[fine.pk, late.pk], removed="2025-06-01")
    fine.refresh_from_db()
    assert fine.removed is None
    assert not Event.objects.exists()


def test_anothers_number_is_as_good_as_none(editor: Actor, world: World) -> None:
    refusals = []
    for number in (world.other_meter.pk, 10**9):
        with pytest.raises(NotFound) as refused:
            bulk.change_meters(editor, which=[world.meter.pk, number], is_active=False)
        refusals.append(str(refused.value).replace(str(number), "N"))
    assert refusals[0] == refusals[1]
    assert Meter.objects.filter(is_active=False).count() == 0


def test_each_is_checked_for_rights(world: World) -> None:
    mill = make_site(world.org, "Mill")
    inside, outside = make_meter(mill), world.meter
    viewer_of_all = Actor.of(world.viewer)
    editor_of_mill = narrow(world.org.pk, sites={mill.pk})
    both = Actor("both", 999_998, (*viewer_of_all.grants, *editor_of_mill.grants))
    bulk.change_meters(both, which=[inside.pk], is_active=False)
    with pytest.raises(Forbidden):
        bulk.change_meters(both, which=[inside.pk, outside.pk], is_active=True)
    inside.refresh_from_db()
    assert not inside.is_active


def test_a_supplier_by_name_is_each_organisations_own(world: World) -> None:
    bulk.change_meters(Actor.system(), which=[world.meter.pk, world.other_meter.pk], supplier="Pennine")
    assert Supplier.objects.filter(name="Pennine").count() == 2
    for meter in Meter.objects.select_related("supplier"):
        assert meter.supplier is not None
        assert meter.supplier.organisation_id == meter.organisation_id


@pytest.mark.parametrize(
    "change", [{}, {"identifier": "x"}, {"name": "x"}, {"site": 1}, {"parent": None}, {"nonsense": 1}]
)
def test_what_is_each_ones_own_is_not_changed_for_many(change: dict, editor: Actor, world: World) -> None:
    with pytest.raises(Invalid):
        bulk.change_meters(editor, which=[world.meter.pk], **change)


def test_a_unit_stays_if_there_are_readings(editor: Actor, world: World) -> None:
    make_series(world.meter)
    with pytest.raises(Invalid, match=r"Main incomer has readings"):
        bulk.change_meters(editor, which=[world.meter.pk], unit="m3")


def test_sites_change_together(editor: Actor, world: World) -> None:
    sites = [make_site(world.org) for _ in range(3)]
    done = bulk.change_sites(editor, which=[s.pk for s in sites], region="North", opening_hours="Mon 08:00-09:00")
    assert done.changed == 3
    for site in sites:
        site.refresh_from_db()
        assert site.region is not None
        assert site.region.name == "North"
        assert site.opening_hours[0] == [["08:00", "09:00"]]


@pytest.mark.parametrize(
    "change",
    [{"is_active": False}, {"installed": date(2024, 1, 1)}, {"direction": "export"}, {"utility": "gas"}],
    ids=lambda change: next(iter(change)),
)
def test_many_cost_as_many_queries_as_few(
    editor: Actor, world: World, django_assert_max_num_queries: CaptureQueriesContext, change: dict
) -> None:
    """Also if formulas or the energy of gas may depend on the change."""
    meters = [make_meter(world.site) for _ in range(300)]
    with django_assert_max_num_queries(22):
        bulk.change_meters(editor, which=[m.pk for m in meters], **change)
    with pytest.raises(Invalid, match=r"too many at once"):
        bulk.change_meters(editor, which=range(10_001), is_active=False)
