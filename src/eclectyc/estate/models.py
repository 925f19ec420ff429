"""Regions, suppliers, sites, meters and series. Their dated values are in :mod:`eclectyc.estate.history_models`, the
parts of virtual meters in :mod:`eclectyc.estate.formula_parts`."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.db.models.functions import Lower
from django.utils.timezone import now

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.accounts.reach import Place
from eclectyc.estate.checks import USUAL_CORRECTION
from eclectyc.estate.formula.parse import LONGEST
from eclectyc.estate.formula_parts import FormulaPart
from eclectyc.estate.history_models import Correction, Device, Measure, Multiplier, Placement, SiteMetric
from eclectyc.estate.opening_hours import default_week
from eclectyc.estate.reach import (
    meters_within,
    regions_within,
    series_within,
    sites_within,
    suppliers_within,
    within,
)
from eclectyc.estate.search_field import SearchField
from eclectyc.kernel.days import DEFAULT_ZONE

__all__ = [
    "Correction",
    "Device",
    "Direction",
    "FormulaPart",
    "Measure",
    "Meter",
    "Multiplier",
    "Placement",
    "Quantity",
    "Region",
    "Series",
    "Site",
    "SiteMetric",
    "SiteType",
    "Supplier",
    "Utility",
]


class Utility(models.TextChoices):
    ELECTRICITY = "electricity", "Electricity"
    GAS = "gas", "Gas"
    WATER = "water", "Water"
    HEAT = "heat", "Heat"
    STEAM = "steam", "Steam"
    COOLING = "cooling", "Cooling"
    OIL = "oil", "Oil"
    LPG = "lpg", "LPG"
    DIESEL = "diesel", "Diesel"
    HVO = "hvo", "HVO"
    SOLAR = "solar", "Solar"
    EV = "ev", "EV charging"
    BATTERY = "battery", "Battery"
    OTHER = "other", "Other"


class Direction(models.TextChoices):
    IMPORT = "import", "Import"
    EXPORT = "export", "Export"


class SiteType(models.TextChoices):
    OFFICE = "office", "Office"
    WAREHOUSE = "warehouse", "Warehouse"
    RETAIL = "retail", "Retail"
    INDUSTRIAL = "industrial", "Industrial"
    RESIDENTIAL = "residential", "Residential"
    CONSTRUCTION = "construction", "Construction"
    EDUCATION = "education", "Education"
    HEALTHCARE = "healthcare", "Healthcare"
    OTHER = "other", "Other"


class Quantity(models.TextChoices):
    """What a series measures at its metering point."""

    IMPORT = "import", "Import"
    EXPORT = "export", "Export"
    REACTIVE_IMPORT = "reactive_import", "Reactive import"
    REACTIVE_EXPORT = "reactive_export", "Reactive export"
    VOLUME = "volume", "Volume"
    TEMPERATURE = "temperature", "Temperature"


class RegionQuerySet(models.QuerySet["Region"]):
    def visible_to(self, actor: Actor, permission: str = "estate.view") -> Self:
        """Regions within the actor's reach, and the regions of sites within it."""
        return self.filter(within(actor.limits(permission), regions_within))


class Region(models.Model):
    """A group of sites that are managed together."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="regions")
    name = models.CharField(max_length=200)
    version = models.PositiveIntegerField(default=1, editable=False)  # one more with each change

    objects = RegionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint("organisation", Lower("name"), name="one_region_per_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def place(self) -> Place:
        """The place for permission checks."""
        return Place(self.organisation_id, region=self.pk)


class SupplierQuerySet(models.QuerySet["Supplier"]):
    def visible_to(self, actor: Actor, permission: str = "estate.view") -> Self:
        """Suppliers of the organisations within the actor's reach, and those of meters within it."""
        return self.filter(within(actor.limits(permission), suppliers_within))


class Supplier(models.Model):
    """Who supplies a meter's energy or water, and how to reach them. A contact's own details name a person."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="suppliers")
    name = models.CharField(max_length=200)
    account = models.CharField(max_length=100, blank=True)  # our number with them
    website = models.CharField(max_length=200, blank=True)
    contact_name = models.CharField(max_length=200, blank=True)
    contact_email = models.EmailField(max_length=254, blank=True)
    contact_phone = models.CharField(max_length=40, blank=True)
    notes = models.CharField(max_length=1000, blank=True)
    is_active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)

    objects = SupplierQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint("organisation", Lower("name"), name="one_supplier_per_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def place(self) -> Place:
        """The place for permission checks: the whole organisation."""
        return Place(self.organisation_id)


class SiteQuerySet(models.QuerySet["Site"]):
    def visible_to(self, actor: Actor, permission: str = "estate.view") -> Self:
        """Sites wholly within the actor's reach: one who sees a single meter does not see its site."""
        return self.filter(within(actor.limits(permission), sites_within))


class Site(models.Model):
    """A place with meters."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="sites")
    region = models.ForeignKey(Region, on_delete=models.SET_NULL, related_name="sites", null=True, blank=True)
    name = models.CharField(max_length=200)
    company = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=500, blank=True)
    postcode = models.CharField(max_length=20, blank=True)
    site_type = models.CharField(max_length=20, choices=SiteType.choices, default=SiteType.OTHER)
    floor_area_m2 = models.FloatField(null=True, blank=True)
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    timezone = models.CharField(max_length=64, default=DEFAULT_ZONE)
    gas_region = models.CharField(max_length=60, blank=True)  # whose calorific values apply: usually an LDZ
    is_active = models.BooleanField(default=True)
    opening_hours = models.JSONField(default=default_week, blank=True)  # see estate.opening_hours
    properties = models.JSONField(default=dict, blank=True)  # see estate.properties
    outside_references = models.JSONField(default=dict, blank=True)  # company_id, region_id … of other systems
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=now)
    search = SearchField()

    objects = SiteQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint("organisation", Lower("name"), name="one_site_per_name")]
        indexes: ClassVar = [models.Index(fields=["name", "id"], name="sites_by_name")]

    def __str__(self) -> str:
        return self.name

    def search_words(self) -> list[str]:
        """The words by which a search finds it; a postcode also without its space."""
        return [self.name, self.postcode, self.postcode.replace(" ", ""), self.company, self.address]

    @property
    def place(self) -> Place:
        """The place for permission checks."""
        return Place(self.organisation_id, region=self.region_id, site=self.pk)


class MeterQuerySet(models.QuerySet["Meter"]):
    def visible_to(self, actor: Actor, permission: str = "estate.view") -> Self:
        """Meters within the actor's reach."""
        return self.filter(within(actor.limits(permission), meters_within))


class Meter(models.Model):
    """A metering point, as a bill or a plate names it. Import and export are two metering points.

    A *virtual* meter has a formula over other meters instead of a device: its readings are derived from theirs and are
    never added to them. ``formula`` is the text as typed, ``formula_parts`` its meaning.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="meters")
    # The other keys have their indexes in Meta, with further columns that lists of 100,000 meters need. In them an
    # organisation never directly follows a site, nor a site an organisation: SQLite would try each of 200
    # organisations at each site.
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="meters", db_index=False)
    identifier = models.CharField(max_length=64)
    name = models.CharField(max_length=200, blank=True)
    utility = models.CharField(max_length=20, choices=Utility.choices, default=Utility.ELECTRICITY)
    direction = models.CharField(max_length=10, choices=Direction.choices, default=Direction.IMPORT)
    unit = models.CharField(max_length=10, default="kWh")
    step_minutes = models.PositiveSmallIntegerField(default=30)
    multiplier = models.DecimalField(max_digits=12, decimal_places=6, default=1)
    correction = models.DecimalField(max_digits=8, decimal_places=6, default=USUAL_CORRECTION)  # of volumes of gas
    serial = models.CharField(max_length=64, blank=True)
    supplier = models.ForeignKey(
        Supplier, on_delete=models.PROTECT, related_name="meters", null=True, blank=True, db_index=False
    )
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, related_name="submeters", null=True, blank=True, db_index=False
    )
    installed = models.DateField(null=True, blank=True)
    removed = models.DateField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    formula = models.CharField(max_length=LONGEST, blank=True, default="")  # empty: a meter of its own
    outside_references = models.JSONField(default=dict, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=now)
    search = SearchField()

    objects = MeterQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["identifier"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "identifier"], name="one_meter_per_identifier")
        ]
        indexes: ClassVar = [
            models.Index(fields=["identifier", "id"], name="meters_by_identifier"),
            models.Index(fields=["site", "is_active", "utility", "organisation", "identifier"], name="meters_at_site"),
            models.Index(fields=["supplier", "organisation"], name="meters_of_supplier"),
            # Most meters have none: an index of them all would seem to find every meter under each.
            models.Index(fields=["parent"], name="meters_below", condition=models.Q(parent__isnull=False)),
            models.Index(fields=["organisation"], name="virtual_meters", condition=~models.Q(formula="")),
        ]

    def __str__(self) -> str:
        return self.name or self.identifier

    def search_words(self) -> list[str]:
        """The words by which a search finds it, besides those of its site."""
        return [self.identifier, self.name, self.serial]

    @property
    def is_virtual(self) -> bool:
        """Whether its readings are derived from those of other meters."""
        return bool(self.formula)

    @property
    def place(self) -> Place:
        """The place for permission checks."""
        return Place(self.organisation_id, region=self.site.region_id, site=self.site_id, meter=self.pk)


class SeriesQuerySet(models.QuerySet["Series"]):
    def visible_to(self, actor: Actor, permission: str = "estate.view") -> Self:
        """Series of the meters within the actor's reach."""
        return self.filter(within(actor.limits(permission), series_within))


class Series(models.Model):
    """One quantity of one meter at one step, in one unit, from one source: the lake's ``series`` number.

    A meter has one *primary* source and unit per quantity; only primary series are counted. If it has series of
    several steps, each day counts the best of them. If its registers come separately (day and night, E1 and E2), each
    has its own series, and a day counts their sum.
    """

    id = models.AutoField(primary_key=True)  # int32 in the lake
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="series")
    quantity = models.CharField(max_length=20, choices=Quantity.choices, default=Quantity.IMPORT)
    unit = models.CharField(max_length=10, default="kWh")
    step_minutes = models.PositiveSmallIntegerField(default=30)
    source = models.CharField(max_length=64, blank=True, default="")
    register = models.CharField(max_length=20, blank=True, default="")  # empty: the whole of the quantity
    is_primary = models.BooleanField(default=True)

    objects = SeriesQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["meter", "quantity", "unit", "step_minutes", "source", "register"], name="one_series_per_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.meter} {self.quantity} [{self.unit}] every {self.step_minutes} min"
