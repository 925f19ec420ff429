"""Rights never grow: not through a narrowed token, nor by being granted."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.test import Client, override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eclectyc.accounts import custom_roles, memberships
from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import ApiToken, Membership, Organisation, Role, User
from eclectyc.accounts.reach import Place, Reach
from eclectyc.accounts.roles import PERMISSIONS, ROLES
from eclectyc.accounts.tokens import use_token
from eclectyc.estate.models import Meter, Region, Series, Site
from eclectyc.kernel.errors import EclectycError
from tests.access.test_visible_to import Built, estates

pytestmark = pytest.mark.django_db
KINDS = ("organisation", "region", "site", "meter")
steady = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


def build(plan: dict[str, Any]) -> Built:
    """Build an estate; each example is in a transaction that is rolled back."""
    for model in (Membership, Role, Series, Meter, Site, Region):
        model.objects.all().delete()
    return Built(plan)


def things_of(built: Built, kind: str) -> list[Any]:
    return {"organisation": built.organisations, "region": built.regions, "site": built.sites, "meter": built.meters}[
        kind
    ]


@given(estates(), st.sampled_from(KINDS), st.integers(0, 5), st.sampled_from(["read", "manage"]))
@steady
def test_a_narrowed_token_shows_what_its_person_sees_within_its_place_and_no_more(
    db: None, plan: dict[str, Any], kind: str, n: int, scope: str
) -> None:
    with transaction.atomic(), override_settings(TOKEN_REQUESTS_PER_MINUTE=10**6):
        built = build(plan)
        things = things_of(built, kind)
        if things:
            thing = things[n % len(things)]
            organisation = thing if kind == "organisation" else thing.organisation
            secret = ApiToken.new_secret()
            place = {} if kind == "organisation" else {kind: thing}
            ApiToken.objects.create(
                user=built.user, organisation=organisation, name="t", prefix="t", scope=scope,
                digest=ApiToken.digest_of(secret), **place,
            )  # fmt: skip
            whole = Actor.of(built.user)
            numbers = frozenset({thing.pk})
            if kind == "organisation":
                numbers = frozenset(
                    o.pk for o in built.organisations if thing.pk in Organisation.objects.get(pk=o.pk).ancestry
                )
            narrowing = Reach(**{f"{kind}s": numbers})
            client = Client(headers={"Authorization": f"Bearer {secret}"})
            for path, every in (("meters", built.meters), ("sites", built.sites)):
                wanted = {t.pk for t in every if whole.may("estate.view", t.place) and narrowing.covers(t.place)}
                answer = client.get(f"/api/{path}?limit=1000").json()
                assert {item["id"] for item in answer["items"]} == wanted
                assert answer["count"] == len(wanted)
            use = use_token(secret, now=built.user.created_at).actor
            for meter in built.meters:
                for permission in PERMISSIONS:
                    both = whole.may(permission, meter.place) and narrowing.covers(meter.place)
                    assert not use.may(permission, meter.place) or both
        transaction.set_rollback(True)


moves = st.lists(
    st.tuples(
        st.sampled_from(["grant", "role", "change role", "change"]),
        st.sampled_from(KINDS),
        st.integers(0, 7),
        st.sampled_from([*ROLES, "blind", "reporter", "made"]),
        st.lists(st.sampled_from(sorted(PERMISSIONS)), max_size=4),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


@given(estates(), moves)
@steady
def test_no_one_gains_a_right_that_the_granter_did_not_have(db: None, plan: dict[str, Any], moves: Any) -> None:
    with transaction.atomic():
        built = build(plan)
        places = [Place(o.pk) for o in built.organisations]
        places += [t.place for t in (*built.regions, *built.sites, *built.meters)]
        other = User.objects.create(email="other@example.org")
        if built.organisations:
            Membership.objects.create(user=other, organisation=built.organisations[0], role="viewer")
        giver = Actor.of(built.user)
        before = {user.pk: [Actor.of(user).permissions_at(p) for p in places] for user in (built.user, other)}
        own = [giver.permissions_at(place) for place in places]
        for move in moves:
            try_move(Actor.of(built.user), built, other, *move)
        for user in (built.user, other):
            now = Actor.of(User.objects.get(pk=user.pk))
            for place, had, givers in zip(places, before[user.pk], own, strict=True):
                assert now.permissions_at(place) <= had | givers, (place, moves)
        transaction.set_rollback(True)


def try_move(
    actor: Actor,
    built: Built,
    other: User,
    what: str,
    kind: str,
    n: int,
    role: str,
    permissions: list[str],
    to_self: bool,
) -> None:
    """Do one thing that could hand on a right; a refusal is as good."""
    things = things_of(built, kind)
    user = built.user if to_self else other
    custom = Role.objects.filter(name=role).first()
    chosen: dict[str, Any] = {"custom_role": custom} if custom else {"role": role if role in ROLES else "viewer"}
    try:
        with transaction.atomic():
            if what == "grant" and things:
                memberships.grant(actor, user=user, **{kind: things[n % len(things)]}, **chosen)
            elif what == "role" and built.organisations:
                organisation = built.organisations[n % len(built.organisations)]
                custom_roles.create(actor, organisation=organisation, name="made", permissions=permissions)
            elif what == "change role" and custom is not None:
                custom_roles.change(actor, role=custom, permissions=permissions)
            elif what == "change" and user.memberships.exists():
                memberships.change(actor, membership=user.memberships.order_by("pk")[0], **chosen)
    except EclectycError:
        pass  # refused: nothing is handed on
