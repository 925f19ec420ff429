"""How a fact with dates is declared: a value of a site or a meter from a day on, and the rules of its entries.

A fact is declared once, in ``estate.facts``. The declaration gives it its changes (``estate.fact_entries``), its routes
in the API (``api.dated_facts``), and a table with forms on its owner's page (``web.views.admin.fact_forms``).

Spans are half-open: ``until`` is the first day on which an entry no longer applies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeVar

from django.db import models

from eclectyc.estate import checks
from eclectyc.estate.changes import touch
from eclectyc.estate.checks import Check
from eclectyc.estate.history import save
from eclectyc.kernel.errors import Conflict, Invalid

Entry = TypeVar("Entry", bound=models.Model)
Owner = Any  # a Site or a Meter
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FactField:
    """One field of an entry.

    check : returns the stored form of a value, or refuses it. change_check : that of a later change, if it differs.
    kind, label, help, choices, suggestions : its form. is_required : it never has the value null.
    """

    name: str
    label: str
    check: Check
    kind: Literal["number", "text", "date", "select"] = "text"
    help: str = ""
    change_help: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    suggestions: tuple[str, ...] = ()
    change_check: Check | None = None
    is_required: bool = True
    may_be_blank: bool = False


class FactEvents(NamedTuple):
    """The names of the audit events."""

    added: str
    changed: str
    removed: str


class Timeline(Protocol):
    """How the entries of one owner follow each other."""

    @property
    def keeps_unchanged(self) -> bool:
        """Whether a change to the same values is recorded too."""

    def admit(self, fact: DatedFact[Any], owner: Owner, entry: Any, before: Values) -> None:
        """Refuse an entry that clashes with another, or make room for it. before : its values; empty if it is new."""

    def settle(self, fact: DatedFact[Any], owner: Owner) -> None:
        """Update the owner after its entries have changed."""

    def refuse_removal(self, fact: DatedFact[Any], entry: Any) -> None:
        """Refuse to remove an entry that must stay."""

    def close_gap(self, fact: DatedFact[Any], owner: Owner) -> None:
        """Tidy up after an entry was removed."""

    def current(self, owner: Owner) -> dict[str, Any]:
        """Return the owner's field with the present value, for the audit."""

    def identify(self, fact: DatedFact[Any], entry: Any) -> dict[str, Any]:
        """Return what names the entry in the audit, if its day does not."""

    def is_of_kind(self, entry: Any, kind: str) -> bool:
        """Whether an entry is of a kind, if the fact has several."""


@dataclass(frozen=True, slots=True)
class DatedFact(Generic[Entry]):
    """A value of a site or a meter from a day on.

    name : in addresses, forms and errors. owner : the field of the model that refers to the owner. entries : the
    owner's name for its entries, and the API's. fields : in their order; ``value`` is the one that matters.
    about, note, empty, removal : what the fact is, what adding does, a table without rows, what removing does.
    unit : of the value, if the entry does not name it. permission : to change it, at the owner.
    verbs : of the audit events, ``meter.<name>_<verb>``. refuse_owner : raises for an owner that cannot have the fact.
    validate : raises for an entry that is wrong in itself. topic : the API's group of routes.
    """

    name: str
    model: type[Entry]
    owner: Literal["meter", "site"]
    entries: str
    fields: tuple[FactField, ...]
    timeline: Timeline
    value: str
    label: str
    plural: str
    about: str
    note: str = "Values of earlier days stay."
    empty: str = "None."
    removal: str = "The entry before it applies instead."
    unit: str = ""
    permission: str = "estate.edit"
    verbs: tuple[str, str, str] = ("set", "corrected", "removed")
    topic: str = "estate"
    refuse_owner: Callable[[Owner], None] = field(default=lambda owner: None)
    validate: Callable[[Any], None] = field(default=lambda entry: None)

    @property
    def events(self) -> FactEvents:
        """The audit events of adding, changing and removing an entry."""
        return FactEvents(*(f"{self.owner}.{self.name}_{verb}" for verb in self.verbs))

    def entries_of(self, owner: Owner) -> Any:
        """Return an owner's entries, the earliest first."""
        return getattr(owner, self.entries)

    def owner_of(self, entry: Entry) -> Owner:
        """Return the site or meter of an entry."""
        return getattr(entry, self.owner)

    def values_of(self, entry: Entry) -> dict[str, Any]:
        """Return an entry's fields; the first of a timeline has no day."""
        values = {one.name: getattr(entry, one.name) for one in self.fields}
        return {name: value for name, value in values.items() if name != "since" or value is not None}

    def checked(self, given: Values, *, is_new: bool) -> dict[str, Any]:
        """Return given fields in their stored form; refuse an unknown one, and a new entry without a day."""
        given = {"since": None, **given} if is_new else given
        known = {one.name: one.check if is_new else one.change_check or one.check for one in self.fields}
        strange = sorted(set(given) - set(known))
        if strange:
            use = f"Use: {', '.join(known)}."
            raise Invalid(f"There is no field {strange[0][:60]!r}.", use, field=strange[0])
        return {name: known[name](name, value) for name, value in given.items()}


def since_field(label: str = "From", help: str = "", change_help: str = "") -> FactField:
    """Return the field of the first day, for a fact whose first entry has none."""
    return FactField(
        "since", label, checks.day_required, "date", help, change_help, change_check=checks.day, is_required=False
    )


@dataclass(frozen=True, slots=True)
class FromDayOn:
    """Each entry applies until the next.

    current_field : the owner's field with the value of its newest entry. An owner without entries always had that
    value; its first change stores both that value, as an entry without a day, and the new one. Without such a field
    nothing is known before the first entry.
    """

    current_field: str = ""
    keeps_unchanged: bool = True

    def admit(self, fact: DatedFact[Any], owner: Owner, entry: Any, before: Values) -> None:
        if before:
            self._refuse_day(fact, entry.since, is_first="since" not in before)
        others = list(fact.entries_of(owner).exclude(pk=entry.pk)) if before else list(fact.entries_of(owner).all())
        if entry.since is not None and any(other.since == entry.since for other in others):
            raise Conflict(f"There is already an entry from {entry.since}.", "Change that one, or choose another day.")
        if not before and not others and self.current_field:
            fact.entries_of(owner).create(since=None, **{fact.value: getattr(owner, self.current_field)})

    def settle(self, fact: DatedFact[Any], owner: Owner) -> None:
        newest = fact.entries_of(owner).last() if self.current_field else None
        if newest is not None:
            setattr(owner, self.current_field, getattr(newest, fact.value))
        save(owner, *filter(None, [self.current_field]))

    def refuse_removal(self, fact: DatedFact[Any], entry: Any) -> None:
        if entry.since is None:
            raise Conflict(f"The first {fact.name} cannot be removed.", "Change it instead.")

    def close_gap(self, fact: DatedFact[Any], owner: Owner) -> None:
        """Remove the first entry if it is alone: the owner has its value."""
        if self.current_field and fact.entries_of(owner).count() == 1:
            fact.entries_of(owner).all().delete()

    def current(self, owner: Owner) -> dict[str, Any]:
        return {self.current_field: getattr(owner, self.current_field)} if self.current_field else {}

    def identify(self, fact: DatedFact[Any], entry: Any) -> dict[str, Any]:
        return {}

    def is_of_kind(self, entry: Any, kind: str) -> bool:
        return True

    def _refuse_day(self, fact: DatedFact[Any], day: date | None, *, is_first: bool) -> None:
        if is_first and day is not None:
            raise Invalid(f"The first {fact.name} applies from the start.", "Leave its day empty.", field="since")
        if not is_first and day is None:
            raise Invalid(f"Only the first {fact.name} has no day.", "Give a date: YYYY-MM-DD.", field="since")


@dataclass(frozen=True, slots=True)
class InSpans:
    """Each entry has its own first day and perhaps an end; entries of one kind never overlap.

    kind : the field that names the kind, in any case. is_closed : whether the next entry ends an earlier one without
    an end.
    """

    kind: str
    is_closed: Callable[[Any], bool]
    keeps_unchanged: bool = False

    def admit(self, fact: DatedFact[Any], owner: Owner, entry: Any, before: Values) -> None:
        for other in fact.entries_of(owner).all():
            if other.pk == entry.pk or not self.is_of_kind(other, getattr(entry, self.kind)):
                continue
            if not _overlap(entry, other):
                continue
            if not before and other.until is None and other.since < entry.since and self.is_closed(other):
                other.until = entry.since
                other.save(update_fields=["until"])
                continue
            until = f"to {other.until}" if other.until else "on"
            raise Conflict(
                f"{getattr(other, self.kind)} has a value from {other.since} {until}.",
                "Change that one, or choose other days.",
            )

    def settle(self, fact: DatedFact[Any], owner: Owner) -> None:
        touch(owner)

    def refuse_removal(self, fact: DatedFact[Any], entry: Any) -> None: ...

    def close_gap(self, fact: DatedFact[Any], owner: Owner) -> None: ...

    def current(self, owner: Owner) -> dict[str, Any]:
        return {}

    def identify(self, fact: DatedFact[Any], entry: Any) -> dict[str, Any]:
        return {fact.name: entry.pk}

    def is_of_kind(self, entry: Any, kind: str) -> bool:
        return bool(getattr(entry, self.kind).casefold() == kind.casefold())


def _overlap(one: Any, other: Any) -> bool:
    return other.since < (one.until or date.max) and one.since < (other.until or date.max)
