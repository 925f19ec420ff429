"""The run that deletes what is older than its rule says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.audit.record import record
from eclectyc.kernel.errors import Forbidden
from eclectyc.privacy.data_categories import KINDS, Kind
from eclectyc.privacy.deletions import Part
from eclectyc.privacy.rules import Share, rules, set_rule, shares, take_back

__all__ = ["Outcome", "rules", "run", "set_rule", "take_back"]
EVER: Final = datetime(1900, 1, 1, tzinfo=UTC)  # nothing is older


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run deleted of a kind, or would. ``days`` is the installation's rule, ``own`` how many organisations have
    another."""

    kind: str
    days: int | None
    own: int
    count: int


def run(actor: Actor, *, now: datetime | None = None, dry_run: bool = False) -> list[Outcome]:
    """Delete what is older than its rule says, or only count it; an operator's task."""
    if not actor.stands_above:
        raise Forbidden("Retention is an operator's task.", "Ask whoever runs this installation.")
    moment = now or timezone.now()
    outcomes = [_sweep(kind, parts, moment, dry_run) for kind, parts in zip(KINDS, shares().values(), strict=True)]
    if not dry_run:
        with transaction.atomic():
            record(actor.by, "retention.run", after={o.kind: o.count for o in outcomes if o.count})
    return outcomes


def _sweep(kind: Kind, parts: list[Share], now: datetime, dry_run: bool) -> Outcome:
    count = 0
    for share in parts:
        before = EVER if share.days is None else now - timedelta(days=share.days)
        count += kind.sweep(Part(now, before, dry_run, share.organisations, share.is_rest))
    rest = parts[-1]
    return Outcome(kind.name, rest.days, len(rest.organisations), count)
