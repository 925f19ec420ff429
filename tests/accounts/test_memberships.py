"""Who may grant which role where: cases, and a plain reference for random trees."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eclectyc.accounts import memberships
from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Membership, Organisation, Role, User
from eclectyc.accounts.roles import PERMISSIONS, ROLE_PERMISSIONS
from eclectyc.audit.models import Event, Personal
from eclectyc.estate.models import Meter, Region, Site
from eclectyc.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from tests.factories import World, make_site, make_user

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()
TODAY = date.today()


def site_keeper(world: World) -> User:
    """A person who may edit the people of one site only."""
    user = User.objects.create(email="keeper@harbour.example")
    Membership.objects.create(user=user, organisation=world.org, site=world.site, role="admin")
    return user


def test_a_contractor_sees_one_site_until_the_first_day_that_is_no_longer_theirs(world: World) -> None:
    contractor = make_user("contractor@elsewhere.example", world.other_org)
    memberships.grant(
        SYSTEM, user=contractor, site=world.site, since=TODAY - timedelta(days=3), until=TODAY + timedelta(days=1)
    )
    sees = Site.objects.visible_to
    assert set(sees(Actor.of(contractor))) == {world.site, world.other_site}
    assert set(sees(Actor.of(contractor, today=TODAY + timedelta(days=1)))) == {world.other_site}
    assert set(sees(Actor.of(contractor, today=TODAY - timedelta(days=4)))) == {world.other_site}


def test_a_former_member_can_read_nothing_of_an_organisation(world: World) -> None:
    leaver = make_user("leaver@elsewhere.example", world.other_org)
    day = timedelta(days=1)
    over = memberships.grant(SYSTEM, user=leaver, site=world.site, since=TODAY - 9 * day, until=TODAY - 2 * day)
    coming = memberships.grant(SYSTEM, user=leaver, site=world.site, since=TODAY + 2 * day, role="manager")
    seen = Membership.objects.visible_to(Actor.of(leaver))
    assert {m.organisation_id for m in seen} == {world.org.pk, world.other_org.pk}
    assert coming in seen
    assert over not in seen
    assert over in Membership.objects.visible_to(Actor.of(world.admin))


def test_a_role_is_granted_and_recorded_without_a_name_in_the_sealed_part(world: World) -> None:
    membership = memberships.grant(Actor.of(world.admin), user=world.viewer, meter=world.meter, role="manager")
    event = Event.objects.get(action="membership.granted")
    assert event.organisation_id == world.org.pk
    assert event.after == {"role": "manager", "organisation": world.org.pk, "meter": world.meter.pk}
    assert Personal.objects.get(event=event).text == {"person": world.viewer.email}
    assert membership.place.meter == world.meter.pk


def test_rights_that_the_actor_does_not_have_there_cannot_be_granted(world: World) -> None:
    keeper = Actor.of(site_keeper(world))
    colleague = make_user("colleague@harbour.example", world.org)
    Membership.objects.filter(user=colleague).update(site=world.site)
    memberships.grant(keeper, user=colleague, site=world.site, role="manager")
    memberships.grant(keeper, user=colleague, meter=world.meter, role="admin")
    for place in ({"organisation": world.org}, {"site": make_site(world.org)}, {"meter": world.other_meter}):
        with pytest.raises(Forbidden):
            memberships.grant(keeper, user=colleague, **place)
    role = Role.objects.create(organisation=world.org, name="Clerk", permissions=["people.edit", "estate.view"])
    clerk = User.objects.create(email="clerk@harbour.example")
    Membership.objects.create(user=clerk, organisation=world.org, custom_role=role, role="")
    memberships.grant(Actor.of(clerk), user=world.viewer, site=world.site, role="viewer")
    with pytest.raises(Forbidden, match="rights that you do not have"):
        memberships.grant(Actor.of(clerk), user=world.viewer, site=world.site, role="manager")
    with pytest.raises(Forbidden, match="rights that you do not have"):  # nor takes it from those who have more
        memberships.end(Actor.of(clerk), membership=world.manager.memberships.get())


@pytest.mark.parametrize("who", ["viewer", "manager", "outsider"])
def test_a_person_who_may_not_edit_people_grants_nothing(who: str, world: World) -> None:
    actor = Actor.of(getattr(world, who))
    with pytest.raises(Forbidden):
        memberships.grant(actor, user=getattr(world, who), organisation=world.org, role="admin")
    with pytest.raises(Forbidden):
        memberships.end(actor, membership=world.manager.memberships.get())
    with pytest.raises(Forbidden):
        memberships.change(actor, membership=world.viewer.memberships.get(), role="admin")


def test_a_stranger_is_not_found_and_an_operator_cannot_be_changed(world: World) -> None:
    admin = Actor.of(world.admin)
    with pytest.raises(NotFound):
        memberships.grant(admin, user=world.outsider, organisation=world.org)
    operator = make_user("operator@harbour.example", world.org)
    User.objects.filter(pk=operator.pk).update(is_operator=True)
    operator.refresh_from_db()
    with pytest.raises(Forbidden, match="Only operators can change operators"):
        memberships.end(admin, membership=operator.memberships.get())


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"role": "emperor"}, "role"),
        ({"since": TODAY, "until": TODAY}, "until"),
        ({"until": date(1, 1, 1)}, "until"),
        ({"since": date(9999, 12, 31)}, "since"),
        ({"both": True}, "site"),
        ({"other": True}, "organisation"),
        ({"nowhere": True}, "organisation"),
        ({"two roles": True}, "role"),
        ({"foreign role": True}, "custom_role"),
    ],
)
def test_invalid_fields_are_refused_by_name(fields: dict[str, Any], field: str, world: World) -> None:
    foreign = Role.objects.create(organisation=world.other_org, name="Theirs", permissions=["estate.view"])
    own = Role.objects.create(organisation=world.org, name="Ours", permissions=["estate.view"])
    case: dict[str, Any] = {"organisation": world.org} | {
        "both": {"site": world.site, "meter": world.meter},
        "other": {"site": world.other_site},
        "nowhere": {"organisation": None},
        "two roles": {"role": "viewer", "custom_role": own},
        "foreign role": {"custom_role": foreign},
    }.get(next(iter(fields)), fields)
    with pytest.raises(Invalid) as refused:
        memberships.grant(SYSTEM, user=world.viewer, **case)
    assert refused.value.field == field


def test_the_same_role_twice_is_refused_while_it_runs(world: World) -> None:
    end = TODAY + timedelta(days=10)
    memberships.grant(SYSTEM, user=world.viewer, site=world.site, until=end)
    with pytest.raises(Conflict):
        memberships.grant(SYSTEM, user=world.viewer, site=world.site)
    memberships.grant(SYSTEM, user=world.viewer, site=world.site, since=end)
    memberships.grant(SYSTEM, user=world.viewer, site=world.site, role="manager")


def test_a_change_acts_at_once_and_keeps_what_is_left_out(world: World) -> None:
    membership = memberships.grant(SYSTEM, user=world.viewer, site=world.site, until=TODAY + timedelta(days=9))
    changed = memberships.change(SYSTEM, membership=membership, role="manager")
    assert (changed.role, changed.until) == ("manager", membership.until)
    role = Role.objects.create(organisation=world.org, name="Reader", permissions=["exports.run"])
    changed = memberships.change(SYSTEM, membership=membership, custom_role=role)
    assert (changed.role, changed.role_name) == ("", "Reader")
    assert Actor.of(world.viewer).may("exports.run", world.site.place)
    assert memberships.change(SYSTEM, membership=membership, until=None).until is None
    event = Event.objects.filter(action="membership.changed").first()
    assert event is not None
    assert ("until" in event.before, "until" in event.after) == (True, False)
    memberships.end(SYSTEM, membership=membership)
    assert not Actor.of(world.viewer).may("exports.run", world.site.place)
    with pytest.raises(NotFound):
        memberships.end(SYSTEM, membership=membership)


# The reference: one membership at a time, applied as documented.

NAMES = sorted(PERMISSIONS)
KINDS = ("organisation", "region", "site", "meter")


def permissions_of_role(role: str | list[str]) -> set[str]:
    found = set(ROLE_PERMISSIONS[role]) if isinstance(role, str) else set(role)
    return found | ({"people.view"} if "people.edit" in found else set())


def chain(kind: str, thing: Any) -> list[Any]:
    """Return everything that a thing lies within, itself first, up to the top of the tree."""
    found = [thing]
    if kind == "meter":
        found += chain("site", thing.site)
    elif kind == "site":
        found += chain("region", thing.region) if thing.region else chain("organisation", thing.organisation)
    elif kind == "region":
        found += chain("organisation", thing.organisation)
    elif thing.parent:
        found += chain("organisation", thing.parent)
    return found


@given(st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_a_grant_is_allowed_exactly_where_the_giver_has_all_of_it(db: None, data: st.DataObject) -> None:
    for model in (Membership, Role, Meter, Site, Region, User):
        model.objects.all().delete()
    for organisation in Organisation.objects.order_by("-path"):
        organisation.delete()
    tops = [Organisation.objects.create(name="top"), Organisation.objects.create(name="beside")]
    mids = [Organisation.objects.create(name="mid", parent=tops[0])]
    regions = [Region.objects.create(organisation=o, name="R") for o in (tops[0], mids[0])]
    sites = [Site.objects.create(organisation=r.organisation, region=r, name=f"S{n}") for n, r in enumerate(regions)]
    sites.append(Site.objects.create(organisation=tops[1], name="S"))
    meters = [Meter.objects.create(organisation=s.organisation, site=s, identifier=f"M{s.pk}") for s in sites]
    things = {"organisation": tops + mids, "region": regions, "site": sites, "meter": meters}
    roles = st.sampled_from(["viewer", "manager", "admin"]) | st.lists(st.sampled_from(NAMES), min_size=1, max_size=4)
    place = st.sampled_from([(kind, thing) for kind in KINDS for thing in things[kind]])

    def position(role: str | list[str], kind: str, thing: Any) -> dict[str, Any]:
        owner = thing if kind == "organisation" else thing.organisation
        fields = {kind: thing}
        if isinstance(role, str):
            return fields | {"role": role}
        made = Role.objects.create(organisation=owner, name=f"c{Role.objects.count()}", permissions=role)
        return fields | {"custom_role": made}

    giver, other = User.objects.create(email="giver@x.example"), User.objects.create(email="other@x.example")
    held = data.draw(st.lists(st.tuples(roles, place), max_size=3), label="held")
    for role, (kind, thing) in held:
        owner = thing if kind == "organisation" else thing.organisation
        Membership.objects.create(user=giver, **{"organisation": owner, "role": ""} | position(role, kind, thing))
    role, (kind, thing) = data.draw(st.tuples(roles, place), label="given")
    # The other person is at a place where everyone who sees the place sees them.
    owner = thing if kind == "organisation" else thing.organisation
    mark = Role.objects.create(organisation=owner, name="mark", permissions=["estate.view"])
    Membership.objects.create(user=other, **{"organisation": owner, "role": "", "custom_role": mark, kind: thing})

    has: set[str] = set()
    for own, (its_kind, its_thing) in held:
        if its_thing in chain(kind, thing) and type(its_thing) is type(things[its_kind][0]):
            has |= permissions_of_role(own)
    wanted = permissions_of_role(role)
    allowed = "people.edit" in has and wanted <= has
    before = Membership.objects.count()
    try:
        memberships.grant(Actor.of(giver), user=other, **position(role, kind, thing))
        was_allowed = True
    except Forbidden:
        was_allowed = False
    assert was_allowed == allowed
    assert Membership.objects.count() == before + allowed
