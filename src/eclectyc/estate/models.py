"""Regions, sites, meters and series."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.utils.timezone import now

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.kernel.days import DEFAULT_ZONE


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
    def visible_to(self, actor: Actor) -> Self:
        """Regions of the actor's organisations."""
        return self if actor.operator else self.filter(organisation__in=actor.organisations())


class Region(models.Model):
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="regions")
    name = models.CharField(max_length=200)

    objects = RegionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["organisation", "name"], name="one_region_per_name")]

    def __str__(self) -> str:
        return self.name


class SiteQuerySet(models.QuerySet["Site"]):
    def visible_to(self, actor: Actor) -> Self:
        """Sites of the actor's organisations."""
        return self if actor.operator else self.filter(organisation__in=actor.organisations())


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
    is_active = models.BooleanField(default=True)
    outside_references = models.JSONField(default=dict, blank=True)  # company_id, region_id … of other systems
    created_at = models.DateTimeField(default=now)

    objects = SiteQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["organisation", "name"], name="one_site_per_name")]

    def __str__(self) -> str:
        return self.name


class MeterQuerySet(models.QuerySet["Meter"]):
    def visible_to(self, actor: Actor) -> Self:
        """Meters of the actor's organisations."""
        return self if actor.operator else self.filter(organisation__in=actor.organisations())


class Meter(models.Model):
    """A metering point: what a bill or a plate names. Import and export are two of them."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="meters")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="meters")
    identifier = models.CharField(max_length=64)
    name = models.CharField(max_length=200, blank=True)
    utility = models.CharField(max_length=20, choices=Utility.choices, default=Utility.ELECTRICITY)
    direction = models.CharField(max_length=10, choices=Direction.choices, default=Direction.IMPORT)
    unit = models.CharField(max_length=10, default="kWh")
    step_minutes = models.PositiveSmallIntegerField(default=30)
    multiplier = models.DecimalField(max_digits=12, decimal_places=6, default=1)
    serial = models.CharField(max_length=64, blank=True)
    supplier = models.CharField(max_length=200, blank=True)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, related_name="submeters", null=True, blank=True)
    installed = models.DateField(null=True, blank=True)
    removed = models.DateField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    outside_references = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=now)

    objects = MeterQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["identifier"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "identifier"], name="one_meter_per_identifier")
        ]
        indexes: ClassVar = [models.Index(fields=["identifier"])]

    def __str__(self) -> str:
        return self.name or self.identifier


class SeriesQuerySet(models.QuerySet["Series"]):
    def visible_to(self, actor: Actor) -> Self:
        """Series of the actor's organisations' meters."""
        return self if actor.operator else self.filter(meter__organisation__in=actor.organisations())


class Series(models.Model):
    """One quantity of one meter at one step, in one unit, from one source: the lake's ``series`` number.

    A meter has one *primary* source and unit per quantity; only primary series are counted. Its series of
    several steps stand beside each other, and each day counts the best of them.
    """

    id = models.AutoField(primary_key=True)  # int32 in the lake
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="series")
    quantity = models.CharField(max_length=20, choices=Quantity.choices, default=Quantity.IMPORT)
    unit = models.CharField(max_length=10, default="kWh")
    step_minutes = models.PositiveSmallIntegerField(default=30)
    source = models.CharField(max_length=64, blank=True, default="")
    is_primary = models.BooleanField(default=True)

    objects = SeriesQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["meter", "quantity", "unit", "step_minutes", "source"], name="one_series_per_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.meter} {self.quantity} [{self.unit}] every {self.step_minutes} min"
