"""The routes of facts with dates, from their declarations: listed, added, changed, removed at their meter or site."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema
from ninja.responses import Status
from pydantic import create_model

from eclectyc.api.authentication import actor_of
from eclectyc.api.estate_schemas import ChangedMetric, Exact, MetricOut, MetricPage, NewMetric, metric_out
from eclectyc.api.history_schemas import ChangedMultiplier, MultiplierOut, Multipliers, NewMultiplier
from eclectyc.api.lookup import meter_of
from eclectyc.api.requests import CHANGING, ONE, Body, Number, Page, not_null, one, page_of
from eclectyc.api.schemas import OneMeter, Text
from eclectyc.api.versions import VERSIONED, IfMatch, version_of
from eclectyc.estate.dated_facts import DatedFact
from eclectyc.estate.fact_entries import add_entry, change_entry, remove_entry
from eclectyc.estate.facts import CORRECTION, FACTS, METRIC, MULTIPLIER
from eclectyc.estate.models import Meter, Site

Fact = DatedFact[Any]
_TYPES: Final[dict[str, tuple[Any, Any]]] = {  # as sent, as returned
    "number": (Exact, float),
    "date": (date, date),
    "text": (Text, str),
    "select": (Text, str),
}


@dataclass(frozen=True, slots=True)
class FactSchemas:
    """The bodies and answers of a fact's routes. module : its operation ids begin with that module's name."""

    new: type[Body]
    changed: type[Body]
    entry: type[Schema]
    page: type[Schema]
    output: Callable[[Any], Any]
    module: str = "dated_facts"


def _factor(entry: Any) -> MultiplierOut:
    return MultiplierOut(id=entry.pk, since=entry.since, factor=float(entry.factor))


_FACTORS: Final = (NewMultiplier, ChangedMultiplier, MultiplierOut, Multipliers, _factor)
# Operation ids are promised: they keep the names of the modules that once had these routes.
_PROMISED: Final = {
    MULTIPLIER.name: FactSchemas(*_FACTORS, module="meter_history"),
    CORRECTION.name: FactSchemas(*_FACTORS, module="corrections"),
    METRIC.name: FactSchemas(NewMetric, ChangedMetric, MetricOut, MetricPage, metric_out, module="sites"),
}


def schemas_of(fact: Fact) -> FactSchemas:
    """Return the schemas of a fact: those promised, or else made from its fields."""
    if fact.name in _PROMISED:
        return _PROMISED[fact.name]
    name = "".join(word.capitalize() for word in fact.name.split("_"))
    new: dict[str, Any] = {}
    changed: dict[str, Any] = {}
    given: dict[str, Any] = {}
    for one_field in fact.fields:
        sent, returned = _TYPES[one_field.kind]
        new[one_field.name] = (sent, ...) if one_field.is_required else (sent | None, None)
        changed[one_field.name] = (sent | None, None)
        given[one_field.name] = (returned if one_field.is_required else returned | None, ...)
    entry = create_model(f"{name}Out", __base__=Schema, id=(int, ...), **given)

    def output(row: Any) -> Any:
        values = {f.name: getattr(row, f.name) for f in fact.fields}
        return entry(id=row.pk, **{key: _plain(fact, key, value) for key, value in values.items()})

    return FactSchemas(
        create_model(f"New{name}", __base__=Body, **new),
        create_model(f"Changed{name}", __base__=Body, **changed),
        entry,
        create_model(f"{name}Page", __base__=Schema, items=(list[entry], ...), count=(int, ...)),
        output,
    )


def add_routes(router: Router, fact: Fact) -> None:
    """Add the four routes of a fact to a router."""
    (_add_meter_routes if fact.owner == "meter" else _add_site_routes)(router, fact, schemas_of(fact))


def _add_meter_routes(router: Router, fact: Fact, schemas: FactSchemas) -> None:
    every, each = f"/meters/{{path:mpan}}/{fact.entries}", f"/meters/{{path:mpan}}/{fact.entries}/{{number}}"

    def list_entries(request: HttpRequest, mpan: str, asked: Query[OneMeter]) -> Any:
        items = [schemas.output(entry) for entry in fact.entries_of(_meter(request, mpan, asked)).all()]
        return schemas.page(items=items, count=len(items))

    def add(request: HttpRequest, mpan: str, asked: Query[OneMeter], body: Body, if_match: IfMatch = None) -> Any:
        meter, version = _meter(request, mpan, asked), version_of(if_match)
        entry = add_entry(actor_of(request), fact, owner=meter, version=version, **body.model_dump())
        return Status(201, schemas.output(entry))

    def change(
        request: HttpRequest,
        mpan: str,
        number: Path[Number],
        asked: Query[OneMeter],
        body: Body,
        if_match: IfMatch = None,
    ) -> Any:
        entry, fields = _of_meter(request, fact, mpan, asked, number), _fields(fact, body)
        changed = change_entry(actor_of(request), fact, entry=entry, version=version_of(if_match), **fields)
        return schemas.output(changed)

    def remove(
        request: HttpRequest, mpan: str, number: Path[Number], asked: Query[OneMeter], if_match: IfMatch = None
    ) -> Any:
        entry = _of_meter(request, fact, mpan, asked, number)
        remove_entry(actor_of(request), fact, entry=entry, version=version_of(if_match))
        return Status(204, None)

    _mount(router, fact, schemas, (every, each), (list_entries, add, change, remove), VERSIONED, VERSIONED)


def _add_site_routes(router: Router, fact: Fact, schemas: FactSchemas) -> None:
    every, each = f"/sites/{{pk}}/{fact.entries}", f"/sites/{{pk}}/{fact.entries}/{{number}}"

    def list_entries(request: HttpRequest, pk: Path[Number], asked: Query[Page]) -> Any:
        items, count = page_of(fact.entries_of(_site(request, pk)).all(), asked)
        return schemas.page(items=[schemas.output(entry) for entry in items], count=count)

    def add(request: HttpRequest, pk: Path[Number], body: Body) -> Any:
        entry = add_entry(actor_of(request), fact, owner=_site(request, pk), **body.model_dump())
        return Status(201, schemas.output(entry))

    def change(request: HttpRequest, pk: Path[Number], number: Path[Number], body: Body) -> Any:
        entry, fields = _of_site(request, fact, pk, number), _fields(fact, body)
        return schemas.output(change_entry(actor_of(request), fact, entry=entry, **fields))

    def remove(request: HttpRequest, pk: Path[Number], number: Path[Number]) -> Any:
        remove_entry(actor_of(request), fact, entry=_of_site(request, fact, pk, number))
        return Status(204, None)

    _mount(router, fact, schemas, (every, each), (list_entries, add, change, remove), ONE, CHANGING)


def _mount(
    router: Router,
    fact: Fact,
    schemas: FactSchemas,
    addresses: tuple[str, str],
    views: tuple[Callable[..., Any], ...],
    listing: dict[int, Any],
    changing: dict[int, Any],
) -> None:
    """Register a fact's views with their schemas, operation ids and descriptions."""
    every, each = addresses
    list_entries, add, change, remove = views
    add.__annotations__["body"], change.__annotations__["body"] = schemas.new, schemas.changed
    words = fact.label.lower()
    name = f"an {words}" if words[0] in "aeiou" else f"a {words}"

    def mount(method: str, address: str, view: Callable[..., Any], operation: str, **described: Any) -> None:
        operation_id = f"eclectyc_api_{schemas.module}_{operation}"
        router.add_api_operation(address, [method], view, operation_id=operation_id, tags=[fact.topic], **described)

    found, stored = {200: schemas.page, **listing}, {201: schemas.entry, **changing}
    changed, gone = {200: schemas.entry, **changing}, {204: None, **changing}
    wrong = "Correct an entry that is wrong: its value, its days."
    removing = "delete" if fact.verbs[2] == "deleted" else "remove"
    listed, added = f"list_{fact.entries}", f"add_{fact.name}"
    mount("GET", every, list_entries, listed, response=found, summary=fact.plural, description=fact.about)
    mount("POST", every, add, added, response=stored, summary=f"Add {name}", description=fact.note)
    mount("PATCH", each, change, f"change_{fact.name}", response=changed, summary=f"Change {name}", description=wrong)
    removed = f"{removing}_{fact.name}"
    mount("DELETE", each, remove, removed, response=gone, summary=f"Remove {name}", description=fact.removal)


def _fields(fact: Fact, body: Body) -> dict[str, Any]:
    return not_null(body.given(), *(field.name for field in fact.fields if field.is_required))


def _plain(fact: Fact, name: str, value: Any) -> Any:
    is_number = any(field.name == name and field.kind == "number" for field in fact.fields)
    return float(value) if is_number and value is not None else value


def _meter(request: HttpRequest, mpan: str, asked: OneMeter) -> Meter:
    return meter_of(actor_of(request), mpan, asked.organisation)


def _of_meter(request: HttpRequest, fact: Fact, mpan: str, asked: OneMeter, number: int) -> Any:
    meter = _meter(request, mpan, asked)
    entry = one(fact.model._default_manager.visible_to(actor_of(request)).filter(meter=meter), number, fact.name)
    entry.meter = meter
    return entry


def _site(request: HttpRequest, pk: int) -> Site:
    sites = Site.objects.visible_to(actor_of(request)).select_related("organisation", "region")
    return one(sites, pk, "site")


def _of_site(request: HttpRequest, fact: Fact, pk: int, number: int) -> Any:
    entries = fact.model._default_manager.visible_to(actor_of(request))
    entries = entries.select_related("site__organisation", "site__region")
    return one(entries.filter(site=pk), number, fact.name)


router = Router()
for _fact in FACTS.values():
    add_routes(router, _fact)
