"""The table and the forms of a fact with dates on its owner's page, from its declaration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse

from eclectyc.accounts.actor import Actor
from eclectyc.estate.dated_facts import DatedFact, FactField
from eclectyc.estate.fact_entries import add_entry
from eclectyc.estate.facts import FACTS
from eclectyc.estate.models import Meter, Site
from eclectyc.web.forms import Field, Form
from eclectyc.web.list_component import Cell
from eclectyc.web.views.admin.page import ActionRow, Button, Table, done

Fact = DatedFact[Any]


@dataclass(frozen=True, slots=True)
class HistorySection:
    """One history on a page: its entries, and the form that adds one. undo : the action that undoes the last entry."""

    id: str
    table: Table
    form: Form
    do: str
    summary: str
    button: str
    note: str
    undo: str = ""
    undo_name: str = ""


def facts_of(owner: Meter | Site) -> dict[str, Fact]:
    """Return the facts that an owner can have, by the action that adds an entry."""
    kind = "site" if isinstance(owner, Site) else "meter"
    return {f"set_{fact.name}": fact for fact in FACTS.values() if fact.owner == kind}


def forms_of(owner: Meter | Site) -> dict[str, Form]:
    """Return the empty forms of an owner's facts, by action."""
    return {
        do: Form.from_values(
            fields_of(fact, is_new=True), {f.name: f.choices[0][0] for f in fact.fields if f.choices}, do
        )
        for do, fact in facts_of(owner).items()
    }


def sections_of(owner: Meter | Site, forms: Mapping[str, Form]) -> list[HistorySection]:
    """Return the histories of an owner's facts."""
    return [
        HistorySection(
            fact.entries,
            _table(fact, owner),
            forms[do],
            do,
            f"Add a {fact.label.lower()}",
            f"Add {fact.name.replace('_', ' ')}",
            fact.note,
        )
        for do, fact in facts_of(owner).items()
    ]


def act(
    request: HttpRequest, actor: Actor, owner: Meter | Site, forms: dict[str, Form], here: str
) -> HttpResponse | int:
    """Add the entry that was sent."""
    do = request.POST["do"]
    fact = facts_of(owner)[do]
    form = forms[do] = Form.from_post(forms[do].fields, request.POST, do)
    if form.attempt(lambda: add_entry(actor, fact, owner=owner, **form.values())) is None:
        return form.status
    return done(request, f"The {fact.label.lower()} was saved.", f"{here}#{fact.entries}")


def fields_of(fact: Fact, *, is_new: bool) -> tuple[Field, ...]:
    """Return the fields of a form that adds or changes an entry."""
    return tuple(
        Field(
            one.name,
            one.label,
            "text" if one.kind == "number" else one.kind,
            help=one.help if is_new else one.change_help or one.help,
            choices=one.choices,
            suggestions=one.suggestions,
            is_required=_is_needed(one, is_new=is_new),
        )
        for one in fact.fields
    )


def values_of(fact: Fact, entry: Any) -> dict[str, object]:
    """Return an entry as its form shows it."""
    values = {one.name: getattr(entry, one.name) for one in fact.fields}
    return {name: plain_number(value) if hasattr(value, "normalize") else value for name, value in values.items()}


def title_of(fact: Fact, entry: Any) -> str:
    """Return an entry in words: "multiplier 2 from 2025-03-01", "Beds from 2025-01-01"."""
    name = getattr(entry, "name", "") or f"{fact.label.lower()} {plain_number(getattr(entry, fact.value))}"
    return f"{name} from {entry.since or 'the start'}"


def address_of(name: str, anchor: str, entry: Any) -> str:
    """Return the address that opens an entry on the page that shows it."""
    return f"?correct={name}-{entry.pk}#{anchor}"


def plain_number(value: Any) -> str:
    """Return an exact number without trailing zeros; nothing for null."""
    return "" if value is None else f"{value.normalize():f}"


def _is_needed(field: FactField, *, is_new: bool) -> bool:
    if field.kind == "select" or field.may_be_blank:
        return False
    return field.is_required or (is_new and field.name == "since")


def _table(fact: Fact, owner: Meter | Site) -> Table:
    """Return the entries; a field "unit" is shown beside the value."""
    shown = [one for one in fact.fields if one.name != "unit"]
    rows = [
        ActionRow(
            [Cell(_text(fact, field, entry)) for field in shown],
            entry.pk,
            (Button("Correct", address=address_of(fact.name, fact.entries, entry)),),
        )
        for entry in fact.entries_of(owner).all()
    ]
    return Table(fact.plural, tuple(field.label for field in shown), rows, fact.empty, buttons=True)


def _text(fact: Fact, field: FactField, entry: Any) -> str:
    value = getattr(entry, field.name)
    if field.kind == "select":
        return str(getattr(entry, f"get_{field.name}_display")())
    if field.kind == "date":
        return str(value or ("on" if field.name == "until" else "the start"))
    if field.name == fact.value and field.kind == "number":
        return f"{plain_number(value)} {getattr(entry, 'unit', fact.unit)}".strip()
    return plain_number(value) if field.kind == "number" else str(value)
