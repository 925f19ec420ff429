"""What a person sees equals a slow, obvious reading of their memberships, for random trees and memberships."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Membership, Organisation, Role, User
from eclectyc.accounts.reach import Reach
from eclectyc.estate.models import Meter, Region, Series, Site

TODAY = date(2026, 6, 15)
DATES = st.sampled_from([None, date(2026, 6, 14), date(2026, 6, 15), date(2026, 6, 16)])

pytestmark = pytest.mark.django_db


@st.composite
def estates(draw: st.DrawFn) -> dict:
    """Draw an estate as plain data: parents of organisations, places of regions, sites and meters, memberships."""
    organisations = draw(st.integers(1, 5))
    parents = [None] + [draw(st.sampled_from([None, *range(n)])) for n in range(1, organisations)]
    which = st.integers(0, organisations - 1)
    regions = draw(st.lists(which, max_size=4))
    sites = draw(st.lists(st.tuples(which, st.integers(0, 3)), max_size=6))
    meters = draw(st.lists(st.integers(0, 5), max_size=8))
    scope = st.tuples(st.sampled_from(["organisation", "region", "site", "meter"]), st.integers(0, 7))
    role = st.sampled_from(["viewer", "manager", "admin", "blind", "reporter"])
    memberships = draw(st.lists(st.tuples(which, scope, role, DATES, DATES), max_size=4))
    return {
        "parents": parents, "regions": regions, "sites": sites, "meters": meters, "memberships": memberships,
    }  # fmt: skip


class Built:
    """The same estate in the registry."""

    def __init__(self, plan: dict) -> None:
        Membership.objects.all().delete()
        Role.objects.all().delete()
        Series.objects.all().delete()
        Meter.objects.all().delete()
        Site.objects.all().delete()
        Region.objects.all().delete()
        for organisation in Organisation.objects.order_by("-path"):
            organisation.delete()
        User.objects.all().delete()
        self.user = User.objects.create(email="somebody@example.org")
        self.organisations: list[Organisation] = []
        for n, parent in enumerate(plan["parents"]):
            above = None if parent is None else self.organisations[parent]
            self.organisations.append(Organisation.objects.create(name=f"O{n}", parent=above))
        self.regions = [
            Region.objects.create(organisation=self.organisations[o], name=f"R{n}")
            for n, o in enumerate(plan["regions"])
        ]
        self.sites = []
        for n, (o, r) in enumerate(plan["sites"]):
            region = self.regions[r] if r < len(self.regions) else None
            if region is not None and region.organisation_id != self.organisations[o].pk:
                region = None
            self.sites.append(Site.objects.create(organisation=self.organisations[o], region=region, name=f"S{n}"))
        self.meters = []
        for n, s in enumerate(plan["meters"]):
            if s < len(self.sites):
                site = self.sites[s]
                meter = Meter.objects.create(organisation=site.organisation, site=site, identifier=f"M{n}")
                Series.objects.create(meter=meter)
                self.meters.append(meter)
        self.memberships = [m for m in (self._member(*m) for m in plan["memberships"]) if m is not None]

    def _member(self, o: int, scope: tuple[str, int], role: str, since: date, until: date) -> Membership | None:
        kind, n = scope
        organisation = self.organisations[o]
        fields: dict = {}
        if kind != "organisation":
            things = {"region": self.regions, "site": self.sites, "meter": self.meters}[kind]
            if n >= len(things):
                return None
            fields[kind] = things[n]
            organisation = things[n].organisation
        if role in ("blind", "reporter"):
            permissions = {"blind": ["people.edit", "no.such"], "reporter": ["reports.view", "estate.view"]}[role]
            custom, _ = Role.objects.get_or_create(
                organisation=organisation, name=role, defaults={"permissions": permissions}
            )
            fields |= {"custom_role": custom, "role": ""}
        else:
            fields["role"] = role
        return Membership.objects.create(user=self.user, organisation=organisation, since=since, until=until, **fields)


def is_under(organisation: Organisation | None, top: Organisation) -> bool:
    """Walk up the tree, one parent at a time."""
    while organisation is not None:
        if organisation.pk == top.pk:
            return True
        organisation = Organisation.objects.get(pk=organisation.pk).parent
    return False


def may_see(membership: Membership, organisation: Organisation, site: Site | None, meter: Meter | None) -> bool:
    """Apply one membership as documented."""
    if membership.since is not None and membership.since > TODAY:
        return False
    if membership.until is not None and membership.until <= TODAY:
        return False
    if membership.custom_role is not None and "estate.view" not in membership.custom_role.permissions:
        return False
    if membership.meter is not None:
        return meter is not None and meter.pk == membership.meter.pk
    if membership.site is not None:
        return site is not None and site.pk == membership.site.pk
    if membership.region is not None:
        return site is not None and site.region is not None and site.region.pk == membership.region.pk
    return is_under(organisation, membership.organisation)


@given(estates())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_sites_meters_and_series_are_visible_exactly_as_the_memberships_say(db, plan):
    built = Built(plan)
    actor = Actor.of(built.user, today=TODAY)
    sees = lambda o, s, m: any(may_see(member, o, s, m) for member in built.memberships)  # noqa: E731
    sites = {s.pk for s in built.sites if sees(s.organisation, s, None)}
    meters = {m.pk for m in built.meters if sees(m.organisation, m.site, m)}
    assert set(Site.objects.visible_to(actor).values_list("pk", flat=True)) == sites
    assert set(Meter.objects.visible_to(actor).values_list("pk", flat=True)) == meters
    assert set(Series.objects.visible_to(actor).values_list("meter", flat=True)) == meters
    assert {m.pk for m in built.meters if actor.may("estate.view", m.place)} == meters
    assert {s.pk for s in built.sites if actor.may("estate.view", s.place)} == sites


@given(estates(), st.sampled_from(["organisation", "region", "site", "meter"]), st.integers(0, 5))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_a_narrowing_never_shows_more(db, plan, kind, n):
    built = Built(plan)
    whole = Actor.of(built.user, today=TODAY)
    things = {"organisation": built.organisations, "region": built.regions, "site": built.sites, "meter": built.meters}
    pks = frozenset(thing.pk for thing in things[kind][n : n + 1])
    narrowing = Reach(**{f"{kind}s": pks})
    narrow = Actor(label=whole.label, user_id=whole.user_id, grants=whole.grants, narrowed=narrowing)
    seen = set(Meter.objects.visible_to(narrow).values_list("pk", flat=True))
    all_seen = set(Meter.objects.visible_to(whole).values_list("pk", flat=True))
    inside = {m.pk for m in built.meters if narrowing.covers(m.place)}
    assert seen == all_seen & inside


def test_moving_an_organisation_moves_all_below_it(db):
    top, other = Organisation.objects.create(name="Top"), Organisation.objects.create(name="Other")
    middle = Organisation.objects.create(name="Middle", parent=top)
    leaf = Organisation.objects.create(name="Leaf", parent=middle)
    middle.parent = other
    middle.save()
    leaf.refresh_from_db()
    assert leaf.ancestry == [other.pk, middle.pk, leaf.pk]


def test_an_organisation_is_never_below_itself(db):
    from eclectyc.kernel.errors import Invalid

    top = Organisation.objects.create(name="Top")
    leaf = Organisation.objects.create(name="Leaf", parent=top)
    top.parent = leaf
    with pytest.raises(Invalid):
        top.save()
    top.refresh_from_db()
    assert top.parent is None
