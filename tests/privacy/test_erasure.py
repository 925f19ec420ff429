"""What is held about a person is known, is given out whole, and can be erased without a trace and without a break."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.utils import timezone

from eclectyc.accounts import invitations, people, tokens
from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import ApiToken, Membership, User
from eclectyc.audit import sealing as audit
from eclectyc.audit.models import Event, Person
from eclectyc.batches.models import Batch
from eclectyc.intake.uploads.models import Upload
from eclectyc.jobs.models import Job, Subscription
from eclectyc.kernel.errors import Conflict, Forbidden, NotFound
from eclectyc.privacy import consents, erasure, personal_data
from eclectyc.privacy.models import Consent
from tests.factories import World, make_user

NAME, EMAIL = "Zenobia Quarterstaff-Ünal", "zenobia.quarterstaff@harbour.example"
LONG = "meter,start,end,value,unit\n1200023305967,2025-06-01T00:00+01:00,2025-06-01T00:30+01:00,1.5,kWh\n"

pytestmark = pytest.mark.django_db


@pytest.fixture
def zenobia(world: World, tmp_path: Path) -> User:
    """A person who has done all that leaves something behind."""
    administrator = Actor.of(world.admin, origin="192.0.2.1")
    invitations.invite(administrator, email=EMAIL, organisation=world.org, role="viewer")
    user = make_user(EMAIL, world.org, "admin")
    people.rename(administrator, user=user, name=NAME)
    user.refresh_from_db()
    actor = Actor.of(user, origin="198.51.100.77")
    consents.give(actor, what="report_mail")
    tokens.create_token(actor, user=user, name=f"reader of {EMAIL}")
    invitations.invite(actor, email="guest@harbour.example", organisation=world.org, role="viewer")
    from eclectyc.intake.service import import_file

    path = tmp_path / f"june of {EMAIL}.csv"
    path.write_text(LONG)
    import_file(actor, organisation=world.org, path=path)
    client = Client()
    client.force_login(user)
    client.get("/api/users")
    apps.get_model("account.EmailAddress").objects.create(user=user, email=EMAIL, verified=True, primary=True)
    apps.get_model("mfa.Authenticator").objects.create(user=user, type="totp", data={"secret": "sealed"})
    apps.get_model("socialaccount.SocialAccount").objects.create(
        user=user, provider="oidc", uid="z-1", extra_data={"email": EMAIL}
    )
    Upload.objects.create(
        organisation=world.org, user=user, name=f"july of {EMAIL}.csv", sha256="0", report={"file": f"{EMAIL}.csv"}
    )
    Subscription.objects.create(user_id=user.pk)
    Job.objects.create(kind="imports.run", person_id=user.pk, run_at=timezone.now())
    return user


def every_text() -> str:
    """Return the whole database as text."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        rows = []
        for table in tables:
            cursor.execute(f'SELECT * FROM "{table}"')
            rows += [repr(row) for row in cursor.fetchall()]
    return "\n".join(rows).casefold()


def test_every_model_that_refers_to_a_person_has_its_line():
    held = {(column.model, column.field) for column in personal_data.columns()}
    found = {
        (model._meta.label, field.name)
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields
        if field.related_model is User or (field.name in ("person_id", "user_id") and model is not Person)
    }
    assert held == found, "Register it with hooks.personal_data, in the apps.py of its room."


def test_no_model_keeps_an_address_of_mail_but_those_that_are_known():
    columns = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields
        if "email" in field.name
    }
    assert columns <= {
        "accounts.User.email",
        "accounts.Invitation.email",
        "account.EmailAddress.email",
        "estate.Supplier.contact_email",  # a company's, typed by those who keep it
        "account.EmailConfirmation.email_address",
    }


def test_the_zip_holds_everything_and_no_key(zenobia: User):
    packed = zipfile.ZipFile(io.BytesIO(personal_data.export(Actor.of(zenobia), user=zenobia)))
    everything = json.loads(packed.read("everything.json"))
    assert everything["person"][0]["email"] == EMAIL
    for column in personal_data.columns():
        assert len(everything[column.name]) == personal_data.rows_of(column, zenobia).count()
        assert f"tables/{column.name}.csv" in packed.namelist()
    filled = (
        "accounts_membership_user",
        "accounts_apitoken_user",
        "intake_batch_user",
        "privacy_consent_user",
        "mfa_authenticator_user",
        "invitations_to_you",
        "intake_upload_user",
        "jobs_job_person_id",
        "audit_events",
    )
    assert [name for name in filled if not everything[name]] == []
    assert {"token.created", "consent.given", "import.done", "person.renamed"} <= {
        e["action"] for e in everything["audit_events"]
    }
    whole = packed.read("everything.json").decode()
    for secret in (ApiToken.objects.get(user=zenobia).digest, zenobia.password, '"sealed"'):
        assert secret not in whole
    assert EMAIL in packed.read("README.txt").decode()
    assert Event.objects.filter(action="privacy.exported", subject_id=str(zenobia.pk)).exists()


def test_the_zip_contains_nothing_about_others(zenobia: User, world: World):
    packed = zipfile.ZipFile(io.BytesIO(personal_data.export(Actor.of(zenobia), user=zenobia)))
    whole = packed.read("everything.json").decode()
    assert world.viewer.email not in whole
    assert "guest@harbour.example" not in json.dumps(json.loads(whole)["accounts_invitation_invited_by"])
    assert "192.0.2.1" not in whole  # where the administrator came from


def test_erasing_leaves_no_trace_and_books_that_verify(zenobia: User, world: World, home: Path):
    audit.seal_now()
    events = Event.objects.count()
    assert EMAIL in every_text()
    erased = erasure.erase(Actor.of(world.admin), user=zenobia)
    text = every_text()
    for trace in (EMAIL, "zenobia", "quarterstaff", "198.51.100.77", NAME.casefold(), "quarterstaff-\\u00fcnal"):
        assert trace.casefold() not in text, [row for row in text.splitlines() if trace.casefold() in row][:3]
    audit.seal_now()
    assert audit.verify().is_sound
    assert Event.objects.count() >= events
    zenobia.refresh_from_db()
    assert zenobia.email == f"erased-{erased.pseudonym}@erased.invalid"
    assert not zenobia.is_active
    assert not Membership.objects.filter(user=zenobia).exists()
    assert Batch.objects.filter(user=zenobia).exists()  # the books
    assert Consent.objects.filter(user=zenobia).exists()
    for path in home.rglob("*"):
        if path.is_file() and "lake" not in path.parts:
            assert EMAIL.encode() not in path.read_bytes(), path


def test_an_erased_person_has_no_access_any_more(zenobia: User, world: World):
    client = Client()
    client.force_login(zenobia)
    assert client.get("/api/meters").status_code == 200
    erasure.erase(Actor.of(world.admin), user=zenobia)
    assert client.get("/api/meters").status_code == 401
    assert not Actor.of(User.objects.get(pk=zenobia.pk)).is_known


def test_an_erased_person_is_not_erased_again(zenobia: User, world: World):
    erasure.erase(Actor.of(world.admin), user=zenobia)
    with pytest.raises(NotFound):
        erasure.erase(Actor.system(), user=zenobia)


def test_the_last_administrator_is_not_erased(world: World):
    with pytest.raises(Conflict, match="without an administrator"):
        erasure.erase(Actor.system(), user=world.admin)
    world.admin.refresh_from_db()
    assert world.admin.email == "admin@harbour.example"


def test_a_person_cannot_erase_themselves(zenobia: User):
    with pytest.raises(Conflict):
        erasure.erase(Actor.of(zenobia), user=zenobia)


@pytest.mark.parametrize("who", ["viewer", "manager", "outsider"])
def test_others_neither_export_nor_erase(zenobia: User, world: World, who: str):
    actor = Actor.of(getattr(world, who))
    with pytest.raises(Forbidden):
        personal_data.export(actor, user=zenobia)
    with pytest.raises(Forbidden):
        erasure.erase(actor, user=zenobia)


def test_a_person_of_two_organisations_is_neither_ones_to_erase(zenobia: User, world: World):
    Membership.objects.create(user=zenobia, organisation=world.other_org, role="viewer")
    for one in (world.admin, world.outsider):
        with pytest.raises(Forbidden):
            erasure.erase(Actor.of(one), user=zenobia)


@pytest.mark.django_db(transaction=True)
def test_the_database_file_holds_no_trace_either(zenobia: User, world: World):
    path = Path(str(connection.settings_dict["NAME"]))
    if connection.vendor != "sqlite":  # a server's files are not ours to look into
        assert erasure.erase(Actor.of(world.admin), user=zenobia).is_wiped
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert EMAIL.encode() in path.read_bytes()
    assert erasure.erase(Actor.of(world.admin), user=zenobia).is_wiped
    for one in path.parent.glob(path.name + "*"):
        assert b"zenobia.quarterstaff" not in one.read_bytes(), one
