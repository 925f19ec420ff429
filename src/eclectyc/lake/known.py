"""Which lake the registry knows, stored beside the writers' lease."""

from __future__ import annotations

from typing import Any

from eclectyc.lake.identity import LakeIdentity
from eclectyc.lake.models import KnownLake


def known_lake() -> LakeIdentity | None:
    """Return the lake that the registry knows; None before the first batch."""
    row = KnownLake.objects.first()
    return LakeIdentity(row.table_id, row.version, row.last_batch) if row else None


def remember(lake: LakeIdentity) -> None:
    """Store which lake is the registry's, within the transaction in which a batch is committed.

    A later version of the same lake stays: a writer may come to this after another one has taken over.
    """
    rows = KnownLake.objects.filter(name=KnownLake.ONLY)
    if not rows.exclude(table_id=lake.table_id, version__gt=lake.version).update(**_columns(lake)):
        KnownLake.objects.get_or_create(name=KnownLake.ONLY, defaults=_columns(lake))


def replace_known(lake: LakeIdentity) -> None:
    """Make another lake, or an earlier version, the registry's."""
    KnownLake.objects.update_or_create(name=KnownLake.ONLY, defaults=_columns(lake))


def _columns(lake: LakeIdentity) -> dict[str, Any]:
    return {"table_id": lake.table_id, "version": lake.version, "last_batch": lake.last_batch}
