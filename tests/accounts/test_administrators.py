"""The last administrator of an organisation cannot be removed, even by changes at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.db import connection

from eclectyc.accounts import custom_roles, memberships, organisations, people
from eclectyc.accounts.actor import Actor
from eclectyc.accounts.administrators import LastAdministrator
from eclectyc.accounts.models import Membership, Organisation, Role, User
from eclectyc.kernel.errors import EclectycError
from tests.factories import World, make_user, make_world

SYSTEM = Actor.system()
LATER = date.today() + timedelta(days=400)


def of(user: User) -> Membership:
    return user.memberships.get()


LOSING: dict[str, Callable[[World], object]] = {
    "ended": lambda w: memberships.end(SYSTEM, membership=of(w.admin)),
    "demoted": lambda w: memberships.change(SYSTEM, membership=of(w.admin), role="manager"),
    "given an end": lambda w: memberships.change(SYSTEM, membership=of(w.admin), until=LATER),
    "put off": lambda w: memberships.change(SYSTEM, membership=of(w.admin), since=LATER),
    "replaced": lambda w: memberships.set_role(SYSTEM, user=w.admin, organisation=w.org, role="viewer"),
    "deactivated": lambda w: people.deactivate(SYSTEM, user=w.admin),
    "deactivated by themselves": lambda w: people.deactivate(Actor.of(w.admin), user=w.admin),
}


@pytest.mark.django_db
@pytest.mark.parametrize("way", LOSING)
def test_the_last_administrator_stays(way: str, world: World) -> None:
    with pytest.raises(LastAdministrator) as refused:
        LOSING[way](world)
    assert world.org.name in refused.value.reason
    assert refused.value.remedy
    assert Actor.of(User.objects.get(pk=world.admin.pk)).may("people.edit", world.org.pk)


@pytest.mark.django_db
@pytest.mark.parametrize("way", LOSING)
def test_one_of_two_administrators_may_go(way: str, world: World) -> None:
    make_user("second@harbour.example", world.org, "admin")
    LOSING[way](world)
    then = Actor.of(User.objects.get(pk=world.admin.pk), today=LATER if way == "given an end" else None)
    assert not then.may("people.edit", world.org.pk)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "fields", [{"until": LATER}, {"since": LATER}, {"role": "manager"}, {"user__is_active": False}, {"site": True}]
)
def test_an_administrator_with_an_end_date_does_not_count(fields: dict[str, object], world: World) -> None:
    second = make_user("second@harbour.example", world.org, "admin")
    if fields.pop("user__is_active", None) is False:
        User.objects.filter(pk=second.pk).update(is_active=False)
    if fields.pop("site", None):
        fields["site"] = world.site
    if fields:
        Membership.objects.filter(user=second).update(**fields)
    with pytest.raises(LastAdministrator):
        memberships.end(SYSTEM, membership=of(world.admin))


@pytest.mark.django_db
def test_an_administrator_above_counts_and_so_does_a_custom_role(world: World) -> None:
    below = Organisation.objects.create(name="Below", parent=world.org)
    only = make_user("only@below.example", below, "admin")
    memberships.end(SYSTEM, membership=of(only))  # the administrator above is left
    role = Role.objects.create(organisation=world.org, name="Keeper", permissions=["people.edit"])
    keeper = User.objects.create(email="keeper@harbour.example")
    Membership.objects.create(user=keeper, organisation=world.org, custom_role=role, role="")
    memberships.end(SYSTEM, membership=of(world.admin))
    with pytest.raises(LastAdministrator):
        custom_roles.change(SYSTEM, role=role, permissions=["estate.view"])
    assert Role.objects.get().permissions == ["people.edit"]


@pytest.mark.django_db
def test_a_move_leaves_no_organisation_without_an_administrator(world: World) -> None:
    below = Organisation.objects.create(name="Below", parent=world.org)
    with pytest.raises(LastAdministrator):
        organisations.move(SYSTEM, organisation=below, parent=None)
    organisations.move(SYSTEM, organisation=below, parent=world.other_org)
    below.refresh_from_db()
    assert below.path == f"/{world.other_org.pk}/{below.pk}/"


@pytest.mark.django_db
def test_an_organisation_that_never_had_one_is_not_in_the_way(world: World) -> None:
    bare = Organisation.objects.create(name="Bare")
    person = make_user("viewer@bare.example", bare)
    memberships.end(SYSTEM, membership=of(person))


def at_once(*deeds: Callable[[], object]) -> list[str]:
    """Run changes in threads that start together; return the kind of error of each, or nothing."""
    gate, ends = threading.Barrier(len(deeds)), [""] * len(deeds)

    def run(n: int) -> None:
        gate.wait()
        try:
            deeds[n]()
        except EclectycError as error:
            ends[n] = error.code
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(deeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("deed", ["demote", "deactivate", "mixed"])
def test_of_two_administrators_who_remove_each_other_at_once_one_stays(home: object, deed: str) -> None:
    world = make_world()
    second = make_user("second@harbour.example", world.org, "admin")
    demote = [lambda u=u: memberships.change(SYSTEM, membership=of(u), role="viewer") for u in (world.admin, second)]
    shut_out = [lambda u=u: people.deactivate(SYSTEM, user=u) for u in (world.admin, second)]
    deeds = {"demote": demote, "deactivate": shut_out, "mixed": [demote[0], shut_out[1]]}[deed]
    for _ in range(3):
        assert sorted(at_once(*deeds)) == ["", "last_administrator"]
        Membership.objects.filter(organisation=world.org, user__in=(world.admin, second)).update(role="admin")
        User.objects.update(is_active=True)
