"""Feeds, and the files seen in them."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.db.models.functions import Coalesce
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Organisation
from eclectyc.intake.profiles.models import ImportProfile
from eclectyc.intake.uploads.models import Upload
from eclectyc.jobs.models import Job
from eclectyc.vault.fields import EncryptedText


class FeedQuerySet(models.QuerySet["Feed"]):
    def visible_to(self, actor: Actor) -> Self:
        """Feeds of the organisations in which the actor runs imports."""
        if actor.sees_all("imports.run"):
            return self
        return self.filter(organisation__in=actor.organisations("imports.run"))

    def with_failures(self) -> Self:
        """Feeds with their ``failed_files``: those that could not be imported, and need someone.

        A file needs no one once it is discarded, or a later file of its name was imported.
        """
        failed = failed_files().filter(feed=models.OuterRef("pk"))
        count = failed.order_by().values("feed").annotate(count=models.Count("pk")).values("count")
        return self.annotate(failed_files=Coalesce(models.Subquery(count), 0))


class Feed(models.Model):
    """A source of files: how they are fetched, and the result of the last checks."""

    SFTP, FOLDER, HTTPS = "sftp", "folder", "https"
    KINDS = ((SFTP, "SFTP folder"), (FOLDER, "Folder of this server"), (HTTPS, "Web address"))

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="feeds")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=KINDS)
    settings = models.JSONField(default=dict)  # of its kind, see settings.py; no secrets
    secret = EncryptedText(blank=True)  # password, token or private key, as JSON
    options = models.JSONField(default=dict, blank=True)  # of ``ImportOptions``, without the profile
    profile = models.ForeignKey(ImportProfile, on_delete=models.RESTRICT, null=True, blank=True, related_name="feeds")
    cron = models.CharField(max_length=100, default="*/15 * * * *")
    zone = models.CharField(max_length=64, default="Europe/London")
    is_active = models.BooleanField(default=True)
    may_reach_private = models.BooleanField(
        default=False
    )  # allowed by an operator: addresses inside the server's own network
    quiet_after_h = models.PositiveIntegerField(null=True, blank=True)  # alert if there is no new file for so long [h]
    created_at = models.DateTimeField(default=timezone.now)
    last_looked_at = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)  # of a check, with or without files
    last_file_at = models.DateTimeField(null=True, blank=True)  # when the last new file came
    failing_since = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    remedy = models.TextField(blank=True)

    failed_files = 0  # set by ``with_failures``

    objects = FeedQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["organisation", "name"], name="feed_names_are_unique")]

    def __str__(self) -> str:
        return self.name

    @property
    def schedule_name(self) -> str:
        """The name of its schedule."""
        return f"feed:{self.pk}"

    @property
    def state(self) -> str:
        """paused, new, failing, degraded (files could not be imported) or well; read it ``with_failures``."""
        if not self.is_active:
            return "paused"
        if self.failing_since:
            return "failing"
        if self.failed_files:
            return "degraded"
        return "well" if self.last_success_at else "new"


class FeedFile(models.Model):
    """A file seen in a feed. It is read once, even if it is listed again."""

    id = models.BigAutoField(primary_key=True)
    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=255)
    size = models.BigIntegerField()  # [bytes]; -1 if unknown
    changed = models.BigIntegerField()  # [s since 1970] by the source's clock; 0 if unknown
    seen_at = models.DateTimeField(default=timezone.now)  # first, with this size and time
    sha256 = models.CharField(max_length=64, blank=True)  # blank: seen, not read yet
    upload = models.ForeignKey(Upload, on_delete=models.SET_NULL, null=True, blank=True, related_name="feed_files")
    is_put_away = models.BooleanField(default=False)  # moved or deleted at the source, if set

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["feed", "name", "size", "changed"], name="feed_file_seen_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["feed", "sha256"], name="feed_file_by_content")]

    def __str__(self) -> str:
        return self.name


def failed_files() -> models.QuerySet[FeedFile]:
    """Return the files that could not be imported, are not discarded, and have no later file of their name imported."""
    later = FeedFile.objects.filter(
        feed=models.OuterRef("feed"),
        name=models.OuterRef("name"),
        pk__gt=models.OuterRef("pk"),
        upload__job__state=Job.DONE,
    )
    return FeedFile.objects.filter(~models.Exists(later), upload__job__state=Job.FAILED, upload__discarded_at=None)
