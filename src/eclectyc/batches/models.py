"""Batches: what was imported or calculated, by whom, and the result."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation, User


class BatchQuerySet(models.QuerySet["Batch"]):
    def visible_to(self, actor: Actor) -> Self:
        """Batches of the organisations in which the actor runs imports."""
        return self if actor.operator else self.filter(organisation__in=actor.organisations("imports.run"))


class Batch(models.Model):
    """One import, undo or recalculation. Batches are numbered with the writers' turn held: a later batch has a higher
    number and a later commit, so that numbers order the readings in the lake."""

    PENDING, COMMITTED, DONE, FAILED, UNDONE = "pending", "committed", "done", "failed", "undone"
    STATES = (PENDING, COMMITTED, DONE, FAILED, UNDONE)
    IMPORT, UNDO, DERIVED = "import", "undo", "derived"

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="batches")
    kind = models.CharField(max_length=10, default=IMPORT)
    state = models.CharField(max_length=10, choices=[(s, s) for s in STATES], default=PENDING)
    fence = models.BigIntegerField(default=0)
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="batches")
    actor_label = models.CharField(max_length=254, blank=True)
    file_name = models.CharField(max_length=255, blank=True)
    sha256 = models.CharField(max_length=64, blank=True, db_index=True)
    format = models.CharField(max_length=30, blank=True)
    upload = models.ForeignKey(
        "intake.Upload", on_delete=models.SET_NULL, null=True, blank=True, related_name="batches"
    )
    undoes = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="undone_by")
    created_at = models.DateTimeField(default=timezone.now)
    committed_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    rows = models.BigIntegerField(default=0)
    accepted = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    added = models.BigIntegerField(default=0)
    changed = models.BigIntegerField(default=0)
    unchanged = models.BigIntegerField(default=0)
    kept = models.BigIntegerField(default=0)
    derives_use = models.BooleanField(default=False)  # its readings are calculated from registers or tanks
    report = models.JSONField(default=dict, blank=True)  # what `import --json` prints

    objects = BatchQuerySet.as_manager()

    class Meta:
        app_label = "intake"  # whose tables and migrations these are
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"batch {self.pk}: {self.kind} {self.file_name} ({self.state})"
