"""The writers' lease: who may commit to the lake, and the fence that stops a former holder."""

from __future__ import annotations

from django.db import models


class WriterLease(models.Model):
    """One row per lake. ``fence`` grows with each holder; a commit with an older fence is refused."""

    name = models.CharField(max_length=20, primary_key=True)
    holder = models.CharField(max_length=100, blank=True)
    fence = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name}: {self.holder or 'free'} until {self.expires_at}"
