"""Calorific values of gas: listed, stored, deleted."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema
from ninja.responses import Status
from pydantic import Field

from eclectyc.accounts.models import Organisation
from eclectyc.api.authentication import actor_of
from eclectyc.api.estate_schemas import Exact
from eclectyc.api.lookup import organisations_named
from eclectyc.api.requests import CHANGING, ONE, Body, Number, Page, one, page_of
from eclectyc.api.schemas import Text
from eclectyc.external import values as outside_values
from eclectyc.external.outside_facts import place_key
from eclectyc.gas.calorific_values import CALORIFIC_VALUE
from eclectyc.gas.models import CalorificValue
from eclectyc.kernel.errors import Invalid

router = Router(tags=["gas"])
MOST_VALUES = 5000
Day = date  # a field is called date


class ValueList(Page):
    organisation: Text | None = Field(None, description="Name or number.")
    region: Text | None = Field(None, description="Its name, ignoring case.")
    from_: Day | None = Field(None, alias="from", description="The first gas day.")
    to: Day | None = Field(None, description="The day after the last one.")


class ValueOut(Schema):
    id: int
    organisation: int
    region: str
    date: Day = Field(description="The gas day: from 05:00 to 05:00 local time.")
    calorific_value: float
    unit: str
    source: str
    told_at: datetime


class ValuePage(Schema):
    items: list[ValueOut]
    count: int


class NewValue(Body):
    date: Day
    calorific_value: Exact = Field(description="MJ/m³, 30 to 50, at most 6 decimals.")


class NewValues(Body):
    organisation: Number
    region: Text = Field("", description="For example an LDZ's code; the organisation's usual region by default.")
    values: list[NewValue] = Field(min_length=1, max_length=MOST_VALUES)


class PutOut(Schema):
    region: str
    added: int
    changed: int
    unchanged: int
    meters: int = Field(description="Gas meters whose kWh are recalculated.")


@router.get("/calorific-values", response={200: ValuePage, **ONE}, summary="List calorific values", by_alias=True)
def list_values(request: HttpRequest, asked: Query[ValueList]) -> ValuePage:
    """By region and gas day, a page at a time: values of organisations that you see as a whole."""
    actor = actor_of(request)
    found = CalorificValue.objects.visible_to(actor)
    wanted = organisations_named(actor, asked.organisation)
    if wanted is not None:
        found = found.filter(organisation__in=wanted)
    if asked.region is not None:
        found = found.filter(region_key=place_key(asked.region))
    if asked.from_ is not None:
        found = found.filter(day__gte=asked.from_)
    if asked.to is not None:
        found = found.filter(day__lt=asked.to)
    items, count = page_of(found.order_by("organisation", "region_key", "day"), asked)
    return ValuePage(items=[_out(value) for value in items], count=count)


@router.put("/calorific-values", response={200: PutOut, **CHANGING}, summary="Store calorific values")
def put_values(request: HttpRequest, body: NewValues) -> PutOut:
    """By gas day: a value that differs corrects the stored one, and the kWh that depend on it are recalculated."""
    actor = actor_of(request)
    organisation = one(Organisation.objects.visible_to(actor), body.organisation, "organisation", field="organisation")
    values: dict[Day, Decimal | float | int | str] = {}
    for value in body.values:
        if values.setdefault(value.date, value.calorific_value) != value.calorific_value:
            raise Invalid(f"{value.date} has several calorific values.", "Give one.", field="values")
    stored = outside_values.store_values(
        actor, CALORIFIC_VALUE, organisation=organisation, place=body.region, values=values, source="API"
    )
    counts = {name: getattr(stored, name) for name in ("added", "changed", "unchanged", "meters")}
    return PutOut(region=stored.place, **counts)


@router.delete("/calorific-values/{pk}", response={204: None, **CHANGING}, summary="Delete a calorific value")
def remove_value(request: HttpRequest, pk: Path[Number]) -> Status[None]:
    """The kWh that depend on it are missing from then on."""
    actor = actor_of(request)
    value = one(CalorificValue.objects.visible_to(actor).select_related("organisation"), pk, "calorific value")
    outside_values.remove_value(actor, CALORIFIC_VALUE, value=value)
    return Status(204, None)


def _out(value: CalorificValue) -> ValueOut:
    return ValueOut(
        id=value.pk,
        organisation=value.organisation_id,
        region=value.region,
        date=value.day,
        calorific_value=float(value.mj_per_m3),
        unit="MJ/m3",
        source=value.source,
        told_at=value.told_at,
    )
