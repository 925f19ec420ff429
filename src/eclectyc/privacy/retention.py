"""How long each kind of data is kept, and the run that deletes what is older. Readings are not among them: they are
the estate's, and go with their meter."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import ApiToken, Invitation
from eclectyc.audit import keys
from eclectyc.audit.models import Event, Seal
from eclectyc.audit.record import record
from eclectyc.audit.seal import drop_before
from eclectyc.audit.service import seal_now
from eclectyc.intake.models import Batch
from eclectyc.kernel.errors import Forbidden, Invalid
from eclectyc.privacy.models import Consent, RetentionRule

MOST_DAYS: Final = 36_500
# The given mail folder is looked through file by file; so are reports.
Sweep = Callable[[datetime, bool], int]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of data: what it is, where it stands, how long it is kept unless a rule says otherwise."""

    name: str
    words: str
    where: str
    days: int
    sweep: Sweep
    least: int = 1  # [days]


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind with the time that holds here. ``days`` of None: for ever."""

    kind: Kind
    days: int | None
    is_default: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run deleted of a kind, or would."""

    kind: str
    days: int | None
    count: int


def rules() -> list[Rule]:
    """Return the rule of every kind: one query."""
    own = {rule.kind: rule.days for rule in RetentionRule.objects.all()}
    return [Rule(kind, own.get(kind.name, kind.days), kind.name not in own) for kind in KINDS]


def set_rule(actor: Actor, *, kind: str, days: int | None) -> Rule:
    """Say how long a kind of data is kept in this installation; None: for ever. An operator's task."""
    _require(actor)
    known = kind_named(kind)
    if days is not None and not known.least <= days <= MOST_DAYS:
        raise Invalid(f"{known.words} are kept for {known.least} to {MOST_DAYS:,} days.", "Give that.", field="days")
    with transaction.atomic():
        before = next(rule.days for rule in rules() if rule.kind.name == kind)
        RetentionRule.objects.update_or_create(kind=kind, defaults={"days": days})
        record(actor.by, "retention.changed", before={kind: before}, after={kind: days})
    return Rule(known, days, is_default=False)


def run(actor: Actor, *, now: datetime | None = None, dry_run: bool = False) -> list[Outcome]:
    """Delete what is older than its rule says, or only count it."""
    _require(actor)
    moment = now or timezone.now()
    outcomes = []
    for rule in rules():
        if rule.days is not None:
            count = rule.kind.sweep(moment - timedelta(days=rule.days), dry_run)
        outcomes.append(Outcome(rule.kind.name, rule.days, count if rule.days is not None else 0))
    if not dry_run:
        record(actor.by, "retention.run", after={o.kind: o.count for o in outcomes if o.count})
    return outcomes


def kind_named(name: str) -> Kind:
    """Return a kind of data, or say which there are."""
    for kind in KINDS:
        if kind.name == name:
            return kind
    names = ", ".join(kind.name for kind in KINDS)
    raise Invalid(f"There is no kind of data {name[:40]!r}.", f"Use one of: {names}.", field="kind")


def _require(actor: Actor) -> None:
    if not actor.stands_above:
        raise Forbidden("Retention is an operator's task.", "Ask whoever runs this installation.")


def _audit(before: datetime, dry_run: bool) -> int:
    """Only a whole beginning of the chain can go; its new beginning is signed."""
    if dry_run:
        young = Seal.objects.filter(event__at__gte=before).order_by("sequence").values_list("sequence", flat=True)
        first = young.first()
        old = Seal.objects.filter(event__at__lt=before)
        return old.count() if first is None else old.filter(sequence__lt=first).count()
    if not Event.objects.filter(at__lt=before).exists():
        return 0
    seal_now()
    return drop_before(keys.fitting_key(), before)


def _sessions(before: datetime, dry_run: bool) -> int:
    listed = UserSession.objects.filter(last_seen_at__lt=before)
    return _gone(Session.objects.filter(expire_date__lt=before), dry_run) + _gone(listed, dry_run)


def _invitations(before: datetime, dry_run: bool) -> int:
    closed = Q(accepted_at__lt=before) | Q(withdrawn_at__lt=before) | Q(accepted_at=None, expires_at__lt=before)
    return _gone(Invitation.objects.filter(closed), dry_run)


def _tokens(before: datetime, dry_run: bool) -> int:
    return _gone(ApiToken.objects.filter(Q(revoked_at__lt=before) | Q(expires_at__lt=before)), dry_run)


def _consents(before: datetime, dry_run: bool) -> int:
    return _gone(Consent.objects.filter(withdrawn_at__lt=before), dry_run)


def _reports(before: datetime, dry_run: bool) -> int:
    """Their details go, their counts stay: what is in the lake keeps its origin."""
    old = Batch.objects.filter(finished_at__lt=before).exclude(report={}).exclude(report__has_key="swept")
    count = 0
    for batch in old.only("pk", "report").iterator(chunk_size=200):
        count += 1
        if not dry_run:
            left = {"made": batch.report.get("made", {}), "swept": True}
            Batch.objects.filter(pk=batch.pk).update(report=left)
    return count + _files(Path(settings.HOME) / "reports", "*.csv", before, dry_run)


def _mails(before: datetime, dry_run: bool) -> int:
    return _files(Path(settings.HOME) / "mail", "*.eml", before, dry_run)


def _telemetry(before: datetime, dry_run: bool) -> int:
    count = 0
    for path in sorted((Path(settings.HOME) / "telemetry").glob("*.jsonl")):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not _is_older(line, before)]
        count += len(lines) - len(kept)
        if len(kept) < len(lines) and not dry_run:
            draft = path.with_suffix(".part")
            draft.write_text("".join(kept), encoding="utf-8")
            draft.replace(path)
    return count


def _is_older(line: str, before: datetime) -> bool:
    try:
        said = json.loads(line)
        moments = [str(said[name]) for name in ("began_at", "ended_at", "at") if said.get(name)]
        return bool(moments) and datetime.fromisoformat(moments[0]) < before
    except (ValueError, TypeError, AttributeError):
        return False


def _gone(found: QuerySet, dry_run: bool) -> int:
    if dry_run:
        return found.count()
    with transaction.atomic():
        count = found.count()
        found.delete()
    return count


def _files(folder: Path, pattern: str, before: datetime, dry_run: bool) -> int:
    old = list(_older(folder, pattern, before))
    for path in old if not dry_run else ():
        path.unlink(missing_ok=True)
    return len(old)


def _older(folder: Path, pattern: str, before: datetime) -> Iterator[Path]:
    for path in sorted(folder.glob(pattern)) if folder.is_dir() else ():
        if path.stat().st_mtime < before.timestamp():
            yield path


KINDS: Final = (
    Kind("audit", "Audit events", "registry: audit", 2555, _audit, least=90),
    Kind("sessions", "Sessions that are over", "registry: sessions", 30, _sessions),
    Kind("invitations", "Invitations that are closed", "registry: accounts", 180, _invitations),
    Kind("tokens", "API tokens that have ended", "registry: accounts", 365, _tokens),
    Kind("import_reports", "Details of imports, rejected lines", "registry: intake; home: reports", 730, _reports),
    Kind("mails", "Mails kept because there is no mail server", "home: mail", 30, _mails),
    Kind("telemetry", "What background runs did", "home: telemetry", 365, _telemetry),
    Kind("consents", "Consents that were withdrawn", "registry: privacy", 2190, _consents, least=365),
)
