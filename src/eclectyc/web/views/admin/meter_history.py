"""The histories of a meter: devices, facts with dates, sites; and its main and sub-meters with their balance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from eclectyc.accounts.actor import Actor
from eclectyc.analytics.readings import today_in
from eclectyc.analytics.sites import sparklines
from eclectyc.estate.devices import exchange_device, undo_exchange
from eclectyc.estate.facts import CORRECTION, FACTS
from eclectyc.estate.models import Device, Meter, Placement, Site, Utility
from eclectyc.estate.placements import move_meter, undo_move
from eclectyc.kernel import number_format
from eclectyc.kernel.days import zone_of
from eclectyc.kernel.errors import Invalid
from eclectyc.kernel.plurals import counted
from eclectyc.web.forms import Field, Form
from eclectyc.web.list_component import Cell, Row
from eclectyc.web.views.admin import fact_forms
from eclectyc.web.views.admin.fact_forms import HistorySection
from eclectyc.web.views.admin.page import ActionRow, Button, Table, done
from eclectyc.web.views.admin.suggestions import suggestions

ACTIONS: Final = ("exchange", "exchange_back", "move", "move_back", *(f"set_{one.name}" for one in FACTS.values()))
MOST_BELOW: Final = 200


def forms(actor: Actor, one: Meter) -> dict[str, Form]:
    """Return the empty forms."""
    sites = suggestions(Site.objects.visible_to(actor, "estate.edit").filter(organisation=one.organisation), "name")
    return {
        "exchange": Form.from_values(
            (
                Field("on", "Exchanged on", "date", is_required=True),
                Field("serial", "New serial number", is_required=True),
                Field("closing_read", "Last read of the old one"),
                Field("opening_read", "First read of the new one"),
                Field("digits", "Digits of its register", help="The register rolls over after them."),
                Field("ct_ratio", "CT ratio", help="For example 200/5."),
                Field("multiplier", "New multiplier", help="Optional, default no change."),
            ),
            {},
            "exchange",
        ),
        "move": Form.from_values(
            (
                Field("to", "To the site", suggestions=sites, suggests="site", is_required=True),
                Field("on", "From", "date", is_required=True, help="The first day there; earlier usage stays here."),
            ),
            {},
            "move",
        ),
    } | fact_forms.forms_of(one)


def sections(one: Meter, made: dict[str, Form]) -> list[HistorySection]:
    """Return the histories of a meter: volume corrections for gas only, placements only for a virtual meter."""
    moves, exchanges = _placements(one), _devices(one)
    placements = HistorySection(
        "placements",
        moves,
        made["move"],
        "move",
        "Move to another site",
        "Move meter",
        "Who can see the meter follows its site at once.",
        "move_back" if len(moves.rows) > 1 else "",
        "Undo the last move",
    )
    if one.is_virtual:
        return [placements]
    devices = HistorySection(
        "devices",
        exchanges,
        made["exchange"],
        "exchange",
        "Exchange the device",
        "Save exchange",
        "The identifier and its readings continue; only the device changes.",
        "exchange_back" if len(exchanges.rows) > 1 else "",
        "Undo the last exchange",
    )
    facts = fact_forms.sections_of(one, made)
    is_shown = {s.id: s.id != CORRECTION.entries or one.utility == Utility.GAS or s.table.rows for s in facts}
    return [devices, *(s for s in facts if is_shown[s.id]), placements]


def act(request: HttpRequest, actor: Actor, one: Meter, made: dict[str, Form]) -> HttpResponse | int:
    """Carry out the action of a history's form or button."""
    here, do = reverse("admin-meter", args=[one.pk]), request.POST["do"]
    backs: dict[str, tuple[Callable[[], object], str]] = {
        "exchange_back": (lambda: undo_exchange(actor, meter=one), "#devices"),
        "move_back": (lambda: undo_move(actor, meter=one), "#placements"),
    }
    if do in backs:
        action, anchor = backs[do]
        owner = {"exchange_back": "exchange", "move_back": "move"}[do]
        if made[owner].attempt(action) is None and made[owner].fault:
            return made[owner].status
        return done(request, "The last entry was undone.", here + anchor)
    if do in fact_forms.facts_of(one):
        return fact_forms.act(request, actor, one, made, here)
    form = made[do] = Form.from_post(made[do].fields, request.POST, do)
    ways: dict[str, tuple[Callable[[], object], str, str]] = {
        "exchange": (lambda: exchange_device(actor, meter=one, **form.values()), "#devices", "The exchange"),
        "move": (lambda: _move(actor, one, form), "#placements", "The move"),
    }
    action, anchor, what = ways[do]
    if form.attempt(action) is None:
        return form.status
    return done(request, f"{what} was saved.", here + anchor)


def tree(actor: Actor, one: Meter) -> dict[str, Any]:
    """Return the main meter, this one and its sub-meters with their usage of 30 days, and what is not accounted for."""
    below = list(Meter.objects.visible_to(actor).filter(parent=one).order_by("identifier")[:MOST_BELOW])
    above = Meter.objects.visible_to(actor).filter(pk=one.parent_id).first() if one.parent_id else None
    line = [*([above] if above else []), one, *below]
    used = sparklines(actor, line, today_in(zone_of(one.site.timezone)))
    rows = []
    for meter in line:
        depth = (1 if above else 0) + (meter.parent_id == one.pk) if meter is not above else 0
        total = used[meter.pk].total if meter.pk in used else None
        rows.append(
            Row(
                [
                    Cell(
                        meter.identifier,
                        "" if meter is one else reverse("admin-meter", args=[meter.pk]),
                        meter.name,
                        indent=depth,
                        mark="this meter" if meter is one else "",
                    ),
                    Cell(str(number_format.figure(total.value if total else None, meter.unit)), is_number=True),
                    Cell(
                        number_format.percent(number_format.share(total.present, total.expected)) if total else "–",
                        is_number=True,
                    ),
                ]
            )
        )
    table = Table("Tree", ("Meter", "Last 30 days", "Complete"), rows, "", numbers=("Last 30 days", "Complete"))
    return {"table": table, "balance": _balance(one, below, used), "is_alone": len(line) == 1}


def _balance(one: Meter, below: list[Meter], used: dict[int, Any]) -> str:
    mine = used[one.pk].total.value if one.pk in used else None
    theirs = [used[m.pk].total.value for m in below if m.pk in used and m.unit == one.unit and m.is_active]
    known = [value for value in theirs if value is not None]
    if mine is None or not known:
        return "" if not below else "The balance needs readings of this meter and of its sub-meters."
    rest = mine - sum(known)
    share = f" ({number_format.percent(rest / mine)} of this meter)" if mine else ""
    figure = number_format.figure(rest, one.unit)
    missing = len(below) - len(known)
    without = f" Without readings in that time: {missing} of {counted(len(below), 'sub-meter')}." if missing else ""
    if rest < 0:
        return f"The sub-meters add up to {number_format.figure(-rest, one.unit)} more than this meter.{without}"
    return f"{figure}{share} is not accounted for by the sub-meters.{without}"


def _move(actor: Actor, one: Meter, form: Form) -> Placement:
    there = (
        Site.objects.visible_to(actor).select_related("region", "organisation").filter(organisation=one.organisation)
    )
    to = there.filter(name__iexact=form["to"].strip()).first()
    if to is None:
        raise Invalid(f"There is no site {form['to'][:80]!r}.", "Choose one from the list.", field="to")
    return move_meter(actor, meter=one, to=to, on=form["on"])


def _devices(one: Meter) -> Table:
    devices: list[Device] = list(one.devices.all())
    rows = [
        ActionRow(
            [
                Cell(d.serial or "not known"),
                Cell(_day(d.since, "the start")),
                Cell(_day(d.until, "on")),
                Cell(_read(d.opening_read)),
                Cell(_read(d.closing_read)),
                Cell(str(d.digits or "–")),
                Cell(d.ct_ratio or "–"),
            ],
            d.pk,
            _to_correct("device", "devices", d),
        )
        for d in devices
    ]
    names = ("Serial", "From", "Until", "First read", "Last read", "Digits", "CT ratio")
    return Table("Devices", names, rows, "Never exchanged.", buttons=True)


def _placements(one: Meter) -> Table:
    rows = [
        ActionRow(
            [Cell(p.site.name), Cell(_day(p.since, "the start")), Cell(_day(p.until, "on"))],
            p.pk,
            _to_correct("placement", "placements", p) if p.since else (),
        )
        for p in one.placements.select_related("site")
    ]
    return Table("Sites", ("Site", "From", "Until"), rows, "Always at the site where it is now.", buttons=True)


def _to_correct(name: str, anchor: str, entry: Device | Placement) -> tuple[Button, ...]:
    return (Button("Correct", address=fact_forms.address_of(name, anchor, entry)),)


def _day(day: object, otherwise: str) -> str:
    return str(day) if day is not None else otherwise


def _read(read: Any) -> str:
    return f"{read.normalize():f}" if read is not None else "–"
