"""Consents are given by oneself, in one wording; what is old goes, and only that."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from eclectyc.accounts import invitations, tokens
from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import ApiToken, Invitation
from eclectyc.audit import service as audit
from eclectyc.audit.by import By
from eclectyc.audit.models import Event
from eclectyc.audit.record import write
from eclectyc.cli import main
from eclectyc.kernel.errors import Forbidden, Invalid
from eclectyc.privacy import consents, retention
from eclectyc.privacy.models import Consent
from tests.factories import World
from tests.intake.core.bringing import bring

pytestmark = pytest.mark.django_db
OPERATOR = Actor.system()


def days_ago(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)


def test_a_consent_is_given_once_and_withdrawn_once(world: World):
    actor = Actor.of(world.viewer)
    consents.give(actor, what="report_mail")
    consents.give(actor, what="report_mail")
    assert consents.holds(world.viewer.pk, "report_mail")
    consents.withdraw(actor, what="report_mail")
    consents.withdraw(actor, what="report_mail")
    assert not consents.holds(world.viewer.pk, "report_mail")
    kept = Consent.objects.get()
    assert kept.withdrawn_at is not None
    actions = Event.objects.filter(action__startswith="consent").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["consent.given", "consent.withdrawn"]


def test_a_new_wording_asks_anew(world: World, monkeypatch: pytest.MonkeyPatch):
    actor = Actor.of(world.viewer)
    consents.give(actor, what="report_mail")
    newer = tuple(consents.Purpose(p.what, "2", p.words) for p in consents.PURPOSES)
    monkeypatch.setattr(consents, "PURPOSES", newer)
    assert not consents.holds(world.viewer.pk, "report_mail")
    standing = next(s for s in consents.standings(world.viewer.pk) if s.purpose.what == "report_mail")
    assert standing.is_outdated
    consents.give(actor, what="report_mail")
    assert consents.holds(world.viewer.pk, "report_mail")
    assert Consent.objects.filter(withdrawn_at=None).count() == 1


def test_nobody_agrees_for_another(world: World):
    _, _ = world.viewer, world.admin
    with pytest.raises(Forbidden):
        consents.give(OPERATOR, what="report_mail")
    with pytest.raises(Invalid):
        consents.give(Actor.of(world.viewer), what="everything")


def outcome(kind: str, **options: object) -> int:
    return next(one.count for one in retention.run(OPERATOR, **options) if one.kind == kind)  # type: ignore[arg-type]


def test_a_dry_run_counts_and_deletes_nothing(world: World):
    write(By(), "site.changed", at=days_ago(3000))
    audit.seal_now()
    assert outcome("audit", dry_run=True) == 1
    assert Event.objects.count() == 1
    assert outcome("audit") == 1
    assert not Event.objects.filter(action="site.changed").exists()
    audit.seal_now()
    assert audit.verify().is_sound


def test_closed_invitations_and_ended_tokens_go_in_time(world: World):
    old = invitations.invite(OPERATOR, email="a@harbour.example", organisation=world.org, role="viewer")
    new = invitations.invite(OPERATOR, email="b@harbour.example", organisation=world.org, role="viewer")
    Invitation.objects.filter(pk=old.pk).update(expires_at=days_ago(181))
    token, _ = tokens.create_token(OPERATOR, user=world.viewer, name="old")
    ApiToken.objects.filter(pk=token.pk).update(revoked_at=days_ago(366))
    tokens.create_token(OPERATOR, user=world.viewer, name="new")
    retention.run(OPERATOR)
    assert list(Invitation.objects.values_list("pk", flat=True)) == [new.pk]
    assert ApiToken.objects.get().name == "new"


def test_details_of_an_old_import_go_and_its_counts_stay(world: World, tmp_path: Path, home: Path):
    text = "meter,start,end,value,unit\n1200023305967,2025-06-01T00:00+01:00,2025-06-01T00:30+01:00,1.5,kWh\n"
    report = bring(world, tmp_path / "june.csv", text)
    from eclectyc.intake.models import Batch

    Batch.objects.filter(pk=report.batch).update(finished_at=days_ago(731))
    (home / "reports").mkdir(exist_ok=True)
    for name, days in (("old.csv", 731), ("new.csv", 1)):
        (home / "reports" / name).write_text("line")
        moment = days_ago(days).timestamp()
        os.utime(home / "reports" / name, (moment, moment))
    assert outcome("import_reports") == 2
    assert outcome("import_reports") == 0
    kept = Batch.objects.get(pk=report.batch)
    assert kept.added == 1
    assert "series" not in kept.report
    assert [p.name for p in (home / "reports").iterdir()] == ["new.csv"]
    from eclectyc.intake.undo import undo_batch

    assert undo_batch(OPERATOR, batch=kept.pk).removed == 1


def test_old_mails_and_telemetry_go(world: World, home: Path):
    (home / "mail").mkdir(exist_ok=True)
    (home / "mail" / "old.eml").write_text("To: a@b.example\n\n")
    os.utime(home / "mail" / "old.eml", (days_ago(31).timestamp(),) * 2)
    (home / "telemetry").mkdir(exist_ok=True)
    lines = [json.dumps({"began_at": days_ago(days).isoformat()}) for days in (400, 1)]
    (home / "telemetry" / "aggregate.jsonl").write_text("\n".join(lines) + "\n")
    assert outcome("mails") == 1
    assert not (home / "mail" / "old.eml").exists()
    assert len((home / "telemetry" / "aggregate.jsonl").read_text().splitlines()) == 1


def test_a_rule_can_be_set_and_for_ever_keeps_everything(world: World):
    write(By(), "site.changed", at=days_ago(3000))
    retention.set_rule(OPERATOR, kind="audit", days=None)
    assert outcome("audit") == 0
    with pytest.raises(Invalid):
        retention.set_rule(OPERATOR, kind="audit", days=3)
    with pytest.raises(Invalid):
        retention.set_rule(OPERATOR, kind="everything", days=30)
    with pytest.raises(Forbidden):
        retention.set_rule(Actor.of(world.admin), kind="audit", days=365)
    with pytest.raises(Forbidden):
        retention.run(Actor.of(world.admin))


def test_a_run_is_an_event(world: World):
    retention.run(OPERATOR)
    assert Event.objects.filter(action="retention.run").exists()


def test_retention_on_the_command_line(world: World, capsys: pytest.CaptureFixture[str]):
    assert main(["retention", "set", "mails", "7"]) == 0
    capsys.readouterr()
    assert main(["retention", "run", "--dry-run", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["dry_run"] is True
    assert {"kind": "mails", "days": 7, "count": 0} in answer["kinds"]
    assert main(["retention", "set", "mails", "soon"]) == 2


def test_a_person_is_exported_and_erased_on_the_command_line(world: World, tmp_path: Path):
    email = world.viewer.email
    assert main(["person", "export", email, "-o", str(tmp_path / "all.zip")]) == 0
    assert (tmp_path / "all.zip").read_bytes()[:2] == b"PK"
    assert main(["person", "erase", email]) == 2
    assert main(["person", "erase", email, "--really"]) == 0
    world.viewer.refresh_from_db()
    assert email not in world.viewer.email
