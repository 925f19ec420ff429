"""How a retention rule deletes, and the retention of consents."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet

from eclectyc.kernel.data_protection import Deletion, RetentionCategory
from eclectyc.privacy.models import Consent

AT_ONCE: Final = 500  # rows deleted in one transaction


@dataclass(frozen=True, slots=True)
class RuleDeletion:
    """One rule applied to what is older than ``before``, of these organisations, or of all but these."""

    now: datetime
    before: datetime
    dry_run: bool
    organisations: frozenset[int] = frozenset()
    is_rest: bool = True

    def within(self, rows: QuerySet[Any], field: str = "organisation_id") -> QuerySet[Any]:
        """Return the rows that belong to these organisations; rows of no organisation belong to the rest."""
        if self.is_rest:
            return rows.filter(Q(**{f"{field}__isnull": True}) | ~Q(**{f"{field}__in": self.organisations}))
        return rows.filter(**{f"{field}__in": self.organisations})

    def delete_rows(self, rows: QuerySet[Any]) -> int:
        """Delete some in each short transaction, so that other writers do not wait for long."""
        count = rows.count()
        while not self.dry_run:
            with transaction.atomic():
                some = list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
                rows.model._base_manager.filter(pk__in=some).delete()
            if len(some) < AT_ONCE:
                break
        return count

    def delete_files(self, paths: Iterable[Path]) -> int:
        old = [path for path in paths if path.stat().st_mtime < self.before.timestamp()]
        for path in old if not self.dry_run else ():
            path.unlink(missing_ok=True)
        return len(old)


def delete_consents(deletion: Deletion) -> int:
    return deletion.delete_rows(Consent.objects.filter(withdrawn_at__lt=deletion.before))


CONSENTS: Final = RetentionCategory(
    "consents", "Withdrawn consents", "registry: privacy", 2190, delete_consents, least_days=365
)
