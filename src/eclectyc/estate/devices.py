"""Devices of a meter from a day on: exchanges, corrections, deletions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction

from eclectyc.accounts.actor import Actor
from eclectyc.estate import checks
from eclectyc.estate.changes import lock, touch
from eclectyc.estate.fact_entries import insert_entry
from eclectyc.estate.facts import MULTIPLIER
from eclectyc.estate.history import record_change, refuse_day, refuse_future, save
from eclectyc.estate.models import Device, Meter
from eclectyc.estate.virtual import refuse_if_virtual
from eclectyc.kernel.errors import Conflict, Invalid

_READS = ("opening_read", "closing_read")


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
    """Replace a meter's device from ``on``. The old one ends there, with its last read.

    digits : of the new register. multiplier : of the readings from then on, if it changes.
    """
    day = checks.day_required("on", on)
    new = _fields({"serial": serial, "opening_read": opening_read, "digits": digits, "ct_ratio": ct_ratio})
    closing = checks.decimal_or_none("closing_read", closing_read)
    with transaction.atomic():
        lock(meter, version)
        actor.require("estate.edit", meter.place)
        refuse_if_virtual(meter, "device")
        current = meter.devices.filter(until=None).first()
        refuse_day(meter, day, current.since if current else meter.installed, "has had its device")
        if current is None:
            current = Device(meter=meter, serial=meter.serial, since=meter.installed)
        _close(current, day, closing)
        device = Device(meter=meter, since=day, **new)
        _refuse_reads(device)
        device.save()
        before = {"serial": meter.serial}
        meter.serial = device.serial
        save(meter, "serial", "search")
        record_change(actor, "meter.exchanged", meter, before | {"closing_read": closing}, _details(device))
        if multiplier is not None and multiplier != "":
            factor = checks.factor("multiplier", multiplier)
            insert_entry(actor, MULTIPLIER, meter, {"factor": factor, "since": day})
    return device


def correct_device(actor: Actor, *, device: Device, version: int | None = None, **fields: Any) -> Device:
    """Correct a device: serial, reads, digits, CT ratio, and the day on which it was fitted."""
    checked = _fields(fields)
    with transaction.atomic():
        meter = device.meter
        lock(meter, version)
        actor.require("estate.edit", meter.place)
        device.refresh_from_db()
        before = _details(device)
        if "since" in checked and checked["since"] != device.since:
            _fit_on(meter, device, checked["since"])
        for name, value in checked.items():
            setattr(device, name, value)
        _refuse_reads(device)
        device.save()
        _update_meter(meter)
        record_change(actor, "meter.device_corrected", meter, before, _details(device))
    return device


def remove_device(actor: Actor, *, device: Device, version: int | None = None) -> None:
    """Delete a device that never was: the one before it (for the first, the one after) covers its days."""
    meter = device.meter
    with transaction.atomic():
        lock(meter, version)
        actor.require("estate.edit", meter.place)
        device.refresh_from_db()
        removed = _details(device)
        _close_gap(meter, device)
        record_change(actor, "meter.device_removed", meter, removed, {"serial": meter.serial})


def undo_exchange(actor: Actor, *, meter: Meter, version: int | None = None) -> Device:
    """Undo a meter's last exchange and return the device that it has again."""
    with transaction.atomic():
        lock(meter, version)
        actor.require("estate.edit", meter.place)
        devices = list(meter.devices.all())
        if len(devices) < 2:
            raise Conflict(f"The device of {meter} was never exchanged.", "There is nothing to undo.")
        last = devices[-1]
        removed = _details(last)
        _close_gap(meter, last)
        before: Device = meter.devices.get(until=None)
        record_change(actor, "meter.exchange_taken_back", meter, removed, _details(before))
    return before


def _close_gap(meter: Meter, device: Device) -> None:
    """Delete a device; its neighbour covers its days."""
    devices = list(meter.devices.all())
    at = devices.index(device)
    device.delete()
    if at > 0:
        former = devices[at - 1]
        former.until, former.closing_read = device.until, None  # that read was of the day on which this one came
        former.save(update_fields=["until", "closing_read"])
    elif len(devices) > 1:
        later = devices[1]
        later.since = device.since
        later.save(update_fields=["since"])
    _update_meter(meter)


def _update_meter(meter: Meter) -> None:
    """Give the meter the serial of its present device; count the change as one of the meter."""
    present = meter.devices.filter(until=None).first()
    if present is not None and present.serial != meter.serial:
        meter.serial = present.serial
        save(meter, "serial", "search")
    else:
        touch(meter)


def _fields(given: dict[str, Any]) -> dict[str, Any]:
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
    """Move the day of an exchange, between its neighbours."""
    before = meter.devices.filter(until=device.since).exclude(pk=device.pk).first() if device.since else None
    if before is not None and (day is None or (before.since is not None and day <= before.since)):
        raise Invalid("The device before it was fitted later.", "Choose a later day.", field="since")
    if day is not None:
        refuse_future(meter, day, "since")
    if day is not None and device.until is not None and day >= device.until:
        raise Invalid(f"The device was removed on {device.until}.", "Choose an earlier day.", field="since")
    if before is not None:
        before.until = day
        before.save(update_fields=["until"])


def _details(device: Device) -> dict[str, object]:
    names = ("serial", "since", "until", *_READS, "digits")
    return {name: getattr(device, name) for name in names if getattr(device, name) is not None} | (
        {"ct_ratio": device.ct_ratio} if device.ct_ratio else {}
    )
