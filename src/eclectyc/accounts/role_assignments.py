"""The checks of assigning a role at a place: the place, the role, the dates, and the rights of the actor.

An actor can neither grant nor remove a permission that they do not have at that place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.checks import checked_dates
from eclectyc.accounts.grants import permissions_of
from eclectyc.accounts.models import Organisation, Position, Role
from eclectyc.accounts.reach import Place
from eclectyc.accounts.roles import ROLES, VIEWER
from eclectyc.kernel.errors import Forbidden, Invalid

if TYPE_CHECKING:
    from eclectyc.estate.models import Meter, Region, Site


@dataclass(frozen=True, slots=True)
class ScopePlace:
    """An organisation, or one of its regions, sites or meters."""

    organisation: Organisation
    region: Region | None = None
    site: Site | None = None
    meter: Meter | None = None

    @property
    def place(self) -> Place:
        """The place, for checks of rights."""
        thing = self.region or self.site or self.meter
        return thing.place if thing is not None else Place(self.organisation.pk)

    @property
    def fields(self) -> dict[str, Any]:
        """The place, as fields of a ``Scope``."""
        return {"organisation": self.organisation, "region": self.region, "site": self.site, "meter": self.meter}


def scope_place(
    organisation: Organisation | None = None,
    region: Region | None = None,
    site: Site | None = None,
    meter: Meter | None = None,
) -> ScopePlace:
    """Return the place; the organisation may be omitted if a region, site or meter is given."""
    things = [thing for thing in (region, site, meter) if thing is not None]
    if len(things) > 1:
        raise Invalid("More than one place is given.", "Give one region, one site or one meter.", field="site")
    if organisation is None and not things:
        raise Invalid("No place is given.", "Give an organisation, a region, a site or a meter.", field="organisation")
    if things and organisation is not None and things[0].organisation_id != organisation.pk:
        raise Invalid(
            "This place belongs to another organisation.", "Choose one of this organisation.", field="organisation"
        )
    owner = organisation if organisation is not None else things[0].organisation
    return ScopePlace(owner, region, site, meter)


def role_fields(role: str | None, custom_role: Role | None, organisation: Organisation) -> dict[str, Any]:
    """Return a role as fields of a position. A custom role must be of the organisation or of one above it."""
    if custom_role is None:
        role = VIEWER if role is None else role
        if role not in ROLES:
            raise Invalid(f"There is no role {role!r}.", f"Use one of: {', '.join(ROLES)}.", field="role")
        return {"role": role, "custom_role": None}
    if role:
        raise Invalid("Two roles are given.", "Give a role or a custom role.", field="role")
    if custom_role.organisation_id not in organisation.ancestry:
        raise Invalid("This organisation does not have that role.", "Choose one of its roles.", field="custom_role")
    return {"role": "", "custom_role": custom_role}


def require_may_grant(actor: Actor, position: Position) -> None:
    """Raise ``Forbidden`` unless the actor may edit people at the place and has every permission of the position."""
    place = position.place
    actor.require("people.edit", place)
    beyond = permissions_of(position) - actor.permissions_at(place)
    if beyond:
        lacking = ", ".join(sorted(beyond))
        raise Forbidden("You cannot grant or remove rights that you do not have.", f"You do not have {lacking} there.")


def date_fields(since: date | None, until: date | None) -> dict[str, date | None]:
    """Return checked dates as fields of a position."""
    checked_dates(since, until)
    return {"since": since, "until": until}


def assignment_details(position: Position) -> dict[str, object]:
    """Return a position's details for the audit, without the person."""
    details = {
        "role": position.role or None,
        "custom_role": position.custom_role_id,
        "organisation": position.organisation_id,
        "region": position.region_id,
        "site": position.site_id,
        "meter": position.meter_id,
        "since": position.since,
        "until": position.until,
    }
    return {name: value for name, value in details.items() if value is not None}
