"""One entry of a history, opened to be put right or taken out: devices, multipliers, moves, metrics.

The address names it: ``?correct=device-12``. What is not of the thing shown is as if it were not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse

from eclectyc.accounts.actor import Actor
from eclectyc.estate import corrections, devices, metrics, multipliers, placements
from eclectyc.estate.models import Correction as VolumeCorrection
from eclectyc.estate.models import Device, Measure, Meter, Multiplier, Placement, Site, SiteMetric
from eclectyc.web.forms import Field, Form
from eclectyc.web.views.admin.page import done, number_in, version_in

ACTIONS: Final = ("correct", "take_out")
Entry = Device | Multiplier | VolumeCorrection | Placement | SiteMetric


@dataclass(frozen=True, slots=True)
class Kind:
    """How entries of one history are mended. ``lost`` says what taking one out does; without it there is no way."""

    anchor: str  # of the history on its page
    name: str
    fields: tuple[Field, ...]
    held: Callable[[Any], Mapping[str, object]]
    correct: Callable[..., object]
    take_out: Callable[..., object] | None = None
    lost: str = ""


@dataclass(slots=True)
class Correction:
    """An entry that is open, with its form."""

    kind: Kind
    key: str  # device-12
    title: str
    entry: Entry
    form: Form
    may_take_out: bool

    @property
    def anchor(self) -> str:
        """Where on the page it stands."""
        return self.kind.anchor


METRIC: Final = (
    Field("name", "Metric", help="Beds, occupants, works.", suggestions=("Beds", "Occupants", "Works"), is_needed=True),
    Field("value", "Value", is_needed=True),
    Field("unit", "Unit", help="£, or nothing for a count."),
    Field("measure", "Kind", "select", choices=tuple(Measure.choices)),
    Field("since", "From", "date", is_needed=True),
    Field("until", "Until", "date", help="The first day on which it no longer holds; empty: without end."),
)
_DEVICE: Final = (
    Field("serial", "Serial number", is_needed=True),
    Field("since", "Fitted on", "date", help="Empty: as long as anybody knows. The device before it ends on that day."),
    Field("opening_read", "First read"),
    Field("closing_read", "Last read"),
    Field("digits", "Digits of its register", help="Where it rolls over."),
    Field("ct_ratio", "CT ratio", help="Such as 200/5."),
)
_MULTIPLIER: Final = (
    Field("factor", "Multiplier", is_needed=True),
    Field("since", "From", "date", help="Empty for the first: it holds from the start."),
)
_CORRECTION: Final = (
    Field("factor", "Volume correction", is_needed=True),
    Field("since", "From", "date", help="A gas day. Empty for the first: it holds from the start."),
)
_MOVE: Final = (Field("on", "At this site from", "date", is_needed=True, help="The first day there."),)


def _number(value: Any) -> str:
    return "" if value is None else f"{value.normalize():f}"


KINDS: Final[Mapping[str, Kind]] = {
    "device": Kind(
        "devices", "device", _DEVICE,
        lambda d: {"serial": d.serial, "since": d.since, "opening_read": _number(d.opening_read),
                   "closing_read": _number(d.closing_read), "digits": d.digits, "ct_ratio": d.ct_ratio},
        devices.correct_device, devices.remove_device,
        "The device before it – of the first, the one after – stood there on its days. Its reads are lost.",
    ),
    "multiplier": Kind(
        "multipliers", "multiplier", _MULTIPLIER, lambda m: {"factor": _number(m.factor), "since": m.since},
        multipliers.correct_multiplier, multipliers.remove_multiplier, "The multiplier before it holds on.",
    ),
    "correction": Kind(
        "corrections", "correction", _CORRECTION, lambda m: {"factor": _number(m.factor), "since": m.since},
        corrections.amend_correction, corrections.remove_correction, "The correction before it holds on.",
    ),
    "placement": Kind("placements", "placement", _MOVE, lambda p: {"on": p.since}, placements.correct_move),
    "metric": Kind(
        "metrics", "metric", METRIC,
        lambda m: {name: getattr(m, name) for name in ("name", "unit", "measure", "since", "until")}
        | {"value": _number(m.value)},
        metrics.update_metric, metrics.delete_metric, "It is kept in the audit alone.",
    ),
}  # fmt: skip


def address_of(name: str, entry: Entry) -> str:
    """Return the address that opens an entry on the page that shows it."""
    return f"?correct={name}-{entry.pk}#{KINDS[name].anchor}"


def opened(request: HttpRequest, thing: Meter | Site) -> Correction | None:
    """Return the entry that the address names, if it is one of this thing's own."""
    name, _, number = request.GET.get("correct", "").partition("-")
    entries = _entries(thing).get(name)
    entry: Entry | None = entries.filter(pk=number_in(number)).first() if entries is not None else None
    if entry is None or (isinstance(entry, Placement) and entry.since is None):
        return None
    kind = KINDS[name]
    may_take_out = kind.take_out is not None and not (
        isinstance(entry, Multiplier | VolumeCorrection) and entry.since is None
    )
    form = Form.holding(kind.fields, kind.held(entry), "correct")
    return Correction(kind, f"{name}-{entry.pk}", f"Correct: {_called(entry)}", entry, form, may_take_out)


def act(request: HttpRequest, actor: Actor, correction: Correction | None, here: str) -> HttpResponse | int:
    """Correct the entry that is open, or take it out."""
    if correction is None:
        raise Http404
    kind, version = correction.kind, version_in(request)
    named: dict[str, Any] = {kind.name: correction.entry, "version": version}
    if request.POST["do"] == "take_out":
        remove = kind.take_out
        if remove is None:
            raise Http404
        correction.form.attempt(lambda: remove(actor, **named))
        said = "That entry was taken out."
    else:
        correction.form = form = Form.sent(kind.fields, request.POST, "correct")
        form.attempt(lambda: kind.correct(actor, **named, **form.values()))
        said = "The correction was written down."
    return done(request, said, f"{here}#{kind.anchor}") if correction.form.is_good else correction.form.status


def _entries(thing: Meter | Site) -> dict[str, Any]:
    if isinstance(thing, Site):
        return {"metric": thing.metrics.select_related("site")}
    return {
        "device": thing.devices.select_related("meter"),
        "multiplier": thing.multipliers.select_related("meter"),
        "correction": thing.corrections.select_related("meter"),
        "placement": thing.placements.select_related("meter", "site__region"),
    }


def _called(entry: Entry) -> str:
    if isinstance(entry, Placement):
        return f"{entry.site.name} from {entry.since}"
    if isinstance(entry, Multiplier):
        return f"multiplier {_number(entry.factor)} from {entry.since or 'the start'}"
    if isinstance(entry, VolumeCorrection):
        return f"volume correction {_number(entry.factor)} from {entry.since or 'the start'}"
    if isinstance(entry, Device):
        return f"device {entry.serial or 'without a serial'}"
    return f"{entry.name} from {entry.since}"
