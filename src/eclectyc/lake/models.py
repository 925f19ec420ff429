"""The writers' lease – who may commit to the lake, and the fence that stops a former holder – and the known lake."""

from __future__ import annotations

from typing import Final

from django.db import models


class WriterLease(models.Model):
    """One row per lake. ``fence`` grows with each holder; a commit with an older fence is refused."""

    name = models.CharField(max_length=20, primary_key=True)
    holder = models.CharField(max_length=100, blank=True)
    fence = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name}: {self.holder or 'free'} until {self.expires_at}"


class KnownLake(models.Model):
    """The registry's own lake, as it was when a batch was last done: one row, none before the first batch."""

    ONLY: Final = "lake"

    name = models.CharField(max_length=20, primary_key=True, default=ONLY)
    table_id = models.CharField(max_length=64, blank=True)  # Delta's; empty until it is learnt
    version = models.BigIntegerField(default=-1)
    last_batch = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.table_id or 'a lake'}, version {self.version}, batches up to {self.last_batch}"
