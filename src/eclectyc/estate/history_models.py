"""Metrics of a site; devices, multipliers, volume corrections and placements of a meter: each with its days.

Spans are half-open: ``until`` is the first day on which an entry no longer applies; null is without end.
"""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models

from eclectyc.accounts.actor import Actor
from eclectyc.estate.reach import of_site_within, series_within, within


class Measure(models.TextChoices):
    """Whether a metric applies throughout its span, or adds up over it."""

    LEVEL = "level", "Holds throughout"
    AMOUNT = "amount", "Adds up over the span"


class OfSiteQuerySet(models.QuerySet["SiteMetric"]):
    def visible_to(self, actor: Actor, permission: str = "estate.view") -> Self:
        """What belongs to sites within the actor's reach."""
        return self.filter(within(actor.limits(permission), of_site_within))


class SiteMetric(models.Model):
    """A number of a site with dates: beds [count], occupants [count], works [£]. 15 digits, so that nothing is lost."""

    site = models.ForeignKey("estate.Site", on_delete=models.CASCADE, related_name="metrics")
    name = models.CharField(max_length=60)
    unit = models.CharField(max_length=20, blank=True)
    measure = models.CharField(max_length=10, choices=Measure.choices, default=Measure.LEVEL)
    value = models.DecimalField(max_digits=15, decimal_places=3)
    since = models.DateField()
    until = models.DateField(null=True, blank=True)

    objects = OfSiteQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "since", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["site", "name", "since"], name="one_metric_per_day"),
            models.CheckConstraint(
                condition=models.Q(until=None) | models.Q(until__gt=models.F("since")), name="metric_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.value} {self.unit}".strip()


class OfMeterQuerySet(models.QuerySet):
    def visible_to(self, actor: Actor, permission: str = "estate.view") -> Self:
        """What belongs to meters within the actor's reach."""
        return self.filter(within(actor.limits(permission), series_within))


class Device(models.Model):
    """The apparatus of a meter at one time, with a serial number on its plate.

    Reads are the register's when it was fitted and removed; ``digits`` is where it rolls over.
    """

    meter = models.ForeignKey("estate.Meter", on_delete=models.CASCADE, related_name="devices")
    serial = models.CharField(max_length=64)
    since = models.DateField(null=True, blank=True)  # null: from the start
    until = models.DateField(null=True, blank=True)
    opening_read = models.DecimalField(max_digits=15, decimal_places=3, null=True, blank=True)
    closing_read = models.DecimalField(max_digits=15, decimal_places=3, null=True, blank=True)
    digits = models.PositiveSmallIntegerField(null=True, blank=True)
    ct_primary_a = models.PositiveIntegerField(null=True, blank=True)
    ct_secondary_a = models.PositiveIntegerField(null=True, blank=True)

    objects = OfMeterQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = [models.F("since").asc(nulls_first=True), "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["meter", "since"], name="one_device_per_day"),
            models.UniqueConstraint(fields=["meter"], condition=models.Q(until=None), name="one_device_at_present"),
        ]

    def __str__(self) -> str:
        return self.serial

    @property
    def ct_ratio(self) -> str:
        """The current transformers' ratio [A/A], as "200/5"; empty if there are none."""
        return f"{self.ct_primary_a}/{self.ct_secondary_a}" if self.ct_primary_a and self.ct_secondary_a else ""


class DatedFactor(models.Model):
    """A factor of a meter from a day on, until the next one. The first has no ``since``."""

    factor: models.DecimalField
    since = models.DateField(null=True, blank=True)

    objects = OfMeterQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering: ClassVar = [models.F("since").asc(nulls_first=True), "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["meter", "since"], name="one_%(class)s_per_day"),
            models.UniqueConstraint(fields=["meter"], condition=models.Q(since=None), name="one_first_%(class)s"),
        ]

    def __str__(self) -> str:
        return f"× {self.factor}"


class Multiplier(DatedFactor):
    """The factor of a meter's readings."""

    meter = models.ForeignKey("estate.Meter", on_delete=models.CASCADE, related_name="multipliers")
    factor = models.DecimalField(max_digits=12, decimal_places=6)


class Correction(DatedFactor):
    """The factor that corrects a gas meter's volumes; its days are gas days."""

    meter = models.ForeignKey("estate.Meter", on_delete=models.CASCADE, related_name="corrections")
    factor = models.DecimalField(max_digits=8, decimal_places=6)


class Placement(models.Model):
    """The site of a meter from one day to another. A meter that has never moved has none: it was always at its site."""

    meter = models.ForeignKey("estate.Meter", on_delete=models.CASCADE, related_name="placements")
    site = models.ForeignKey("estate.Site", on_delete=models.PROTECT, related_name="placements")
    since = models.DateField(null=True, blank=True)
    until = models.DateField(null=True, blank=True)

    objects = OfMeterQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = [models.F("since").asc(nulls_first=True), "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["meter", "since"], name="one_placement_per_day"),
            models.UniqueConstraint(fields=["meter"], condition=models.Q(since=None), name="one_first_placement"),
            models.UniqueConstraint(fields=["meter"], condition=models.Q(until=None), name="one_placement_at_present"),
        ]

    def __str__(self) -> str:
        return f"{self.meter} at {self.site} from {self.since or 'the start'}"
