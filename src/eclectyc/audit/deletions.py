"""Retention of audit events, and of the names in them."""

from __future__ import annotations

from typing import Final

from eclectyc.audit import keys
from eclectyc.audit.models import Event, Personal, Seal
from eclectyc.audit.sealed_chain import drop_before
from eclectyc.audit.sealing import seal_now
from eclectyc.kernel.data_protection import Deletion, RetentionCategory


def delete_events(deletion: Deletion) -> int:
    """Delete the chain's beginning, and sign its new beginning: nothing after a younger event can go."""
    if deletion.dry_run:
        young = Seal.objects.filter(event__at__gte=deletion.before).order_by("sequence")
        first = young.values_list("sequence", flat=True).first()
        old = Seal.objects.filter(event__at__lt=deletion.before)
        return old.count() if first is None else old.filter(sequence__lt=first).count()
    if not Event.objects.filter(at__lt=deletion.before).exists():
        return 0
    seal_now()
    return drop_before(keys.fitting_key(), deletion.before)


def delete_names(deletion: Deletion) -> int:
    """Delete what names people in events. It is stored apart from them, so the chain still verifies."""
    old = Personal.objects.filter(event__at__lt=deletion.before)
    return deletion.delete_rows(deletion.within(old, "event__organisation_id"))


EVENTS: Final = RetentionCategory("audit", "Audit events", "registry: audit", 2555, delete_events, least_days=90)
NAMES: Final = RetentionCategory(
    "audit_names",
    "Names and addresses in audit events",
    "registry: audit",
    2555,
    delete_names,
    least_days=90,
    is_of_organisations=True,
)
