"""What changes about a meter from a day on: where it is, which device it has, what its readings are multiplied by.

Nothing before the day is touched. A meter without entries was always what it is now; its first change writes down both
what was and what is. ``Meter.site``, ``.serial`` and ``.multiplier`` are those of the newest entry.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.audit.record import record
from eclectyc.estate import checks
from eclectyc.estate.changes import hold, touch
from eclectyc.estate.meters import refuse_site, require_editor
from eclectyc.estate.models import Device, Meter, Multiplier, Placement, Site
from eclectyc.kernel.days import local_day, zone_of
from eclectyc.kernel.errors import Conflict, Invalid

_READS = ("opening_read", "closing_read")


def move_meter(actor: Actor, *, meter: Meter, to: Site, on: date | str, version: int | None = None) -> Placement:
    """Place a meter at another site from ``on``; earlier use stays where it was. Who may see it follows at once."""
    day = checks.day_required("on", on)
    with transaction.atomic():
        hold(meter, version)
        require_editor(actor, meter, to)
        refuse_site(meter, to)
        current = meter.placements.filter(until=None).first()
        if to.pk == meter.site_id:
            raise Invalid(f"{meter} is at {to.name} already.", "Choose another site.", field="to")
        _refuse_day(meter, day, current.since if current else meter.installed, f"has been at {meter.site.name}")
        if current is None:
            meter.placements.create(site=meter.site, since=None, until=day)
        else:
            current.until = day
            current.save(update_fields=["until"])
        placement = meter.placements.create(site=to, since=day)
        before = {"site_id": meter.site_id}
        _put_at(meter, to)
        _tell(actor, "meter.moved", meter, before, {"site_id": to.pk, "on": day})
    return placement


def take_back_move(actor: Actor, *, meter: Meter, version: int | None = None) -> Site:
    """Take a meter's last move back, as if it had never been, and return the site that it is at again."""
    with transaction.atomic():
        hold(meter, version)
        actor.require("estate.edit", meter.place)
        placements = list(meter.placements.select_related("site__region"))
        if len(placements) < 2:
            raise Conflict(f"{meter} has never moved.", "There is nothing to take back.")
        before, last = placements[-2:]
        require_editor(actor, meter, before.site)
        last.delete()
        if len(placements) == 2:
            before.delete()
        else:
            before.until = None
            before.save(update_fields=["until"])
        told = {"site_id": meter.site_id, "on": last.since}
        _put_at(meter, before.site)
        _tell(actor, "meter.move_taken_back", meter, told, {"site_id": before.site_id})
    return before.site


def site_on(meter: Meter, day: date) -> Site:
    """Return the site that a meter was at on a day."""
    for placement in meter.placements.select_related("site").order_by("pk"):
        if (placement.since is None or placement.since <= day) and (placement.until is None or day < placement.until):
            return placement.site
    return meter.site


def exchange_device(
    actor: Actor,
    *,
    meter: Meter,
    on: date | str,
    serial: str,
    closing_read: Decimal | str | None = None,
    opening_read: Decimal | str | None = None,
    digits: int | str | None = None,
    ct_ratio: str = "",
    multiplier: Decimal | str | None = None,
    version: int | None = None,
) -> Device:
    """Put another device in a meter's place from ``on``. The old one closes there, with its last read.

    digits : of the new register. multiplier : of the readings from then on, where it is another.
    """
    day = checks.day_required("on", on)
    new = _device_fields({"serial": serial, "opening_read": opening_read, "digits": digits, "ct_ratio": ct_ratio})
    closing = checks.decimal_or_none("closing_read", closing_read)
    with transaction.atomic():
        hold(meter, version)
        actor.require("estate.edit", meter.place)
        current = meter.devices.filter(until=None).first()
        _refuse_day(meter, day, current.since if current else meter.installed, "has had its device")
        if current is None:
            current = Device(meter=meter, serial=meter.serial, since=meter.installed)
        _close(current, day, closing)
        device = Device(meter=meter, since=day, **new)
        _refuse_reads(device)
        device.save()
        before = {"serial": meter.serial}
        meter.serial = device.serial
        _save(meter, "serial", "search")
        _tell(actor, "meter.exchanged", meter, before | {"closing_read": closing}, _told(device))
        if multiplier is not None and multiplier != "":
            _multiply_from(actor, meter, day, checks.factor("multiplier", multiplier))
    return device


def correct_device(actor: Actor, *, device: Device, version: int | None = None, **fields: Any) -> Device:
    """Put right what was written down of a device: serial, reads, digits, CT ratio, and the day it was fitted."""
    checked = _device_fields(fields)
    with transaction.atomic():
        meter = device.meter
        hold(meter, version)
        actor.require("estate.edit", meter.place)
        device.refresh_from_db()
        before = _told(device)
        if "since" in checked and checked["since"] != device.since:
            _fit_on(meter, device, checked["since"])
        for name, value in checked.items():
            setattr(device, name, value)
        _refuse_reads(device)
        device.save()
        if device.until is None and device.serial != meter.serial:
            meter.serial = device.serial
            _save(meter, "serial", "search")
        else:
            touch(meter)
        _tell(actor, "meter.device_corrected", meter, before, _told(device))
    return device


def take_back_exchange(actor: Actor, *, meter: Meter, version: int | None = None) -> Device:
    """Take a meter's last exchange back and return the device that it has again."""
    with transaction.atomic():
        hold(meter, version)
        actor.require("estate.edit", meter.place)
        devices = list(meter.devices.all())
        if len(devices) < 2:
            raise Conflict(f"The device of {meter} was never exchanged.", "There is nothing to take back.")
        before, last = devices[-2:]
        told = _told(last)
        last.delete()
        before.until, before.closing_read = None, None
        before.save(update_fields=["until", "closing_read"])
        meter.serial = before.serial
        _save(meter, "serial", "search")
        _tell(actor, "meter.exchange_taken_back", meter, told, _told(before))
    return before


def set_multiplier(
    actor: Actor, *, meter: Meter, factor: Decimal | str, since: date | str, version: int | None = None
) -> Multiplier:
    """Multiply a meter's readings by another factor from a day on."""
    checked, day = checks.factor("factor", factor), checks.day_required("since", since)
    with transaction.atomic():
        hold(meter, version)
        actor.require("estate.edit", meter.place)
        return _multiply_from(actor, meter, day, checked)


def remove_multiplier(actor: Actor, *, multiplier: Multiplier, version: int | None = None) -> None:
    """Take one entry out of the history: what held before it holds on."""
    meter = multiplier.meter
    with transaction.atomic():
        hold(meter, version)
        actor.require("estate.edit", meter.place)
        if multiplier.since is None:
            raise Conflict("The first multiplier cannot be taken out.", "Change it on the meter instead.")
        told = {"factor": multiplier.factor, "since": multiplier.since}
        multiplier.delete()
        held = list(meter.multipliers.all())
        meter.multiplier = held[-1].factor
        if len(held) == 1:
            held[0].delete()
        _save(meter, "multiplier")
        _tell(actor, "meter.multiplier_removed", meter, told, {"multiplier": meter.multiplier})


def multiplier_on(meter: Meter, day: date) -> Decimal:
    """Return what a meter's readings of a day are multiplied by."""
    held = [m.factor for m in meter.multipliers.all() if m.since is None or m.since <= day]
    return held[-1] if held else meter.multiplier


def _multiply_from(actor: Actor, meter: Meter, day: date, factor: Decimal) -> Multiplier:
    held = list(meter.multipliers.all())
    if any(entry.since == day for entry in held):
        raise Conflict(f"A multiplier from {day} is there already.", "Take it out first, or choose another day.")
    if not held:
        meter.multipliers.create(since=None, factor=meter.multiplier)
    entry = meter.multipliers.create(since=day, factor=factor)
    before = {"multiplier": meter.multiplier}
    newest = meter.multipliers.last()
    meter.multiplier = newest.factor if newest else factor
    _save(meter, "multiplier")
    _tell(actor, "meter.multiplier_set", meter, before, {"factor": factor, "since": day})
    return entry


def _device_fields(given: dict[str, Any]) -> dict[str, Any]:
    known = {
        "serial": checks.required,
        "since": checks.day,
        **dict.fromkeys(_READS, checks.decimal_or_none),
        "digits": checks.whole(1, 12),
        "ct_ratio": checks.ratio,
    }
    strange = sorted(set(given) - set(known))
    if strange:
        raise Invalid(f"There is no field {strange[0][:60]!r}.", f"Use: {', '.join(sorted(known))}.", field=strange[0])
    checked = {name: known[name](name, value) for name, value in given.items()}
    if len(checked.get("serial", "")) > 64:
        raise Invalid("The serial is too long.", "Use 64 characters.", field="serial")
    if "ct_ratio" in checked:
        checked["ct_primary_a"], checked["ct_secondary_a"] = checked.pop("ct_ratio") or (None, None)
    return checked


def _refuse_reads(device: Device) -> None:
    for name in _READS:
        read = getattr(device, name)
        if read is not None and (read < 0 or (device.digits and read >= 10**device.digits)):
            digits = f" with {device.digits} digits" if device.digits else ""
            raise Invalid(f"A register{digits} cannot show {read}.", "Check the read and the digits.", field=name)


def _close(device: Device, day: date, closing: Decimal | None) -> None:
    device.until, device.closing_read = day, closing
    _refuse_reads(device)
    device.save()


def _fit_on(meter: Meter, device: Device, day: date | None) -> None:
    """Move the day of an exchange, between the exchanges before and after it."""
    before = meter.devices.filter(until=device.since).exclude(pk=device.pk).first() if device.since else None
    if before is not None and (day is None or (before.since is not None and day <= before.since)):
        raise Invalid("The device before it was fitted later.", "Choose a later day.", field="since")
    if day is not None and device.until is not None and day >= device.until:
        raise Invalid(f"The device was taken out on {device.until}.", "Choose an earlier day.", field="since")
    if before is not None:
        before.until = day
        before.save(update_fields=["until"])


def _refuse_day(meter: Meter, day: date, since: date | None, what: str) -> None:
    today = local_day(timezone.now(), zone_of(meter.site.timezone))
    if day > today:
        raise Invalid(f"{day} has not come yet.", "Write it down when it has happened.", field="on")
    if since is not None and day <= since:
        raise Invalid(f"{meter} {what} since {since}.", "Choose a later day.", field="on")


def _put_at(meter: Meter, site: Site) -> None:
    meter.site = site
    _save(meter, "site")


def _save(meter: Meter, *fields: str) -> None:
    meter.version += 1
    meter.save(update_fields=[*fields, "version"])


def _told(device: Device) -> dict[str, object]:
    names = ("serial", "since", "until", *_READS, "digits")
    return {name: getattr(device, name) for name in names if getattr(device, name) is not None} | (
        {"ct_ratio": device.ct_ratio} if device.ct_ratio else {}
    )


def _tell(actor: Actor, action: str, meter: Meter, before: dict[str, Any], after: dict[str, Any]) -> None:
    record(actor.by, action, meter, organisation_id=meter.organisation_id, before=before, after=after)
