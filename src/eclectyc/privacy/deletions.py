"""Deleting what is over, kind by kind. Each sweep takes a part of the data and returns how much went, or would."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q, QuerySet

from eclectyc.accounts.models import ApiToken, Invitation
from eclectyc.audit import keys
from eclectyc.audit.models import Event, Personal, Seal
from eclectyc.audit.sealed_chain import drop_before
from eclectyc.audit.sealing import seal_now
from eclectyc.batches.models import Batch
from eclectyc.intake.report import REPORT_FILES
from eclectyc.intake.uploads.models import Upload
from eclectyc.jobs.models import Job
from eclectyc.privacy.models import Consent

AT_ONCE = 500  # rows deleted in one transaction


@dataclass(frozen=True, slots=True)
class Part:
    """What a sweep may touch: what is older than ``before``, of these organisations, or of all but these."""

    now: datetime
    before: datetime
    dry_run: bool
    organisations: frozenset[int] = frozenset()
    is_rest: bool = True

    def within(self, field: str = "organisation_id") -> Q:
        """Return the condition of belonging to this part; what belongs to no organisation is of the rest."""
        if self.is_rest:
            return Q(**{f"{field}__isnull": True}) | ~Q(**{f"{field}__in": self.organisations})
        return Q(**{f"{field}__in": self.organisations})


def audit(part: Part) -> int:
    """Only a whole beginning of the chain can go; its new beginning is signed."""
    if part.dry_run:
        young = Seal.objects.filter(event__at__gte=part.before).order_by("sequence")
        first = young.values_list("sequence", flat=True).first()
        old = Seal.objects.filter(event__at__lt=part.before)
        return old.count() if first is None else old.filter(sequence__lt=first).count()
    if not Event.objects.filter(at__lt=part.before).exists():
        return 0
    seal_now()
    return drop_before(keys.fitting_key(), part.before)


def audit_names(part: Part) -> int:
    """What names people in an organisation's events stands apart from them: it goes, and the chain still verifies."""
    return _gone(Personal.objects.filter(part.within("event__organisation_id"), event__at__lt=part.before), part)


def sessions(part: Part) -> int:
    """Where and when people were signed in goes by the rule; what a session held, as soon as it is over."""
    over = _gone(Session.objects.filter(expire_date__lt=part.now), part)
    return over + _gone(UserSession.objects.filter(last_seen_at__lt=part.before), part)


def invitations(part: Part) -> int:
    """Invitations that were accepted, withdrawn or left unanswered."""
    before = part.before
    closed = Q(accepted_at__lt=before) | Q(withdrawn_at__lt=before) | Q(accepted_at=None, expires_at__lt=before)
    return _gone(Invitation.objects.filter(closed, part.within()), part)


def tokens(part: Part) -> int:
    """Tokens that were revoked or have expired."""
    return _gone(ApiToken.objects.filter(Q(revoked_at__lt=part.before) | Q(expires_at__lt=part.before)), part)


def consents(part: Part) -> int:
    """Consents that were withdrawn."""
    return _gone(Consent.objects.filter(withdrawn_at__lt=part.before), part)


def uploads(part: Part) -> int:
    """The bytes of files that arrived, once nothing works on them: that they came stays written down."""
    idle = Q(job=None) | Q(job__state__in=Job.ENDED)
    old = Upload.objects.filter(idle, part.within(), created_at__lt=part.before).exclude(kept="")
    count = 0
    for upload in old.only("pk", "kept").iterator(chunk_size=AT_ONCE):
        count += 1
        if not part.dry_run:
            Upload.objects.filter(pk=upload.pk).update(kept="")
            upload.path.unlink(missing_ok=True)
    return count


def import_reports(part: Part) -> int:
    """Their details go, their counts stay: what is in the lake keeps its origin."""
    reports = Path(settings.HOME) / "reports"
    batches = Batch.objects.filter(part.within(), finished_at__lt=part.before)
    arrived = Upload.objects.filter(part.within(), created_at__lt=part.before)
    count = 0
    for kept in (batches, arrived):
        for one in kept.exclude(report={}).exclude(report__has_key="swept").iterator(chunk_size=AT_ONCE):
            count += 1
            if not part.dry_run:
                type(one)._base_manager.filter(pk=one.pk).update(report=_without_details(one.report))
                _unlink_files(reports, one.report)
    return count + (_files(_unnamed(reports), part) if part.is_rest else 0)


def _without_details(report: dict[str, Any]) -> dict[str, Any]:
    left = {name: report[name] for name in ("batch",) if name in report}
    return {**left, "made": report.get("made", {}), "swept": True}


def _unlink_files(reports: Path, report: dict[str, Any]) -> None:
    for name in REPORT_FILES:
        if report.get(name):
            (reports / Path(str(report[name])).name).unlink(missing_ok=True)


def _unnamed(reports: Path) -> Iterator[Path]:
    """Files of rejected lines that no report names: those that are named go with their report."""
    named = {
        Path(str(name)).name
        for model in (Batch, Upload)
        for key in REPORT_FILES
        for name in model.objects.filter(report__has_key=key).values_list(f"report__{key}", flat=True)
    }
    return (path for path in sorted(reports.glob("*")) if path.name not in named)


def mails(part: Part) -> int:
    """Mails that were written into the home."""
    return _files(sorted((Path(settings.HOME) / "mail").glob("*.eml")), part)


def telemetry(part: Part) -> int:
    """Lines of what background runs did."""
    count = 0
    for path in sorted((Path(settings.HOME) / "telemetry").glob("*.jsonl")):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not _is_older(line, part.before)]
        count += len(lines) - len(kept)
        if len(kept) < len(lines) and not part.dry_run:
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


def _gone(found: QuerySet[Any], part: Part) -> int:
    """Delete rows, some in each short transaction, so that nobody waits for long."""
    count = found.count()
    while not part.dry_run:
        with transaction.atomic():
            some = list(found.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
            found.model._base_manager.filter(pk__in=some).delete()
        if len(some) < AT_ONCE:
            break
    return count


def _files(found: Iterator[Path] | list[Path], part: Part) -> int:
    old = [path for path in found if path.stat().st_mtime < part.before.timestamp()]
    for path in old if not part.dry_run else ():
        path.unlink(missing_ok=True)
    return len(old)
