"""A role at a place, as in memberships, invitations and tokens."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from ninja import Schema
from pydantic import Field, WithJsonSchema

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation, Position, Role, Scope
from eclectyc.accounts.roles import ROLES
from eclectyc.api.requests import Body, Number, one
from eclectyc.api.schemas import Text
from eclectyc.estate.models import Meter, Region, Site

RoleName = Annotated[str, Field(max_length=20), WithJsonSchema({"type": "string", "enum": list(ROLES)})]


class AtPlace(Body):
    """One place: an organisation, region, site or meter (whose organisation need not be named)."""

    organisation: Number | None = None
    region: Number | None = None
    site: Number | None = None
    meter: Number | None = None

    def place(self, actor: Actor) -> dict[str, Any]:
        """Return the place's objects that the actor may see: one query for each that is named."""
        found = {
            "organisation": (self.organisation, Organisation.objects.visible_to(actor)),
            "region": (self.region, Region.objects.visible_to(actor).select_related("organisation")),
            "site": (self.site, Site.objects.visible_to(actor).select_related("organisation")),
            "meter": (self.meter, Meter.objects.visible_to(actor).select_related("organisation", "site")),
        }
        return {
            name: one(visible, number, name, field=name)
            for name, (number, visible) in found.items()
            if number is not None
        }


class AtPlaceWithRole(AtPlace):
    """A role at a place."""

    role: RoleName | None = Field(None, description="viewer, manager or admin; by default viewer.")
    custom_role: Number | None = None
    since: date | None = Field(None, description="The first day; null: now.")
    until: date | None = Field(None, description="Ends before this day; null: no end date.")

    def position(self, actor: Actor) -> dict[str, Any]:
        """Return place, role and dates for a service."""
        given = {"role": self.role, "custom_role": custom_role(actor, self.custom_role)}
        return self.place(actor) | given | {"since": self.since, "until": self.until}


class PlaceOut(Schema):
    organisation: int | None
    region: int | None
    site: int | None
    meter: int | None
    place: Text = Field(description="The name of the region, site or meter, or of the whole organisation.")


class PositionOut(PlaceOut):
    role: str = Field(description="Empty for a custom role.")
    custom_role: int | None
    role_name: str
    since: date | None
    until: date | None


def custom_role(actor: Actor, number: int | None) -> Role | None:
    """Return a custom role that the actor sees."""
    return None if number is None else one(Role.objects.visible_to(actor), number, "role", field="custom_role")


def place_facts(scope: Scope) -> dict[str, Any]:
    """Return a scope's place; read with its PLACES, it costs no query."""
    organisation = getattr(scope, "organisation", None)
    thing = scope.thing or organisation
    return {
        "organisation": organisation.pk if organisation is not None else None,
        "region": scope.region_id,
        "site": scope.site_id,
        "meter": scope.meter_id,
        "place": str(thing) if thing is not None else "",
    }


def position_facts(position: Position) -> dict[str, Any]:
    """Return a position with its role and dates."""
    return place_facts(position) | {
        "role": position.role,
        "custom_role": position.custom_role_id,
        "role_name": position.role_name,
        "since": position.since,
        "until": position.until,
    }
