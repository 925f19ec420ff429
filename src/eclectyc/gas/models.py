"""Calorific values by region and gas day; and the region of sites that name none."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation

LONGEST_REGION = 60
DERIVED = "calculated"  # the source of series of kWh that are derived from volumes


class CalorificValueQuerySet(models.QuerySet["CalorificValue"]):
    def visible_to(self, actor: Actor, permission: str = "estate.view") -> Self:
        """Values of organisations in which the actor has a permission for the whole."""
        if actor.sees_all(permission):
            return self
        return self.filter(organisation__in=actor.organisations(permission))


class CalorificValue(models.Model):
    """The energy in a cubic metre of gas of one region on one gas day [MJ/m³]. 10 digits, so that nothing is lost.

    region : as it was first written; ``region_key`` identifies it; empty if the organisation has only one.
    """

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="calorific_values")
    region = models.CharField(max_length=LONGEST_REGION, blank=True)
    region_key = models.CharField(max_length=LONGEST_REGION, blank=True)
    day = models.DateField()
    mj_per_m3 = models.DecimalField(max_digits=10, decimal_places=6)
    source = models.CharField(max_length=255, blank=True)  # a file's name, or how it was entered
    told_at = models.DateTimeField(default=timezone.now)

    objects = CalorificValueQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["region_key", "day"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "region_key", "day"], name="one_calorific_value_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.mj_per_m3.normalize():f} MJ/m³ on {self.day}"


class UsualRegionQuerySet(models.QuerySet["UsualRegion"]):
    def visible_to(self, actor: Actor, permission: str = "estate.view") -> Self:
        """Rows of organisations in which the actor has a permission for the whole."""
        if actor.sees_all(permission):
            return self
        return self.filter(organisation__in=actor.organisations(permission))


class UsualRegion(models.Model):
    """The gas region of an organisation's sites that name none."""

    organisation = models.OneToOneField(Organisation, on_delete=models.CASCADE, related_name="usual_gas_region")
    region = models.CharField(max_length=LONGEST_REGION)

    objects = UsualRegionQuerySet.as_manager()

    def __str__(self) -> str:
        return self.region
