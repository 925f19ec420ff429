"""How a meter's histories are kept: where it is, which device it has, what its readings are multiplied
by, what its volumes of gas are corrected by.

Nothing before the day of a change is touched. A meter without entries was always what it is now; its first change
writes down both what was and what is. ``Meter.site``, ``.serial``, ``.multiplier`` and ``.correction`` are those of the
newest entry.
What was written down wrongly can be corrected or taken out; the entries beside it close up, so that no day is left
without one. Each such change is told to the audit with what was there before.
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
    """Refuse a day that has not begun where the meter is."""
    if day > local_day(timezone.now(), zone_of(meter.site.timezone)):
        raise Invalid(f"{day} has not come yet.", "Write it down when it has happened.", field=field)


def refuse_day(meter: Meter, day: date, since: date | None, what: str) -> None:
    """Refuse the day of a change that has not come, or on which the meter was not what it is now."""
    refuse_future(meter, day, "on")
    if since is not None and day <= since:
        raise Invalid(f"{meter} {what} since {since}.", "Choose a later day.", field="on")


def save(meter: Meter, *fields: str) -> None:
    """Store what the newest entry says, as one change of the meter."""
    meter.version += 1
    meter.save(update_fields=[*fields, "version"])


def record_change(actor: Actor, action: str, meter: Meter, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Write one event."""
    record(actor.by, action, meter, organisation_id=meter.organisation_id, before=before, after=after)
    announce([EstateChange(meter, action, before, after)])
