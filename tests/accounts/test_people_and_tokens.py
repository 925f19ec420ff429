from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth import authenticate

from eclectyc.accounts import organisations, people, tokens
from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import ApiToken, Membership, Organisation, User
from eclectyc.kernel.errors import Forbidden, Invalid, NotFound
from tests.factories import World

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()
GOOD = "tern over quiet water"


def test_an_operator_adds_a_person_who_can_sign_in(world: World) -> None:
    user = people.add_user(
        SYSTEM, email=" New.Person@Harbour.Example ", organisation=world.org, role="manager", password=GOOD
    )
    assert Actor.of(user).permissions_at(world.org.pk) == {"estate.view", "reports.view"}
    assert user.password.startswith("argon2")
    assert authenticate(username="new.person@harbour.EXAMPLE", password=GOOD) == user


def test_a_person_without_a_password_cannot_sign_in_yet(world: World) -> None:
    user = people.add_user(SYSTEM, email="a@b.example", organisation=world.org)
    assert Actor.of(user).permissions_at(world.org.pk) == {"estate.view"}
    assert authenticate(username="a@b.example", password="") is None


@pytest.mark.parametrize("role", ["viewer", "manager", "admin", "outsider"])
def test_only_operators_add_people_others_invite(role: str, world: World) -> None:
    with pytest.raises(Forbidden):
        people.add_user(Actor.of(getattr(world, role)), email="a@b.example", organisation=world.org)
    assert not User.objects.filter(email="a@b.example").exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": "a\x00@b.example"}, "email"),
        ({"email": "VIEWER@harbour.example"}, "email"),  # there already, in another case
        ({"role": "emperor"}, "role"),
        ({"password": "short"}, "password"),
        ({"password": "password1234"}, "password"),
        ({"password": "a@b.example"}, "password"),
        ({"name": "x" * 201}, "name"),
    ],
)
def test_invalid_fields_are_refused_by_name_and_nothing_is_stored(
    fields: dict[str, str], field: str, world: World
) -> None:
    before = User.objects.count(), Membership.objects.count()
    with pytest.raises(Invalid) as refused:
        people.add_user(SYSTEM, **{"email": "a@b.example", "organisation": world.org} | fields)
    assert refused.value.field == field
    assert (User.objects.count(), Membership.objects.count()) == before


def test_a_new_password_replaces_the_old(world: World) -> None:
    people.set_password(Actor.of(world.viewer), user=world.viewer, password=GOOD)
    assert authenticate(username=world.viewer.email, password=world.password) is None
    assert authenticate(username=world.viewer.email, password=GOOD) == world.viewer


def test_passwords_are_set_by_oneself_ones_administrator_or_an_operator(world: World) -> None:
    shared = people.add_user(SYSTEM, email="shared@both.example", organisation=world.org)
    Membership.objects.create(user=shared, organisation=world.other_org, role="admin")
    operator = people.add_user(SYSTEM, email="op@x.example", organisation=world.org, is_operator=True)
    allowed = [(world.viewer, world.viewer), (world.admin, world.viewer), (operator, shared)]
    refused = [
        (world.viewer, world.admin),
        (world.manager, world.viewer),
        (world.outsider, world.viewer),
        (world.admin, shared),  # would reach into the other organisation
        (world.admin, operator),
    ]
    for who, whose in allowed:
        people.set_password(Actor.of(who), user=whose, password=GOOD)
    for who, whose in refused:
        with pytest.raises(Forbidden):
            people.set_password(Actor.of(who), user=whose, password=GOOD)


def test_only_the_digest_of_a_token_is_kept(world: World) -> None:
    token, secret = tokens.create_token(Actor.of(world.viewer), user=world.viewer, name="boiler house")
    kept = ApiToken.objects.get()
    assert secret.startswith("ecl_")
    assert len(secret) >= 43
    assert (kept.pk, kept.scope, kept.prefix) == (token.pk, "read", secret[:12])
    assert secret not in str([getattr(kept, field.attname) for field in ApiToken._meta.fields])


def test_tokens_can_only_be_managed_by_their_owners(world: World) -> None:
    with pytest.raises(Forbidden):
        tokens.create_token(Actor.of(world.admin), user=world.viewer, name="mine")
    token, _ = tokens.create_token(SYSTEM, user=world.viewer, name="theirs")
    with pytest.raises(Forbidden):
        tokens.revoke_token(Actor.of(world.admin), token=token)
    first = tokens.revoke_token(Actor.of(world.viewer), token=token).revoked_at
    assert tokens.revoke_token(SYSTEM, token=token).revoked_at == first


@pytest.mark.parametrize(
    ("fields", "field"), [({"scope": "everything"}, "scope"), ({"name": " "}, "name"), ({"name": "x" * 101}, "name")]
)
def test_a_token_needs_a_name_and_a_scope(fields: dict[str, str], field: str, world: World) -> None:
    with pytest.raises(Invalid) as refused:
        tokens.create_token(SYSTEM, **{"user": world.viewer, "name": "t"} | fields)
    assert refused.value.field == field


def test_the_only_organisation_needs_no_name(world: World) -> None:
    viewer = Actor.of(world.viewer)
    assert organisations.organisation_named(viewer, None) == world.org
    assert organisations.organisation_named(viewer, "HARBOUR estates") == world.org
    with pytest.raises(NotFound):
        organisations.organisation_named(viewer, "Elsewhere Ltd")
    with pytest.raises(Invalid) as refused:
        organisations.organisation_named(SYSTEM, None)
    assert "Elsewhere Ltd, Harbour Estates" in refused.value.remedy


def test_organisations_are_added_by_operators_and_have_one_name(world: World) -> None:
    with pytest.raises(Forbidden):
        organisations.create(Actor.of(world.admin), name="Third")
    made = organisations.create(SYSTEM, name=" Third ")
    assert made.name == "Third"
    for name in ("third", "", "x" * 201, "a\x00"):
        with pytest.raises(Invalid):
            organisations.create(SYSTEM, name=name)
    assert Organisation.objects.count() == 3


def test_people_see_themselves_and_administrators_their_people(world: World) -> None:
    def seen(user: User) -> set[str]:
        return {person.email for person in User.objects.visible_to(Actor.of(user))}

    assert seen(world.viewer) == {world.viewer.email}
    assert seen(world.admin) == {world.viewer.email, world.manager.email, world.admin.email}
    assert seen(world.outsider) == {world.outsider.email}
    assert User.objects.visible_to(Actor.anonymous()).count() == 0
    with pytest.raises(NotFound):
        people.user_by_email(Actor.of(world.outsider), world.viewer.email)
    assert people.user_by_email(SYSTEM, world.viewer.email.upper()) == world.viewer


def test_a_token_with_a_moment_of_expiry_keeps_it(world: World) -> None:
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    token, _ = tokens.create_token(SYSTEM, user=world.viewer, name="t", expires_at=moment)
    assert ApiToken.objects.get(pk=token.pk).expires_at == moment
