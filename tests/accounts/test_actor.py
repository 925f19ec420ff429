from __future__ import annotations

import pytest

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import ApiToken, Membership, Organisation
from eclectyc.batches.models import Batch
from eclectyc.estate.models import Meter, Region, Series, Site
from eclectyc.kernel.errors import Forbidden
from tests.factories import World, make_series

pytestmark = pytest.mark.django_db

MAY = {
    "viewer": {"estate.view"},
    "manager": {"estate.view", "reports.view"},
    "admin": {"estate.view", "reports.view", "estate.edit", "imports.run", "exports.run", "people.edit", "system.view"},
}


@pytest.mark.parametrize("role", MAY)
def test_a_role_may_what_it_may_in_its_own_organisation_only(role: str, world: World) -> None:
    actor = Actor.of(getattr(world, role))
    for permission in MAY["admin"]:
        assert actor.may(permission, world.org.pk) == (permission in MAY[role])
        assert not actor.may(permission, world.other_org.pk)
    with pytest.raises(Forbidden):
        actor.require("estate.view", world.other_org.pk)


def test_no_actor_has_a_permission_that_does_not_exist(world: World) -> None:
    assert not Actor.of(world.admin).may_somewhere("everything")


def test_an_inactive_person_is_anonymous(world: World) -> None:
    world.admin.is_active = False
    assert not Actor.of(world.admin).is_known


def test_an_unknown_role_has_no_permissions(world: World) -> None:
    Membership.objects.filter(user=world.viewer).update(role="emperor")
    assert Site.objects.visible_to(Actor.of(world.viewer)).count() == 0


@pytest.mark.parametrize("model", [Organisation, Region, Site, Meter, Series, Batch, ApiToken])
def test_visitors_see_nothing_and_outsiders_nothing_of_ours(model: type, world: World) -> None:
    Region.objects.create(organisation=world.org, name="North")
    make_series(world.meter)
    Batch.objects.create(organisation=world.org)
    ApiToken.objects.create(user=world.admin, name="t", digest="d")
    mine = set(model.objects.visible_to(Actor.of(world.admin)))
    assert mine
    assert not model.objects.visible_to(Actor.anonymous()).exists()
    assert not mine & set(model.objects.visible_to(Actor.of(world.outsider)))
    assert mine <= set(model.objects.visible_to(Actor.system()))
