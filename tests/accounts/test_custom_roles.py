from __future__ import annotations

from typing import Any

import pytest

from eclectyc.accounts import custom_roles, invitations, memberships
from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Membership, Organisation, Role
from eclectyc.audit.models import Event
from eclectyc.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from tests.factories import World, make_user

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()


def test_a_role_made_above_can_be_given_below_and_acts_at_once(world: World) -> None:
    admin = Actor.of(world.admin)
    below = Organisation.objects.create(name="Below", parent=world.org)
    role = custom_roles.create(admin, organisation=world.org, name="Reader", permissions=["estate.view"])
    person = make_user("x@below.example", below)
    membership = memberships.change(Actor.of(world.admin), membership=person.memberships.get(), custom_role=role)
    assert not Actor.of(person).may("reports.view", below.pk)
    custom_roles.change(admin, role=role, permissions=["estate.view", "reports.view"])
    assert Actor.of(person).may("reports.view", below.pk)
    with pytest.raises(Conflict, match="1 membership and"):
        custom_roles.delete(admin, role=role)
    memberships.end(Actor.of(world.admin), membership=membership)
    custom_roles.delete(admin, role=role)
    assert [e.action for e in Event.objects.filter(subject_type="role")] == [
        "role.deleted", "role.changed", "role.created",
    ]  # fmt: skip


def test_an_offered_role_cannot_be_deleted_while_the_invitation_is_open(world: World) -> None:
    role = custom_roles.create(SYSTEM, organisation=world.org, name="Reader", permissions=["estate.view"])
    offer = invitations.invite(SYSTEM, email="x@y.example", organisation=world.org, custom_role=role)
    with pytest.raises(Conflict, match=r"1 open invitation\."):
        custom_roles.delete(SYSTEM, role=role)
    invitations.withdraw(SYSTEM, invitation=offer)
    custom_roles.delete(SYSTEM, role=role)
    with pytest.raises(NotFound):
        custom_roles.delete(SYSTEM, role=role)


def test_a_role_cannot_contain_rights_that_its_editor_does_not_have(world: World) -> None:
    limited = Role.objects.create(
        organisation=world.org, name="Limited", permissions=["roles.edit", "people.edit", "estate.view"]
    )
    clerk = make_user("clerk@harbour.example", world.org)
    Membership.objects.filter(user=clerk).update(custom_role=limited, role="")
    actor = Actor.of(clerk)
    custom_roles.create(actor, organisation=world.org, name="Viewer of ours", permissions=["estate.view"])
    with pytest.raises(Forbidden, match=r"estate\.edit"):
        custom_roles.create(actor, organisation=world.org, name="More", permissions=["estate.edit"])
    with pytest.raises(Forbidden, match=r"audit\.view"):  # their own role neither
        custom_roles.change(actor, role=limited, permissions=["roles.edit", "audit.view"])
    above = Role.objects.create(organisation=world.org, name="Above", permissions=["audit.view"])
    with pytest.raises(Forbidden):
        custom_roles.change(actor, role=above, permissions=["estate.view"])


@pytest.mark.parametrize("who", ["viewer", "manager", "outsider"])
def test_roles_are_edited_by_those_who_may(who: str, world: World) -> None:
    role = Role.objects.create(organisation=world.org, name="R", permissions=["estate.view"])
    actor = Actor.of(getattr(world, who))
    for deed in (
        lambda: custom_roles.create(actor, organisation=world.org, name="X", permissions=["estate.view"]),
        lambda: custom_roles.change(actor, role=role, name="X"),
        lambda: custom_roles.delete(actor, role=role),
    ):
        with pytest.raises(Forbidden):
            deed()
    assert not Role.objects.visible_to(actor).exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "Admin"}, "name"),
        ({"name": " "}, "name"),
        ({"name": "reader"}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"permissions": ["no.such"]}, "permissions"),
        ({"permissions": []}, "permissions"),
    ],
)
def test_a_role_has_a_unique_name_and_known_permissions(fields: dict[str, Any], field: str, world: World) -> None:
    custom_roles.create(SYSTEM, organisation=world.org, name="Reader", permissions=["estate.view"])
    case = {"name": "Another", "permissions": ["estate.view"]} | fields
    with pytest.raises(Invalid) as refused:
        custom_roles.create(SYSTEM, organisation=world.org, **case)
    assert refused.value.field == field
