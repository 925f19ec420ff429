"""Uploaded files and the results of their import."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation, User
from eclectyc.jobs.models import Job

FOLDER = "uploads"  # in the home


class UploadQuerySet(models.QuerySet["Upload"]):
    def visible_to(self, actor: Actor) -> Self:
        """Files of the organisations in which the actor runs imports."""
        return (
            self if actor.sees_all("imports.run") else self.filter(organisation__in=actor.organisations("imports.run"))
        )


class Upload(models.Model):
    """An uploaded file. Its content is stored in the home until it is imported and its retention ends."""

    PAGE, API, FEED = "page", "api", "feed"

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="uploads")
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="uploads")
    origin = models.CharField(max_length=60, default=PAGE)  # page, api, or feed and its number
    name = models.CharField(max_length=255)
    kept = models.CharField(max_length=100, blank=True)  # its file in the folder; blank once the content is deleted
    size = models.BigIntegerField(default=0)  # [bytes]
    sha256 = models.CharField(max_length=64, db_index=True)
    options = models.JSONField(default=dict, blank=True)  # of ``ImportOptions``, without defaults
    draft = models.JSONField(default=dict, blank=True)  # an unfinished mapping, as typed so far
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, blank=True, related_name="uploads")
    report = models.JSONField(default=dict, blank=True)  # of the last import or trial, as ``import --json`` prints it
    created_at = models.DateTimeField(default=timezone.now)
    discarded_at = models.DateTimeField(null=True, blank=True)

    objects = UploadQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"file {self.pk}: {self.name}"

    @property
    def path(self) -> Path:
        """The path of its content."""
        return Path(settings.HOME) / FOLDER / self.kept

    @property
    def is_waiting(self) -> bool:
        """Whether it is neither imported nor discarded yet."""
        return self.job_id is None and self.discarded_at is None and not self.report.get("batch")
