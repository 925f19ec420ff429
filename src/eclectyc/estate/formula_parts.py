"""The meters in the formulas of virtual meters, as rows: dependencies are queried by sets."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from django.db import models

from eclectyc.estate.history_models import OfMeterQuerySet


class FormulaPart(models.Model):
    """One quantity of one meter in a virtual meter's formula, times an exact factor: "0.5", "-1" or "1/3"."""

    meter = models.ForeignKey("estate.Meter", on_delete=models.CASCADE, related_name="formula_parts")
    part = models.ForeignKey("estate.Meter", on_delete=models.PROTECT, related_name="used_in")
    quantity = models.CharField(max_length=20)
    factor = models.CharField(max_length=40)

    objects = OfMeterQuerySet.as_manager()  # for users who see the virtual meter; that gives no right to see its parts

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["meter", "part", "quantity"], name="one_part_per_quantity")
        ]

    def __str__(self) -> str:
        return f"{self.factor} × {self.part} {self.quantity}"

    @property
    def times(self) -> Fraction:
        """The factor."""
        return Fraction(self.factor)
