"""Schemas of placements, devices, multipliers and balances."""

from __future__ import annotations

from datetime import date
from typing import Literal

from ninja import Schema
from pydantic import Field

from eclectyc.api.estate_schemas import Exact
from eclectyc.api.requests import Body, Number
from eclectyc.api.schemas import OneMeter, QuantityName, Text


class NewPlacement(Body):
    site: Number
    on: date = Field(description="The first day at the new site; earlier usage stays at the old one.")


class ChangedPlacement(Body):
    on: date = Field(description="The first day there, between the moves before and after it.")


class PlacementOut(Schema):
    id: int | None = Field(description="Null for the site of a meter that has never moved.")
    site: int | None = Field(description="Null for a former site that you do not see.")
    site_name: str
    since: date | None
    until: date | None


class NewDevice(Body):
    on: date = Field(description="The day of the exchange.")
    serial: Text
    closing_read: Exact | None = Field(None, description="The last read of the old register.")
    opening_read: Exact | None = Field(None, description="The first read of the new register.")
    digits: int | None = Field(None, ge=1, le=12, description="Of the new register.")
    ct_ratio: Text = Field("", description="Ratio of the current transformers, as 200/5.")
    multiplier: Exact | None = Field(None, description="Of the readings from then on, if it changes.")


class ChangedDevice(Body):
    serial: Text | None = None
    since: date | None = None
    closing_read: Exact | None = None
    opening_read: Exact | None = None
    digits: int | None = Field(None, ge=1, le=12)
    ct_ratio: Text | None = None


class DeviceOut(Schema):
    id: int
    serial: str
    since: date | None
    until: date | None
    opening_read: float | None
    closing_read: float | None
    digits: int | None
    ct_ratio: str


class NewMultiplier(Body):
    since: date
    factor: Exact


class ChangedMultiplier(Body):
    since: date | None = Field(None, description="Another day; the first multiplier has none.")
    factor: Exact | None = None


class MultiplierOut(Schema):
    id: int
    since: date | None = Field(description="Null: from the start.")
    factor: float


class Placements(Schema):
    items: list[PlacementOut]
    count: int


class Devices(Schema):
    items: list[DeviceOut]
    count: int


class Multipliers(Schema):
    items: list[MultiplierOut]
    count: int


class BalanceWindow(OneMeter):
    from_: date = Field(alias="from")
    to: date = Field(description="Exclusive.")
    by: Literal["day", "week", "month", "year"] = "month"
    quantity: QuantityName = "import"


class BalancePeriod(Schema):
    start: date | None = Field(None, description="The period's first day; null for the whole.")
    main: float | None
    subs: float | None
    unmetered: float | None = Field(description="Main − Σ subs over the days compared; null if there are none.")
    main_present: int
    main_expected: int
    subs_present: int
    subs_expected: int
    compared: int = Field(description="Days on which the main meter and every sub-meter in use are complete.")
    days: int


class SubOut(Schema):
    meter: int
    identifier: str
    name: str
    value: float | None
    present: int
    expected: int


class BalanceOut(Schema):
    meter: str
    unit: str
    timezone: str
    periods: list[BalancePeriod]
    total: BalancePeriod
    unmetered_share: float | None
    subs: list[SubOut]
    left_out: list[int] = Field(description="Sub-meters with another unit or direction.")
