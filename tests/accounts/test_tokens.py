from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from eclectyc.accounts import tokens
from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import ApiToken, Membership, Organisation, User
from eclectyc.accounts.roles import PERMISSIONS
from eclectyc.audit.models import Event
from eclectyc.estate.models import Meter, Region, Site
from eclectyc.kernel.errors import Forbidden, TooMany
from tests.factories import World, make_meter, make_site

pytestmark = pytest.mark.django_db


def used(user: User, **fields: Any) -> Actor:
    """Make a token as its person and come back with it."""
    _, secret = tokens.create_token(Actor.of(user), user=user, name="t", **fields)
    return tokens.use_token(secret, now=timezone.now()).actor


@pytest.mark.parametrize(
    ("scope", "may"),
    [
        ("read", {name for name in PERMISSIONS if name.endswith(".view")}),
        ("push", {"readings.push"}),
        ("manage", set(PERMISSIONS)),
    ],
)
def test_a_scope_leaves_its_permissions(scope: str, may: set[str], world: World) -> None:
    actor = used(world.admin, scope=scope)
    assert actor.permissions_at(world.org.pk) == may
    assert not actor.permissions_at(world.other_org.pk)
    assert used(world.viewer, scope=scope).permissions_at(world.org.pk) == may & {"estate.view"}


@pytest.mark.parametrize("scope", ["read", "push", "manage"])
def test_an_operators_token_is_held_to_its_scope_and_place(scope: str, world: World) -> None:
    operator = User.objects.create(email="op@x.example", is_operator=True)
    whole, narrow = used(operator, scope=scope), used(operator, scope=scope, site=world.site)
    assert not narrow.is_full_operator
    assert whole.is_full_operator == (scope == "manage")
    seen = set() if scope == "push" else {world.site}
    assert set(Site.objects.visible_to(narrow)) == seen
    assert Organisation.objects.visible_to(narrow).count() == 0
    assert User.objects.visible_to(narrow).exclude(pk=operator.pk).count() == 0
    assert Site.objects.visible_to(whole).count() == (0 if scope == "push" else 2)


def test_a_place_narrows_to_it_and_to_all_below(world: World) -> None:
    region = Region.objects.create(organisation=world.org, name="North")
    north = make_site(world.org, "Northern", region=region)
    meter = make_meter(north)
    below = Organisation.objects.create(name="Below", parent=world.org)
    deep = make_meter(make_site(below))

    def sees(**place: Any) -> set[Meter]:
        return set(Meter.objects.visible_to(used(world.admin, **place)))

    assert sees(meter=meter) == {meter}
    assert sees(site=world.site) == {world.meter}
    assert sees(region=region) == {meter}
    assert sees(organisation=below) == {deep}
    assert sees(organisation=world.org) == {meter, deep, world.meter} == sees()


def test_a_narrowed_token_has_nothing_once_its_person_has_nothing_there(world: World) -> None:
    _, secret = tokens.create_token(Actor.of(world.viewer), user=world.viewer, name="t", site=world.site)
    Membership.objects.filter(user=world.viewer).update(site=make_site(world.org))
    assert not Meter.objects.visible_to(tokens.use_token(secret, now=timezone.now()).actor).exists()


def test_a_token_is_narrowed_to_a_place_within_ones_own_reach(world: World) -> None:
    for place in ({"organisation": world.other_org}, {"site": world.other_site}, {"meter": world.other_meter}):
        with pytest.raises(Forbidden):
            tokens.create_token(Actor.of(world.admin), user=world.admin, name="t", **place)


def test_a_token_creates_no_tokens_and_only_a_full_one_revokes_them(world: World) -> None:
    manage, read = used(world.admin, scope="manage"), used(world.admin)
    for actor in (manage, read):
        with pytest.raises(Forbidden):
            tokens.create_token(actor, user=world.admin, name="another")
    token = ApiToken.objects.get(scope="read")
    with pytest.raises(Forbidden):
        tokens.revoke_token(read, token=token)
    tokens.revoke_token(manage, token=token)
    assert [e.action for e in Event.objects.filter(action__startswith="token")][:1] == ["token.revoked"]


def test_a_token_used_too_often_gets_a_time_to_wait_and_others_do_not(world: World, settings: Any) -> None:
    settings.TOKEN_REQUESTS_PER_MINUTE = 3
    made = [tokens.create_token(Actor.of(world.viewer), user=world.viewer, name="t")[1] for _ in range(2)]
    for _ in range(3):
        tokens.use_token(made[0], now=timezone.now())
    with pytest.raises(TooMany) as refused:
        tokens.use_token(made[0], now=timezone.now())
    assert 1 <= refused.value.retry_after_s <= 120
    tokens.use_token(made[1], now=timezone.now())


def test_an_address_that_guesses_tokens_is_stopped_and_others_are_not(world: World) -> None:
    for n in range(30):
        with pytest.raises(tokens.Unauthenticated):
            tokens.use_token(f"ecl_{n}", now=datetime.now(UTC), origin="10.0.0.1")
    with pytest.raises(TooMany):
        tokens.use_token("ecl_x", now=datetime.now(UTC), origin="10.0.0.1")
    with pytest.raises(tokens.Unauthenticated):
        tokens.use_token("ecl_x", now=datetime.now(UTC), origin="10.0.0.2")
    _, secret = tokens.create_token(Actor.of(world.viewer), user=world.viewer, name="t")
    tokens.use_token(secret, now=datetime.now(UTC), origin="10.0.0.1")  # a good key opens all the same
