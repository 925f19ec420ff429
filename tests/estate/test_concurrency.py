"""Two people at once: one succeeds, the other gets a reason; nothing is lost silently."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from eclectyc.accounts.actor import Actor
from eclectyc.estate import changes, meters, regions, sites
from eclectyc.estate.models import Meter, Region, Site
from eclectyc.kernel.errors import EclectycError
from tests.factories import World, make_meter, make_world

pytestmark = pytest.mark.django_db(transaction=True)
SYSTEM = Actor.system()


@pytest.fixture
def world(transactional_db: None, home: object) -> World:
    return make_world()


def at_once(*attempts: Callable[[], object]) -> list[object]:
    """Do things in threads of their own that start together; a refusal is an answer."""
    ready = Barrier(len(attempts))

    def attempt(work: Callable[[], object]) -> object:
        try:
            ready.wait(10)
            return work()
        except EclectycError as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(len(attempts)) as pool:
        return list(pool.map(attempt, attempts))


def test_of_two_that_make_one_identifier_one_wins(world: World) -> None:
    make = lambda: meters.create_meter(SYSTEM, site=Site.objects.get(pk=world.site.pk), identifier="TWIN")  # noqa: E731
    answers = at_once(make, make, make)
    assert sum(isinstance(answer, Meter) for answer in answers) == 1
    refusals = {str(answer) for answer in answers if isinstance(answer, EclectycError)}
    assert refusals == {"There is already a meter TWIN. Choose another."}
    assert Meter.objects.filter(identifier="TWIN").count() == 1


def test_of_two_that_read_one_version_one_wins(world: World) -> None:
    def rename(name: str) -> Callable[[], object]:
        return lambda: sites.update_site(SYSTEM, site=Site.objects.get(pk=world.site.pk), version=1, name=name)

    answers = at_once(rename("First"), rename("Second"))
    assert sum(isinstance(answer, changes.Changed) for answer in answers) == 1
    kept = next(answer for answer in answers if isinstance(answer, Site))
    assert Site.objects.get(pk=world.site.pk).name == kept.name


def test_changes_of_different_fields_are_both_kept(world: World) -> None:
    one, other = (
        Site.objects.get(pk=world.site.pk),
        Site.objects.get(pk=world.site.pk),
    )  # both read before either writes
    answers = at_once(
        lambda: sites.update_site(SYSTEM, site=one, company="Tenant"),
        lambda: sites.update_site(SYSTEM, site=other, postcode="LS1 1AA"),
    )
    assert all(isinstance(answer, Site) for answer in answers)
    kept = Site.objects.get(pk=world.site.pk)
    assert (kept.company, kept.postcode, kept.version) == ("Tenant", "LS1 1AA", 3)


def test_two_changes_never_close_a_circle(world: World) -> None:
    a, b = make_meter(world.site, "A"), make_meter(world.site, "B")
    answers = at_once(
        lambda: meters.update_meter(SYSTEM, meter=Meter.objects.get(pk=a.pk), parent=Meter.objects.get(pk=b.pk)),
        lambda: meters.update_meter(SYSTEM, meter=Meter.objects.get(pk=b.pk), parent=Meter.objects.get(pk=a.pk)),
    )
    assert sum(isinstance(answer, EclectycError) for answer in answers) == 1
    assert Meter.objects.filter(parent=None, identifier__in="AB").count() == 1


def test_one_name_in_two_cases_is_one_region(world: World) -> None:
    answers = at_once(
        lambda: regions.create_region(SYSTEM, organisation=world.org, name="north"),
        lambda: regions.create_region(SYSTEM, organisation=world.org, name="NORTH"),
    )
    assert sum(isinstance(answer, Region) for answer in answers) == 1
