"""``/meters/{id}/reads``: register reads and tank deliveries – entered, corrected, withdrawn."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from eclectyc.accounts.actor import Actor
from eclectyc.batches.models import Batch
from eclectyc.estate.models import Meter, Quantity
from eclectyc.kernel.days import WHOLE_DAY, zone_of
from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.number_format import exact
from eclectyc.kernel.plurals import counted
from eclectyc.registers import entries
from eclectyc.registers.models import Register, RegisterKind, RegisterRead, TankEntry, TankKind
from eclectyc.registers.tank_entries import FUELS
from eclectyc.web import list_query
from eclectyc.web.clock import date_words, stamp
from eclectyc.web.forms import Field, Form
from eclectyc.web.list_component import Cell, Row
from eclectyc.web.security import actor_of
from eclectyc.web.views.admin.page import ActionRow, Button, Table, done, number_in

MAY: Final = "imports.run"
NEWEST: Final = 100  # entries of a tank that are shown
_LIVE: Final = (Batch.DONE, Batch.COMMITTED)
_QUALITY: Final = {0: "withdrawal", 1: "actual", 2: "estimated"}


@require_http_methods(["GET", "HEAD", "POST"])
def reads(request: HttpRequest, pk: int) -> HttpResponse:
    """Show reads and deliveries, with the forms that add to them."""
    actor = actor_of(request)
    related = Meter.objects.visible_to(actor, MAY).select_related("site", "organisation")
    one = get_object_or_404(related, pk=pk)
    registers = list(Register.objects.visible_to(actor, MAY).filter(meter=one))
    forms = _forms(one, registers)
    status = 200
    if request.method == "POST":
        answer = _act(request, actor, one, forms)
        if isinstance(answer, HttpResponse):
            return answer
        status = answer
    stored = RegisterRead.objects.visible_to(actor, MAY).filter(register__meter=one).select_related("register", "batch")
    page = list_query.page_of(stored.order_by("-at_s", "-pk"), request.GET)
    context: dict[str, Any] = {
        "meter": one,
        "forms": forms,
        "registers": _registers(registers),
        "reads": _reads(one, list(page)),
        "page": page,
        "tank": _tank(actor, one) if one.utility in FUELS else None,
    }
    return render(request, "web/reads.html", context, status=status)


def _forms(one: Meter, registers: list[Register]) -> dict[str, Form]:
    """Return the forms by what they do."""
    known = tuple((str(register.pk), _name(register)) for register in registers)
    when = (
        Field("on", "Date", "date", is_required=True),
        Field("at", "Time (optional)", "time", help="Default: the start of the day."),
    )
    forms = {
        "read": Form.from_values(
            (
                *when,
                Field("value", "Reading", help="All the digits on the display.", is_required=True),
                Field("register", "Register", "select", choices=(*known, ("", "Other…"))),
                Field(
                    "serial",
                    "Meter serial number",
                    help="For another register (optional, default the device at that time).",
                ),
                Field(
                    "code",
                    "Register name",
                    help="For another register, such as day, night or 1.8.0. Leave blank for a single one.",
                ),
                Field("quantity", "Quantity", "select", choices=tuple(Quantity.choices)),
                Field("estimated", "Estimated", "check"),
            ),
            {"register": known[0][0] if known else "", "quantity": one.direction},
            "read",
        )
    }
    if one.utility in FUELS:
        fields = (
            *when,
            Field("kind", "Type", "select", choices=tuple(TankKind.choices)),
            Field("litres", "Litres", is_required=True),
            Field("reference", "Ticket number", help="Required if two deliveries have the same date and time."),
        )
        forms["tank"] = Form.from_values(fields, {"kind": TankKind.DELIVERY.value}, "tank")
    if registers:
        forms |= {"declare": _declaring(known), "reset": _resetting(known)}
    return forms


def _declaring(known: tuple[tuple[str, str], ...]) -> Form:
    fields = (
        Field("register", "Register", "select", choices=known),
        Field("kind", "Purpose", "select", choices=tuple(RegisterKind.choices)),
        Field("digits", "Digits", help="Before the decimal point, where it rolls over. Leave blank if not known."),
        Field("until", "Last read before", "date", help="The first day on which it is no longer read."),
        Field(
            "tolerance_s",
            "Tolerance (seconds)",
            help="A read this close to the start of an interval counts as at its start.",
        ),
        Field("is_beside", "Its device measures alongside the meter's other devices", "check"),
    )
    return Form.from_values(fields, {"kind": RegisterKind.USE.value, "tolerance_s": 60}, "declare")


def _resetting(known: tuple[tuple[str, str], ...]) -> Form:
    fields = (
        Field("register", "Register", "select", choices=known),
        Field("since", "Reset between", "datetime-local", is_required=True),
        Field("until", "and", "datetime-local", is_required=True),
        Field(
            "last_read",
            "Reading before the reset",
            help="Leave blank if not known; usage up to the reset stays unknown.",
        ),
        Field("first_read", "Reset to", help="Leave blank for 0."),
    )
    return Form.from_values(fields, {}, "reset")


def _act(request: HttpRequest, actor: Actor, one: Meter, forms: dict[str, Form]) -> HttpResponse | int:
    """Do the action of a form or button; return the page's status if it was refused."""
    do, of = request.POST.get("do", ""), number_in(request.POST.get("of", ""))
    owner = {"withdraw_read": "read", "withdraw_entry": "tank", "again": "read"}.get(do, do)
    if owner not in forms:
        forms["read"].refuse(Invalid("No action was selected.", "Use one of the buttons on the page."))
        return 422
    form = forms[owner]
    if do == owner:
        form = forms[do] = Form.from_post(form.fields, request.POST, do)
    ways: dict[str, tuple[Callable[[], entries.EntryResult], str]] = {
        "read": (lambda: _read(actor, one, form), "Reading saved"),
        "withdraw_read": (lambda: entries.withdraw_read(actor, meter=one, read=of), "Reading withdrawn"),
        "tank": (lambda: _entry(actor, one, form), "Entry saved"),
        "withdraw_entry": (lambda: entries.withdraw_entry(actor, meter=one, entry=of), "Entry withdrawn"),
        "declare": (lambda: _declare(actor, one, form), "Register saved"),
        "reset": (lambda: _reset(actor, one, form), "Reset recorded"),
        "again": (lambda: entries.recalculate_consumption(actor, meter=one), "Usage recalculated"),
    }
    action, what = ways[do]
    entered = form.attempt(action)
    if entered is None:
        return form.status
    changed = entered.added + entered.changed + entered.removed
    unit = "day" if one.step_minutes == WHOLE_DAY else "value"
    message = f"{what}. {counted(changed, unit)} of usage updated."
    return done(request, " ".join([message, *entered.notes[:3]]), reverse("reads", args=[one.pk]))


def _when(form: Form) -> str:
    if not form["on"]:
        raise Invalid("The date is missing.", "Enter the date of the read.", field="on")
    return f"{form['on']} {form['at']}".strip()


def _read(actor: Actor, one: Meter, form: Form) -> entries.EntryResult:
    return entries.enter_read(
        actor,
        meter=one,
        at=_when(form),
        value=form["value"],
        register=number_in(form["register"]) or None,
        serial=form["serial"],
        code=form["code"],
        quantity=form["quantity"],
        estimated=form["estimated"] == "true",
    )


def _entry(actor: Actor, one: Meter, form: Form) -> entries.EntryResult:
    fields = form.values("kind", "litres", "reference")
    return entries.enter_tank(actor, meter=one, at=_when(form), **fields)


def _declare(actor: Actor, one: Meter, form: Form) -> entries.EntryResult:
    fields = form.values("kind", "digits", "until", "tolerance_s", "is_beside")
    return entries.declare_register(actor, meter=one, register=number_in(form["register"]), **fields)


def _reset(actor: Actor, one: Meter, form: Form) -> entries.EntryResult:
    fields = form.values("since", "until", "last_read", "first_read")
    return entries.declare_reset(actor, meter=one, register=number_in(form["register"]), **fields)


def _registers(registers: list[Register]) -> Table:
    rows = [
        Row(
            [
                Cell(_name(one)),
                Cell(one.get_quantity_display()),
                Cell(one.unit),
                Cell(one.get_kind_display()),
                Cell(str(one.digits or "–"), is_number=True),
                Cell(f"{date_words(one.until)}" if one.until else "–"),
            ]
        )
        for one in registers
    ]
    names = ("Register", "Quantity", "Unit", "Purpose", "Digits", "Last read before")
    return Table("Registers", names, rows, "No reads yet.", numbers=("Digits",))


def _reads(one: Meter, page: list[RegisterRead]) -> Table:
    zone = zone_of(one.site.timezone)
    rows = []
    for read in page:
        state, counts = _state(read.batch, read.quality, is_doubtful=read.is_doubtful)
        value = exact(read.value)
        by = Cell(f"batch {read.batch_id}", under=read.batch.file_name or read.batch.format)
        cells = [
            Cell(_local(read.at_s, zone)),
            Cell(_name(read.register)),
            Cell(value, is_number=True),
            Cell(state),
            by,
        ]
        rows.append(ActionRow(cells, read.pk, (Button("Withdraw", "withdraw_read"),) if counts else ()))
    names = ("Date and time", "Register", "Reading", "Type", "Source")
    return Table("Reads", names, rows, "No reads yet.", buttons=True, numbers=("Reading",))


def _tank(actor: Actor, one: Meter) -> Table:
    zone = zone_of(one.site.timezone)
    stored = TankEntry.objects.visible_to(actor, MAY).filter(meter=one).select_related("batch").order_by("-at_s", "-pk")
    rows = []
    for entry in stored[:NEWEST]:
        state, counts = _state(entry.batch, entry.quality)
        litres = exact(entry.litres)
        cells = [
            Cell(_local(entry.at_s, zone)),
            Cell(entry.get_kind_display(), under=entry.reference),
            Cell(litres, is_number=True),
            Cell(state),
            Cell(f"batch {entry.batch_id}", under=entry.batch.file_name or entry.batch.format),
        ]
        rows.append(ActionRow(cells, entry.pk, (Button("Withdraw", "withdraw_entry"),) if counts else ()))
    names = ("Date and time", "Entry", "Litres", "Type", "Source")
    return Table("Deliveries and dips", names, rows, "None yet.", buttons=True, numbers=("Litres",))


def _state(batch: Batch, quality: int, *, is_doubtful: bool = False) -> tuple[str, bool]:
    """Return the type of an entry, and whether it can be withdrawn."""
    if batch.state not in _LIVE:
        return f"batch {batch.state}", False
    return ("marked doubtful by its source" if is_doubtful else _QUALITY.get(quality, "")), quality > 0


def _name(register: Register) -> str:
    return str(register)


def _local(at_s: int, zone: ZoneInfo) -> str:
    return stamp(datetime.fromtimestamp(at_s, UTC), zone)
