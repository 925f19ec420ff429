"""Two organisations that know nothing of each other, each with one of everything, and every kind of asker.

Whatever text one of them holds carries its mark, a word that stands nowhere else: where it turns up in an answer to
the other, something has leaked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from allauth.usersessions.models import UserSession
from django.apps import apps
from django.db import models
from django.test import Client
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import ApiToken, Invitation, Membership, Organisation, Role, User
from eclectyc.accounts.tokens import create_token, revoke_token
from eclectyc.audit.record import record
from eclectyc.batches.models import Batch
from eclectyc.estate.models import (
    Correction,
    Device,
    FormulaPart,
    Meter,
    Multiplier,
    Placement,
    Region,
    Site,
    SiteMetric,
    Supplier,
)
from eclectyc.gas.models import CalorificValue, UsualRegion
from eclectyc.intake.feeds.models import Feed
from eclectyc.intake.profiles.models import ImportProfile
from eclectyc.intake.uploads.models import Upload
from eclectyc.jobs.models import Job, Schedule
from tests.analytics.filling import fill, flat_days
from tests.factories import make_series

HERE, THERE = "Quillonmark", "Zephyrmark"
START: Final = {HERE: "quillon", THERE: "zephyr"}  # what one searches for: the rest of the mark is never sent
NAMES: Final = (
    "nobody", "viewer", "manager", "admin", "operator", "outsider", "expired", "read", "narrowed", "push", "revoked",
)  # fmt: skip
BY_TOKEN: Final = ("read", "narrowed", "push", "revoked")
JUNE: Final = (date(2025, 6, 1), date(2025, 6, 4))
MISSING: Final = 10**9
# Text that is not written by people, or that is one of a few words.
NOT_MARKED: Final = frozenset(
    [
        "password",
        "path",
        "role",
        "scope",
        "digest",
        "prefix",
        "logo_type",
        "brand_colour",
        "timezone",
        "unit",
        "source",
        "search",
        "state",
        "contact_email",
        "ct_ratio",
        "website",
        "site_type",
        "utility",
        "direction",
        "formula",
        "factor",
        "measure",
        "quantity",
        "opening_hours",
        "permissions",
        "reads",
        "postcode",
        "kind",
        "cron",
        "zone",
        "catch_up",
        "origin",
        "sha256",
    ]
)


@dataclass
class Side:
    """One of everything that an organisation has, by the word that addresses have for it."""

    mark: str
    things: dict[str, Any] = field(default_factory=dict)

    def number(self, kind: str) -> Any:
        """Return what names a thing in an address: its number, or a meter's identifier."""
        thing = self.things[kind]
        return thing.identifier if kind == "mpan" else thing if isinstance(thing, str) else thing.pk


@dataclass
class Sides:
    """The two of them, and who asks of the first."""

    here: Side
    there: Side
    people: dict[str, User]
    secrets: dict[str, str]

    def client(self, persona: str) -> Client:
        """Return a browser with a session, or a program with a token. A fault is answered, not raised."""
        if persona in BY_TOKEN:
            header = {"Authorization": f"Bearer {self.secrets[persona]}"}
            return Client(raise_request_exception=False, headers=header)
        client = Client(raise_request_exception=False)
        if persona != "nobody":
            client.force_login(self.people[persona])
        return client


def marked(thing: models.Model, mark: str) -> Any:
    """Save a thing with its side's mark in every text that a person could have written."""
    for column in marked_fields(type(thing)):
        if not getattr(thing, column.name):
            text = f"{mark} {column.name}"
            setattr(
                thing, column.name, f"{text.replace(' ', '.')}@x.example"[-254:] if "email" in column.name else text
            )
        if isinstance(column, models.CharField) and column.max_length:
            setattr(thing, column.name, getattr(thing, column.name)[: column.max_length])
    thing.save()
    return thing


def marked_fields(model: type[models.Model]) -> Iterator[models.Field[Any, Any]]:
    for column in model._meta.fields:
        if isinstance(column, models.CharField | models.TextField) and column.name not in NOT_MARKED:
            yield column


def person(mark: str, name: str, organisation: Organisation | None, role: str = "viewer", **fields: Any) -> User:
    user = User.objects.create(email=f"{name}@{mark.lower()}.example", name=f"{mark} {name}", password="!")
    if organisation is not None:
        Membership.objects.create(user=user, organisation=organisation, role=role, **fields)
    return user


def furnish(side: Side, number: int) -> None:
    """Make one of everything, and readings."""
    mark, things = side.mark, side.things
    org = things["organisation"] = marked(Organisation(), mark)
    region = things["region"] = marked(Region(organisation=org), mark)
    supplier = things["supplier"] = marked(Supplier(organisation=org, contact_email=f"x@{mark}.example"), mark)
    text = {f"{mark} property": {"kind": "text", "value": f"{mark} value"}}
    site = Site(organisation=org, region=region, properties=text, outside_references={"company_id": f"{mark} ref"})
    things["site"] = marked(site, mark)
    things["site2"] = marked(Site(organisation=org, name=f"{mark} second"), mark)
    things["admin"] = person(mark, "admin", org, "admin")
    _meters(side, number, supplier)
    value = CalorificValue(organisation=org, day=date(2025, 6, 1), mj_per_m3="39.5")
    things["calorific_value"] = marked(value, mark)
    marked(UsualRegion(organisation=org), mark)
    clerk = things["user"] = person(mark, "clerk", org)
    things["membership"] = clerk.memberships.get()
    things["role"] = things["custom_role"] = marked(Role(organisation=org, permissions=["estate.view"]), mark)
    invitation = Invitation(
        organisation=org, email=f"new@{mark.lower()}.example", digest=f"digest of {mark}", invited_by=things["admin"],
        expires_at=timezone.now() + timedelta(days=3),
    )  # fmt: skip
    invitation.save()
    things["invitation"] = invitation
    admin = Actor.of(things["admin"])
    things["token"] = create_token(admin, user=things["admin"], name=f"{mark} token")[0]
    things["session"] = UserSession.objects.create(
        user=things["admin"], session_key=f"key{mark}", ip="10.0.0.1", user_agent=f"{mark} browser"
    )
    record(admin.by, "site.changed", things["site"], organisation_id=org.pk, before={"name": f"{mark} was"},
           after={"name": f"{mark} is"}, personal={"name": f"{mark} person"}, person_id=clerk.pk)  # fmt: skip
    things |= {"link": f"link{mark}", "provider_id": "sso", "uidb36": "1", "what": "report_mail", "key": f"key{mark}"}
    things["batch"] = marked(Batch(organisation=org, state=Batch.FAILED), mark)
    things["called"] = str(things["batch"].pk)
    things["upload"] = marked(Upload(organisation=org), mark)
    daily = {"layout": "daily", "columns": {"date": f"{mark} day", "value": f"{mark} use"}}
    things["profile"] = marked(ImportProfile(organisation=org, mapping=daily), mark)
    feed = Feed(organisation=org, kind=Feed.SFTP, cron="5 4 * * *", zone="Europe/London", error=f"{mark} error",
                secret=f'{{"password": "{mark} secret"}}')  # fmt: skip
    things["feed"] = marked(feed, mark)
    due = {"cron": "5 4 * * *", "zone": "Europe/London", "settled_until": timezone.now()}
    things["schedule"] = marked(Schedule(kind="feeds.read", organisation_id=org.pk, **due), mark)
    job = Job(kind="feeds.read", organisation_id=org.pk, run_at=timezone.now(), state=Job.DONE)
    things["job"] = marked(job, mark)


def _meters(side: Side, number: int, supplier: Supplier) -> None:
    mark, things = side.mark, side.things
    identifier = ("1200023305967", "1000000000040")[number]
    meter = Meter(organisation=things["organisation"], site=things["site"], identifier=identifier, supplier=supplier)
    things["meter"] = things["mpan"] = things["parent"] = marked(meter, mark)
    sub = Meter(organisation=meter.organisation, site=meter.site, identifier=f"SUB{mark}", parent=meter)
    things["sub"] = marked(sub, mark)
    second = Meter(organisation=meter.organisation, site=things["site2"], identifier=f"TWO{mark}")
    things["meter2"] = marked(second, mark)
    whole = Meter(organisation=meter.organisation, site=things["site2"], identifier=f"ALL{mark}", formula=f"SUB{mark}")
    FormulaPart.objects.create(meter=marked(whole, mark), part=sub, quantity="import", factor="1")
    fill(make_series(meter), {day: [987.654 + number] * len(v) for day, v in flat_days(*JUNE, 0).items()})
    marked(Device(meter=meter, until=date(2025, 1, 1)), mark)
    things["device"] = marked(Device(meter=meter, since=date(2025, 1, 1)), mark)
    Multiplier.objects.create(meter=meter, factor=1)
    things["multiplier"] = Multiplier.objects.create(meter=meter, since=date(2025, 1, 1), factor=2)
    Correction.objects.create(meter=meter, factor=1)
    things["correction"] = Correction.objects.create(meter=meter, since=date(2025, 1, 1), factor="1.5")
    Placement.objects.create(meter=meter, site=things["site2"], until=date(2024, 1, 1))
    things["placement"] = Placement.objects.create(meter=meter, site=things["site"], since=date(2024, 1, 1))
    things["metric"] = marked(SiteMetric(site=things["site"], value=7, since=date(2025, 1, 1)), mark)


def make_sides() -> Sides:
    """Create both sides and all askers."""
    here, there = Side(HERE), Side(THERE)
    for number, side in enumerate((here, there)):
        furnish(side, number)
    org = here.things["organisation"]
    admin = here.things["admin"]
    operator = User.objects.create(email="operator@platform.example", password="!", is_operator=True)
    people = {
        "viewer": person(HERE, "viewer", org),
        "manager": person(HERE, "manager", org, "manager"),
        "admin": admin,
        "operator": operator,
        "outsider": there.things["admin"],
        "expired": person(HERE, "expired", org, "admin", until=date(2020, 1, 1)),
    }
    actor = Actor.of(admin)
    made: dict[str, tuple[ApiToken, str]] = {
        "read": create_token(actor, user=admin, name="read", scope="read"),
        "narrowed": create_token(actor, user=admin, name="narrowed", scope="manage", site=here.things["site2"]),
        "push": create_token(actor, user=admin, name="push", scope="push"),
        "revoked": create_token(actor, user=admin, name="revoked", scope="manage"),
    }
    revoke_token(actor, token=made["revoked"][0])
    return Sides(here, there, people, {name: secret for name, (_, secret) in made.items()})


def models_of_ours() -> list[type[models.Model]]:
    return [m for m in apps.get_models() if m.__module__.startswith("eclectyc.")]
