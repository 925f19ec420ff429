"""Stale days: days of a derived meter that must be recalculated because what they depend on has changed."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.estate.models import Meter
from eclectyc.estate.reach import series_within, within

_UNSETTLED = ("pending", "committed", "failed")


class StaleQuerySet(models.QuerySet["Stale"]):
    def visible_to(self, actor: Actor, permission: str = "estate.view") -> Self:
        """Stale days of the meters within the actor's reach."""
        return self.filter(within(actor.limits(permission), series_within))

    def waiting(self) -> Self:
        """Stale days that no batch is recalculating. Those of a batch count once the lake has that batch."""
        return self.filter(Q(batch=None) | ~Q(batch__state__in=_UNSETTLED), worked_by=None)


class Stale(models.Model):
    """Local days of a meter to be recalculated; deleted once they have been.

    kind : the name of a derivation. batch : the batch that changed the days they depend on, or none if a rule changed.
    worked_by : the batch that is recalculating them. fault : why the lake refused them; such a row stays and is tried
    again.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=20)
    meter = models.ForeignKey(Meter, on_delete=models.CASCADE, related_name="stale")
    start = models.DateField()
    end = models.DateField()
    batch = models.ForeignKey("intake.Batch", on_delete=models.CASCADE, null=True, blank=True, related_name="stale")
    worked_by = models.ForeignKey(
        "intake.Batch", on_delete=models.SET_NULL, null=True, blank=True, related_name="works_out"
    )
    created_at = models.DateTimeField(default=timezone.now)
    fault = models.CharField(max_length=500, blank=True)

    objects = StaleQuerySet.as_manager()

    class Meta:
        app_label = "intake"
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(end__gt=models.F("start")), name="stale_days_end_after_start")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of meter {self.meter_id} from {self.start} up to {self.end}"
