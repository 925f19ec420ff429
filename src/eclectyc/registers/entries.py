"""Enter, correct and withdraw reads, deliveries and dips by hand; change a register's settings.

Each is a batch of its own, like an import: it is listed in the import history, audited and undone as one, and needs the
same permission. A correction is a later read at the same moment; a withdrawal removes the read of that moment from any
batch. Nothing that was entered is ever overwritten.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.audit.record import record
from eclectyc.batches.lifecycle import COUNTS, CreatedRecords, begin, record_result, writers_turn
from eclectyc.batches.models import Batch
from eclectyc.estate import checks
from eclectyc.estate.models import Meter, Quantity
from eclectyc.estate.series import quantity_in
from eclectyc.estate.virtual import refuse_if_virtual
from eclectyc.kernel.days import zone_of
from eclectyc.kernel.errors import Invalid, NotFound
from eclectyc.kernel.quality import ACTUAL, ESTIMATED
from eclectyc.kernel.typed_numbers import plain_number
from eclectyc.lake.write import WriteResult
from eclectyc.registers.commit_consumption import commit_consumption
from eclectyc.registers.models import Register, RegisterKind, RegisterRead, ResetWindow, TankEntry, TankKind
from eclectyc.registers.recompute import Recalculation, for_registers, for_tanks, with_entry, with_read
from eclectyc.registers.register_config import code_key, serial_key
from eclectyc.registers.repository import measured_in
from eclectyc.registers.tank_entries import FUELS

READ, ENTRY, DECLARED = "typed read", "typed delivery", "registers declared"  # formats of such batches
MOST: Final = 1e12
WAIT_S: Final = 20.0  # a person waits for the page


@dataclass(frozen=True, slots=True)
class EntryResult:
    """added, changed, removed : days or slots of use. notes : warnings."""

    batch: int
    added: int
    changed: int
    removed: int
    notes: list[str]


def enter_read(
    actor: Actor,
    *,
    meter: Meter,
    at: datetime | str,
    value: float | str,
    register: int | None = None,
    serial: str = "",
    code: str = "",
    quantity: str = "",
    estimated: bool = False,
) -> EntryResult:
    """Store a read of a register. at : the meter's local time; a date alone is its midnight.

    register : the number of one of the meter's registers; without it, the one of ``serial`` and ``code``, created if
    necessary. A second read at the same moment corrects the first.
    """
    actor.require("imports.run", meter.organisation_id)
    refuse_if_virtual(meter, "register")
    at_s, shown = _moment(meter, at), _number("value", value)
    chosen = _register(actor, meter, register)

    def calculate() -> Recalculation:
        found = chosen or _same_register(meter, serial, code, quantity or meter.direction)
        return with_read(meter.pk, found.pk, at_s, shown, ESTIMATED if estimated else ACTUAL)

    return _enter(actor, meter, READ, calculate)


def withdraw_read(actor: Actor, *, meter: Meter, read: int) -> EntryResult:
    """Withdraw a read of any batch; it stays in the history."""
    actor.require("imports.run", meter.organisation_id)
    found = RegisterRead.objects.visible_to(actor).filter(pk=read, register__meter=meter).first()
    if found is None:
        raise NotFound("There is no such read.", "It may belong to another meter.", field="read")
    withdrawal = (found.register_id, found.at_s, None, RegisterRead.WITHDRAWN)
    return _enter(actor, meter, READ, lambda: with_read(meter.pk, *withdrawal))


def enter_tank(
    actor: Actor, *, meter: Meter, at: datetime | str, kind: str, litres: float | str, reference: str = ""
) -> EntryResult:
    """Store a delivery into a meter's tank, or a dip of it [litre]."""
    actor.require("imports.run", meter.organisation_id)
    refuse_if_virtual(meter, "tank")
    if meter.utility not in FUELS:
        utility = meter.get_utility_display().lower()
        raise Invalid(f"{meter} is a meter of {utility}: it has no tank.", "Choose a meter of a fuel.")
    if kind not in TankKind.values:
        raise Invalid(f"{kind[:40]!r} is neither a delivery nor a dip.", "Choose one of the two.", field="kind")
    at_s, shown = _moment(meter, at), _number("litres", litres)
    entry = (at_s, shown, ACTUAL, kind, reference.strip()[:100])
    return _enter(actor, meter, ENTRY, lambda: with_entry(meter.pk, *entry))


def withdraw_entry(actor: Actor, *, meter: Meter, entry: int) -> EntryResult:
    """Withdraw a delivery or dip of any batch; it stays in the history."""
    actor.require("imports.run", meter.organisation_id)
    found = TankEntry.objects.visible_to(actor).filter(pk=entry, meter=meter).first()
    if found is None:
        raise NotFound("There is no such entry.", "It may belong to another meter.", field="entry")
    withdrawal = (found.at_s, None, RegisterRead.WITHDRAWN, found.kind, found.reference)
    return _enter(actor, meter, ENTRY, lambda: with_entry(meter.pk, *withdrawal))


def declare_register(actor: Actor, *, meter: Meter, register: int, **fields: Any) -> EntryResult:
    """Change a register's settings.

    fields : its ``kind``; ``digits``; the day ``until`` which it is read; ``tolerance_s``, how near to a slot's edge a
    read must be; ``is_beside``, whether its device counts beside others.
    """
    actor.require("imports.run", meter.organisation_id)
    found = _register(actor, meter, register)
    if found is None:
        raise NotFound("There is no such register.", "Choose one from the list.", field="register")
    checked = _checked_settings(fields)

    def calculate() -> Recalculation:
        before = {name: getattr(found, name) for name in checked}
        Register.objects.filter(pk=found.pk).update(**checked)
        organisation = meter.organisation_id
        record(actor.by, "register.declared", found, organisation_id=organisation, before=before, after=checked)
        return for_registers([meter.pk])

    return _enter(actor, meter, DECLARED, calculate)


def declare_reset(
    actor: Actor,
    *,
    meter: Meter,
    register: int,
    since: datetime | str,
    until: datetime | str,
    last_read: float | str | None = None,
    first_read: float | str = 0,
) -> EntryResult:
    """Record that a register was reset in a span, with its reads just before, if known, and just after."""
    actor.require("imports.run", meter.organisation_id)
    found = _register(actor, meter, register)
    if found is None:
        raise NotFound("There is no such register.", "Choose one from the list.", field="register")
    start, end = (datetime.fromtimestamp(_moment(meter, at), UTC) for at in (since, until))
    if end < start:
        raise Invalid("The reset ends before it starts.", "Correct one of the two times.", field="until")
    last = None if last_read in (None, "") else _number("last_read", last_read)
    first = _number("first_read", first_read or 0)

    def calculate() -> Recalculation:
        window = ResetWindow.objects.create(register=found, since=start, until=end, last_read=last, first_read=first)
        details = {"since": start, "until": end, "window": window.pk}
        record(actor.by, "register.reset_declared", found, organisation_id=meter.organisation_id, after=details)
        return for_registers([meter.pk])

    return _enter(actor, meter, DECLARED, calculate)


def recalculate_consumption(actor: Actor, *, meter: Meter) -> EntryResult:
    """Recalculate a meter's consumption from its reads or tank entries: its devices, multiplier or slots, or the lake,
    have changed."""
    actor.require("imports.run", meter.organisation_id)
    has_reads = RegisterRead.objects.filter(register__meter=meter).exists()
    again = for_registers if has_reads or not meter.tank_entries.exists() else for_tanks
    return _enter(actor, meter, DECLARED, lambda: again([meter.pk]))


def _enter(actor: Actor, meter: Meter, what: str, calculate: Callable[[], Recalculation]) -> EntryResult:
    with writers_turn(f"{what} of {meter.identifier}", wait_s=WAIT_S) as lease:
        recalculation = calculate()

        def begin_batch(created: CreatedRecords) -> Batch:
            return begin(
                actor,
                lease,
                organisation=meter.organisation,
                created=created,
                format=what,
                file_name=meter.identifier,
                derives_use=True,
            )

        def before_commit(batch: Batch, result: WriteResult) -> None:
            typed = int(what != DECLARED)
            counts = dict.fromkeys(COUNTS, 0) | {"rows": typed, "accepted": typed}
            counts |= {name: getattr(result, name) for name in ("added", "changed", "unchanged", "kept")}
            report = {"warnings": recalculation.consumption.notes, "removed": result.removed}
            record_result(batch, touched=result.touched, report=report, **counts)

        batch, result = commit_consumption(
            recalculation.consumption,
            recalculation.series,
            lease,
            transaction=transaction.atomic,
            begin=begin_batch,
            store=recalculation.store,
            before_commit=before_commit,
        )
    return EntryResult(batch.pk, result.added, result.changed, result.removed, recalculation.consumption.notes)


def _register(actor: Actor, meter: Meter, number: int | None) -> Register | None:
    if number is None:
        return None
    found = Register.objects.visible_to(actor).filter(pk=number, meter=meter).first()
    if found is None:
        raise NotFound("There is no such register.", "Choose one from the list.", field="register")
    return found


def _same_register(meter: Meter, serial: str, code: str, quantity: str) -> Register:
    """Return the meter's register of this serial and code, created if necessary."""
    if quantity not in Quantity.values:
        raise Invalid(f"There is no quantity {quantity[:40]!r}.", "Choose one from the list.", field="quantity")
    if len(serial) > 64 or len(code) > 40:
        raise Invalid("A serial has at most 64 characters, a register's name 40.", "Shorten it.", field="serial")
    unit = "kVArh" if quantity.startswith("reactive") else meter.unit
    quantity = quantity_in(meter.utility, quantity, measured_in(unit, meter.unit)[0])
    keys = {"quantity": quantity, "serial_key": serial_key(serial), "code_key": code_key(code)}
    with transaction.atomic():
        for register in Register.objects.filter(meter=meter, **keys).order_by("pk"):
            if measured_in(register.unit, meter.unit)[0] == measured_in(unit, meter.unit)[0]:
                return register
        return Register.objects.create(meter=meter, unit=unit, serial=serial.strip(), code=code.strip(), **keys)


def _moment(meter: Meter, at: datetime | str) -> int:
    """Return a moment as UTC seconds; text is the meter's local time. Moments in the future are refused."""
    zone = zone_of(meter.site.timezone)
    try:
        moment = at if isinstance(at, datetime) else datetime.fromisoformat(at.strip())
    except ValueError:
        raise Invalid(f"{str(at)[:40]!r} is not a date and time.", "Write YYYY-MM-DD HH:MM.", field="at") from None
    instant = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    if not 1970 <= instant.year <= 2100 or instant > timezone.now():
        reason = f"{moment:%Y-%m-%d %H:%M} is in the future, or too far in the past."
        raise Invalid(reason, "Check the date.", field="at")
    return int(instant.timestamp())


def _number(name: str, given: float | str) -> float:
    value = float(plain_number(given, field=name)) if isinstance(given, str) else float(given)
    if not 0 <= value < MOST:
        raise Invalid(f"{str(given)[:40]!r} is out of range.", f"Enter a number from 0 to {MOST:,.0f}.", field=name)
    return value


def _checked_settings(given: dict[str, Any]) -> dict[str, Any]:
    """Return the checked settings; a blank one is None."""
    known: dict[str, Callable[[str, Any], Any]] = {
        "kind": _kind,
        "digits": checks.whole(1, 12),
        "until": checks.day,
        "tolerance_s": checks.whole(0, 1800),
        "is_beside": checks.yes_or_no,
    }
    strange = sorted(set(given) - set(known))
    if strange:
        raise Invalid(f"There is no field {strange[0][:40]!r}.", f"Use: {', '.join(known)}.", field=strange[0])
    checked = {name: known[name](name, value) for name, value in given.items()}
    if checked.get("tolerance_s", 0) is None:
        del checked["tolerance_s"]  # unchanged
    return checked


def _kind(name: str, given: object) -> str:
    if given not in RegisterKind.values:
        raise Invalid(f"{str(given)[:40]!r} is not a register type.", "Choose one from the list.", field=name)
    return str(given)
