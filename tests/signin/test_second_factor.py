from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from eclectyc.accounts.actor import Actor
from eclectyc.accounts.models import Membership, Organisation, User
from eclectyc.accounts.second_factor import remove
from eclectyc.audit.models import Event
from eclectyc.kernel.errors import Forbidden
from tests.factories import World
from tests.signin.people import Person, code_of, secret_in
from tests.web.pages import text_of

pytestmark = pytest.mark.django_db(transaction=True)


def recovery_codes(client: Client) -> list[str]:
    """Return the codes that the page shows."""
    return re.findall(r"<li><code>(\d{10})</code>", client.get("/account/recovery-codes").content.decode())


def test_once_it_is_set_up_a_password_alone_does_not_sign_in(viewer: Person) -> None:
    assert viewer.set_up(viewer.enter()).headers["Location"] == "/account/recovery-codes"
    elsewhere = viewer.browser()
    assert viewer.knock(elsewhere).headers["Location"] == "/login/code"
    assert elsewhere.get("/").status_code == 302
    assert elsewhere.get("/api/meters").status_code == 401
    assert elsewhere.post("/login/code", {"code": viewer.code()}).headers["Location"] == "/"
    assert elsewhere.get("/").status_code == 200


def test_a_code_is_used_once(viewer: Person) -> None:
    viewer.set_up(viewer.enter())
    first, second = viewer.browser(), viewer.browser()
    viewer.knock(first)
    viewer.knock(second)
    code = viewer.code()
    assert first.post("/login/code", {"code": code}).status_code == 302
    assert "has already been used" in text_of(second.post("/login/code", {"code": code}))


def test_the_code_that_set_the_app_up_does_not_sign_in_too(viewer: Person) -> None:
    viewer.set_up(viewer.enter())
    elsewhere = viewer.browser()
    viewer.knock(elsewhere)
    assert elsewhere.post("/login/code", {"code": viewer.last_code}).status_code == 200


def test_a_recovery_code_replaces_the_phone_once(viewer: Person) -> None:
    client = viewer.enter()
    viewer.set_up(client)
    codes = recovery_codes(client)
    assert len(codes) == len(set(codes)) == 10
    for works in (True, False):
        elsewhere = viewer.browser()
        viewer.knock(elsewhere)
        assert (elsewhere.post("/login/code", {"code": codes[3]}).status_code == 302) is works
    assert codes[3] not in recovery_codes(client)


def test_new_recovery_codes_replace_the_old_ones(viewer: Person) -> None:
    client = viewer.enter()
    viewer.set_up(client)
    old = recovery_codes(client)
    client.post("/account/recovery-codes/new")
    assert not set(old) & set(recovery_codes(client))


def test_the_secrets_are_encrypted_in_the_registry(viewer: Person) -> None:
    client = viewer.enter()
    secret = secret_in(client.get("/account/second-factor/set-up").content.decode())
    assert secret not in str(dict(client.session))  # not while it waits either
    client.post("/account/second-factor/set-up", {"code": code_of(secret)})
    kept = " ".join(str(data) for data in Authenticator.objects.values_list("data", flat=True))
    assert secret not in kept
    assert kept.count("v1.") == 2


def test_a_wrong_code_sets_nothing_up_and_the_picture_stays(viewer: Person) -> None:
    client = viewer.enter()
    secret = secret_in(client.get("/account/second-factor/set-up").content.decode())
    answer = client.post("/account/second-factor/set-up", {"code": "000000"})
    assert "This code is wrong or has already been used" in text_of(answer)
    assert secret_in(answer.content.decode()) == secret
    assert 'src="data:image/svg+xml;base64,' in answer.content.decode()
    assert not Authenticator.objects.exists()


def test_a_person_who_signed_in_a_while_ago_confirms_their_password(viewer: Person) -> None:
    client = viewer.enter()
    session = client.session
    session["account_authentication_methods"] = [
        record | {"at": record["at"] - 3600} for record in session["account_authentication_methods"]
    ]
    session.save()
    asked = client.get("/account/second-factor/set-up")
    assert asked.headers["Location"].startswith("/account/confirm?")
    wrong = client.post(asked.headers["Location"], {"password": "wrong"})
    assert "Wrong password. Passwords are case-sensitive." in text_of(wrong)
    back = client.post(asked.headers["Location"], {"password": viewer.password})
    assert back.headers["Location"] == "/account/second-factor/set-up"
    assert client.get("/account/second-factor/set-up").status_code == 200


@pytest.mark.parametrize("above", [False, True])
def test_an_organisation_makes_its_people_set_it_up_before_anything_else(
    above: bool, world: World, viewer: Person
) -> None:
    if above:
        world.org.parent = Organisation.objects.create(name="Consultants", requires_second_factor=True)
        world.org.save()
    else:
        Organisation.objects.filter(pk=world.org.pk).update(requires_second_factor=True)
    client = viewer.enter()
    for page in ("/", "/meters", "/account", f"/meters/{world.meter.pk}"):
        assert client.get(page).headers["Location"] == "/account/second-factor/set-up"
    assert client.get("/api/meters").status_code == 401
    assert "Your account needs a second factor." in text_of(client.get("/account/second-factor/set-up"))
    viewer.set_up(client)
    assert client.get("/").status_code == 200
    assert client.get("/api/meters").status_code == 200
    client.post("/account/second-factor/remove")
    assert Authenticator.objects.filter(type="totp").exists()


@pytest.mark.parametrize(
    ("setting", "who", "is_required"),
    [("", "operator", False), ("operators", "operator", True), ("operators", "viewer", False),
     ("everybody", "operator", True), ("everybody", "viewer", True), ("by another", "operator", True)],
)  # fmt: skip
def test_an_installation_requires_it_of_operators_or_of_everybody(
    setting: str, who: str, is_required: bool, world: World, viewer: Person, settings: Any
) -> None:
    if setting == "by another":  # whoever stands above all organisations does as the strictest of them asks
        Organisation.objects.filter(pk=world.other_org.pk).update(requires_second_factor=True)
    else:
        settings.SECOND_FACTOR_OF = setting
    if who == "operator":
        Membership.objects.filter(user=viewer.user).delete()
        User.objects.filter(pk=viewer.user.pk).update(is_operator=True)
    client = viewer.enter()
    wanted = (302, "/account/second-factor/set-up") if is_required else (200, "")
    answer = client.get("/meters")
    assert (answer.status_code, answer.headers.get("Location", "")) == wanted
    viewer.set_up(client)
    assert client.get("/meters").status_code == 200
    client.post("/account/second-factor/remove")
    assert Authenticator.objects.filter(type="totp").exists() is is_required


def test_a_requirement_acts_in_sessions_that_are_open(world: World, viewer: Person, admin: Person) -> None:
    client = viewer.enter()
    assert client.get("/").status_code == 200
    Organisation.objects.filter(pk=world.org.pk).update(requires_second_factor=True)
    assert client.get("/").headers["Location"] == "/account/second-factor/set-up"


def test_the_requirement_of_one_organisation_is_not_anothers(world: World) -> None:
    Organisation.objects.filter(pk=world.org.pk).update(requires_second_factor=True)
    client = Person(world.outsider, world.password).enter()
    assert client.get("/").status_code == 200


def test_it_can_be_removed_if_it_is_not_required(viewer: Person) -> None:
    client = viewer.enter()
    viewer.set_up(client)
    assert client.post("/account/second-factor/remove").headers["Location"] == "/account?done=factor"
    assert not Authenticator.objects.exists()
    assert viewer.knock(viewer.browser()).headers["Location"] == "/"


def test_what_happened_is_in_the_audit_without_a_secret(viewer: Person) -> None:
    client = viewer.enter()
    viewer.set_up(client)
    client.post("/account/second-factor/remove")
    actions = list(Event.objects.order_by("id").values_list("action", flat=True))
    assert [a for a in actions if a != "session.started"] == [
        "second_factor.added", "recovery_codes.added", "second_factor.removed", "recovery_codes.removed",
    ]  # fmt: skip


def test_an_operator_removes_it_for_a_person_who_lost_phone_and_codes(viewer: Person, admin: Person) -> None:
    viewer.set_up(viewer.enter())
    with pytest.raises(Forbidden):
        remove(Actor.of(admin.user), user=viewer.user)
    assert remove(Actor.system(), user=viewer.user)
    assert viewer.knock(viewer.browser()).headers["Location"] == "/"
    assert not remove(Actor.system(), user=viewer.user)
