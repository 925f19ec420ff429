"""The inbox: acknowledged pushes that are still to be stored as day rows."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation, User
from eclectyc.estate.models import Series


class PushQuerySet(models.QuerySet["Push"]):
    def visible_to(self, actor: Actor) -> Self:
        """Pushes to the organisations in which the actor runs imports."""
        return self if actor.operator else self.filter(organisation__in=actor.organisations("imports.run"))


class Push(models.Model):
    """The readings of one push. It is deleted once the lake has them; ``batch`` is the batch that stores them.

    Within a series, a later push has a higher number. ``fault`` : why the lake refused it; such a push stays.
    """

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="pushes")
    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="pushes")
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="pushes")
    token_id = models.BigIntegerField(null=True, blank=True)  # of the key that was used, for the batch's report
    batch = models.ForeignKey("intake.Batch", on_delete=models.SET_NULL, null=True, blank=True, related_name="pushes")
    received_at = models.DateTimeField(default=timezone.now)
    readings = models.PositiveIntegerField()
    first_day = models.DateField()
    last_day = models.DateField()
    data = models.BinaryField()  # see encoding.py
    fault = models.CharField(max_length=500, blank=True)

    objects = PushQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"push {self.pk}: {self.readings} readings of series {self.series_id}"
