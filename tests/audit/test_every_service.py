"""Every service that takes an actor and changes something leaves an event. A new one needs a line here.

All rooms are walked: each public function with an ``actor`` stands either in ``DEEDS``, with a call of it that changes
something, or in ``CHANGES_NOTHING``.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings

from eclectyc.accounts import custom_roles, invitations, memberships, organisations, people, second_factor, tokens
from eclectyc.accounts.actor import Actor
from eclectyc.audit.models import Event
from eclectyc.derived.virtual import delete
from eclectyc.estate import (
    bulk,
    devices,
    meters,
    placements,
    regions,
    series,
    sites,
    suppliers,
)
from eclectyc.estate.fact_entries import add_entry, change_entry, remove_entry
from eclectyc.estate.facts import CORRECTION, FACTS, METRIC, MULTIPLIER
from eclectyc.external.values import remove_value, store_values
from eclectyc.gas import service as gas
from eclectyc.gas.calorific_values import CALORIFIC_VALUE
from eclectyc.intake.feeds import service as feeds
from eclectyc.intake.profiles import service as profiles
from eclectyc.intake.profiles.mapping import mapping_of
from eclectyc.intake.uploads import service as uploads
from eclectyc.intake.uploads.models import Upload
from eclectyc.jobs import alerts, schedules
from eclectyc.jobs import service as jobs
from eclectyc.operations import first_user
from tests.factories import World

pytestmark = pytest.mark.django_db
ROOMS = (
    "accounts", "batches", "derived", "estate", "external", "gas", "intake", "jobs", "mail", "operations", "privacy",
    "registers",
)  # fmt: skip

CHANGES_NOTHING = {
    # they ask, find, list or check
    "accounts.memberships.protect_operator", "accounts.organisations.organisation_named",
    "accounts.people.user_by_email", "accounts.role_assignments.require_may_grant",
    "accounts.access_log.record_people_read", "accounts.access_log.record_memberships_read",
    "accounts.access_log.record_invitations_read",
    "estate.lists.meters", "estate.lists.sites", "estate.lists.regions", "estate.lists.suppliers",
    "estate.lists.matching_meters", "estate.lists.matching_sites", "estate.meters.require_editor",
    "estate.regions.find_or_create_region", "estate.suppliers.find_or_create_supplier", "operations.summaries.totals",
    # the parts of export, which writes the event
    "operations.exports.meters", "operations.exports.sites", "operations.exports.daily", "operations.exports.monthly",
    "operations.exports.readings",
    # the parts that every deed of the estate and of memberships is made of; they write the event themselves
    "estate.history.record_change", "estate.fact_entries.insert_entry",
    "estate.formula_changes.set_formula",
    "estate.changes.write", "estate.changes.remove", "accounts.memberships.remove",
    "intake.uploads.import_history.import_entries", "intake.uploads.import_history.import_entry",
    "intake.profiles.selected_profile.selected_reader",
    "intake.push.service.may_push",
    "estate.virtual.meaning_of", "estate.virtual.refuse_circle", "estate.virtual.refuse_if_used",
    "estate.meters.refuse_deletion", "estate.formula_visibility.visible_formula",
    "estate.formula_visibility.visible_formulas",
    "gas.lists.regions", "external.summaries.places", "external.summaries.months", "external.summaries.month_values",
    "intake.profiles.match.matching_profiles", "intake.profiles.preview.preview_of",
    "intake.profiles.service.find_profile",
    "intake.profiles.service.profile_named", "intake.uploads.rejected.rejected_lines",
    "intake.uploads.service.check_options",
    "intake.uploads.service.read_options",
    # answers on their way: what is made of them writes the event
    "intake.uploads.service.save_draft",
    "privacy.personal_data.require_person", "jobs.rights.reached", "jobs.rights.may",
}  # fmt: skip
ELSEWHERE = {
    # tried from beginning to end in test_traces
    # a push waits in the inbox; the batch that it is folded in writes the event
    "intake.push.service.push_readings",
    # tried in tests/registers
    "registers.entries.declare_register", "registers.entries.declare_reset",
    "registers.entries.enter_read", "registers.entries.enter_tank",
    "registers.entries.withdraw_entry", "registers.entries.withdraw_read",
    "registers.entries.recalculate_consumption",
    "operations.lake_adoption.adopt",  # tried in tests/batches
    "batches.lifecycle.begin", "intake.service.import_file", "intake.undo.undo_batch", "operations.exports.export",
    # it puts values by the service
    "external.files.import_values",
    # tried in tests/privacy
    "privacy.consents.give", "privacy.consents.withdraw", "privacy.erasure.erase", "privacy.personal_data.export",
    "privacy.rules.set_rule", "privacy.rules.remove_rule", "privacy.retention.run",
    # tried in tests/vault
    "privacy.secret_rotation.rotate", "privacy.secret_rotation.give_up_secrets",
}  # fmt: skip


EVENTS_OF_FACTS = {
    "multiplier": ("meter.multiplier_set", "meter.multiplier_corrected", "meter.multiplier_removed"),
    "correction": ("meter.correction_set", "meter.correction_corrected", "meter.correction_removed"),
    "metric": ("site.metric_added", "site.metric_changed", "site.metric_deleted"),
}


class Stage:
    """The standing world, and what the deeds need beside it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.actor = Actor.system()
        self.at = {"organisation": world.org}
        self.folder = Path(settings.HOME)

    def role(self) -> Any:
        return custom_roles.create(self.actor, name="Reader", permissions=["estate.view"], **self.at)

    def invitation(self) -> Any:
        return invitations.invite(self.actor, email="guest@harbour.example", role="viewer", **self.at)

    def membership(self) -> Any:
        return self.world.viewer.memberships.get()

    def token(self) -> Any:
        return tokens.create_token(self.actor, user=self.world.viewer, name="reader")[0]

    def factor(self) -> Any:
        return Authenticator.objects.create(user=self.world.viewer, type=Authenticator.Type.TOTP, data={})

    def metric(self) -> Any:
        return add_entry(self.actor, METRIC, owner=self.world.site, name="beds", value=Decimal(10), since="2025-01-01")

    def exchanged(self) -> Any:
        self.world.meter.refresh_from_db()
        return devices.exchange_device(self.actor, meter=self.world.meter, on="2025-02-01", serial="NEW1")

    def other_site(self) -> Any:
        return sites.create_site(self.actor, name="Harbour Annexe", **self.at)

    def moved(self) -> Any:
        return placements.move_meter(self.actor, meter=self.world.meter, to=self.other_site(), on="2025-02-01")

    def multiplier(self) -> Any:
        return add_entry(self.actor, MULTIPLIER, owner=self.world.meter, factor=Decimal(2), since="2025-01-01")

    def correction(self) -> Any:
        return add_entry(self.actor, CORRECTION, owner=self.world.meter, factor="1.03", since="2025-01-01")

    def profile(self) -> Any:
        mapping = mapping_of({"layout": "daily", "columns": {"date": "Day", "value": "kWh"}})
        return profiles.create_profile(self.actor, name="Collector", mapping=mapping, **self.at)

    def calorific_value(self) -> Any:
        values = {date(2025, 1, 1): "39.5"}
        store_values(self.actor, CALORIFIC_VALUE, place="EA", values=values, **self.at)
        return self.world.org.calorific_values.get()

    def virtual_meter(self) -> Any:
        formula = f"2 * {self.world.meter.identifier}"
        return meters.create_meter(self.actor, site=self.world.site, identifier="TWICE", formula=formula)

    def job(self) -> Any:
        return jobs.enqueue("jobs.tidy")

    def schedule(self) -> Any:
        return schedules.plan(name="nightly", kind="jobs.tidy", cron="0 1 * * *")

    def subscription(self) -> Any:
        return alerts.subscribe(Actor.of(self.world.admin), organisation_id=self.world.org.pk)

    def upload(self) -> Any:
        return uploads.receive(
            self.actor, organisation=self.world.org, name="june.csv", chunks=[b"x"], origin=Upload.FEED
        )

    def feed(self) -> Any:
        told = {"path": str(self.folder), "settle_s": 0}
        return feeds.create_feed(self.actor, kind="folder", details=feeds.FeedDetails("Collector", told), **self.at)

    def region(self) -> Any:
        return regions.create_region(self.actor, name="West", **self.at)

    def supplier(self) -> Any:
        return suppliers.create_supplier(self.actor, name="Northern Power", **self.at)


# What has to stand before the deed, then the deed with it.
Deed = tuple[Callable[[Stage], Any], Callable[[Stage, Any], Any]]


def alone(deed: Callable[[Stage], Any]) -> Deed:
    return (lambda _: None), (lambda stage, _: deed(stage))


DEEDS: dict[str, Deed] = {
    "accounts.custom_roles.create": alone(Stage.role),
    "accounts.custom_roles.change": (Stage.role, lambda s, r: custom_roles.change(s.actor, role=r, name="Looker")),
    "accounts.custom_roles.delete": (Stage.role, lambda s, r: custom_roles.delete(s.actor, role=r)),
    "accounts.invitations.invite": alone(Stage.invitation),
    "accounts.invitations.resend": (Stage.invitation, lambda s, i: invitations.resend(s.actor, invitation=i)),
    "accounts.invitations.withdraw": (Stage.invitation, lambda s, i: invitations.withdraw(s.actor, invitation=i)),
    "accounts.memberships.grant": alone(
        lambda s: memberships.grant(s.actor, user=s.world.viewer, site=s.world.site, role="manager")
    ),
    "accounts.memberships.change": (
        Stage.membership,
        lambda s, m: memberships.change(s.actor, membership=m, until=date(2099, 1, 1)),
    ),
    "accounts.memberships.end": (Stage.membership, lambda s, m: memberships.end(s.actor, membership=m)),
    "accounts.memberships.set_role": alone(
        lambda s: memberships.set_role(s.actor, user=s.world.viewer, role="manager", **s.at)
    ),
    "accounts.organisations.create": alone(lambda s: organisations.create(s.actor, name="Quayside")),
    "accounts.organisations.update": alone(lambda s: organisations.update(s.actor, brand_name="Harbour", **s.at)),
    "accounts.organisations.set_logo": alone(
        lambda s: organisations.set_logo(s.actor, logo=b"\xff\xd8\xff\xe0 picture \xff\xd9", **s.at)
    ),
    "accounts.organisations.move": (
        lambda s: organisations.create(s.actor, name="Quayside"),
        lambda s, o: organisations.move(s.actor, organisation=o, parent=s.world.org),
    ),
    "accounts.organisations.delete": (
        lambda s: organisations.create(s.actor, name="Quayside"),
        lambda s, o: organisations.delete(s.actor, organisation=o),
    ),
    "accounts.people.add_user": alone(lambda s: people.add_user(s.actor, email="new@harbour.example", **s.at)),
    "accounts.people.rename": alone(lambda s: people.rename(s.actor, user=s.world.viewer, name="Vera")),
    "accounts.people.change_email": alone(
        lambda s: people.change_email(s.actor, user=s.world.viewer, email="vera@harbour.example")
    ),
    "accounts.people.set_operator": alone(
        lambda s: people.set_operator(s.actor, user=s.world.viewer, is_operator=True)
    ),
    "accounts.people.set_password": alone(
        lambda s: people.set_password(s.actor, user=s.world.viewer, password="quiet harbour lights 91")
    ),
    "accounts.people.deactivate": alone(lambda s: people.deactivate(s.actor, user=s.world.viewer)),
    "accounts.people.reactivate": (
        lambda s: people.deactivate(s.actor, user=s.world.viewer),
        lambda s, u: people.reactivate(s.actor, user=u),
    ),
    "accounts.second_factor.remove": (
        Stage.factor,
        lambda s, _: second_factor.remove(s.actor, user=s.world.viewer),
    ),
    "accounts.tokens.create_token": alone(Stage.token),
    "accounts.tokens.revoke_token": (Stage.token, lambda s, t: tokens.revoke_token(s.actor, token=t)),
    "estate.bulk.change_meters": alone(
        lambda s: bulk.change_meters(s.actor, which=[s.world.meter.pk], is_active=False)
    ),
    "estate.bulk.change_sites": alone(lambda s: bulk.change_sites(s.actor, which=[s.world.site.pk], company="Quay")),
    "estate.placements.move_meter": (
        Stage.other_site,
        lambda s, o: placements.move_meter(s.actor, meter=s.world.meter, to=o, on="2025-02-01"),
    ),
    "estate.placements.correct_move": (
        Stage.moved,
        lambda s, p: placements.correct_move(s.actor, placement=p, on="2025-02-03"),
    ),
    "estate.placements.undo_move": (
        Stage.moved,
        lambda s, _: placements.undo_move(s.actor, meter=s.world.meter),
    ),
    "estate.devices.exchange_device": alone(Stage.exchanged),
    "estate.devices.correct_device": (
        Stage.exchanged,
        lambda s, d: devices.correct_device(s.actor, device=d, serial="NEW2"),
    ),
    "estate.devices.remove_device": (
        Stage.exchanged,
        lambda s, d: devices.remove_device(s.actor, device=d),
    ),
    "estate.devices.undo_exchange": (
        Stage.exchanged,
        lambda s, _: devices.undo_exchange(s.actor, meter=s.world.meter),
    ),
    "estate.meters.create_meter": alone(
        lambda s: meters.create_meter(s.actor, site=s.world.site, identifier="PLATE-1", utility="heat", unit="kWh")
    ),
    "estate.meters.create_meters": alone(
        lambda s: meters.create_meters(s.actor, site=s.world.site, identifiers=["PLATE-2"], utility="heat", unit="kWh")
    ),
    "estate.meters.update_meter": alone(lambda s: meters.update_meter(s.actor, meter=s.world.meter, name="Main")),
    "estate.meters.delete_meter": alone(lambda s: meters.delete_meter(s.actor, meter=s.world.meter)),
    "estate.fact_entries.add_entry": alone(Stage.multiplier),
    "estate.fact_entries.change_entry": (
        Stage.metric,
        lambda s, m: change_entry(s.actor, METRIC, entry=m, value="12"),
    ),
    "estate.fact_entries.remove_entry": (Stage.correction, lambda s, c: remove_entry(s.actor, CORRECTION, entry=c)),
    "estate.regions.create_region": alone(Stage.region),
    "estate.regions.update_region": (Stage.region, lambda s, r: regions.update_region(s.actor, region=r, name="East")),
    "estate.regions.delete_region": (Stage.region, lambda s, r: regions.delete_region(s.actor, region=r)),
    "estate.series.series_for": alone(lambda s: series.series_for(s.actor, meter=s.world.meter, quantity="export")),
    "estate.sites.create_site": alone(Stage.other_site),
    "estate.sites.update_site": alone(lambda s: sites.update_site(s.actor, site=s.world.site, company="Quay")),
    "estate.sites.delete_site": (Stage.other_site, lambda s, o: sites.delete_site(s.actor, site=o)),
    "estate.suppliers.create_supplier": alone(Stage.supplier),
    "estate.suppliers.update_supplier": (
        Stage.supplier,
        lambda s, one: suppliers.update_supplier(s.actor, supplier=one, name="Southern Power"),
    ),
    "estate.suppliers.delete_supplier": (
        Stage.supplier,
        lambda s, one: suppliers.delete_supplier(s.actor, supplier=one),
    ),
    "external.values.store_values": alone(Stage.calorific_value),
    "external.values.remove_value": (
        Stage.calorific_value,
        lambda s, one: remove_value(s.actor, CALORIFIC_VALUE, value=one),
    ),
    "gas.service.set_usual_region": alone(lambda s: gas.set_usual_region(s.actor, region="EA", **s.at)),
    "intake.profiles.service.create_profile": alone(Stage.profile),
    "intake.profiles.service.change_profile": (
        Stage.profile,
        lambda s, one: profiles.change_profile(s.actor, profile=one, notes="Mondays"),
    ),
    "intake.profiles.service.duplicate_profile": (
        Stage.profile,
        lambda s, one: profiles.duplicate_profile(s.actor, profile=one),
    ),
    "intake.profiles.service.delete_profile": (
        Stage.profile,
        lambda s, one: profiles.delete_profile(s.actor, profile=one),
    ),
    "derived.virtual.delete.delete_virtual_meter": (
        Stage.virtual_meter,
        lambda s, one: delete.delete_virtual_meter(s.actor, meter=one),
    ),
    "intake.uploads.service.receive": alone(Stage.upload),
    "intake.uploads.service.start": (Stage.upload, lambda s, one: uploads.start(s.actor, upload=one)),
    "intake.uploads.service.discard": (Stage.upload, lambda s, one: uploads.discard(s.actor, upload=one)),
    "intake.feeds.service.create_feed": alone(Stage.feed),
    "intake.feeds.service.update_feed": (
        Stage.feed,
        lambda s, one: feeds.update_feed(s.actor, feed=one, details=feeds.FeedDetails("Renamed", one.settings)),
    ),
    "intake.feeds.service.try_feed": (Stage.feed, lambda s, one: feeds.try_feed(s.actor, feed=one)),
    "intake.feeds.service.read_now": (Stage.feed, lambda s, one: feeds.read_now(s.actor, feed=one)),
    "intake.feeds.service.delete_feed": (Stage.feed, lambda s, one: feeds.delete_feed(s.actor, feed=one)),
    "jobs.service.cancel": (Stage.job, lambda s, j: jobs.cancel(s.actor, job=j)),
    "jobs.service.retry": (
        lambda s: jobs.cancel(s.actor, job=Stage.job(s)),
        lambda s, j: jobs.retry(s.actor, job=j),
    ),
    "jobs.schedules.change": (Stage.schedule, lambda s, one: schedules.change(s.actor, schedule=one, is_paused=True)),
    "jobs.schedules.run_now": (Stage.schedule, lambda s, one: schedules.run_now(s.actor, schedule=one)),
    "jobs.alerts.subscribe": alone(Stage.subscription),
    "jobs.alerts.unsubscribe": (
        Stage.subscription,
        lambda s, one: alerts.unsubscribe(Actor.of(s.world.admin), subscription=one),
    ),
}


def services() -> set[str]:
    """Return every public function with an ``actor``, as room.module.function."""
    found = set()
    for room in ROOMS:
        try:
            package = importlib.import_module(f"eclectyc.{room}")
        except ModuleNotFoundError:
            continue
        for module in pkgutil.walk_packages(package.__path__, f"eclectyc.{room}."):
            if ".migrations" in module.name:
                continue
            members = vars(importlib.import_module(module.name)).items()
            found |= {
                f"{module.name.removeprefix('eclectyc.')}.{name}"
                for name, one in members
                if inspect.isfunction(one) and one.__module__ == module.name and not name.startswith("_")
                if "actor" in inspect.signature(one).parameters
            }
    return found


def test_every_service_is_listed_here():
    known = DEEDS.keys() | CHANGES_NOTHING | ELSEWHERE | {"operations.first_user.first_administrator"}
    assert services() - known == set(), "Give each new service a call in DEEDS, or say that it changes nothing."
    gone = (DEEDS.keys() | CHANGES_NOTHING) - services()
    assert gone == set(), "These are no services any more."


@pytest.mark.parametrize("name", sorted(DEEDS))
def test_every_change_leaves_an_event(name: str, world: World):
    stage = Stage(world)
    prepare, deed = DEEDS[name]
    given = prepare(stage)
    before = Event.objects.count()
    deed(stage, given)
    assert Event.objects.count() > before


@pytest.mark.parametrize("name", sorted(DEEDS))
def test_no_event_names_a_person_in_what_can_never_be_erased(name: str, world: World):
    stage = Stage(world)
    prepare, deed = DEEDS[name]
    deed(stage, prepare(stage))
    for event in Event.objects.all():
        told = f"{event.before}{event.after}".lower()
        for trace in ("@", "vera", "192.0.2"):
            assert trace not in told, f"{event.action}: {told}"


@pytest.mark.parametrize("name", sorted(FACTS))
def test_each_fact_with_dates_leaves_its_own_events(name: str, world: World):
    fact, stage = FACTS[name], Stage(world)
    entry = getattr(stage, name)()
    change_entry(stage.actor, fact, entry=entry, **{fact.value: "2"})
    remove_entry(stage.actor, fact, entry=entry)
    actions = Event.objects.order_by("pk").values_list("action", flat=True)
    assert tuple(actions)[-3:] == EVENTS_OF_FACTS[name]


def test_the_first_administrator_leaves_an_event(home, db):
    from eclectyc.accounts.models import Organisation

    Organisation.objects.create(name="My organisation")
    first_user.first_administrator(Actor.system())
    assert Event.objects.exists()
