"""Delete data older than their retention period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.audit.record import record
from eclectyc.kernel.data_protection import RetentionCategory
from eclectyc.kernel.errors import Forbidden
from eclectyc.privacy.data_categories import categories
from eclectyc.privacy.deletions import RuleDeletion
from eclectyc.privacy.rules import RuleScope, rule_scopes

EVER: Final = datetime(1900, 1, 1, tzinfo=UTC)  # nothing is older


@dataclass(frozen=True, slots=True)
class Outcome:
    """How much of a category a run deleted, or would delete. days : the installation's rule. own : how many
    organisations have another."""

    kind: str
    days: int | None
    own: int
    count: int


def run(actor: Actor, *, now: datetime | None = None, dry_run: bool = False) -> list[Outcome]:
    """Delete data older than their rule, or only count them; for operators."""
    if not actor.is_full_operator:
        raise Forbidden("Only an operator can run retention.", "Ask the operator of this installation.")
    moment = now or timezone.now()
    parts = rule_scopes()
    outcomes = [_apply(kind, parts[kind.name], moment, dry_run) for kind in categories()]
    if not dry_run:
        with transaction.atomic():
            record(actor.by, "retention.run", after={o.kind: o.count for o in outcomes if o.count})
    return outcomes


def _apply(kind: RetentionCategory, parts: list[RuleScope], now: datetime, dry_run: bool) -> Outcome:
    count = 0
    for share in parts:
        before = EVER if share.days is None else now - timedelta(days=share.days)
        count += kind.delete(RuleDeletion(now, before, dry_run, share.organisations, share.is_rest))
    rest = parts[-1]
    return Outcome(kind.name, rest.days, len(rest.organisations), count)
