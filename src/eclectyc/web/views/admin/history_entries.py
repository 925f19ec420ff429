"""One entry of a history, open to be corrected or deleted: a device, a move, or an entry of a fact with dates.

The address names it: ``?correct=device-12``. An entry of another meter or site is not found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse

from eclectyc.accounts.actor import Actor
from eclectyc.estate import devices, placements
from eclectyc.estate.dated_facts import DatedFact
from eclectyc.estate.fact_entries import change_entry, remove_entry
from eclectyc.estate.facts import FACTS
from eclectyc.estate.models import Device, Meter, Placement, Site
from eclectyc.web.forms import Field, Form
from eclectyc.web.views.admin import fact_forms
from eclectyc.web.views.admin.fact_forms import plain_number
from eclectyc.web.views.admin.page import done, number_in, version_in

ACTIONS: Final = ("correct", "take_out")


@dataclass(frozen=True, slots=True)
class EntryKind:
    """How the entries of one history are corrected. removal : what removing one does; empty if that is not possible."""

    anchor: str  # of the history on its page
    fields: tuple[Field, ...]
    values: Callable[[Any], Mapping[str, object]]
    title: Callable[[Any], str]
    correct: Callable[..., object]
    remove: Callable[..., object] | None = None
    removal: str = ""


@dataclass(slots=True)
class OpenEntry:
    """An entry that is open, with its form."""

    kind: EntryKind
    key: str  # device-12
    title: str
    entry: Any
    form: Form
    may_remove: bool

    @property
    def anchor(self) -> str:
        """The history on the page."""
        return self.kind.anchor


_DEVICE: Final = (
    Field("serial", "Serial number", is_required=True),
    Field("since", "Fitted on", "date", help="Leave blank if from the start. The device before it ends on that day."),
    Field("opening_read", "First read"),
    Field("closing_read", "Last read"),
    Field("digits", "Digits of its register", help="The register rolls over after them."),
    Field("ct_ratio", "CT ratio", help="For example 200/5."),
)
_MOVE: Final = (Field("on", "At this site from", "date", is_required=True, help="The first day there."),)


def _device_values(device: Device) -> dict[str, object]:
    reads = {name: plain_number(getattr(device, name)) for name in ("opening_read", "closing_read")}
    return {name: getattr(device, name) for name in ("serial", "since", "digits", "ct_ratio")} | reads


def _of_fact(fact: DatedFact[Any]) -> EntryKind:
    return EntryKind(
        fact.entries,
        fact_forms.fields_of(fact, is_new=False),
        partial(fact_forms.values_of, fact),
        partial(fact_forms.title_of, fact),
        lambda actor, entry, **fields: change_entry(actor, fact, entry=entry, **fields),
        lambda actor, entry, **version: remove_entry(actor, fact, entry=entry, **version),
        fact.removal,
    )


KINDS: Final[Mapping[str, EntryKind]] = {
    "device": EntryKind(
        "devices",
        _DEVICE,
        _device_values,
        lambda device: f"device {device.serial or 'without a serial number'}",
        lambda actor, entry, **fields: devices.correct_device(actor, device=entry, **fields),
        lambda actor, entry, **version: devices.remove_device(actor, device=entry, **version),
        "The device before it (for the first, the one after) covers its days. Its reads are lost.",
    ),
    "placement": EntryKind(
        "placements",
        _MOVE,
        lambda placement: {"on": placement.since},
        lambda placement: f"{placement.site.name} from {placement.since}",
        lambda actor, entry, **fields: placements.correct_move(actor, placement=entry, **fields),
    ),
    **{fact.name: _of_fact(fact) for fact in FACTS.values()},
}


def open_entry(request: HttpRequest, thing: Meter | Site) -> OpenEntry | None:
    """Return the entry that the address names, if it belongs to this meter or site."""
    name, _, number = request.GET.get("correct", "").partition("-")
    entries = _entries(thing).get(name)
    entry = entries.filter(pk=number_in(number)).first() if entries is not None else None
    if entry is None or (isinstance(entry, Placement) and entry.since is None):
        return None
    kind = KINDS[name]
    may_remove = kind.remove is not None and (name not in FACTS or entry.since is not None)
    form = Form.from_values(kind.fields, kind.values(entry), "correct")
    return OpenEntry(kind, f"{name}-{entry.pk}", f"Correct: {kind.title(entry)}", entry, form, may_remove)


def act(request: HttpRequest, actor: Actor, opened: OpenEntry | None, here: str) -> HttpResponse | int:
    """Correct or remove the entry that is open."""
    if opened is None:
        raise Http404
    kind, version = opened.kind, version_in(request)
    if request.POST["do"] == "take_out":
        remove = kind.remove
        if remove is None:
            raise Http404
        opened.form.attempt(lambda: remove(actor, opened.entry, version=version))
        message = "The entry was deleted."
    else:
        opened.form = form = Form.from_post(kind.fields, request.POST, "correct")
        form.attempt(lambda: kind.correct(actor, opened.entry, version=version, **form.values()))
        message = "The correction was saved."
    return done(request, message, f"{here}#{kind.anchor}") if opened.form.is_good else opened.form.status


def _entries(thing: Meter | Site) -> dict[str, Any]:
    owner = "site" if isinstance(thing, Site) else "meter"
    facts = {fact.name: fact.entries_of(thing).select_related(owner) for fact in FACTS.values() if fact.owner == owner}
    if isinstance(thing, Site):
        return facts
    return facts | {
        "device": thing.devices.select_related("meter"),
        "placement": thing.placements.select_related("meter", "site__region"),
    }
