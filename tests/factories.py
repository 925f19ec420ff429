"""The standing characters, and one-line makers of sites, meters and series."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any, Final

from django.contrib.auth.hashers import make_password

from eclectyc.accounts.models import Membership, Organisation, User
from eclectyc.accounts.roles import ADMIN, MANAGER, VIEWER
from eclectyc.estate.models import Meter, Series, Site

PASSWORD: Final = "a fair wind and a following sea"
_numbers = count(1)


@cache
def _hashed() -> str:
    return make_password(PASSWORD)  # Argon2 is slow by design: once for all


@dataclass(frozen=True, slots=True)
class World:
    """Two organisations. Whatever a test does, it can ask: and what if the outsider does it?

    ``viewer``, ``manager`` and ``admin`` belong to ``org``; ``outsider`` is an administrator of ``other_org``.
    """

    org: Organisation
    viewer: User
    manager: User
    admin: User
    site: Site
    meter: Meter
    other_org: Organisation
    outsider: User
    other_site: Site
    other_meter: Meter
    password: str = PASSWORD


def make_user(email: str, organisation: Organisation, role: str = VIEWER) -> User:
    """Make a person with a role; everybody has the same password."""
    user = User.objects.create(email=email, name=email.partition("@")[0].title(), password=_hashed())
    Membership.objects.create(user=user, organisation=organisation, role=role)
    return user


def make_site(organisation: Organisation, name: str = "", **fields: Any) -> Site:
    """Make a site in Europe/London, unless ``timezone`` says otherwise."""
    return Site.objects.create(organisation=organisation, name=name or f"Site {next(_numbers)}", **fields)


def make_meter(site: Site, identifier: str = "", **fields: Any) -> Meter:
    """Make a meter at a site: electricity, import, kWh, half-hourly, unless told otherwise."""
    identifier = identifier or f"M{next(_numbers):06}"
    return Meter.objects.create(organisation=site.organisation, site=site, identifier=identifier, **fields)


def make_series(meter: Meter, **fields: Any) -> Series:
    """Make a meter's series: its import in the meter's own unit and step, unless told otherwise."""
    fields = {"unit": meter.unit, "step_minutes": meter.step_minutes} | fields
    return Series.objects.create(meter=meter, **fields)


def make_world() -> World:
    """Make the two organisations and everybody in them."""
    org = Organisation.objects.create(name="Harbour Estates")
    other_org = Organisation.objects.create(name="Elsewhere Ltd")
    site = make_site(org, "Harbour House", floor_area_m2=1200.0, postcode="BS1 4RN")
    other_site = make_site(other_org, "Elsewhere Works")
    return World(
        org=org,
        viewer=make_user("viewer@harbour.example", org, VIEWER),
        manager=make_user("manager@harbour.example", org, MANAGER),
        admin=make_user("admin@harbour.example", org, ADMIN),
        site=site,
        meter=make_meter(site, "1200023305967", name="Main incomer"),
        other_org=other_org,
        outsider=make_user("admin@elsewhere.example", other_org, ADMIN),
        other_site=other_site,
        other_meter=make_meter(other_site, "1000000000040"),
    )
