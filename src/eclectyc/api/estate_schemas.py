"""Schemas of regions, suppliers, sites and meters. Values are checked by the services."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from ninja import Schema
from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from eclectyc.api.requests import Body, Number, Searched
from eclectyc.api.schemas import DirectionName, SiteTypeName, Text, UtilityName
from eclectyc.estate import lists
from eclectyc.estate.formula.parse import LONGEST
from eclectyc.estate.models import Measure, Region, Site, SiteMetric, Supplier


def _no_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("a text cannot contain a NUL character")
    return text


LongText = Annotated[
    str,
    StringConstraints(max_length=1000),
    AfterValidator(_no_nul),
    WithJsonSchema({"type": "string", "maxLength": 1000, "pattern": r"^[^\x00]*$"}),
]
Formula = Annotated[
    str,
    StringConstraints(max_length=LONGEST),
    AfterValidator(_no_nul),
    WithJsonSchema({"type": "string", "maxLength": LONGEST, "pattern": r"^[^\x00]*$", "examples": ["A + B - 0.5 * C"]}),
]
Exact = Annotated[Decimal, Field(max_digits=40, allow_inf_nan=False), WithJsonSchema({"type": "number"})]
if TYPE_CHECKING:
    MeasureName: TypeAlias = str
    RegionSort: TypeAlias = str
    SupplierSort: TypeAlias = str
    SiteSort: TypeAlias = str
else:
    MeasureName = Literal[tuple(Measure.values)]
    RegionSort, SupplierSort, SiteSort = (
        Literal[tuple(sign + name for name in columns for sign in ("", "-"))]
        for columns in (lists.REGION_SORTS, lists.SUPPLIER_SORTS, lists.SITE_SORTS)
    )


class RegionList(Searched):
    organisation: Text | None = Field(None, description="Name or number.")
    sort: RegionSort = "name"


class SupplierList(Searched):
    organisation: Text | None = Field(None, description="Name or number.")
    is_active: bool | None = None
    sort: SupplierSort = "name"


class SiteList(Searched):
    search: Text | None = Field(None, description="Words in a name, postcode, address or company.")
    organisation: Text | None = Field(None, description="Name or number.")
    region: Text | None = Field(None, description="Name or number.")
    site_type: SiteTypeName | None = None
    utility: UtilityName | None = Field(None, description="Those with one of its meters.")
    is_active: bool | None = None
    sort: SiteSort = "name"


class NewRegion(Body):
    organisation: Number
    name: Text


class ChangedRegion(Body):
    name: Text | None = None


class SupplierFields(Body):
    account: Text | None = None
    website: Text | None = None
    contact_name: Text | None = None
    contact_email: Text | None = None
    contact_phone: Text | None = None
    notes: LongText | None = None
    is_active: bool | None = None


class NewSupplier(SupplierFields):
    organisation: Number
    name: Text


class ChangedSupplier(SupplierFields):
    name: Text | None = None


Week = Annotated[
    Any, Field(description="'Mon-Fri 07:00-19:00; Sat 09:00-13:00', or seven lists of [opens, closes], Monday first.")
]
Properties = Annotated[
    dict[str, Any],
    Field(description='{"name": {"kind": "text|number|date|yes_no", "value": …}}; replaces all of them.'),
]


class SiteFields(Body):
    company: Text | None = None
    region: Number | None = None
    address: LongText | None = None
    postcode: Text | None = None
    site_type: SiteTypeName | None = None
    floor_area_m2: float | None = None
    latitude: float | None = None
    longitude: float | None = None
    timezone: Text | None = None
    gas_region: Text | None = Field(None, description="The region of its calorific values, usually an LDZ code.")
    is_active: bool | None = None
    opening_hours: Week | None = None
    properties: Properties | None = None
    outside_references: dict[str, Text] | None = None


class NewSite(SiteFields):
    organisation: Number
    name: Text


class ChangedSite(SiteFields):
    name: Text | None = None


class MeterFields(Body):
    name: Text | None = None
    utility: UtilityName | None = None
    direction: DirectionName | None = None
    unit: Text | None = None
    step: int | None = None
    multiplier: Exact | None = None
    correction: Exact | None = Field(None, description="Factor of gas volumes for temperature and pressure: 1.02264.")
    serial: Text | None = None
    supplier: Number | None = None
    parent: Number | None = Field(None, description="The number of the main meter; null: a main meter itself.")
    installed: date | None = None
    removed: date | None = None
    is_active: bool | None = None
    formula: Formula | None = Field(
        None, description="Makes it a virtual meter: a sum of meters by identifier, each times a number."
    )
    outside_references: dict[str, Text] | None = None


class NewMeter(MeterFields):
    site: Number
    identifier: Text


class ChangedMeter(MeterFields):
    site: Number | None = Field(None, description="Corrects where it has always been; to move it, add a placement.")
    identifier: Text | None = None


class RegionOut(Schema):
    id: int
    organisation: int
    name: str
    sites: int = Field(description="The number of its sites that you see.")
    version: int


class SupplierOut(Schema):
    id: int
    organisation: int
    name: str
    account: str
    website: str
    contact_name: str
    contact_email: str
    contact_phone: str
    notes: str
    is_active: bool
    meters: int = Field(description="The number of its meters that you see.")
    version: int


class PropertyOut(Schema):
    kind: str
    value: Any


class SiteOut(Schema):
    id: int
    organisation: int
    name: str
    company: str
    region: int | None
    region_name: str | None
    address: str
    postcode: str
    site_type: SiteTypeName
    floor_area_m2: float | None
    latitude: float | None
    longitude: float | None
    timezone: str
    gas_region: str
    is_active: bool
    opening_hours: list[list[list[str]]]
    properties: dict[str, PropertyOut]
    outside_references: dict[str, str]
    created_at: datetime
    meters: int
    version: int


class NewMetric(Body):
    name: Text
    value: Exact
    since: date
    until: date | None = Field(None, description="Ends before this day.")
    unit: Text = ""
    measure: MeasureName = Measure.LEVEL.value


class ChangedMetric(Body):
    name: Text | None = None
    value: Exact | None = None
    since: date | None = None
    until: date | None = None
    unit: Text | None = None
    measure: MeasureName | None = None


class MetricOut(Schema):
    id: int
    site: int
    name: str
    unit: str
    measure: MeasureName
    value: float
    since: date
    until: date | None


class RegionPage(Schema):
    items: list[RegionOut]
    count: int


class SupplierPage(Schema):
    items: list[SupplierOut]
    count: int


class SitePage(Schema):
    items: list[SiteOut]
    count: int


class MetricPage(Schema):
    items: list[MetricOut]
    count: int


class BulkOut(Schema):
    changed: int
    unchanged: int


def region_out(region: Region, sites: int) -> RegionOut:
    """"""
    return RegionOut(
        id=region.pk, organisation=region.organisation_id, name=region.name, sites=sites, version=region.version
    )


def supplier_out(supplier: Supplier, meters: int) -> SupplierOut:
    """Return a supplier as the API shows it."""
    plain = ("name", "account", "website", "contact_name", "contact_email", "contact_phone", "notes", "is_active")
    facts = {name: getattr(supplier, name) for name in (*plain, "version")}
    return SupplierOut(id=supplier.pk, organisation=supplier.organisation_id, meters=meters, **facts)


def site_out(site: Site, meters: int) -> SiteOut:
    """Return a site as the API shows it."""
    plain = (
        "name",
        "company",
        "address",
        "postcode",
        "site_type",
        "floor_area_m2",
        "latitude",
        "longitude",
        "timezone",
        "gas_region",
        "is_active",
        "opening_hours",
        "properties",
        "outside_references",
        "created_at",
        "version",
    )
    return SiteOut(
        id=site.pk,
        organisation=site.organisation_id,
        region=site.region_id,
        region_name=site.region.name if site.region else None,
        meters=meters,
        **{name: getattr(site, name) for name in plain},
    )


def metric_out(metric: SiteMetric) -> MetricOut:
    """Return a metric as the API shows it."""
    plain = ("name", "unit", "measure", "since", "until")
    facts = {name: getattr(metric, name) for name in plain}
    return MetricOut(id=metric.pk, site=metric.site_id, value=float(metric.value), **facts)
