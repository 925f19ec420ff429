"""Audit events, the people in them by pseudonym, and their erasable texts.

An event never changes once written (database triggers enforce this); it is *sealed* a moment later, when it gets its
place in the chain. Everything that names a person (an address, a name, the origin of a request) is stored separately,
in ``Person`` and ``Personal``, and outside the hash: erasing it does not break the chain.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.utils.timezone import now

if TYPE_CHECKING:
    from eclectyc.accounts.actor import Actor


class Person(models.Model):
    """The person behind a pseudonym, until they are erased."""

    pseudonym = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user_id = models.BigIntegerField(null=True, unique=True)  # null: the command line, or erased
    label = models.CharField(max_length=254, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)
    mac = models.CharField(max_length=64, blank=True)  # ties the pseudonym to the person; set when sealed

    def __str__(self) -> str:
        return self.label or f"person {str(self.pseudonym)[:8]}"


class EventQuerySet(models.QuerySet["Event"]):
    def visible_to(self, actor: Actor) -> Self:
        """Events of the organisations whose audit the actor may read; only operators see those of no organisation."""
        if actor.sees_all("audit.view"):
            return self
        return self.filter(organisation_id__in=actor.organisations("audit.view"))


class Event(models.Model):
    """One action. ``before`` and ``after`` never name a person."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=now, editable=False)
    organisation_id = models.BigIntegerField(null=True, blank=True)
    actor = models.UUIDField()  # a Person's pseudonym
    action = models.CharField(max_length=60)  # such as "meter.moved"
    subject_type = models.CharField(max_length=40, blank=True)
    subject_id = models.CharField(max_length=64, blank=True)
    before = models.JSONField(default=dict, blank=True)
    after = models.JSONField(default=dict, blank=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["organisation_id", "-id"], name="audit_by_organisation"),
            models.Index(fields=["actor", "-id"], name="audit_by_actor"),
            models.Index(fields=["subject_type", "subject_id"], name="audit_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action} {self.subject_type} {self.subject_id}".strip()


class Personal(models.Model):
    """The part of an event that names a person: erasable, outside the hash."""

    event = models.OneToOneField(Event, primary_key=True, on_delete=models.CASCADE, related_name="personal")
    person = models.UUIDField(null=True, db_index=True)  # the person it is about, if not the actor
    origin = models.CharField(max_length=200, blank=True)  # address of the request, or "command line"
    text = models.JSONField(default=dict, blank=True)
    mac = models.CharField(max_length=64, blank=True)  # of the fields above; set when sealed

    def __str__(self) -> str:
        return f"personal text of event {self.event_id}"


class Seal(models.Model):
    """An event's place in the chain: ``hash`` covers the event and the hash before it."""

    sequence = models.BigIntegerField(primary_key=True)
    event = models.OneToOneField(Event, on_delete=models.PROTECT, related_name="seal")
    hash = models.CharField(max_length=64)

    class Meta:
        ordering: ClassVar = ["sequence"]

    def __str__(self) -> str:
        return f"seal {self.sequence}"


class Head(models.Model):
    """The chain's beginning and end, signed: a missing tail or another beginning is detected.

    ``first`` is the first sequence still stored and ``before_first`` the hash before it; retention moves both.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    first = models.BigIntegerField(default=1)
    before_first = models.CharField(max_length=64, blank=True)
    last = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, blank=True)
    signature = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"events {self.first} to {self.last}"
