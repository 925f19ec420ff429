"""Who is told of what: ADMIN_EMAIL, and people who subscribed and may still see it. Once."""

from __future__ import annotations

import smtplib

import pytest
from django.core import mail

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Membership, User
from eclectyc.jobs import alerts
from eclectyc.jobs.models import Job, Subscription
from eclectyc.jobs.service import enqueue
from eclectyc.jobs.worker import run_waiting
from eclectyc.kernel.errors import Forbidden, Invalid
from tests.factories import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin_email(settings) -> str:
    settings.ADMIN_EMAIL = "energy@installation.example"
    return settings.ADMIN_EMAIL


def fail(organisation_id: int | None, **fields) -> Job:
    job = enqueue("test.stumble", {"how": "mend"}, organisation_id=organisation_id, **fields)
    run_waiting()
    return Job.objects.get(pk=job.pk)


def told() -> set[str]:
    return {address for message in mail.outbox for address in message.to}


def subscribed(user: User, organisation_id: int | None = None, kind: str = "") -> Subscription:
    return alerts.subscribe(Actor.of(user), organisation_id=organisation_id, kind=kind)


def test_a_final_failure_is_told_to_the_installation_s_address_and_to_who_subscribed(world: World, admin_email):
    subscribed(world.admin, world.org.pk)
    subscribed(world.outsider, world.other_org.pk)
    world.org.brand_name = "Harbour"
    world.org.save()
    job = fail(world.org.pk)
    assert told() == {admin_email, world.admin.email}
    letter = mail.outbox[-1]
    assert letter.subject == "Failed: Stumbling"
    assert letter.from_email.startswith("Harbour <")
    assert "The file is empty.\nExport it again.\n" in letter.body
    assert f"/admin/jobs/{job.pk}" in letter.body
    assert len({message.extra_headers["Message-ID"] for message in mail.outbox}) == 2


def test_an_address_is_written_to_once(world: World, settings):
    settings.ADMIN_EMAIL = world.admin.email.upper()
    subscribed(world.admin, world.org.pk)
    subscribed(world.admin, world.org.pk, "test.stumble")
    assert subscribed(world.admin, world.org.pk).pk == Subscription.objects.first().pk
    fail(world.org.pk)
    assert len(mail.outbox) == 1


def test_who_subscribed_to_one_kind_hears_of_that_kind(world: World):
    subscribed(world.admin, world.org.pk, "test.pour")
    fail(world.org.pk)
    assert mail.outbox == []
    alerts.notify(subject="It is quiet", lines=["For two days."], key="q:1", organisation_id=world.org.pk,
                kind="test.pour")  # fmt: skip
    run_waiting()
    assert told() == {world.admin.email}


def test_who_may_no_longer_see_it_or_has_left_hears_nothing(world: World):
    subscribed(world.admin, world.org.pk)
    Membership.objects.filter(user=world.admin).update(role="viewer")
    fail(world.org.pk)
    Membership.objects.filter(user=world.admin).update(role="admin")
    User.objects.filter(pk=world.admin.pk).update(is_active=False)
    fail(world.org.pk)
    assert mail.outbox == []


def test_what_belongs_to_no_organisation_is_told_to_operators(world: World):
    User.objects.filter(pk=world.manager.pk).update(is_operator=True)
    world.manager.refresh_from_db()
    subscribed(world.manager)
    with pytest.raises(Forbidden):
        subscribed(world.admin)
    fail(None)
    assert told() == {world.manager.email}


def test_nobody_subscribes_to_what_they_may_not_see(world: World):
    for user in (world.outsider, world.viewer):
        with pytest.raises(Forbidden):
            subscribed(user, world.org.pk)
    with pytest.raises(Invalid):
        alerts.subscribe(Actor.system(), organisation_id=world.org.pk)
    with pytest.raises(Invalid):
        subscribed(world.admin, world.org.pk, "no.such")


def test_who_unsubscribes_hears_no_more_and_only_oneself_can(world: World):
    made = subscribed(world.admin, world.org.pk)
    alerts.unsubscribe(Actor.of(world.outsider), subscription=made)
    assert list(Subscription.objects.visible_to(Actor.of(world.admin))) == [made]
    assert not Subscription.objects.visible_to(Actor.of(world.outsider)).exists()
    alerts.unsubscribe(Actor.of(world.admin), subscription=made)
    fail(world.org.pk)
    assert mail.outbox == []


def test_a_failure_that_is_not_final_tells_nobody_and_a_second_final_one_tells_again(admin_email):
    from eclectyc.jobs.service import retry

    enqueue("test.stumble", {"how": "fault"})
    run_waiting()
    assert mail.outbox == []
    job = fail(None)
    assert len(mail.outbox) == 1
    retry(Actor.system(), job=job)
    run_waiting()
    assert len(mail.outbox) == 2


def test_a_message_goes_out_once_for_each_key(admin_email):
    for _ in range(3):
        alerts.notify(subject="Quiet", lines=["Since Monday"], key="quiet:12:Monday", path="/admin/feeds/12")
        run_waiting()
    assert len(mail.outbox) == 1
    assert "Since Monday\n" in mail.outbox[0].body
    assert "/admin/feeds/12" in mail.outbox[0].body


def test_whom_the_mail_server_refuses_is_tried_again_and_the_others_are_not(world: World, admin_email, monkeypatch):
    from django.core.mail import EmailMessage

    subscribed(world.admin, world.org.pk)
    send, refusing = EmailMessage.send, [True]

    def send_or_refuse(message: EmailMessage, *args, **named):
        if refusing[0] and message.to == [admin_email]:
            raise smtplib.SMTPRecipientsRefused({})
        return send(message, *args, **named)

    monkeypatch.setattr(EmailMessage, "send", send_or_refuse)
    fail(world.org.pk)
    assert told() == {world.admin.email}
    letter = Job.objects.get(kind="jobs.tell")
    assert (letter.state, letter.error) == ("waiting", "The email could not be sent.")
    refusing[0] = False
    Job.objects.filter(pk=letter.pk).update(run_at=letter.created_at)
    run_waiting()
    assert [message.to for message in mail.outbox] == [[world.admin.email], [admin_email]]


def test_a_mail_that_never_goes_out_tells_nobody_about_itself(admin_email, monkeypatch):
    from django.core.mail import EmailMessage

    def refuse(*args, **named):
        raise smtplib.SMTPServerDisconnected

    monkeypatch.setattr(EmailMessage, "send", refuse)
    fail(None)
    letter = Job.objects.get(kind="jobs.tell")
    for _ in range(8):
        Job.objects.filter(pk=letter.pk).update(run_at=letter.created_at)
        run_waiting()
    assert Job.objects.get(pk=letter.pk).state == "failed"
    assert Job.objects.filter(kind="jobs.tell").count() == 1


def test_nobody_to_tell_is_no_fault(settings):
    settings.ADMIN_EMAIL = ""
    fail(None)
    assert Job.objects.get(kind="jobs.tell").state == "done"
