"""Saved import profiles: the layout of one sender's files, under a name in its organisation."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation, User

LONGEST_NAME = 80


class ImportProfileQuerySet(models.QuerySet["ImportProfile"]):
    def visible_to(self, actor: Actor) -> Self:
        """Profiles of the organisations in which the actor runs imports."""
        if actor.sees_all("imports.run"):
            return self
        return self.filter(organisation__in=actor.organisations("imports.run"))


class ImportProfile(models.Model):
    """A mapping under a name. Files, feeds and people use the name; the number stays when it is renamed."""

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="import_profiles")
    name = models.CharField(max_length=LONGEST_NAME)
    sender = models.CharField(max_length=200, blank=True)  # whose files they are
    notes = models.CharField(max_length=1000, blank=True)
    mapping = models.JSONField(default=dict)  # as ``Mapping.as_data`` writes it
    signature = models.JSONField(default=dict, blank=True)  # how the file looked that it was made over
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    last_used_at = models.DateTimeField(null=True, blank=True)  # when something last came in with it

    objects = ImportProfileQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint("organisation", Lower("name"), name="one_profile_per_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def creates_meters(self) -> bool:
        """Whether imports with it create unknown meters."""
        return self.mapping.get("meters", {}).get("unknown") == "create"
