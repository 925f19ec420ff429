from __future__ import annotations

import pytest

from eclectyc.accounts import people
from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Membership, Organisation, User
from eclectyc.audit.models import Event, Personal
from eclectyc.kernel.errors import Forbidden, Invalid
from tests.factories import World, make_user

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()
GOOD = "tern over quiet water"


@pytest.fixture
def shared(world: World) -> User:
    """A person with a role in both organisations."""
    user = make_user("shared@both.example", world.org)
    Membership.objects.create(user=user, organisation=world.other_org, role="manager")
    return user


def test_a_person_of_two_organisations_is_removed_from_one_only(world: World, shared: User) -> None:
    people.deactivate(Actor.of(world.admin), user=shared)
    shared.refresh_from_db()
    assert shared.is_active
    assert [m.organisation_id for m in shared.memberships.all()] == [world.other_org.pk]
    assert not User.objects.visible_to(Actor.of(world.admin)).filter(pk=shared.pk).exists()
    assert Event.objects.get().action == "membership.ended"
    people.deactivate(Actor.of(world.outsider), user=shared)  # now all of theirs is there
    shared.refresh_from_db()
    assert not shared.is_active


def test_an_operator_deactivates_and_reactivates_anyone(world: World, shared: User) -> None:
    people.deactivate(SYSTEM, user=shared)
    shared.refresh_from_db()
    assert not Actor.of(shared).is_known
    with pytest.raises(Forbidden):
        people.reactivate(Actor.of(world.admin), user=shared)
    people.reactivate(SYSTEM, user=shared)
    shared.refresh_from_db()
    assert Actor.of(shared).may("estate.view", world.org.pk)


def test_an_administrator_above_reaches_people_below(world: World) -> None:
    below = Organisation.objects.create(name="Below", parent=world.org)
    person = make_user("person@below.example", below, "admin")
    people.rename(Actor.of(world.admin), user=person, name="Pat")
    people.set_password(Actor.of(world.admin), user=person, password=GOOD)
    with pytest.raises(Forbidden):
        people.set_password(Actor.of(person), user=world.viewer, password=GOOD)


def test_a_person_with_more_rights_than_the_actor_cannot_be_changed(world: World) -> None:
    keeper = make_user("keeper@harbour.example", world.org)
    Membership.objects.filter(user=keeper).update(site=world.site, role="admin")
    for user in (world.viewer, world.admin):
        for deed in (people.deactivate, people.reactivate):
            with pytest.raises(Forbidden):
                deed(Actor.of(keeper), user=user)
        with pytest.raises(Forbidden):
            people.set_password(Actor.of(keeper), user=user, password=GOOD)
    clerk = make_user("clerk@harbour.example", world.org)
    role = world.org.custom_roles.create(name="Clerk", permissions=["people.edit"])
    Membership.objects.filter(user=clerk).update(custom_role=role, role="")
    with pytest.raises(Forbidden):
        people.set_password(Actor.of(clerk), user=world.manager, password=GOOD)
    with pytest.raises(Forbidden):
        people.deactivate(Actor.of(clerk), user=world.manager)


@pytest.mark.parametrize("who", ["viewer", "manager", "admin", "outsider"])
def test_operators_can_only_be_changed_by_operators(who: str, world: World) -> None:
    operator = people.add_user(SYSTEM, email="op@x.example", organisation=world.org, is_operator=True)
    actor = Actor.of(getattr(world, who))
    for deed in (
        lambda: people.deactivate(actor, user=operator),
        lambda: people.reactivate(actor, user=operator),
        lambda: people.rename(actor, user=operator, name="Mine"),
        lambda: people.set_password(actor, user=operator, password=GOOD),
        lambda: people.set_operator(actor, user=operator, is_operator=False),
        lambda: people.set_operator(actor, user=getattr(world, who), is_operator=True),
        lambda: people.change_email(actor, user=operator, email="x@y.example"),
    ):
        with pytest.raises(Forbidden):
            deed()


def test_one_renames_oneself_and_the_name_stays_out_of_the_sealed_part(world: World) -> None:
    people.rename(Actor.of(world.viewer), user=world.viewer, name=" Vera ")
    event = Event.objects.get()
    assert (event.action, event.before, event.after) == ("person.renamed", {}, {})
    assert Personal.objects.get().text["name"] == "Vera"
    for name in ("x" * 201, "a\x00b", "a\nb"):
        with pytest.raises(Invalid):
            people.rename(Actor.of(world.viewer), user=world.viewer, name=name)


def test_an_address_is_changed_by_operators_and_stays_unique(world: World) -> None:
    assert people.change_email(SYSTEM, user=world.viewer, email="v@Harbour.Example").email == "v@harbour.example"
    for email in ("ADMIN@harbour.example", "nobody", "a\x00@b.example"):
        with pytest.raises(Invalid):
            people.change_email(SYSTEM, user=world.viewer, email=email)
    with pytest.raises(Forbidden):
        people.change_email(Actor.of(world.admin), user=world.viewer, email="x@y.example")


def test_a_stolen_token_cannot_change_the_password(world: World) -> None:
    by_token = Actor(label="x", user_id=world.viewer.pk, grants=Actor.of(world.viewer).grants, token_id=1)
    with pytest.raises(Forbidden):
        people.set_password(by_token, user=world.viewer, password=GOOD)
