"""Rules of a meter's histories: placements, devices, and facts with dates (``estate.facts``).

Nothing before the day of a change is touched. A meter without entries was always as it is now; its first change stores
both the old and the new state. ``Meter.site``, ``.serial``, ``.multiplier`` and ``.correction`` are those of the newest
entry. A wrong entry can be corrected or deleted; its neighbours then cover its days, so that every day has one.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.audit.record import record
from eclectyc.estate.change_events import EstateChange, announce
from eclectyc.estate.models import Meter
from eclectyc.kernel.days import local_day, zone_of
from eclectyc.kernel.errors import Invalid


def refuse_future(meter: Meter, day: date, field: str) -> None:
    """Refuse a day that has not begun at the meter's site."""
    if day > local_day(timezone.now(), zone_of(meter.site.timezone)):
        raise Invalid(f"{day} is in the future.", "Enter it when it has happened.", field=field)


def refuse_day(meter: Meter, day: date, since: date | None, what: str) -> None:
    """Refuse a day in the future, or one before the meter's present state began."""
    refuse_future(meter, day, "on")
    if since is not None and day <= since:
        raise Invalid(f"{meter} {what} since {since}.", "Choose a later day.", field="on")


def save(meter: Meter, *fields: str) -> None:
    """Store some fields as one change of the meter."""
    meter.version += 1
    meter.save(update_fields=[*fields, "version"])


def record_change(actor: Actor, action: str, meter: Meter, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Record and announce one change."""
    record(actor.by, action, meter, organisation_id=meter.organisation_id, before=before, after=after)
    announce([EstateChange(meter, action, before, after)])
