"""Consents, and rules of retention."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation, User


class ConsentQuerySet(models.QuerySet["Consent"]):
    def visible_to(self, actor: Actor) -> Self:
        """The actor's own; for operators, all."""
        return self if actor.sees_all("privacy.run") else self.filter(user=actor.user_id)


class Consent(models.Model):
    """A person's consent to one wording. Withdrawing ends it; the record stays."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="consents")
    what = models.CharField(max_length=40)
    version = models.CharField(max_length=20)
    given_at = models.DateTimeField(default=timezone.now, editable=False)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-given_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "what"], condition=models.Q(withdrawn_at=None), name="one_consent_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.version}"


class RetentionRule(models.Model):
    """How long one category of data is kept in this installation, if not for the default time."""

    kind = models.CharField(max_length=30, primary_key=True)
    days = models.PositiveIntegerField(null=True, blank=True)  # null: for ever

    def __str__(self) -> str:
        return f"{self.kind}: {self.days if self.days is not None else 'for ever'}"


class OrganisationRule(models.Model):
    """How long one category of data is kept for an organisation, and for those below it without their own rule."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="retention_rules")
    kind = models.CharField(max_length=30)
    days = models.PositiveIntegerField(null=True, blank=True)  # null: for ever

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "kind"], name="one_retention_rule_per_kind")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.organisation_id}: {self.days if self.days is not None else 'for ever'}"
