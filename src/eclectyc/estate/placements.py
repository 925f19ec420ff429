"""The site of a meter from a day on: moves, corrected and undone."""

from __future__ import annotations

from datetime import date

from django.db import transaction

from eclectyc.accounts.actor import Actor
from eclectyc.estate import checks
from eclectyc.estate.changes import lock, touch
from eclectyc.estate.history import record_change, refuse_day, refuse_future, save
from eclectyc.estate.meters import refuse_site, require_editor
from eclectyc.estate.models import Meter, Placement, Site
from eclectyc.kernel.errors import Conflict, Invalid


def move_meter(actor: Actor, *, meter: Meter, to: Site, on: date | str, version: int | None = None) -> Placement:
    """Move a meter to another site from ``on``; earlier usage stays. Who may see it changes at once."""
    day = checks.day_required("on", on)
    with transaction.atomic():
        lock(meter, version)
        require_editor(actor, meter, to)
        refuse_site(meter, to)
        current = meter.placements.filter(until=None).first()
        if to.pk == meter.site_id:
            raise Invalid(f"{meter} is already at {to.name}.", "Choose another site.", field="to")
        refuse_day(meter, day, current.since if current else meter.installed, f"has been at {meter.site.name}")
        if current is None:
            meter.placements.create(site=meter.site, since=None, until=day)
        else:
            current.until = day
            current.save(update_fields=["until"])
        placement = meter.placements.create(site=to, since=day)
        before = {"site_id": meter.site_id}
        _put_at(meter, to)
        record_change(actor, "meter.moved", meter, before, {"site_id": to.pk, "on": day})
    return placement


def correct_move(actor: Actor, *, placement: Placement, on: date | str, version: int | None = None) -> Placement:
    """Correct the day of a move, between its neighbours; the sites stay."""
    day = checks.day_required("on", on)
    with transaction.atomic():
        meter = placement.meter
        lock(meter, version)
        placement.refresh_from_db()
        require_editor(actor, meter, placement.site)
        former = meter.placements.filter(until=placement.since).first() if placement.since else None
        if former is None:
            raise Conflict(f"{meter} was at {placement.site} from the start.", "Correct the day of a later move.")
        refuse_future(meter, day, "on")
        if former.since is not None and day <= former.since:
            raise Invalid(f"{meter} came to {former.site} on {former.since}.", "Choose a later day.", field="on")
        if placement.until is not None and day >= placement.until:
            raise Invalid(f"{meter} left {placement.site} on {placement.until}.", "Choose an earlier day.", field="on")
        earlier = {"site_id": placement.site_id, "on": placement.since}
        placement.since = former.until = day
        former.save(update_fields=["until"])
        placement.save(update_fields=["since"])
        touch(meter)
        record_change(actor, "meter.move_corrected", meter, earlier, {"site_id": placement.site_id, "on": day})
    return placement


def undo_move(actor: Actor, *, meter: Meter, version: int | None = None) -> Site:
    """Undo a meter's last move and return the site that it is at again."""
    with transaction.atomic():
        lock(meter, version)
        actor.require("estate.edit", meter.place)
        placements = list(meter.placements.select_related("site__region"))
        if len(placements) < 2:
            raise Conflict(f"{meter} has never moved.", "There is nothing to undo.")
        before, last = placements[-2:]
        require_editor(actor, meter, before.site)
        last.delete()
        if len(placements) == 2:
            before.delete()
        else:
            before.until = None
            before.save(update_fields=["until"])
        undone = {"site_id": meter.site_id, "on": last.since}
        _put_at(meter, before.site)
        record_change(actor, "meter.move_taken_back", meter, undone, {"site_id": before.site_id})
    return before.site


def site_on(meter: Meter, day: date) -> Site:
    """Return the site that a meter was at on a day."""
    for placement in meter.placements.select_related("site").order_by("pk"):
        if (placement.since is None or placement.since <= day) and (placement.until is None or day < placement.until):
            return placement.site
    return meter.site


def _put_at(meter: Meter, site: Site) -> None:
    meter.site = site
    save(meter, "site")
