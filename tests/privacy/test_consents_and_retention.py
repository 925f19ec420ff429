"""Consents are given by oneself, in one wording; what is old goes, and only that."""

from __future__ import annotations

import json
import os
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from eclectyc.accounts import invitations, tokens
from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import ApiToken, Invitation, Organisation
from eclectyc.audit import sealing as audit
from eclectyc.audit.actor import AuditActor
from eclectyc.audit.models import Event
from eclectyc.audit.record import write
from eclectyc.batches.models import Batch
from eclectyc.cli import main
from eclectyc.intake.uploads.models import Upload
from eclectyc.jobs.models import Job
from eclectyc.kernel.errors import Forbidden, Invalid
from eclectyc.kernel.hooks import retention_categories
from eclectyc.privacy import consents, retention, rules
from eclectyc.privacy.models import Consent
from tests.factories import World
from tests.intake.import_calls import bring

pytestmark = pytest.mark.django_db
OPERATOR = Actor.system()


def days_ago(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)


def test_a_consent_is_given_once_and_withdrawn_once(world: World):
    actor = Actor.of(world.viewer)
    consents.give(actor, what="report_mail")
    consents.give(actor, what="report_mail")
    assert consents.has_consent(world.viewer.pk, "report_mail")
    consents.withdraw(actor, what="report_mail")
    consents.withdraw(actor, what="report_mail")
    assert not consents.has_consent(world.viewer.pk, "report_mail")
    kept = Consent.objects.get()
    assert kept.withdrawn_at is not None
    actions = Event.objects.filter(action__startswith="consent").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["consent.given", "consent.withdrawn"]


def test_a_new_wording_needs_a_new_consent(world: World, monkeypatch: pytest.MonkeyPatch):
    actor = Actor.of(world.viewer)
    consents.give(actor, what="report_mail")
    newer = tuple(consents.Purpose(p.what, "2", p.words) for p in consents.PURPOSES)
    monkeypatch.setattr(consents, "PURPOSES", newer)
    assert not consents.has_consent(world.viewer.pk, "report_mail")
    standing = next(s for s in consents.consent_statuses(world.viewer.pk) if s.purpose.what == "report_mail")
    assert standing.is_outdated
    consents.give(actor, what="report_mail")
    assert consents.has_consent(world.viewer.pk, "report_mail")
    assert Consent.objects.filter(withdrawn_at=None).count() == 1


def test_no_one_agrees_for_another_person(world: World):
    _, _ = world.viewer, world.admin
    with pytest.raises(Forbidden):
        consents.give(OPERATOR, what="report_mail")
    with pytest.raises(Invalid):
        consents.give(Actor.of(world.viewer), what="everything")


def outcome(kind: str, **options: object) -> int:
    return next(one.count for one in retention.run(OPERATOR, **options) if one.kind == kind)  # type: ignore[arg-type]


def test_a_dry_run_counts_and_deletes_nothing(world: World):
    write(AuditActor(), "site.changed", at=days_ago(3000))
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
    write(AuditActor(), "site.changed", at=days_ago(3000))
    rules.set_rule(OPERATOR, kind="audit", days=None)
    assert outcome("audit") == 0
    with pytest.raises(Invalid):
        rules.set_rule(OPERATOR, kind="audit", days=3)
    with pytest.raises(Invalid):
        rules.set_rule(OPERATOR, kind="everything", days=30)
    with pytest.raises(Forbidden):
        rules.set_rule(Actor.of(world.admin), kind="audit", days=365)
    with pytest.raises(Forbidden):
        retention.run(Actor.of(world.admin))


def test_an_organisation_has_its_own_rule_which_also_applies_below_it(world: World):
    below = Organisation.objects.create(name="Dock", parent=world.org)
    rules.set_rule(OPERATOR, kind="invitations", days=100)
    rules.set_rule(Actor.of(world.admin), kind="invitations", days=10, organisation=world.org)
    rules.set_rule(OPERATOR, kind="invitations", days=None, organisation=world.other_org)

    def holds(organisation: Organisation | None) -> tuple[int | None, int | None]:
        rule = next(r for r in rules.rules(organisation) if r.kind.name == "invitations")
        return rule.days, rule.of

    third = Organisation.objects.create(name="Third")
    assert holds(None) == holds(third) == (100, None)
    assert holds(world.org) == holds(below) == (10, world.org.pk)
    assert holds(world.other_org) == (None, world.other_org.pk)
    for organisation in (world.org, below, world.other_org, third):
        for days in (5, 50, 500):
            one = invitations.invite(OPERATOR, email=f"d{days}@x.example", organisation=organisation)
            Invitation.objects.filter(pk=one.pk).update(expires_at=days_ago(days))
    assert outcome("invitations", dry_run=True) == outcome("invitations") == 5
    left = {(i.organisation_id, i.email) for i in Invitation.objects.all()}
    kept = {world.org: [5], below: [5], third: [5, 50], world.other_org: [5, 50, 500]}
    assert left == {(o.pk, f"d{days}@x.example") for o, every in kept.items() for days in every}
    rules.remove_rule(Actor.of(world.admin), kind="invitations", organisation=world.org)
    rules.remove_rule(OPERATOR, kind="invitations")
    assert holds(world.org) == holds(below) == holds(None) == (180, None)
    told = Event.objects.filter(action="retention.changed", organisation_id=world.org.pk).order_by("pk")
    assert [(e.before, e.after) for e in told] == [
        ({"invitations": 100}, {"invitations": 10}),
        ({"invitations": 10}, {"invitations": 100}),
    ]


def test_a_person_who_may_not_change_a_rule_is_refused(world: World):
    for user in (world.viewer, world.manager, world.outsider):
        with pytest.raises(Forbidden):
            rules.set_rule(Actor.of(user), kind="invitations", days=10, organisation=world.org)
        with pytest.raises(Forbidden):
            rules.remove_rule(Actor.of(user), kind="invitations", organisation=world.org)
    for kind in ("audit", "sessions", "mails", "tokens", "telemetry", "consents"):  # these are of no organisation
        with pytest.raises(Invalid):
            rules.set_rule(Actor.of(world.admin), kind=kind, days=400, organisation=world.org)


def test_names_in_the_audit_go_by_organisation_and_the_chain_still_verifies(world: World):
    for organisation in (world.org.pk, world.other_org.pk, None):
        write(AuditActor(origin="192.0.2.1"), "site.changed", organisation_id=organisation, at=days_ago(200))
    audit.seal_now()
    rules.set_rule(Actor.of(world.admin), kind="audit_names", days=100, organisation=world.org)
    assert outcome("audit_names") == 1
    old = Event.objects.filter(action="site.changed")
    assert old.count() == 3
    assert not old.filter(organisation_id=world.org.pk, personal__isnull=False).exists()
    assert old.filter(personal__origin="192.0.2.1").count() == 2
    audit.seal_now()
    assert audit.verify().is_sound


def test_expired_sessions_are_cleared_at_each_run_whatever_the_rule(world: World):
    def session(days: int) -> str:
        client = Client()
        client.force_login(world.viewer)
        key = str(client.session.session_key)
        moment = days_ago(days)
        Session.objects.filter(session_key=key).update(expire_date=moment)
        UserSession.objects.create(user=world.viewer, session_key=key, ip="192.0.2.1")
        UserSession.objects.filter(session_key=key).update(last_seen_at=moment)
        return key

    session(40)
    recent, running = session(1), session(-1)
    assert outcome("sessions", dry_run=True) == outcome("sessions") == 3
    assert set(Session.objects.values_list("session_key", flat=True)) == {running}
    assert set(UserSession.objects.values_list("session_key", flat=True)) == {recent, running}
    rules.set_rule(OPERATOR, kind="sessions", days=None)
    gone = session(900)
    assert outcome("sessions") == 1
    assert not Session.objects.filter(session_key=gone).exists()
    assert UserSession.objects.filter(session_key=gone).exists()


def test_files_that_arrived_go_once_nothing_works_on_them(world: World, home: Path):
    (home / "uploads").mkdir()

    def arrived(name: str, days: int, state: str = "") -> Upload:
        (home / "uploads" / name).write_text("MPAN,Date,kWh")
        job = Job.objects.create(kind="x", state=state, run_at=timezone.now()) if state else None
        made = Upload.objects.create(
            organisation=world.org,
            name=name,
            kept=name,
            sha256="0",
            job=job,
            report={"batch": 3, "errors": [{"line": 1}]},
        )
        Upload.objects.filter(pk=made.pk).update(created_at=days_ago(days))
        return made

    old, _, _ = (
        arrived("old.csv", 91, Job.DONE),
        arrived("new.csv", 89, Job.DONE),
        arrived("at work.csv", 91, Job.RUNNING),
    )
    rules.set_rule(OPERATOR, kind="import_reports", days=90)
    assert outcome("uploads", dry_run=True) == outcome("uploads") == 1
    assert sorted(path.name for path in (home / "uploads").iterdir()) == ["at work.csv", "new.csv"]
    old.refresh_from_db()
    assert (old.kept, old.name, old.report) == ("", "old.csv", {"batch": 3, "made": {}, "swept": True})


def test_rejected_lines_go_with_their_report_and_stay_with_one_that_is_kept(world: World, tmp_path: Path, home: Path):
    lines = [f"1200023305967,2025-06-01T00:00+01:00,2025-06-01T00:30+01:00,x{n},kWh\n" for n in range(120)]
    good = "1200023305967,2025-06-01T00:00+01:00,2025-06-01T00:30+01:00,1.5,kWh\n"
    strange = good.replace("1200023305967", "2248274887874")
    report = bring(world, tmp_path / "june.csv", "meter,start,end,value,unit\n" + good + "".join(lines) + strange)
    kept = [Path(report.errors_file or ""), Path(report.lines_file or "")]
    assert sorted(kept) == sorted((home / "reports").iterdir())
    for path in kept:
        os.utime(path, (days_ago(800).timestamp(),) * 2)
    Batch.objects.update(finished_at=days_ago(800))
    rules.set_rule(Actor.of(world.admin), kind="import_reports", days=None, organisation=world.org)
    assert outcome("import_reports") == 0
    assert all(path.exists() for path in kept)
    rules.remove_rule(Actor.of(world.admin), kind="import_reports", organisation=world.org)
    assert outcome("import_reports") == 1
    assert not any(path.exists() for path in kept)


def test_a_run_is_an_event(world: World):
    retention.run(OPERATOR)
    assert Event.objects.filter(action="retention.run").exists()


def test_retention_on_the_command_line(world: World, capsys: pytest.CaptureFixture[str]):
    assert main(["retention", "set", "mails", "7"]) == 0
    capsys.readouterr()
    assert main(["retention", "run", "--dry-run", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["dry_run"] is True
    assert {"kind": "mails", "days": 7, "own": 0, "count": 0} in answer["kinds"]
    assert main(["retention", "set", "mails", "soon"]) == 2
    name = world.org.name
    assert main(["retention", "set", "uploads", "7", "--organisation", name]) == 0
    assert main(["retention", "set", "mails", "7", "--organisation", name]) == 2
    capsys.readouterr()
    assert main(["retention", "list", "--organisation", name, "--json"]) == 0
    rules = {rule["kind"]: rule for rule in json.loads(capsys.readouterr().out)["rules"]}
    assert (rules["uploads"]["days"], rules["uploads"]["of"]) == (7, world.org.pk)
    assert (rules["mails"]["days"], rules["mails"]["of"]) == (7, None)
    assert main(["retention", "list", "--organisation", name]) == 0
    assert re.search(r"uploads .* 7 days +organisation$", capsys.readouterr().out, re.MULTILINE)
    assert main(["retention", "unset", "uploads", "--organisation", name]) == 0
    assert "are kept 90 days" in capsys.readouterr().err


def test_a_person_is_exported_and_erased_on_the_command_line(world: World, tmp_path: Path):
    email = world.viewer.email
    assert main(["person", "export", email, "-o", str(tmp_path / "all.zip")]) == 0
    assert (tmp_path / "all.zip").read_bytes()[:2] == b"PK"
    assert main(["person", "erase", email]) == 2
    assert main(["person", "erase", email, "--really"]) == 0
    world.viewer.refresh_from_db()
    assert email not in world.viewer.email


def test_categories_are_listed_in_their_order_under_their_own_names():
    order = [
        "audit",
        "audit_names",
        "sessions",
        "invitations",
        "tokens",
        "uploads",
        "import_reports",
        "mails",
        "telemetry",
        "consents",
    ]
    assert retention_categories.names() == order
    assert [category.name for category in retention_categories] == order
