"""Reads, deliveries and dips that somebody types in, corrects or withdraws; and what is declared of a register.

Each is a batch of its own, as an import is: it stands in the history of imports, is audited as one, can be taken back
as one, and whoever may import may do it. A correction is a later word on the same moment; a withdrawal takes back what
was said of it, in whichever batch. Nothing that was entered is ever overwritten.
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
from eclectyc.registers.recompute import Recalculation, for_registers, with_entry, with_read
from eclectyc.registers.register_config import code_key, serial_key
from eclectyc.registers.repository import measured_in
from eclectyc.registers.tank_entries import FUELS

READ, ENTRY, DECLARED = "typed read", "typed delivery", "registers declared"  # formats of such batches
MOST: Final = 1e12
WAIT_S: Final = 20.0  # somebody waits for the page


@dataclass(frozen=True, slots=True)
class EntryResult:
    """What an entry did: its batch, how many days or slots of use it gave, changed and took away; and findings."""

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
    """Write down what a register showed at a moment of the meter's local time. ``at`` alone as a date is its midnight.

    register : the number of one of the meter's registers; without it the one of ``serial`` and ``code``, made where
    there is none. The same moment again corrects what was said of it.
    """
    actor.require("imports.run", meter.organisation_id)
    refuse_if_virtual(meter, "register")
    at_s, shown = _moment(meter, at), _number("value", value)
    chosen = _register(actor, meter, register)

    def work() -> Recalculation:
        found = chosen or _same_register(meter, serial, code, quantity or meter.direction)
        return with_read(meter.pk, found.pk, at_s, shown, ESTIMATED if estimated else ACTUAL)

    return _enter(actor, meter, READ, work)


def withdraw_read(actor: Actor, *, meter: Meter, read: int) -> EntryResult:
    """Take one read back, whoever told it; it stays in the history."""
    actor.require("imports.run", meter.organisation_id)
    found = RegisterRead.objects.visible_to(actor).filter(pk=read, register__meter=meter).first()
    if found is None:
        raise NotFound("There is no such read.", "It may belong to another meter.", field="read")
    gone = (found.register_id, found.at_s, None, RegisterRead.TAKEN_BACK)
    return _enter(actor, meter, READ, lambda: with_read(meter.pk, *gone))


def enter_tank(
    actor: Actor, *, meter: Meter, at: datetime | str, kind: str, litres: float | str, reference: str = ""
) -> EntryResult:
    """Write down a delivery into a meter's tank, or a dip of it [litre]."""
    actor.require("imports.run", meter.organisation_id)
    refuse_if_virtual(meter, "tank")
    if meter.utility not in FUELS:
        raise Invalid(f"{meter} is of {meter.get_utility_display().lower()}: it has no tank.", "Choose a fuel's meter.")
    if kind not in TankKind.values:
        raise Invalid(f"{kind[:40]!r} is neither a delivery nor a dip.", "Choose one of the two.", field="kind")
    at_s, shown = _moment(meter, at), _number("litres", litres)
    told = (at_s, shown, ACTUAL, kind, reference.strip()[:100])
    return _enter(actor, meter, ENTRY, lambda: with_entry(meter.pk, *told))


def withdraw_entry(actor: Actor, *, meter: Meter, entry: int) -> EntryResult:
    """Take one delivery or dip back, whoever told it; it stays in the history."""
    actor.require("imports.run", meter.organisation_id)
    found = TankEntry.objects.visible_to(actor).filter(pk=entry, meter=meter).first()
    if found is None:
        raise NotFound("There is no such entry.", "It may belong to another meter.", field="entry")
    gone = (found.at_s, None, RegisterRead.TAKEN_BACK, found.kind, found.reference)
    return _enter(actor, meter, ENTRY, lambda: with_entry(meter.pk, *gone))


def declare_register(actor: Actor, *, meter: Meter, register: int, **fields: Any) -> EntryResult:
    """Say what a register is for (``kind``), its ``digits``, until when it is read (``until``), how near a read must be
    to a slot's edge (``tolerance_s``) and whether its device counts beside others (``is_beside``)."""
    actor.require("imports.run", meter.organisation_id)
    found = _register(actor, meter, register)
    if found is None:
        raise NotFound("There is no such register.", "Choose one of the list.", field="register")
    checked = _declared(fields)

    def work() -> Recalculation:
        before = {name: getattr(found, name) for name in checked}
        Register.objects.filter(pk=found.pk).update(**checked)
        record(actor.by, "register.declared", found, organisation_id=meter.organisation_id,
               before=before, after=checked)  # fmt: skip
        return for_registers([meter.pk])

    return _enter(actor, meter, DECLARED, work)


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
    """Say that a register was set back in a span, what it showed just before, where that is known, and just after."""
    actor.require("imports.run", meter.organisation_id)
    found = _register(actor, meter, register)
    if found is None:
        raise NotFound("There is no such register.", "Choose one of the list.", field="register")
    start, end = (datetime.fromtimestamp(_moment(meter, at), UTC) for at in (since, until))
    if end < start:
        raise Invalid("The window ends before it starts.", "Correct one of the two.", field="until")
    last = None if last_read in (None, "") else _number("last_read", last_read)
    first = _number("first_read", first_read or 0)

    def work() -> Recalculation:
        window = ResetWindow.objects.create(register=found, since=start, until=end, last_read=last, first_read=first)
        record(actor.by, "register.reset_declared", found, organisation_id=meter.organisation_id,
               after={"since": start, "until": end, "window": window.pk})  # fmt: skip
        return for_registers([meter.pk])

    return _enter(actor, meter, DECLARED, work)


def recalculate_consumption(actor: Actor, *, meter: Meter) -> EntryResult:
    """Work a meter's use out again from its reads: its devices, its multiplier or its slots have changed."""
    actor.require("imports.run", meter.organisation_id)
    return _enter(actor, meter, DECLARED, lambda: for_registers([meter.pk]))


def _enter(actor: Actor, meter: Meter, what: str, work: Callable[[], Recalculation]) -> EntryResult:
    """Do it as one batch, with the writers' turn held."""
    with writers_turn(f"{what} of {meter.identifier}", wait_s=WAIT_S) as lease:
        again = work()

        def begun(made: CreatedRecords) -> Batch:
            return begin(actor, lease, organisation=meter.organisation, created=made, format=what,
                         file_name=meter.identifier, derives_use=True)  # fmt: skip

        def before_commit(batch: Batch, result: WriteResult) -> None:
            typed = int(what != DECLARED)
            counts = dict.fromkeys(COUNTS, 0) | {"rows": typed, "accepted": typed}
            counts |= {name: getattr(result, name) for name in ("added", "changed", "unchanged", "kept")}
            report = {"warnings": again.consumption.notes, "removed": result.removed}
            record_result(batch, touched=result.touched, report=report, **counts)

        batch, result = commit_consumption(
            again.consumption, again.series, lease, under=transaction.atomic, begin=begun, keep=again.store,
            before_commit=before_commit,
        )  # fmt: skip
    return EntryResult(batch.pk, result.added, result.changed, result.removed, again.consumption.notes)


def _register(actor: Actor, meter: Meter, number: int | None) -> Register | None:
    if number is None:
        return None
    found = Register.objects.visible_to(actor).filter(pk=number, meter=meter).first()
    if found is None:
        raise NotFound("There is no such register.", "Choose one of the list.", field="register")
    return found


def _same_register(meter: Meter, serial: str, code: str, quantity: str) -> Register:
    """Return the meter's register of this serial and code, made where there is none."""
    if quantity not in Quantity.values:
        raise Invalid(f"There is no quantity {quantity[:40]!r}.", "Choose one of the list.", field="quantity")
    if len(serial) > 64 or len(code) > 40:
        raise Invalid("A serial has 64 characters at most, a register's name 40.", "Shorten it.", field="serial")
    unit = "kVArh" if quantity.startswith("reactive") else meter.unit
    quantity = quantity_in(meter.utility, quantity, measured_in(unit, meter.unit)[0])
    keys = {"quantity": quantity, "serial_key": serial_key(serial), "code_key": code_key(code)}
    with transaction.atomic():
        held = Register.objects.filter(meter=meter, **keys).order_by("pk")
        alike = [one for one in held if measured_in(one.unit, meter.unit)[0] == measured_in(unit, meter.unit)[0]]
        return (
            alike[0]
            if alike
            else Register.objects.create(meter=meter, unit=unit, serial=serial.strip(), code=code.strip(), **keys)
        )


def _moment(meter: Meter, at: datetime | str) -> int:
    """Return a moment as UTC seconds; a text is the meter's local time. The future has not been read yet."""
    zone = zone_of(meter.site.timezone)
    try:
        moment = at if isinstance(at, datetime) else datetime.fromisoformat(at.strip())
    except ValueError:
        raise Invalid(f"{str(at)[:40]!r} is no date and time.", "Write YYYY-MM-DD HH:MM.", field="at") from None
    instant = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    if not 1970 <= instant.year <= 2100 or instant > timezone.now():
        raise Invalid(f"{moment:%Y-%m-%d %H:%M} has not come yet, or is too long ago.", "Check the date.", field="at")
    return int(instant.timestamp())


def _number(name: str, given: float | str) -> float:
    value = float(plain_number(given, field=name)) if isinstance(given, str) else float(given)
    if not 0 <= value < MOST:
        raise Invalid(f"{str(given)[:40]!r} is out of range.", f"Enter a number from 0 to {MOST:,.0f}.", field=name)
    return value


def _declared(given: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a declaration, checked; a blank one is none."""
    known: dict[str, Callable[[str, Any], Any]] = {
        "kind": _kind, "digits": checks.whole(1, 12), "until": checks.day,
        "tolerance_s": checks.whole(0, 1800), "is_beside": checks.yes_or_no,
    }  # fmt: skip
    strange = sorted(set(given) - set(known))
    if strange:
        raise Invalid(f"There is no field {strange[0][:40]!r}.", f"Use: {', '.join(known)}.", field=strange[0])
    checked = {name: known[name](name, value) for name, value in given.items()}
    if checked.get("tolerance_s", 0) is None:
        del checked["tolerance_s"]  # as it is
    return checked


def _kind(name: str, given: object) -> str:
    if given not in RegisterKind.values:
        raise Invalid(f"{str(given)[:40]!r} is nothing that a register is for.", "Choose one of the list.", field=name)
    return str(given)
